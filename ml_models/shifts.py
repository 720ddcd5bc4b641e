"""Conditions that a model was never trained on, to see whether its reliability tells them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import ScenarioProfile, ServiceArea, Split, draw_scenarios
from ml_models.onnx_sampler import OnnxSampler
from radio_math.channel import ContextPair
from radio_math.context import RadioContext
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

_JAMMING_SIGMA = 1.5  # of the natural logarithm of reported gains and leakages, 6.5 dB
_ADVERSARIAL_DB = 1.5
_ADVERSARIAL_TRIES = 8
_NARROW = 0.6  # beam width of another satellite antenna to the usual one, 4.4 dB more gain

Disturbance = Callable[[RadioContext, OnnxSampler, np.random.Generator], RadioContext]
"""What becomes of the reports [N] before the model sees them."""


@dataclass(frozen=True)
class Shift:
    """A change of conditions.

    Attributes:
        usual: conditions as trained, of the geometry that the shift changes.
        shifted: the changed conditions.
        relative_beam_width: of the satellite's antenna.
        disturbance: what is done to the reports, where they and not the conditions change.
    """

    usual: ScenarioProfile
    shifted: ScenarioProfile
    relative_beam_width: float = 1.0
    disturbance: Disturbance | None = None

    def drawn(
        self, samples: int, sampler: OnnxSampler, seed: tuple[int, int], rng: np.random.Generator
    ) -> ContextPair:
        """True contexts, and estimated ones as the model is shown them.

        Args:
            samples: contexts.
            sampler: the model, which an attacker may ask.
            seed: seed and block of test scenarios.
            rng: for the disturbance.
        """
        pair = draw_scenarios(
            self.shifted,
            samples,
            Split.TEST.seed(*seed),
            area=ServiceArea(relative_beam_width=self.relative_beam_width),
        )
        if self.disturbance is None:
            return pair
        return replace(pair, estimated=self.disturbance(pair.estimated, sampler, rng))


def shifts(trained: ScenarioProfile) -> dict[str, Shift]:
    """The shifts by name, from the profile that a model was trained on.

    Six times the rain; deeper shadowing; scattering as strong as the direct path; stations within
    2 km; four stations; orbits above and below; a satellite whose beams are narrower; reports whose
    gains and leakages are off by 6.5 dB at every ESIM; reports that an attacker has changed by up
    to 1.5 dB in each number of the tables.
    """
    on_pass = replace(trained, geometry="pass")

    def channel(**changes: Any) -> Shift:
        return Shift(trained, replace(trained, channel=replace(trained.channel, **changes)))

    return {
        "rain": channel(rain_probability=1.0, rain_mean_db=6.0),
        "shadowing": channel(shadowing_sigma_db=5.0),
        "scattering": channel(rician_k_db=0.0),
        "near_eavesdroppers": channel(eavesdropper_min_m=300.0, eavesdropper_max_m=2000.0),
        "more_eavesdroppers": channel(eavesdroppers=4),
        "altitude_1200_km": Shift(
            on_pass, replace(on_pass, min_altitude_m=1.2e6, max_altitude_m=1.2e6)
        ),
        "altitude_400_km": Shift(on_pass, replace(on_pass, min_altitude_m=4e5, max_altitude_m=4e5)),
        "narrow_beams": Shift(trained, trained, relative_beam_width=_NARROW),
        "jammed_csi": Shift(trained, trained, disturbance=jammed),
        "adversarial_csi": Shift(trained, trained, disturbance=attacked),
    }


def jammed(context: RadioContext, _: OnnxSampler, rng: np.random.Generator) -> RadioContext:
    """Reports whose gains and leakages are off by independent errors at every ESIM."""

    def disturbed(table: Floats) -> Floats:
        error = _JAMMING_SIGMA * rng.standard_normal((*table.shape[:-1], 1))
        return np.asarray(table * np.exp(error))

    return replace(
        context,
        gain_per_w=disturbed(context.gain_per_w),
        leakage_per_w=disturbed(context.leakage_per_w),
    )


def attacked(context: RadioContext, sampler: OnnxSampler, rng: np.random.Generator) -> RadioContext:
    """Reports changed within a box so that the decision does worst on what was really reported.

    Without gradients: of some random corners of the box, the worst for each context.
    """
    worst = np.full(len(context.power_budget_w), np.inf)
    found = context
    for _ in range(_ADVERSARIAL_TRIES):
        tried = replace(
            context,
            gain_per_w=_cornered(context.gain_per_w, rng),
            leakage_per_w=_cornered(context.leakage_per_w, rng),
        )
        rate = np.asarray(sum_secrecy_rate(context, sampler.decide(tried, rng).allocation))
        worse = (rate < worst)[:, None, None]
        worst = np.minimum(rate, worst)
        found = replace(
            found,
            gain_per_w=np.where(worse, tried.gain_per_w, found.gain_per_w),
            leakage_per_w=np.where(worse, tried.leakage_per_w, found.leakage_per_w),
        )
    return found


def _cornered(table: Floats, rng: np.random.Generator) -> Floats:
    sign = rng.choice([-1.0, 1.0], table.shape)
    return np.asarray(table * 10 ** (sign * _ADVERSARIAL_DB / 10))
