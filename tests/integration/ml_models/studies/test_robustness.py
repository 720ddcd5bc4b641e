"""`python -m ml_models robustness` on a small network."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ml_models.__main__ import app

pytestmark = pytest.mark.slow


def studied(artifact: Path, section: str) -> dict[str, dict[str, dict[str, float]]]:
    """The document of one section, four scenarios a power."""
    words = ["robustness", "--artifact", str(artifact), "--samples", "4", "--seed", "7", "--json"]
    words += ["--methods", "local_search, gan_gdm", "--sections", section]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    document: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout)[section]
    return document


def test_without_any_report(tiny_folder: Path) -> None:
    """Both kinds of beams, every method and power; sparing the horizon is worth its gain."""
    ratios = studied(tiny_folder, "without_report")
    assert ratios.keys() == {"mrt", "prior"}
    for by_method in ratios.values():
        assert by_method.keys() == {"local_search", "gan_gdm"}
        assert list(by_method["gan_gdm"]) == ["0", "5", "10", "15", "20", "25"]
    searched = {beams: by_method["local_search"]["25"] for beams, by_method in ratios.items()}
    assert searched["prior"] > searched["mrt"]


def test_outdated_reports(tiny_folder: Path) -> None:
    """The older the report, the less is left of what a usual one achieves."""
    by_age = studied(tiny_folder, "outdated_reports")
    searched = [by_method["local_search"]["of_usual_age"] for by_method in by_age.values()]
    assert searched[0] > searched[1] > searched[-1]


def test_more_esims_and_beams(tiny_folder: Path) -> None:
    """The weights decide for other numbers of ESIMs and of beams, within the quota."""
    areas = studied(tiny_folder, "more_esims_or_beams")
    sizes = {(figures["esims"], figures["beams"]) for figures in areas.values()}
    assert sizes == {(10, 8), (8, 8), (12, 8), (14, 8), (10, 12)}
    assert all(figures["violations"] == 0 for figures in areas.values())
    assert all(0 < figures["estimated"] < 1.1 for figures in areas.values())


def test_uncertainty(tiny_folder: Path) -> None:
    """Rank correlations lie within -1 and 1."""
    figures = studied(tiny_folder, "uncertainty")
    correlations = figures["rank_correlation"]
    assert list(correlations) == ["0", "5", "10", "15", "20", "25", "all"]
    assert all(-1 <= value <= 1 for value in correlations.values())


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--sections", "nope", "is no section"),
        ("--geometry", "nope", "a profile knows"),
        ("--methods", "nope", "is no method"),
        ("--artifact", "nope", "does not exist"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(
    tiny_folder: Path, option: str, value: str, told: str
) -> None:
    """With what there is to choose from, and no traceback."""
    words = ["robustness", "--artifact", str(tiny_folder), "--samples", "1", option, value]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert told in done.output
