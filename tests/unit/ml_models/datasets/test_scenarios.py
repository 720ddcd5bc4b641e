"""Scenarios by seed."""

from dataclasses import replace

import numpy as np
import pytest

from ml_models.datasets.scenarios import (
    ScenarioProfile,
    Split,
    at_power,
    draw_scenarios,
    select,
)
from radio_math.channel import ChannelModel
from radio_math.context import GRID_POINTS, ContextError, check_context


@pytest.mark.parametrize("geometry", ["reference", "pass", "mixed"])
def test_contexts_are_usable(geometry: str) -> None:
    """Every profile draws contexts of the reference problem's size."""
    pair = draw_scenarios(ScenarioProfile(geometry=geometry), 40, 1)
    for context in (pair.true, pair.estimated):
        check_context(context)
        assert context.beam_amplitude.shape == (40, 10, 8)
        assert context.gain_per_w.shape == (40, 10, GRID_POINTS)
        assert context.carrier_noise.shape == (40, 4)


def test_a_seed_names_a_draw() -> None:
    """Equal seeds give equal numbers, other seeds give others."""
    first, again, other = (draw_scenarios(ScenarioProfile(), 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.true.gain_per_w, again.true.gain_per_w)
    assert not np.allclose(first.true.gain_per_w, other.true.gain_per_w)


def test_worker_processes_draw_the_same() -> None:
    """Chunks have streams of their own, whoever draws them."""
    alone, shared = (
        draw_scenarios(ScenarioProfile(), 300, (1, 2), processes=count) for count in (1, 2)
    )
    for kind in ("true", "estimated"):
        for name, value in vars(getattr(alone, kind)).items():
            np.testing.assert_array_equal(value, getattr(getattr(shared, kind), name))


def test_splits_of_a_seed_are_apart_from_each_other_and_from_the_bare_seed() -> None:
    """No split but training shares a draw with the bare seed, which is training's first block."""
    assert len({split.seed(7, block) for split in Split for block in range(3)}) == 9
    drawn = {
        split: draw_scenarios(ScenarioProfile(), 1, split.seed(7)).true.gain_per_w
        for split in Split
    }
    bare = draw_scenarios(ScenarioProfile(), 1, 7).true.gain_per_w
    assert [split for split in Split if np.array_equal(drawn[split], bare)] == [Split.TRAIN]
    with pytest.raises(ContextError, match="no seed"):
        Split.TEST.seed(-1)


def test_ranges_of_the_reference_problem() -> None:
    """Power 0 to 25 dBW, carrier noise 0 to 6 dB, residual Doppler to 0.06."""
    context = draw_scenarios(ScenarioProfile(), 300, 3).true
    power_dbw = 10 * np.log10(context.power_budget_w)
    assert power_dbw.min() >= 0
    assert power_dbw.max() <= 25
    assert np.ptp(power_dbw) > 20
    assert context.carrier_noise.max() <= 10**0.6
    assert context.ici_factor.max() <= np.pi**2 / 3 * 0.06**2


def test_profile_can_be_specialised_to_rain() -> None:
    """More rain lowers the reported gain and leaves leakage as it is."""
    dry = ScenarioProfile(channel=ChannelModel(rain_probability=0.0))
    wet = replace(dry, channel=ChannelModel(rain_probability=1.0, rain_mean_db=6.0))
    gains, leakages = zip(
        *(
            (np.log10(c.gain_per_w).mean(), np.log10(c.leakage_per_w[..., 0]).mean())
            for c in (draw_scenarios(profile, 60, 4).estimated for profile in (dry, wet))
        ),
        strict=True,
    )
    assert gains[1] < gains[0] - 0.5
    assert leakages[1] == pytest.approx(leakages[0], abs=0.05)


def test_rain_fronts_lie_over_the_whole_area() -> None:
    """On a pass a front takes gain from all ESIMs together; overhead there are none."""
    clear = ScenarioProfile(geometry="pass", channel=ChannelModel(rain_probability=0.0))
    front = replace(clear, front_probability=1.0, front_mean_db=10.0)
    lost = (
        draw_scenarios(front, 30, 7).true.gain_per_w[..., 0]
        / draw_scenarios(clear, 30, 7).true.gain_per_w[..., 0]
    )
    assert (lost < 1.0).all()
    severity = -np.log(lost)
    assert (severity.std(axis=1) < severity.mean(axis=1)).all()
    same = [draw_scenarios(replace(p, geometry="reference"), 5, 7).true for p in (clear, front)]
    np.testing.assert_array_equal(same[0].gain_per_w, same[1].gain_per_w)


def test_first_station_is_always_there() -> None:
    """On a pass an ESIM may know of one station only, never of none."""
    alone = ScenarioProfile(geometry="pass", absent_probability=1.0)
    both = replace(alone, absent_probability=0.0)
    fewer, more = (draw_scenarios(p, 30, 8).estimated.leakage_per_w for p in (alone, both))
    assert (fewer[..., 15] < more[..., 15]).all()
    assert (fewer[..., 15] > 1e-6).all()


def test_doppler_of_a_pass_follows_the_orbit() -> None:
    """Overhead the Doppler rate, and the residual with it, is over twice that at 20 degrees."""
    low = ScenarioProfile(geometry="pass", min_elevation_deg=20, max_elevation_deg=22)
    high = ScenarioProfile(geometry="pass", min_elevation_deg=85, max_elevation_deg=90)
    near_horizon, overhead = (
        np.sqrt(draw_scenarios(p, 40, 9).true.ici_factor).mean() for p in (low, high)
    )
    assert overhead > 2 * near_horizon


def test_low_elevation_differs_from_overhead() -> None:
    """The element pattern and the range cost gain towards the horizon."""
    low = ScenarioProfile(geometry="pass", min_elevation_deg=20, max_elevation_deg=25)
    high = ScenarioProfile(geometry="pass", min_elevation_deg=80, max_elevation_deg=90)
    near = np.log10(draw_scenarios(high, 60, 5).true.gain_per_w[..., 0]).mean()
    far = np.log10(draw_scenarios(low, 60, 5).true.gain_per_w[..., 0]).mean()
    assert far < near


def test_power_is_replaced_and_rows_are_selected() -> None:
    """`at_power` changes only budgets, `select` only which rows there are."""
    context = draw_scenarios(ScenarioProfile(), 5, 6).true
    loud = at_power(context, 20.0)
    np.testing.assert_allclose(loud.power_budget_w, 100.0)
    assert loud.gain_per_w is context.gain_per_w
    np.testing.assert_array_equal(select(context, slice(2, 4)).ici_factor, context.ici_factor[2:4])


def test_unusable_profiles_are_refused() -> None:
    """Unknown geometry, an empty range, no scenario."""
    with pytest.raises(ContextError, match="knows reference"):
        ScenarioProfile(geometry="polar")
    with pytest.raises(ContextError, match="above max_elevation_deg"):
        ScenarioProfile(min_elevation_deg=80, max_elevation_deg=30)
    with pytest.raises(ContextError, match="at least one"):
        draw_scenarios(ScenarioProfile(), 0, 1)
