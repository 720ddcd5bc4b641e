"""UT1 - UTC."""

import numpy as np
import pytest

from ran_sim.orbit.earth_rotation import bundled_earth_rotation, table_of_finals


def finals_line(mjd: int, dut1_s: float, flag: str = "I") -> str:
    """A line of the IERS file, with nothing but what is read."""
    return f"{'':7}{mjd:8.2f}{'':42}{flag}{dut1_s:10.7f}"


def at(mjd: float) -> float:
    """UT1 - UTC of the bundled table."""
    table = bundled_earth_rotation()
    return float(table.dut1_s(np.array(2400000.5 + int(mjd)), np.array(mjd % 1)))


@pytest.mark.parametrize(
    ("mjd", "expected_s"),
    # From the IERS file itself: the days around the leap second of 1 January 2017, and of 2022.
    [(57753, -0.4077601), (57754, 0.5912821), (59836, -0.0109907)],
)
def test_known_days(mjd: int, expected_s: float) -> None:
    """The values of the IERS, to a millisecond."""
    assert at(mjd) == pytest.approx(expected_s, abs=1.2e-3)


def test_a_leap_second_is_not_smoothed_over() -> None:
    """An hour before it the value is negative, an hour after it positive."""
    assert at(57753 + 23 / 24) < -0.4
    assert at(57754 + 1 / 24) > 0.5


def test_outside_the_table_it_is_zero() -> None:
    """Before 1973 and in the far future nothing is known but that it is below 0.9 s."""
    table = bundled_earth_rotation()
    assert at(40000) == 0.0
    assert at(80000) == 0.0
    assert table.covers(2460942.5)
    assert not table.covers(2400000.5 + 40000)


def test_values_stay_within_what_utc_promises() -> None:
    """Never more than 0.9 s since leap seconds are inserted for it."""
    table = bundled_earth_rotation()
    jd = np.arange(table.mjd[0], table.mjd[-1]) + 2400000.5
    assert np.abs(table.dut1_s(jd, np.zeros_like(jd))).max() < 0.9


def test_the_table_is_made_from_the_iers_file() -> None:
    """Leap seconds are found by their jump, predictions by their flag, the end by a blank."""
    text = "\n".join(
        [
            finals_line(41000, -0.30),
            finals_line(41001, -0.31),
            finals_line(41002, 0.68),
            finals_line(41003, 0.67, "P"),
            finals_line(41004, 0.66, "P"),
            " " * 79,
        ]
    )
    table = table_of_finals(text, step_days=2)
    assert table["leap_mjd"] == [41002]
    assert table["predicted_mjd"] == 41003
    assert table["first_mjd"] == 41000
    assert table["continuous_ms"] == [-300.0, -320.0, -340.0]
