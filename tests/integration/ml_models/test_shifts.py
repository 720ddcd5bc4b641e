"""Conditions that no training has."""

from pathlib import Path

import numpy as np
import pytest

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.onnx_sampler import OnnxSampler
from ml_models.shifts import attacked, jammed, shifts
from radio_math.secrecy import sum_secrecy_rate

REPORTED = draw_scenarios(ScenarioProfile(), 12, Split.TEST.seed(182)).estimated


@pytest.fixture(scope="module")
def sampler(tiny_folder: Path) -> OnnxSampler:
    """A small model."""
    return OnnxSampler(tiny_folder)


def test_every_shift_changes_one_thing() -> None:
    """The profile, the antenna or the reports; never the geometry it is compared with."""
    for shift in shifts(ScenarioProfile(geometry="mixed")).values():
        changed = (
            shift.usual != shift.shifted,
            shift.relative_beam_width != 1.0,
            shift.disturbance is not None,
        )
        assert sum(changed) == 1
        assert shift.usual.geometry == shift.shifted.geometry


def test_shifted_contexts_are_others_than_the_usual_ones(sampler: OnnxSampler) -> None:
    """With the seed and block of the usual ones each shift shows the model something else."""
    for shift in shifts(ScenarioProfile(geometry="mixed")).values():
        usual = draw_scenarios(shift.usual, 4, Split.TEST.seed(5, 1)).estimated
        shown = shift.drawn(4, sampler, (5, 1), np.random.default_rng(0)).estimated
        assert any(
            not np.array_equal(getattr(usual, name), getattr(shown, name)) for name in vars(usual)
        )


def test_jamming_moves_whole_tables(sampler: OnnxSampler) -> None:
    """Each ESIM's table is off by one factor, and not all by the same."""
    shown = jammed(REPORTED, sampler, np.random.default_rng(1))
    factor = shown.gain_per_w / REPORTED.gain_per_w
    np.testing.assert_allclose(factor, np.broadcast_to(factor[..., :1], factor.shape))
    assert np.ptp(np.log(factor[..., 0])) > 1


def test_an_attack_keeps_its_bounds_and_does_harm(sampler: OnnxSampler) -> None:
    """No number moves by more than 1.5 dB; on the real report the decisions are worse for it."""
    shown = attacked(REPORTED, sampler, np.random.default_rng(1))
    for name in ("gain_per_w", "leakage_per_w"):
        moved_db = 10 * np.abs(np.log10(getattr(shown, name) / getattr(REPORTED, name)))
        np.testing.assert_allclose(moved_db, 1.5)
    assert shown.beam_amplitude is REPORTED.beam_amplitude
    rates = [
        np.mean(
            sum_secrecy_rate(REPORTED, sampler.decide(context, np.random.default_rng(2)).allocation)
        )
        for context in (REPORTED, shown)
    ]
    assert rates[1] < rates[0]
