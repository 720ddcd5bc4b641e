"""What a model's own signals are worth: does it know what it does not know?

`reliability` is about the context, and judged as a detector of shifts that were never trained on.
`confidence`, of a model that has it, is about the decision and judged as a detector of regret; the
spread of the candidates' rates stands in for it elsewhere.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios, select
from ml_models.evaluate import exhaustive_rates
from ml_models.onnx_sampler import ModelDecision, OnnxSampler
from ml_models.shifts import shifts
from radio_math.channel import ContextPair
from radio_math.context import Allocation
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

WINDOW = 8
"""Decisions that are judged together by their mean reliability."""

MOST_REGRET = 0.05
"""Share of the rate of exhaustive search on the same estimate that a good decision may lose."""

_USUAL_BLOCK, _SHIFTED_BLOCK = 1, 2  # of test scenarios; block 0 is the comparison's
_NOISE_SEED, _DISTURBANCE_SEED = 13, 14  # joined to the seed
_BINS = 10
_REGRETTED = 64  # contexts of each kind


@dataclass(frozen=True)
class _Judged:
    """Contexts and what the model answered about them."""

    contexts: ContextPair
    decision: ModelDecision


def reliability_document(
    sampler: OnnxSampler, trained: ScenarioProfile, *, samples: int, seed: int
) -> dict[str, Any]:
    """How well reliability and confidence tell, as JSON.

    `auroc.SHIFT` is of single decisions, `auroc_window.SHIFT` of windows of eight independent ones,
    `mean_auroc` and `mean_auroc_window` over the shifts. `calibration_error` is the mean distance
    between the reliability's distribution in usual conditions and the uniform one, which is what
    it claims to have. `regret` is `regret_document` of the usual and all shifted contexts together,
    of each kind the first 64, because exhaustive search takes its time.

    Args:
        sampler: the model.
        trained: the profile it was trained on.
        samples: contexts of each kind; a window's worth at least.
        seed: of the test contexts, which share none with training whatever the seed.
    """
    samples = max(samples, WINDOW)
    single, window = {}, {}
    known: dict[ScenarioProfile, _Judged] = {}
    judged = []
    for name, shift in shifts(trained).items():
        if shift.usual not in known:
            pair = draw_scenarios(shift.usual, samples, Split.TEST.seed(seed, _USUAL_BLOCK))
            known[shift.usual] = _judged(sampler, pair, seed)
        rng = np.random.default_rng((seed, _DISTURBANCE_SEED))
        changed = shift.drawn(samples, sampler, (seed, _SHIFTED_BLOCK), rng)
        judged.append(_judged(sampler, changed, seed))
        usual = np.asarray(known[shift.usual].decision.reliability, dtype=np.float64)
        unusual = np.asarray(judged[-1].decision.reliability, dtype=np.float64)
        single[name] = auroc(1 - usual, 1 - unusual)
        window[name] = auroc(1 - _windows(usual), 1 - _windows(unusual))
    usual = np.asarray(known[trained].decision.reliability, dtype=np.float64)
    return {
        "auroc": single,
        "auroc_window": window,
        "mean_auroc": float(np.mean(list(single.values()))),
        "mean_auroc_window": float(np.mean(list(window.values()))),
        "calibration_error": distance_to_uniform(usual),
        "regret": regret_document([_few(one) for one in (known[trained], *judged)]),
    }


def regret_document(judged: list[_Judged]) -> dict[str, Any]:
    """How well the model's signal tells decisions that lose more than 5 % to exhaustive search.

    `signal` is "confidence" or "candidate_spread". For both channels, `estimated` and `true`:
    `share` of decisions above 5 %, their `count`, `auroc` (null where there are none or nothing
    else), and `calibration_error` of a confidence, which claims the probability of staying below.
    """
    decisions = [one.decision for one in judged]
    signal, goodness = _signal(decisions)
    result: dict[str, Any] = {"signal": signal, "decisions": len(goodness)}
    own, bound = (
        [np.concatenate(rates) for rates in zip(*pairs, strict=True)]
        for pairs in (
            [
                tuple(
                    np.asarray(sum_secrecy_rate(context, one.decision.allocation))
                    for context in (one.contexts.estimated, one.contexts.true)
                )
                for one in judged
            ],
            [exhaustive_rates(one.contexts.estimated, one.contexts.true) for one in judged],
        )
    )
    for number, channel in enumerate(("estimated", "true")):
        is_bad = own[number] < (1 - MOST_REGRET) * bound[number]
        told = 0 < is_bad.sum() < len(is_bad)
        figures: dict[str, Any] = {
            "share": float(is_bad.mean()),
            "count": int(is_bad.sum()),
            "auroc": auroc(-goodness[~is_bad], -goodness[is_bad]) if told else None,
        }
        if signal == "confidence":
            figures["calibration_error"] = calibration_error(goodness, ~is_bad)
        result[channel] = figures
    return result


def auroc(negative: Floats, positive: Floats) -> float:
    """Probability that a positive scores above a negative, ties counting half."""
    above = positive[:, None] > negative[None, :]
    tied = positive[:, None] == negative[None, :]
    return float(np.mean(above + 0.5 * tied))


def distance_to_uniform(values: Floats) -> float:
    """Mean distance between the distribution of values in [0, 1] and the uniform one, 0 to 0.5."""
    level = (np.arange(len(values)) + 0.5) / len(values)
    return float(np.mean(np.abs(np.sort(values) - level)))


def calibration_error(probability: Floats, came_true: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of probabilities [N] in ten bins, weighted by their decisions."""
    number = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    gaps = [
        np.abs(probability[number == one].mean() - came_true[number == one].mean())
        * np.mean(number == one)
        for one in np.unique(number)
    ]
    return float(np.sum(gaps))


def _judged(sampler: OnnxSampler, contexts: ContextPair, seed: int) -> _Judged:
    rng = np.random.default_rng((seed, _NOISE_SEED))
    return _Judged(contexts, sampler.decide(contexts.estimated, rng))


def _few(judged: _Judged) -> _Judged:
    rows = slice(0, _REGRETTED)
    decision = judged.decision
    parts: dict[str, Any] = {
        name: value[rows]
        for name, value in vars(decision).items()
        if name != "allocation" and value is not None
    }
    allocation = Allocation(
        **{name: value[rows] for name, value in vars(decision.allocation).items()}
    )
    return _Judged(
        ContextPair(
            true=select(judged.contexts.true, rows),
            estimated=select(judged.contexts.estimated, rows),
        ),
        replace(decision, allocation=allocation, **parts),
    )


def _signal(decisions: list[ModelDecision]) -> tuple[str, Floats]:
    """The name of what the model says of its decisions, and its values, higher for better ones."""
    confidence = [one.confidence for one in decisions if one.confidence is not None]
    if len(confidence) == len(decisions):
        return "confidence", np.concatenate(confidence).astype(np.float64)
    rates = np.concatenate([one.candidate_rates_bps_hz for one in decisions]).astype(np.float64)
    best = np.maximum(rates.max(axis=1), np.finfo(np.float64).tiny)
    return "candidate_spread", -rates.std(axis=1) / best


def _windows(reliability: Floats) -> Floats:
    whole = len(reliability) // WINDOW * WINDOW
    return np.asarray(reliability[:whole].reshape(-1, WINDOW).mean(axis=1))
