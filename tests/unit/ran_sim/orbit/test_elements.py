"""Reading two-line element sets."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import LINE1, LINE2, element_set

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from ran_sim.orbit.elements import (
    checksum,
    find_element_set,
    parse_catalogue,
    parse_element_set,
)


def with_checksum(line: str) -> str:
    """The line with its checksum made right again."""
    return line[:68] + str(checksum(line))


def replaced(line: str, first: int, text: str) -> str:
    """The line with other columns from `first` (1-based) on, checksum right."""
    return with_checksum(line[: first - 1] + text + line[first - 1 + len(text) :])


def test_a_good_set_is_read() -> None:
    """Number, name and epoch are those of the lines."""
    elements = parse_element_set(LINE1, LINE2, " STARLINK-2449 ")
    assert elements.satellite_id == "48112"
    assert elements.name == "STARLINK-2449"
    expected = dt.datetime(2022, 9, 14, 8, 28, 3, 250560, tzinfo=dt.UTC)
    assert abs(elements.epoch - expected) < dt.timedelta(milliseconds=1)


@pytest.mark.parametrize(("two_digits", "year"), [("57", 1957), ("99", 1999), ("00", 2000)])
def test_the_century_of_the_epoch(two_digits: str, year: int) -> None:
    """Years from 57 on belong to the twentieth century."""
    line1 = replaced(LINE1, 19, two_digits)
    assert parse_element_set(line1, LINE2).epoch.year == year


@pytest.mark.parametrize(
    ("line1", "line2", "field", "words"),
    [
        (LINE1[:-1] + "0", LINE2, "tle_line1", "checksum in column 69 is '0' and should be '9'"),
        (LINE1, LINE2[:-1] + "7", "tle_line2", "checksum"),
        (LINE1[:-2], LINE2, "tle_line1", "67 columns"),
        ("", "", "tle_line1", "0 columns"),
        (LINE2, LINE1, "tle_line1", "starts with '2 '"),
        (LINE1, replaced(LINE2, 3, "48113"), "tle_line2", "catalogue number '48113'"),
        (LINE1, replaced(LINE2, 9, "190.0000"), "tle_line2", "inclination"),
        (LINE1, replaced(LINE2, 27, "00x1354"), "tle_line2", "eccentricity"),
        (LINE1, replaced(LINE2, 53, "     nan   "), "tle_line2", "mean motion"),
        (LINE1, replaced(LINE2, 53, "00.00000000"), "tle_line2", "mean motion"),
        (replaced(LINE1, 21, "400.35281540"), LINE2, "tle_line1", "epoch day"),
        (LINE1.replace("U", "Ü"), LINE2, "tle_line1", "ASCII"),
    ],
)
def test_a_bad_line_is_named(line1: str, line2: str, field: str, words: str) -> None:
    """The error says which line and which part of it is wrong."""
    with pytest.raises(InvalidArgument) as caught:
        parse_element_set(line1, line2)
    assert caught.value.reason == "ELEMENTS_UNUSABLE"
    assert caught.value.metadata["field"] == field
    assert field in caught.value.message
    assert words in caught.value.message


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_read_or_refused(line1: str, line2: str) -> None:
    """Whatever the lines are, nothing but InvalidArgument comes out."""
    with pytest.raises(InvalidArgument):
        parse_element_set(line1, line2)


@given(st.integers(0, 68), st.sampled_from("0123456789 .-+AZ\x00é"))
def test_one_wrong_character_is_noticed_or_harmless(column: int, character: str) -> None:
    """A set with one other character is refused, or still has a plausible epoch."""
    line1 = LINE1[:column] + character + LINE1[column + 1 :]
    try:
        elements = parse_element_set(line1, LINE2)
    except InvalidArgument:
        return
    assert 1957 <= elements.epoch.year <= 2056


def test_a_minus_counts_one_in_the_checksum() -> None:
    """Digits count themselves, a minus one, all else nothing."""
    assert checksum("1 -A.2") == (1 + 1 + 2) % 10


class TestCatalogue:
    """Files of many sets."""

    text = f"STARLINK-2449\n{LINE1}\n{LINE2}\n\n0 AGAIN\n{LINE1}\r\n{LINE2}\n{LINE1}\n{LINE2}\n"

    def test_names_are_optional(self) -> None:
        """Two-line and three-line sets may be mixed, with or without the leading 0."""
        names = [entry.name for entry in parse_catalogue(self.text)]
        assert names == ["STARLINK-2449", "AGAIN", "NORAD 48112"]

    def test_the_line_of_an_error_is_named(self) -> None:
        """An error in a set says where in the file it is."""
        with pytest.raises(InvalidArgument, match=r"Lines 2 and 3 .*checksum"):
            parse_catalogue(f"NAME\n{LINE1}\n{LINE2[:-1]}7\n")

    @pytest.mark.parametrize("text", [LINE1, f"NAME\n{LINE1}\n", "NAME\n"])
    def test_a_set_cut_short_is_refused(self, text: str) -> None:
        """A file that ends within a set is not silently shortened."""
        with pytest.raises(InvalidArgument, match="middle of a set"):
            parse_catalogue(text)

    def test_a_satellite_is_found_by_its_number(self) -> None:
        """The newest set of the satellite is taken."""
        older = replaced(LINE1, 21, "250.35281540")
        catalogue = parse_catalogue(f"{LINE1}\n{LINE2}\n{older}\n{LINE2}\n")
        assert find_element_set(catalogue, "48112").line1 == LINE1

    def test_a_missing_satellite_is_named(self) -> None:
        """A number that is not in the file is an error that repeats it."""
        with pytest.raises(InvalidArgument, match="Satellite 99999"):
            find_element_set(parse_catalogue(self.text), "99999")


class TestAge:
    """Elements are good for three days."""

    def test_two_days_are_fine(self) -> None:
        """Nothing happens within the bound, before or after the epoch."""
        elements = element_set()
        elements.check_age(elements.epoch + dt.timedelta(days=2.9))
        elements.check_age(elements.epoch - dt.timedelta(days=2.9))

    def test_four_days_are_refused(self) -> None:
        """Beyond it the error names the field and both times."""
        elements = element_set()
        with pytest.raises(FailedPrecondition, match=r"2022-09-14 08:28 UTC, 4\.0 days") as caught:
            elements.check_age(elements.epoch + dt.timedelta(days=4))
        assert caught.value.metadata["field"] == "start_time"
