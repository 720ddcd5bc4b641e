"""The figure and the tables of a comparison."""

import json
from pathlib import Path

import pytest
from support.comparison import RATIOS, RESULT
from typer.testing import CliRunner

from ml_models.__main__ import app
from ml_models.figure import draw
from ml_models.tables import inserted, markdown

RUNNER = CliRunner()


def test_tables_say_what_the_document_says() -> None:
    """Rates, ratios with intervals and mean, times with speed-ups, reliability, breaches."""
    text = markdown(RESULT)
    for line in (
        "| `gan_gdm` | 9.80 ± 0.25 | 9.80 ± 0.25 |",
        "| `gan_gdm` | 98.00 ± 1.00 | 98.00 ± 2.00 | 98.00 |",
        "| `gan_gdm` | 4 | 5 | 3 | < 0.1 | 16.2× |",
        "| rain | 0.900 | 0.990 |",
        "| `gan_gdm` | estimated | 2 of 20 | 0.850 | 0.800 | 0.900 |",
        "| `gan_gdm` | true | 0 of 20 |  |  |  |",
        "counted as zero: `mrc_random` 2.",
    ):
        assert line in text
    widths = [line.count("|") for line in text.splitlines() if line.startswith("|")]
    assert min(widths) >= 4


def test_a_comparison_without_sca_or_reliability_has_tables_too() -> None:
    """What was not compared is left out."""
    fewer = {k: v for k, v in RESULT.items() if "sca" not in k and k != "reliability"}
    text = markdown(fewer)
    assert "`sca_matching` |" in text
    assert "% of `sca_matching`" not in text
    assert "AUROC" not in text


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_same_document_draws_the_same_figure(tmp_path: Path, ending: str) -> None:
    """Byte for byte, whatever the day."""
    first, again = tmp_path / f"first.{ending}", tmp_path / f"again.{ending}"
    draw(RESULT, first)
    draw(RESULT, again)
    assert first.read_bytes() == again.read_bytes()


def test_the_figure_names_every_method_and_both_channels(tmp_path: Path) -> None:
    """In its text, which is text and not outlines."""
    draw(RESULT, tmp_path / "figure.svg")
    text = (tmp_path / "figure.svg").read_text(encoding="utf-8")
    for words in (*RATIOS, "true channel", "estimated channel", "total power, dBW"):
        assert words in text


def test_the_command_writes_what_is_asked_for(tmp_path: Path) -> None:
    """A figure and tables as files, or the tables to look at."""
    results = tmp_path / "results.json"
    results.write_text(json.dumps(RESULT))
    words = ["report", str(results)]
    shown = RUNNER.invoke(app, words)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout == markdown(RESULT)
    figure, page = tmp_path / "figure.svg", tmp_path / "page.md"
    page.write_text("# Results\n<!-- tables -->\nold\n<!-- end of tables -->\nMore.\n")
    done = RUNNER.invoke(app, [*words, "--figure", str(figure), "--page", str(page)])
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Results\n<!-- tables -->\n### On the estimated channel\n")
    assert text.endswith("\n<!-- end of tables -->\nMore.\n")
    assert "old" not in text
    assert figure.stat().st_size > 1000


@pytest.mark.parametrize(
    "page",
    [
        "no marks",
        "<!-- tables -->\n",
        "<!-- end of tables -->\n<!-- tables -->\n",
        "<!-- tables -->\n<!-- tables -->\n<!-- end of tables -->\n",
    ],
)
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    """Nothing is written where it was not asked for."""
    with pytest.raises(ValueError, match="once each"):
        inserted(page, "tables\n")
