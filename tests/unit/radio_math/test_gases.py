"""Attenuation by gases."""

import numpy as np
import pytest

from radio_math.attenuation import AttenuationError
from radio_math.gases import slant_gas_db, standard_zenith_gas_db, tr38811_gas_db


@pytest.mark.parametrize(
    ("frequency_ghz", "zenith_db", "low_db"),
    [(2.0, 0.0342, 0.1971), (20.0, 0.2440, 1.4049), (30.0, 0.2287, 1.3170)],
)
def test_the_standard_atmosphere(frequency_ghz: float, zenith_db: float, low_db: float) -> None:
    """Zenith and 10 degrees, as P.676-12 has them."""
    zenith = standard_zenith_gas_db(frequency_ghz)
    assert zenith == pytest.approx(zenith_db, abs=1e-4)
    assert float(slant_gas_db(zenith, 10.0)) == pytest.approx(low_db, abs=2e-4)


def test_water_vapour_has_its_line() -> None:
    """At 22.2 GHz the zenith takes twice what it takes at 20 GHz."""
    assert standard_zenith_gas_db(22.2) > 1.9 * standard_zenith_gas_db(20.0)


def test_gas_is_refused_below_five_degrees() -> None:
    """A flat atmosphere has no path along the horizon."""
    with pytest.raises(AttenuationError, match="5 to 90"):
        slant_gas_db(0.244, np.array([30.0, 4.0]))


def test_tr_38811_leaves_gas_out_at_low_frequencies_and_high_elevations() -> None:
    """2 GHz counts below 10 degrees only; 20 GHz always."""
    low, high = tr38811_gas_db(2.0, np.array([8.0, 10.0]))
    assert low > 0
    assert high == 0
    assert float(tr38811_gas_db(20.0, 90.0, zenith_gas_db=0.25)) == 0.25
