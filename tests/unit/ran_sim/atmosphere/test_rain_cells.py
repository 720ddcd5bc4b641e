"""Rain cells that drift over the land."""

import numpy as np
import pytest
from support.skies import munich, sky_over_munich

from nf_runtime.errors import InvalidArgument
from ran_sim.atmosphere.losses import Terminal, slant_losses
from ran_sim.atmosphere.rain_cells import RainField, rain_cell_losses_db, rain_rate_mm_h

FIELD = RainField(mean_rate_mm_h=5.0)
STILL = np.zeros(1)


def scattered_places(count: int, span_m: float, seed: int) -> np.ndarray:
    """Motionless places [1, P, 2], far enough from each other to be nearly independent."""
    return np.random.default_rng(seed).uniform(-span_m, span_m, (1, count, 2))


def test_mean_and_spread_are_those_of_the_shot_noise() -> None:
    """Campbell's theorem: mean and standard deviation over many seeds."""
    places = scattered_places(6, 100e3, seed=0)
    rates = np.concatenate(
        [rain_rate_mm_h(places, STILL, FIELD, np.random.default_rng(seed)) for seed in range(400)]
    )
    # Places 100 km apart hardly share cells; count the six of one seed as one to be safe.
    margin = 3 * FIELD.sigma_mm_h / np.sqrt(400)
    assert rates.mean() == pytest.approx(5.0, abs=margin)
    assert rates.std() == pytest.approx(FIELD.sigma_mm_h, rel=0.15)


def test_neighbours_share_their_rain() -> None:
    """Correlation over 1, 3 and 9 km is the field's own formula."""
    apart_m = np.array([0.0, 1e3, 3e3, 9e3])
    places = np.stack([apart_m, np.zeros(4)], axis=-1)[None]
    rates = np.concatenate(
        [rain_rate_mm_h(places, STILL, FIELD, np.random.default_rng(seed)) for seed in range(3000)]
    )
    found = np.corrcoef(rates.T)[0]
    np.testing.assert_allclose(found, FIELD.correlation(apart_m / 1e3), atol=0.08)


@pytest.mark.pitfall(10)
def test_the_rain_of_a_moment_moves_on_while_the_dial_stands_still() -> None:
    """P.618's p is a share of the year: its attenuation is constant, that of cells is not."""
    offset_s = np.arange(0.0, 1800.0, 1.0)
    elevation = np.full((len(offset_s), 1), 45.0)
    dial = slant_losses(sky_over_munich(), elevation, Terminal()).rain_db
    assert float(np.ptp(dial)) == 0
    places = np.zeros((len(offset_s), 1, 2))
    rate = rain_rate_mm_h(places, offset_s, FIELD, np.random.default_rng(3))
    moving = rain_cell_losses_db(rate, elevation, munich(), 20.0, Terminal())
    assert float(moving.max() - moving.min()) > 1.0
    assert float(np.abs(np.diff(moving[:, 0])).max()) < 0.5  # and yet it does not jump


def test_the_wind_carries_the_cells() -> None:
    """What a place sees now, a place downwind sees later."""
    wind = RainField(5.0, wind_east_m_s=20.0, wind_north_m_s=0.0)
    offset_s = np.arange(0.0, 600.0, 10.0)
    places = np.zeros((len(offset_s), 2, 2))
    places[:, 1, 0] = 20.0 * 300.0
    rate = rain_rate_mm_h(places, offset_s, wind, np.random.default_rng(5))
    np.testing.assert_allclose(rate[:30, 0], rate[30:, 1], atol=2e-2)


def test_the_same_seed_gives_the_same_rain() -> None:
    """To the last bit."""
    places = scattered_places(3, 10e3, seed=1)
    one, other = (rain_rate_mm_h(places, STILL, FIELD, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.pitfall(8)
def test_rain_below_the_horizon_is_masked() -> None:
    """As every loss of the atmosphere."""
    loss = rain_cell_losses_db(
        np.full((3, 1), 10.0), np.array([[-5.0], [4.0], [30.0]]), munich(), 20.0, Terminal()
    )
    assert loss[:2].tolist() == [[None], [None]]
    assert loss[2, 0] > 1


@pytest.mark.parametrize("field", ["mean_rate_mm_h", "mean_peak_mm_h", "radius_km"])
def test_a_field_without_rain_is_none(field: str) -> None:
    """The sentence names what must be above 0."""
    with pytest.raises(InvalidArgument, match=f"{field} is 0"):
        RainField(**{"mean_rate_mm_h": 5.0, field: 0})
