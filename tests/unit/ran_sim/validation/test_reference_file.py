"""Reading reference numbers."""

from typing import Any

import pytest

from nf_runtime.errors import InvalidArgument
from ran_sim.validation.reference_file import Entry, Reference, parse_reference

STATED = "FSPL 0.05 dB, atm 0.1 dB, CNR 0.15 dB (spec rounds each term to 0.1 dB)"


def section(value: Any) -> Entry:
    """A section called geometry."""
    return Reference("file", {"geometry": value}).section("geometry")


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "is no JSON"), ("[1]", "holds no sections"), ("{}", "holds no sections")],
)
def test_a_file_without_sections_is_refused(text: str, words: str) -> None:
    """The error names the file and what is wrong with it."""
    with pytest.raises(InvalidArgument, match=f"mine.json {words}"):
        parse_reference(text, "mine.json")


def test_a_missing_section_is_named() -> None:
    """A section that another one needs is asked for by name."""
    with pytest.raises(InvalidArgument, match="no section constants"):
        parse_reference('{"geometry": {}}', "mine.json").section("constants")


def test_a_missing_field_is_named_with_its_place() -> None:
    """The row and the field stand in the sentence."""
    rows = list(section({"rows": [{"h_km": 1.0}, {"el_deg": 2.0}]}).rows("rows"))
    assert rows[0].number("h_km") == 1.0
    with pytest.raises(InvalidArgument, match=r"lacks the field h_km in geometry\.rows\[1\]"):
        rows[1].number("h_km")


@pytest.mark.parametrize("value", ["12", None, True, float("nan"), float("inf"), [1.0]])
def test_what_is_no_number_is_refused(value: object) -> None:
    """Texts, null, truth values and what is not finite are no numbers."""
    with pytest.raises(InvalidArgument, match=r"geometry\.h_km .* should be a finite number"):
        section({"h_km": value}).number("h_km")


def test_null_is_as_good_as_missing_where_a_number_is_optional() -> None:
    """Both give None; a number is a number."""
    row = section({"a": None, "b": 2})
    assert [row.optional_number(key) for key in "abc"] == [None, 2.0, None]


def test_lists_have_the_length_they_should() -> None:
    """A vector of two is refused where three are needed."""
    assert section({"r": [1, 2, 3]}).numbers("r", length=3) == [1.0, 2.0, 3.0]
    with pytest.raises(InvalidArgument, match="should hold 3 numbers"):
        section({"r": [1, 2]}).numbers("r", length=3)


def test_objects_lists_and_texts_are_told_apart() -> None:
    """Each way of reading refuses what is of another kind."""
    for read in (
        lambda: list(section([1]).entries()),
        lambda: list(section({"rows": {}}).rows("rows")),
        lambda: section({"name": 3}).text("name"),
        lambda: list(section({"x": 1}).numbered_entries()),
    ):
        with pytest.raises(InvalidArgument, match="should"):
            read()


def test_keys_that_are_numbers() -> None:
    """They come as numbers, decimals included."""
    found = {
        number: entry.number() for number, entry in section({"0.25": 1, "20": 2}).numbered_entries()
    }
    assert found == {0.25: 1.0, 20.0: 2.0}


@pytest.mark.parametrize(
    ("stated", "unit", "label", "expected"),
    [
        ("0.01 km / 0.005 dB", "km", "", 0.01),
        ("0.01 km / 0.005 dB", "dB", "", 0.005),
        (STATED, "dB", "CNR", 0.15),
        (STATED, "dB", "atm", 0.1),
        ("1e-6 km, 1e-9 km/s", "km", "", 1e-6),
        ("1e-6 km, 1e-9 km/s", "km/s", "", 1e-9),
        ("own rotation: 15 m, 16 mm/s vs astropy", "m", "rotation", 15.0),
        ("own rotation: 15 m, 16 mm/s vs astropy", "mm/s", "rotation", 16.0),
        ("closed form 0.1%; shift 1%", "%", "closed form", 0.1),
        ("exact to printed digits", "dB", "", 7.0),
        (0.3, "dB", "", 0.3),
        (None, "dB", "", 7.0),
    ],
)
def test_tolerances_are_read_from_words(
    stated: object, unit: str, label: str, expected: float
) -> None:
    """The number of the unit after the label; the default where none is stated."""
    found = section({"tolerance": stated}).tolerance("tolerance", unit, label=label, default=7.0)
    assert found == expected
