"""Decisions without any report on eavesdroppers, against exhaustive search that has the report."""

from collections.abc import Sequence
from typing import Any

from ml_models.comparison import decide_all
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.datasets.withheld import BlindBeams, draw_unreported, learn_prior
from ml_models.methods import EXHAUSTIVE, Method, build

PRIOR_SEED = 611_953  # of training scenarios, whatever the seed of the study


def unreported(
    methods: Sequence[Method],
    profile: ScenarioProfile,
    *,
    samples: int,
    seed: int,
    powers_dbw: Sequence[float],
) -> dict[str, Any]:
    """`BEAMS.METHOD.POWER`: ratio of means on the true channel.

    The denominator is exhaustive search on estimates with the report, in the same scenarios.

    Args:
        methods: which to study.
        profile: of the scenarios.
        samples: scenarios at every power.
        seed: of the scenarios; never one that was trained on.
        powers_dbw: total powers.
    """
    (exhaustive,) = build((EXHAUSTIVE,), {})
    reported = draw_scenarios(profile, samples, seed)
    bound = {
        power: decide_all(exhaustive, reported, power, seed).true_bps_hz.mean()
        for power in powers_dbw
    }
    prior = learn_prior(profile, PRIOR_SEED)
    ratios: dict[str, Any] = {}
    for beams in BlindBeams:
        blind = draw_unreported(profile, samples, seed, prior, beams)
        ratios[beams.value] = {
            method.name: {
                f"{power:g}": float(
                    decide_all(method, blind, power, seed).true_bps_hz.mean() / bound[power]
                )
                for power in powers_dbw
            }
            for method in methods
        }
    return ratios
