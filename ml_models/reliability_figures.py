"""What a model's own signals are worth: does it know what it does not know?

`reliability` is about the context, and judged as a detector of shifts that were never trained on;
`regret_figures` judges what is said of decisions.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.onnx_sampler import ModelDecision, OnnxSampler
from ml_models.regret_figures import auroc, first_contexts, regret_document
from ml_models.shifts import shifts
from radio_math.channel import ContextPair

Floats = npt.NDArray[np.float64]

WINDOW = 8
"""Decisions that are judged together by their mean reliability."""

_USUAL_BLOCK, _SHIFTED_BLOCK = 1, 2  # of test scenarios; block 0 is the comparison's
_NOISE_SEED, _DISTURBANCE_SEED = 13, 14  # joined to the seed
_REGRETTED = 64  # contexts of each kind


def reliability_document(
    samplers: Mapping[str, OnnxSampler],
    own: str,
    trained: ScenarioProfile,
    *,
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """How well a model's reliability tells shifts, and models' signals regret, as JSON.

    `auroc.SHIFT` is of single decisions, `auroc_window.SHIFT` of windows of eight independent ones,
    `mean_auroc` and `mean_auroc_window` over the shifts. `calibration_error` is the mean distance
    between the reliability's distribution in usual conditions and the uniform one, which is what
    it claims to have. `regret` is `regret_document` of the usual and all shifted contexts together,
    of each kind the first 64, because exhaustive search takes its time.

    Args:
        samplers: the models whose regret is told, by name.
        own: the one among them whose reliability is judged, and whom the attacker asks.
        trained: the profile it was trained on.
        samples: contexts of each kind; a window's worth at least.
        seed: of the test contexts, which share none with training whatever the seed.
    """
    samples = max(samples, WINDOW)
    sampler = samplers[own]
    usual: dict[ScenarioProfile, ContextPair] = {}
    told: dict[ScenarioProfile, Floats] = {}  # the reliability of each usual context
    changed: dict[str, ContextPair] = {}
    single, window = {}, {}
    for name, shift in shifts(trained).items():
        if shift.usual not in usual:
            block = Split.TEST.seed(seed, _USUAL_BLOCK)
            usual[shift.usual] = draw_scenarios(shift.usual, samples, block)
            told[shift.usual] = _reliability(sampler, usual[shift.usual], seed)
        rng = np.random.default_rng((seed, _DISTURBANCE_SEED))
        changed[name] = shift.drawn(samples, sampler, (seed, _SHIFTED_BLOCK), rng)
        known = 1 - told[shift.usual]
        unknown = 1 - _reliability(sampler, changed[name], seed)
        single[name] = auroc(known, unknown)
        window[name] = auroc(_windows(known), _windows(unknown))
    judged = [first_contexts(pair, _REGRETTED) for pair in (usual[trained], *changed.values())]
    return {
        "auroc": single,
        "auroc_window": window,
        "mean_auroc": float(np.mean(list(single.values()))),
        "mean_auroc_window": float(np.mean(list(window.values()))),
        "calibration_error": distance_to_uniform(told[trained]),
        "regret": regret_document(
            judged,
            {
                name: [_decided(model, pair, seed) for pair in judged]
                for name, model in samplers.items()
            },
        ),
    }


def distance_to_uniform(values: Floats) -> float:
    """Mean distance between the distribution of values in [0, 1] and the uniform one, 0 to 0.5."""
    level = (np.arange(len(values)) + 0.5) / len(values)
    return float(np.mean(np.abs(np.sort(values) - level)))


def _decided(sampler: OnnxSampler, contexts: ContextPair, seed: int) -> ModelDecision:
    return sampler.decide(contexts.estimated, np.random.default_rng((seed, _NOISE_SEED)))


def _reliability(sampler: OnnxSampler, contexts: ContextPair, seed: int) -> Floats:
    return np.asarray(_decided(sampler, contexts, seed).reliability, dtype=np.float64)


def _windows(values: Floats) -> Floats:
    whole = len(values) // WINDOW * WINDOW
    return np.asarray(values[:whole].reshape(-1, WINDOW).mean(axis=1))
