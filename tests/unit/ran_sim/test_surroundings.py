"""Line of sight, shadow fading, clutter and K along a road."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radio_math.large_scale import Band, Surroundings, large_scale_table, los_probability
from ran_sim.surroundings import RoadsideStates, roadside_states, travelled_m

CARRIER_HZ = 20e9
TICK_S = 0.1
SPEED_M_S = 30.0  # 108 km/h


def drive(
    elevation_deg: np.ndarray | float,
    *,
    ticks: int = 1,
    esims: int = 1,
    speed_m_s: float = SPEED_M_S,
    surroundings: Surroundings = Surroundings.URBAN,
    seed: int = 1,
) -> RoadsideStates:
    """States of ESIMs that drive straight on at one speed."""
    distance = np.arange(ticks)[:, None] * speed_m_s * TICK_S + np.zeros(esims)
    elevation = np.broadcast_to(np.asarray(elevation_deg, dtype=float), distance.shape)
    return roadside_states(
        distance, elevation, surroundings, CARRIER_HZ, np.random.default_rng(seed)
    )


@pytest.mark.pitfall(27)
def test_the_line_of_sight_does_not_flap() -> None:
    """108 km/h over stretches of 50 m at 10 Hz: at most one change in 1.6 s, not one a tick."""
    states = drive(30.0, ticks=6000, esims=20)
    changes = np.abs(np.diff(states.line_of_sight.astype(int), axis=0)).sum(axis=0)
    stretches = 6000 * TICK_S * SPEED_M_S / 50.0
    assert (changes <= stretches + 1).all()
    assert changes.mean() > 0.2 * stretches  # and it does change from stretch to stretch
    jumps = np.abs(np.diff(states.loss_db, axis=0)) > 20
    assert jumps.sum(axis=0).max() <= stretches + 1


@pytest.mark.pitfall(27)
def test_an_esim_at_rest_keeps_its_surroundings() -> None:
    """Nothing is redrawn while nothing moves."""
    states = drive(45.0, ticks=100, esims=5, speed_m_s=0.0)
    for values in (states.line_of_sight, states.shadow_db, states.clutter_db, states.rician_k):
        assert (values == values[0]).all()


@pytest.mark.pitfall(27)
def test_a_rising_satellite_comes_into_sight_once() -> None:
    """At rest, P_LOS grows with the elevation: no ESIM loses the satellite again."""
    elevation = np.linspace(10, 90, 500)[:, None]
    states = drive(elevation, ticks=500, esims=300, speed_m_s=0.0)
    assert (np.diff(states.line_of_sight.astype(int), axis=0) >= 0).all()


@pytest.mark.parametrize("surroundings", list(Surroundings))
@pytest.mark.parametrize("elevation_deg", [10.0, 40.0, 90.0])
def test_the_share_in_sight_is_the_tables(surroundings: Surroundings, elevation_deg: float) -> None:
    """Over many ESIMs, at the first tick and half a kilometre on."""
    esims = 20_000
    table = large_scale_table(surroundings, Band.KA)
    expected = float(los_probability(elevation_deg, table))
    margin = 4 * np.sqrt(expected * (1 - expected) / esims)
    states = drive(elevation_deg, ticks=3, esims=esims, speed_m_s=2.5e3, surroundings=surroundings)
    for tick in (0, 2):
        assert states.line_of_sight[tick].mean() == pytest.approx(expected, abs=margin)


def test_shadow_fading_has_the_tables_spread_around_zero() -> None:
    """In sight and out of it: mean within 4 sigma/sqrt(n), spread within 4 sigma/sqrt(2n)."""
    states = drive(30.0, ticks=3, esims=20_000, surroundings=Surroundings.DENSE_URBAN)
    for tick in (0, 2):
        for sees, sigma in ((True, 2.7), (False, 15.6)):
            values = states.shadow_db[tick, states.line_of_sight[tick] == sees]
            margin = 4 * sigma / np.sqrt(len(values))
            assert values.mean() == pytest.approx(0.0, abs=margin)
            assert values.std() == pytest.approx(sigma, abs=margin / np.sqrt(2))


def test_shadow_fading_decorrelates_over_the_standards_distance() -> None:
    """With line of sight 1/e after 37 m."""
    steps = 37
    distance = np.arange(steps + 1.0)[:, None] + np.zeros(20_000)
    elevation = np.full(distance.shape, 90.0)
    states = roadside_states(
        distance, elevation, Surroundings.SUBURBAN, CARRIER_HZ, np.random.default_rng(4)
    )
    both = states.line_of_sight[0] & states.line_of_sight[-1]
    found = np.corrcoef(states.shadow_db[0, both], states.shadow_db[-1, both])[0, 1]
    assert found == pytest.approx(np.exp(-1), abs=0.03)


@pytest.mark.pitfall(28)
@settings(max_examples=25)
@given(st.sampled_from(Surroundings), st.integers(0, 1000), st.floats(0, 90))
def test_clutter_belongs_to_the_hidden(
    surroundings: Surroundings, seed: int, elevation: float
) -> None:
    """In sight 0 dB of clutter and a direct path; hidden, clutter and no direct path."""
    states = drive(elevation, esims=200, surroundings=surroundings, seed=seed)
    sees = states.line_of_sight
    assert (states.clutter_db[sees] == 0).all()
    assert (states.clutter_db[~sees] > 16).all()
    assert (states.rician_k[sees] > 0).all()
    assert (states.rician_k[~sees] == 0).all()


def test_states_go_on_below_the_horizon() -> None:
    """A satellite that has not risen yet needs no special case, and brings no NaN."""
    states = drive(np.linspace(-20, 20, 50)[:, None], ticks=50, esims=4)
    assert np.isfinite(states.loss_db).all()


def test_the_same_seed_gives_the_same_road() -> None:
    """To the last bit; another seed gives another road."""
    one, same, other = (drive(30.0, ticks=50, esims=3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.shadow_db, same.shadow_db)
    assert (one.shadow_db != other.shadow_db).any()


def test_travelled_distance_follows_the_way() -> None:
    """Not the distance from the start: a detour counts."""
    position = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])[:, None, :]
    np.testing.assert_array_equal(travelled_m(position), [[0.0], [5.0], [10.0]])
