"""How attenuations add up, and which arguments the models refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.attenuation import (
    AttenuationError,
    Combination,
    check_elevation_deg,
    check_exceedance_percent,
    check_frequency_ghz,
    total_attenuation_db,
)

# 20 GHz, elevation 30 degrees, near Munich, exceeded for 1 % of the year.
MUNICH_DB = (0.960, 0.666, 1.472, 0.303)
decibels = st.floats(0, 60)


@pytest.mark.pitfall(11)
def test_the_two_standards_combine_differently() -> None:
    """P.618 lets scintillation be independent: 3.12 dB where the plain sum is 0.28 dB more."""
    independent = float(total_attenuation_db(*MUNICH_DB, Combination.P618))
    plain = float(total_attenuation_db(*MUNICH_DB, Combination.SUM))
    assert independent == pytest.approx(3.120, abs=0.001)
    assert plain - independent == pytest.approx(0.28, abs=0.005)


@given(decibels, decibels, decibels, decibels)
def test_the_sum_is_the_upper_bound(gas: float, cloud: float, rain: float, fade: float) -> None:
    """Adding all at their worst never takes less; both keep the gas."""
    independent = float(total_attenuation_db(gas, cloud, rain, fade, Combination.P618))
    plain = float(total_attenuation_db(gas, cloud, rain, fade, Combination.SUM))
    assert gas - 1e-9 <= independent <= plain + 1e-9


@pytest.mark.pitfall(9)
def test_hertz_are_not_taken_for_gigahertz() -> None:
    """The sentence names the field and the unit."""
    with pytest.raises(AttenuationError, match=r"frequency_ghz is 2e\+10.*20 for 20e9 Hz"):
        check_frequency_ghz(20e9)


@pytest.mark.pitfall(9)
def test_a_fraction_below_the_models_range_is_refused() -> None:
    """0.01 % as the fraction 0.0001 lies outside of what the models cover."""
    with pytest.raises(AttenuationError, match=r"exceedance_percent is 0.0001.*not the fraction"):
        check_exceedance_percent(0.0001)


@pytest.mark.parametrize("elevation", [4.9, 90.1, np.nan, -30.0])
def test_elevations_outside_of_the_models_are_refused(elevation: float) -> None:
    """Also a single one among good ones, and what is no number."""
    with pytest.raises(AttenuationError, match="elevation_deg spans"):
        check_elevation_deg(np.array([45.0, elevation]))
