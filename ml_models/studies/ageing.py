"""Decisions from reports older than those that were trained on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ml_models.comparison import decide_all
from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.methods import EXHAUSTIVE, Method, build
from radio_math.channel import ChannelModel

AGES = (0.0, 1.0, 2.0, 4.0, 8.0)


def aged(model: ChannelModel, age: float) -> ChannelModel:
    """The model with reports `age` times as old as its own.

    Correlations of rays fall as rho^age. Errors that gather while a report waits (pointing, gain,
    a station's azimuth and strength) grow with the root of age, as a random walk does.
    """
    growth = np.sqrt(age)
    return replace(
        model,
        ray_correlation=model.ray_correlation**age,
        eavesdropper_ray_correlation=model.eavesdropper_ray_correlation**age,
        pointing_sigma_deg=model.pointing_sigma_deg * growth,
        gain_sigma_db=model.gain_sigma_db * growth,
        eavesdropper_azimuth_sigma_deg=model.eavesdropper_azimuth_sigma_deg * growth,
        eavesdropper_gain_sigma_db=model.eavesdropper_gain_sigma_db * growth,
    )


def ageing(
    methods: Sequence[Method],
    profile: ScenarioProfile,
    *,
    samples: int,
    seed: int,
    powers_dbw: Sequence[float],
) -> dict[str, Any]:
    """`AGE.METHOD`: mean rate on the true channel over that of exhaustive search, over all powers.

    `of_same_age` compares with exhaustive search on reports of the same age, `of_usual_age` with
    exhaustive search on reports as old as trained. Arguments as in `unreported`.
    """
    (exhaustive,) = build((EXHAUSTIVE,), {})

    def achieved(method: Method, age: float) -> float:
        shifted = replace(profile, channel=aged(profile.channel, age))
        contexts = draw_scenarios(shifted, samples, seed)
        return float(
            np.mean([decide_all(method, contexts, p, seed).true_bps_hz.mean() for p in powers_dbw])
        )

    usual = achieved(exhaustive, 1.0)
    ratios: dict[str, Any] = {}
    for age in AGES:
        bound = usual if age == 1 else achieved(exhaustive, age)
        rates = {
            method.name: bound if method.name == EXHAUSTIVE else achieved(method, age)
            for method in methods
        }
        ratios[f"{age:g}"] = {
            name: {"of_same_age": rate / bound, "of_usual_age": rate / usual}
            for name, rate in rates.items()
        }
    return ratios
