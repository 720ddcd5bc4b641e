"""A scenario as a picture."""

from pathlib import Path

import pytest

from aimlctl.output import CommandError
from aimlctl.scenario_plot import write_plot
from ran_sim.scenario_files import ScenarioFile, read_scenario_file

SCENARIOS = Path(__file__).parents[3] / "scenarios"


@pytest.fixture
def scenario() -> ScenarioFile:
    """A minute of the pass that the demo plays."""
    return read_scenario_file(SCENARIOS / "demo-pass.yaml", duration_s=60.0)


def test_a_picture_is_drawn(scenario: ScenarioFile, tmp_path: Path) -> None:
    """Its format is that of the suffix."""
    write_plot(tmp_path / "pass.png", scenario)
    assert (tmp_path / "pass.png").read_bytes().startswith(b"\x89PNG")
    write_plot(tmp_path / "pass.svg", scenario)
    assert (tmp_path / "pass.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(("name", "words"), [("pass.gif2", "no kind"), ("no/pass.png", "written")])
def test_what_cannot_be_drawn_is_said(
    scenario: ScenarioFile, tmp_path: Path, name: str, words: str
) -> None:
    """One sentence, naming the file."""
    with pytest.raises(CommandError, match=words):
        write_plot(tmp_path / name, scenario)
