"""The reference numbers that come with the simulator."""

from pathlib import Path

import pytest

from ran_sim.validation.reference_file import bundled_reference, read_reference
from ran_sim.validation.sections import ABOUT_THE_FILE, SECTIONS

NAMES = [name for name in bundled_reference().sections if name not in ABOUT_THE_FILE]


@pytest.mark.pitfall(30)
@pytest.mark.parametrize("name", NAMES)
def test_every_section_names_where_its_numbers_are_from(name: str) -> None:
    """A specification, a paper or another program; never this project's own code."""
    section = bundled_reference().sections[name]
    words = " ".join(str(section[key]) for key in ("source", "note") if key in section)
    named = ("TR 3", "CODATA", "ns-3", "ITU-R", "Vallado", "astropy", "Closed form", "CelesTrak")
    assert any(one in words for one in named), words
    assert "aimlnf" not in words


def test_every_section_can_be_checked() -> None:
    """None of the file's own sections is unknown."""
    assert set(NAMES) == set(SECTIONS)


def test_the_tests_read_the_same_file() -> None:
    """The copy beside the tests is the one in the package."""
    beside = Path(__file__).parents[3] / "reference" / "reference.json"
    assert read_reference(beside).sections == bundled_reference().sections
