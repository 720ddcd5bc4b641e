"""The simulator against all the reference numbers that come with it, as `aimlctl sim validate`."""

import pytest

from ran_sim.validation.reference_file import bundled_reference
from ran_sim.validation.sections import SECTIONS, SectionOutcome, validate


@pytest.fixture(scope="module")
def outcomes() -> dict[str, SectionOutcome]:
    """The outcome of every section."""
    return {outcome.section: outcome for outcome in validate(bundled_reference())}


@pytest.mark.parametrize("section", sorted(SECTIONS))
def test_section(outcomes: dict[str, SectionOutcome], section: str) -> None:
    """Every number of the section is within its tolerance."""
    outcome = outcomes[section]
    assert outcome.problem == ""
    assert [check for check in outcome.checks if not check.passed] == []
