"""Link budget against printed values."""

import numpy as np
import pytest

from radio_math.link import (
    air_mass,
    free_space_loss_db,
    from_db,
    noise_power_w,
    slant_range_m,
    to_db,
)


@pytest.mark.parametrize(
    ("altitude_km", "elevation_deg", "slant_km", "loss_db"),
    [
        (600, 10, 1931.635, 184.189),
        (600, 30, 1075.088, 179.099),
        (600, 60, 683.151, 175.161),
        (600, 90, 600.0, 174.034),
        (1200, 10, 3130.942, 188.384),
    ],
)
def test_slant_range_and_loss_of_tr_38_811(
    altitude_km: float, elevation_deg: float, slant_km: float, loss_db: float
) -> None:
    """TR 38.811 equations 6.6-2 and 6.6-3 at 20 GHz."""
    slant = slant_range_m(altitude_km * 1e3, elevation_deg)
    assert float(slant) / 1e3 == pytest.approx(slant_km, abs=0.01)
    assert float(free_space_loss_db(slant, 20e9)) == pytest.approx(loss_db, abs=0.005)


def test_noise_of_two_megahertz() -> None:
    """Noise power k T B at 290 K is -174 dBm/Hz."""
    assert float(to_db(noise_power_w(290.0, 2e6))) == pytest.approx(-203.98 + 63.01, abs=0.01)


def test_decibels_round_trip() -> None:
    """from_db and to_db are inverse."""
    np.testing.assert_allclose(to_db(from_db([-30.0, 0.0, 12.5])), [-30.0, 0.0, 12.5])


def test_air_mass_is_one_at_the_zenith_and_held_near_the_horizon() -> None:
    """1/sin(el), finite below 5 degrees."""
    assert float(air_mass(90.0)) == pytest.approx(1.0)
    assert float(air_mass(30.0)) == pytest.approx(2.0)
    assert float(air_mass(0.0)) == float(air_mass(5.0))
