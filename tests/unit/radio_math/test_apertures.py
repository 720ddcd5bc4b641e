"""Circular apertures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.apertures import (
    ApertureError,
    first_null_deg,
    half_power_beamwidth_deg,
    normalised_gain_db,
    peak_gain_dbi,
)

SET_1 = {"radius_m": 0.25, "frequency_hz": 20e9}


@pytest.mark.pitfall(19)
@pytest.mark.parametrize(
    ("radius_m", "frequency_hz", "printed_deg"),
    [(0.25, 20e9, 1.7647), (1.0, 2e9, 4.4127), (0.1, 20e9, 4.4127), (0.5, 2e9, 8.832)],
)
def test_beamwidths_of_the_reference_satellites(
    radius_m: float, frequency_hz: float, printed_deg: float
) -> None:
    """With a as the radius the printed beamwidths come out; as a diameter they would double."""
    assert half_power_beamwidth_deg(radius_m, frequency_hz) == pytest.approx(printed_deg, abs=1e-4)


@pytest.mark.pitfall(19)
def test_boresight_is_exactly_the_peak() -> None:
    """0/0 is 0 dB, and no warning or NaN comes of it."""
    assert float(normalised_gain_db(0.0, **SET_1)) == 0.0


@pytest.mark.pitfall(19)
def test_nulls_are_filled_unless_the_ideal_pattern_is_asked_for() -> None:
    """The floor holds in the null; without it the null is deep but finite."""
    null = first_null_deg(**SET_1)
    assert null == pytest.approx(2.0955, abs=1e-4)
    assert float(normalised_gain_db(null, **SET_1)) == -50.0
    ideal = float(normalised_gain_db(null, **SET_1, floor_db=None))
    assert -400.0 <= ideal < -100.0


@pytest.mark.pitfall(19)
def test_behind_the_aperture_the_pattern_is_undefined() -> None:
    """sin(180 - x) = sin(x) would send the main beam backwards too; it gives floor or NaN."""
    assert float(normalised_gain_db(180.0, **SET_1)) == -50.0
    assert np.isnan(normalised_gain_db(180.0, **SET_1, floor_db=None))


@pytest.mark.pitfall(14)
@given(
    st.floats(-180.0, 180.0),
    st.floats(0.01, 5.0),
    st.floats(1e9, 50e9),
)
def test_normalised_gain_never_adds_to_an_eirp(
    angle_deg: float, radius_m: float, frequency_hz: float
) -> None:
    """EIRP already holds the peak gain, so no direction has more than 0 dB on top of it."""
    gain_db = float(normalised_gain_db(angle_deg, radius_m=radius_m, frequency_hz=frequency_hz))
    assert -50.0 <= gain_db <= 0.0


def test_pattern_is_even() -> None:
    """The sign of the angle does not matter."""
    angle = np.linspace(0, 90, 50)
    np.testing.assert_array_equal(
        normalised_gain_db(angle, **SET_1), normalised_gain_db(-angle, **SET_1)
    )


def test_gain_of_a_reference_satellite() -> None:
    """A 0.5 m dish at 20 GHz and 64.5 % efficiency has the 38.5 dBi of set 1."""
    assert peak_gain_dbi(**SET_1, efficiency=0.645) == pytest.approx(38.5, abs=0.01)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: half_power_beamwidth_deg(0.001, 20e9), "radius of"),
        (lambda: first_null_deg(0.001, 20e9), "radius of"),
        (lambda: normalised_gain_db(0.0, radius_m=0.0, frequency_hz=20e9), "radius_m"),
        (lambda: normalised_gain_db(0.0, radius_m=1.0, frequency_hz=-1.0), "frequency_hz"),
        (lambda: peak_gain_dbi(**SET_1, efficiency=64.5), "efficiency"),
    ],
)
def test_impossible_apertures_are_refused(call: object, named: str) -> None:
    """One sentence that names what to change."""
    with pytest.raises(ApertureError, match=named):
        call()  # type: ignore[operator]
