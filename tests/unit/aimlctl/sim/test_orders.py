"""Reading what the simulator's commands are asked for."""

import datetime as dt

import pytest

from aimlctl.output import CommandError
from aimlctl.sim.orders import (
    check_frequency,
    check_mask,
    sample_offsets,
    site_coordinates,
    utc_time,
)

START = dt.datetime(2022, 9, 14, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("48.1,11.6", (48.1, 11.6, None)),
        ("-33.9, 151.2, 30", (-33.9, 151.2, 30.0)),
        ("+.5,-0,0", (0.5, 0.0, 0.0)),
    ],
)
def test_a_site_is_two_or_three_numbers(
    text: str, expected: tuple[float, float, float | None]
) -> None:
    """Latitude, longitude, and the altitude where it is given."""
    assert site_coordinates(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("munich", "'munich', no known place"),
        ("48.1", "no known place"),
        ("48.1;11.6", "no known place"),
        ("nan,11.6", "no known place"),
        ("98.1,11.6", "latitude of --site is 98.1"),
        ("48.1,211.6", "longitude of --site is 211.6"),
        ("48.1,11.6,520000", "altitude of --site is 520000"),
    ],
)
def test_a_site_that_is_nowhere_is_refused(text: str, words: str) -> None:
    """The sentence says which number is wrong."""
    with pytest.raises(CommandError, match=words):
        site_coordinates(text)


@pytest.mark.pitfall(5)
def test_times_are_utc() -> None:
    """Without a zone, with Z, and from another zone it is the same instant."""
    noon = dt.datetime(2022, 9, 14, 12, tzinfo=dt.UTC)
    for text in ("2022-09-14T12:00", "2022-09-14T12:00:00Z", "2022-09-14T14:00:00+02:00"):
        assert utc_time("--start", text) == noon


def test_what_is_no_time_is_refused() -> None:
    """The option is named."""
    with pytest.raises(CommandError, match="--end is 'tomorrow'"):
        utc_time("--end", "tomorrow")


def test_there_were_no_satellites_before_sputnik() -> None:
    """Nor does the format of elements reach beyond 2056."""
    for year in ("1956", "2057", "9999"):
        with pytest.raises(CommandError, match=f"--start is in the year {year}"):
            utc_time("--start", f"{year}-01-01T00:00:00Z")


def test_the_last_sample_is_the_end_where_the_step_meets_it() -> None:
    """A minute in steps of 0.1 s has 601 samples, in steps of 7 s nine."""
    minute = START + dt.timedelta(minutes=1)
    tenths = sample_offsets(START, minute, 0.1)
    assert len(tenths) == 601
    assert tenths[-1] == pytest.approx(60.0)
    assert sample_offsets(START, minute, 7.0)[-1] == 56.0


@pytest.mark.parametrize(
    ("seconds", "step_s", "words"),
    [
        (0, 1.0, "--end must be after --start"),
        (-5, 1.0, "--end must be after --start"),
        (60, 0.0, "--step-s is 0"),
        (60, float("nan"), "--step-s is nan"),
        (86400, 0.1, "864001 samples"),
    ],
)
def test_a_time_that_cannot_be_sampled_is_refused(
    seconds: float, step_s: float, words: str
) -> None:
    """An end before the start, a step of nothing, too many samples."""
    with pytest.raises(CommandError, match=words):
        sample_offsets(START, START + dt.timedelta(seconds=seconds), step_s)


@pytest.mark.parametrize("frequency_ghz", [20e9, 0.0, -2.0, float("nan")])
def test_hertz_are_no_gigahertz(frequency_ghz: float) -> None:
    """The sentence says how 20e9 Hz are written."""
    with pytest.raises(CommandError, match="20 for 20e9 Hz"):
        check_frequency(frequency_ghz)


@pytest.mark.parametrize("mask_deg", [-1.0, 90.0, float("nan")])
def test_a_mask_is_above_the_horizon(mask_deg: float) -> None:
    """The losses below it make no sense."""
    with pytest.raises(CommandError, match="--min-elevation-deg"):
        check_mask(mask_deg)
