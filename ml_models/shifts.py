"""Does the reliability tell contexts unlike the training's? AUROC on shifts never trained on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.onnx_sampler import OnnxSampler
from radio_math.context import RadioContext

Floats = npt.NDArray[np.float64]

WINDOW = 8
"""Decisions that are judged together by their mean reliability."""

_USUAL_SEED, _SHIFTED_SEED, _NOISE_SEED, _JAMMING_SEED = 11, 12, 13, 14  # joined to the seed
_JAMMING_SIGMA = 1.5  # of the natural logarithm of reported gains and leakages, 6.5 dB


@dataclass(frozen=True)
class Shift:
    """A change of conditions.

    Attributes:
        usual: conditions as trained, of the geometry that the shift changes.
        shifted: the changed conditions.
        is_jammed: whether the reports, and not the conditions, are disturbed.
    """

    usual: ScenarioProfile
    shifted: ScenarioProfile
    is_jammed: bool = False


def shifts(trained: ScenarioProfile) -> dict[str, Shift]:
    """The shifts by name, from the profile that a model was trained on."""
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
        "jammed_csi": Shift(trained, trained, is_jammed=True),
    }


def reliability_document(
    sampler: OnnxSampler, trained: ScenarioProfile, *, samples: int, seed: int
) -> dict[str, dict[str, float]]:
    """`auroc.SHIFT` of single decisions and `auroc_window.SHIFT` of windows of independent ones.

    Args:
        sampler: the model.
        trained: the profile it was trained on.
        samples: contexts of each kind.
        seed: of the contexts; never one that was trained on.
    """
    single, window = {}, {}
    known: dict[ScenarioProfile, Floats] = {}
    for name, shift in shifts(trained).items():
        if shift.usual not in known:
            known[shift.usual] = _reliability(
                sampler, _drawn(shift.usual, samples, (seed, _USUAL_SEED)), seed
            )
        changed = _drawn(shift.shifted, samples, (seed, _SHIFTED_SEED))
        if shift.is_jammed:
            changed = _jammed(changed, np.random.default_rng((seed, _JAMMING_SEED)))
        usual, unusual = known[shift.usual], _reliability(sampler, changed, seed)
        single[name] = auroc(1 - usual, 1 - unusual)
        window[name] = auroc(1 - _windows(usual), 1 - _windows(unusual))
    return {"auroc": single, "auroc_window": window}


def auroc(negative: Floats, positive: Floats) -> float:
    """Probability that a positive scores above a negative, ties counting half."""
    above = positive[:, None] > negative[None, :]
    tied = positive[:, None] == negative[None, :]
    return float(np.mean(above + 0.5 * tied))


def _drawn(profile: ScenarioProfile, samples: int, seed: tuple[int, int]) -> RadioContext:
    return draw_scenarios(profile, samples, seed).estimated


def _jammed(context: RadioContext, rng: np.random.Generator) -> RadioContext:
    """Reports whose gains and leakages are off by independent errors at every ESIM."""

    def disturbed(table: Floats) -> Floats:
        error = _JAMMING_SIGMA * rng.standard_normal((*table.shape[:-1], 1))
        return np.asarray(table * np.exp(error))

    return replace(
        context,
        gain_per_w=disturbed(context.gain_per_w),
        leakage_per_w=disturbed(context.leakage_per_w),
    )


def _reliability(sampler: OnnxSampler, context: RadioContext, seed: int) -> Floats:
    decision = sampler.decide(context, np.random.default_rng((seed, _NOISE_SEED)))
    return np.asarray(decision.reliability, dtype=np.float64)


def _windows(reliability: Floats) -> Floats:
    whole = len(reliability) // WINDOW * WINDOW
    return np.asarray(reliability[:whole].reshape(-1, WINDOW).mean(axis=1))
