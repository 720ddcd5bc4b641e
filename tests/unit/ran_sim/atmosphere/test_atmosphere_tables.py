"""Tables of attenuation by elevation."""

import dataclasses

import numpy as np
import pytest
from support.skies import munich, sky_over_munich

from radio_math.attenuation import AttenuationError
from ran_sim.atmosphere.losses import Terminal, slant_losses
from ran_sim.atmosphere.tables import HOLD_DEG, table_of

DISH = Terminal(antenna_diameter_m=0.6)


@pytest.mark.parametrize("percent", [0.01, 1.0])
def test_a_looked_up_value_is_the_computed_one(percent: float) -> None:
    """Within 0.02 dB between the nodes, anywhere from 5 to 89.5 degrees."""
    sky = sky_over_munich(percent)
    table = table_of(sky, DISH)
    elevation = np.linspace(5.0, HOLD_DEG, 3001)
    expected = slant_losses(sky, elevation, DISH).total_db
    np.testing.assert_allclose(table.total_at(elevation), np.asarray(expected), atol=0.02)
    np.testing.assert_allclose(
        np.asarray(table.losses_at(elevation).total_db), np.asarray(expected), atol=0.02
    )


@pytest.mark.parametrize("elevation_deg", [5.0, 24.9375, 25.0, 25.0625, HOLD_DEG])
def test_a_node_is_exact(elevation_deg: float) -> None:
    """The first, the last, and those around 25 degrees, where P.618 bends in the tropics."""
    sky = dataclasses.replace(sky_over_munich(), site=munich(latitude_deg=1.35))
    expected = float(slant_losses(sky, elevation_deg, DISH).total_db)
    assert float(table_of(sky, DISH).total_at(elevation_deg)) == pytest.approx(expected, abs=1e-9)


def test_the_last_half_degree_is_held() -> None:
    """From 89.5 degrees to the zenith values stay."""
    table = table_of(sky_over_munich(), DISH)
    assert float(table.total_at(90.0)) == float(table.total_at(HOLD_DEG))


@pytest.mark.pitfall(8)
def test_a_pass_below_the_horizon_is_masked() -> None:
    """Rise and set: nothing below 5 degrees."""
    elevation = np.array([-10.0, 0.0, 4.99, 5.0, 60.0, 3.0])
    losses = table_of(sky_over_munich(), DISH).losses_at(elevation)
    for name in ("gas_db", "cloud_db", "rain_db", "scintillation_db", "total_db"):
        values = getattr(losses, name).tolist()
        assert [value is None for value in values] == [True, True, True, False, False, True]


def test_the_quick_lookup_wants_a_satellite_in_the_sky() -> None:
    """It does not extrapolate."""
    with pytest.raises(AttenuationError, match="elevation_deg"):
        table_of(sky_over_munich(), DISH).total_at(np.array([30.0, 4.0]))
