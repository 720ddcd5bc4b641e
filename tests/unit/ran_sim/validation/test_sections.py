"""Running a whole reference file."""

from collections.abc import Iterator

import pytest

from ran_sim.validation.checks import Check, compared
from ran_sim.validation.reference_file import Entry, Reference
from ran_sim.validation.sections import SectionOutcome, validate


def doubles(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Checks that each row's y is twice its x."""
    for row in section.rows("rows"):
        x = row.number("x")
        if x < 0:
            raise ValueError("x is negative")
        yield compared(
            "doubles", row.where, "y", value=2 * x, reference=row.number("y"), tolerance=0.1
        )


def outcome(*rows: object, name: str = "doubles") -> SectionOutcome:
    """The outcome of a file with one section."""
    (found,) = validate(Reference("file", {name: {"rows": list(rows)}}), {"doubles": doubles})
    return found


def test_every_row_is_evaluated() -> None:
    """Two rows make two checks."""
    found = outcome({"x": 1, "y": 2}, {"x": 5, "y": 10})
    assert found.state == "passed"
    assert [check.value for check in found.checks] == [2.0, 10.0]


def test_one_number_outside_fails_the_section() -> None:
    """The other rows are still evaluated."""
    found = outcome({"x": 1, "y": 3}, {"x": 5, "y": 10})
    assert found.state == "failed"
    assert [check.passed for check in found.checks] == [False, True]


def test_an_unknown_section_is_not_checked() -> None:
    """It neither passes nor fails anything."""
    found = outcome(name="folklore")
    assert found.state == "not checked"
    assert found.passed


@pytest.mark.parametrize(
    ("rows", "words", "count"),
    [
        ([{"x": 1, "y": 2}, {"x": 1}], r"lacks the field y in doubles.rows[1]", 1),
        ([{"x": -1, "y": 2}], "x is negative", 0),
        ([], "holds nothing to compare", 0),
    ],
)
def test_a_section_that_cannot_be_evaluated_fails(
    rows: list[object], words: str, count: int
) -> None:
    """It says why, and keeps what was compared before."""
    found = outcome(*rows)
    assert found.state == "failed"
    assert words in found.problem
    assert len(found.checks) == count


def test_what_describes_the_file_is_no_section() -> None:
    """The date of the file is skipped."""
    assert list(validate(Reference("file", {"generated": "2026-11-21"}), {})) == []
