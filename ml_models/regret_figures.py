"""Do a model's own signals tell the decisions that are worse than they should be?

A decision regrets what it lacks of the rate of exhaustive search on the same estimate. A model that
is taught on estimates should regret nothing there, one that is taught outcomes nothing on the true
channel; the other channel is told all the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import select
from ml_models.evaluate import exhaustive_rates
from ml_models.onnx_sampler import ModelDecision
from radio_math.channel import ContextPair
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

MOST_REGRET = 0.05
"""Share of the rate of exhaustive search on the same estimate that a good decision may lose."""

_BINS = 10
_LEAST_RELIABILITY = 1e-3
_LEAST_SPREAD = 1e-4


def regret_document(
    contexts: Sequence[ContextPair], decided: Mapping[str, Sequence[ModelDecision]]
) -> dict[str, Any]:
    """How well each signal of each model tells decisions that lose more than 5 %, as JSON.

    `decisions` there are of each model. `models.NAME.CHANNEL`, of the channels `estimated` and
    `true`, has the `share` and `count` of decisions above 5 % and `auroc` by signal (null where
    there are none or nothing else): `reliability`; `candidate_spread`, the standard deviation of
    the candidates' rates over their greatest; `both`, the ratio of the two, in which nothing is
    fitted; and `confidence` of a model that has it, with its `calibration_error`.

    Args:
        contexts: of each kind of conditions, as the models saw them.
        decided: the models' decisions on them by name.
    """
    bounds = [exhaustive_rates(pair.estimated, pair.true) for pair in contexts]
    bound = {
        channel: np.concatenate([rates[number] for rates in bounds])
        for number, channel in enumerate(("estimated", "true"))
    }
    models: dict[str, Any] = {}
    for name, decisions in decided.items():
        signals = _signals(decisions)
        models[name] = {}
        for channel, best in bound.items():
            pairs = zip(contexts, decisions, strict=True)
            own = np.concatenate(
                [
                    np.asarray(sum_secrecy_rate(getattr(pair, channel), decision.allocation))
                    for pair, decision in pairs
                ]
            )
            models[name][channel] = _figures(own < (1 - MOST_REGRET) * best, signals)
    return {"decisions": len(bound["true"]), "models": models}


def first_contexts(pair: ContextPair, count: int) -> ContextPair:
    """The first contexts of a batch."""
    rows = slice(0, count)
    return ContextPair(true=select(pair.true, rows), estimated=select(pair.estimated, rows))


def auroc(negative: Floats, positive: Floats) -> float:
    """Probability that a positive scores above a negative, ties counting half."""
    above = positive[:, None] > negative[None, :]
    tied = positive[:, None] == negative[None, :]
    return float(np.mean(above + 0.5 * tied))


def calibration_error(probability: Floats, came_true: npt.NDArray[np.bool_]) -> float:
    """Expected calibration error of probabilities [N] in ten bins, weighted by their decisions."""
    number = np.minimum((probability * _BINS).astype(np.int64), _BINS - 1)
    gaps = [
        np.abs(probability[number == one].mean() - came_true[number == one].mean())
        * np.mean(number == one)
        for one in np.unique(number)
    ]
    return float(np.sum(gaps))


def _figures(is_bad: npt.NDArray[np.bool_], signals: Mapping[str, Floats]) -> dict[str, Any]:
    told = 0 < is_bad.sum() < len(is_bad)
    figures: dict[str, Any] = {
        "share": float(is_bad.mean()),
        "count": int(is_bad.sum()),
        "auroc": {
            name: auroc(-goodness[~is_bad], -goodness[is_bad]) if told else None
            for name, goodness in signals.items()
        },
    }
    if "confidence" in signals:
        figures["calibration_error"] = calibration_error(signals["confidence"], ~is_bad)
    return figures


def _signals(decisions: Sequence[ModelDecision]) -> dict[str, Floats]:
    """What a model says of its decisions, higher for better ones."""
    reliability = np.concatenate([one.reliability for one in decisions]).astype(np.float64)
    rates = np.concatenate([one.candidate_rates_bps_hz for one in decisions]).astype(np.float64)
    best = np.maximum(rates.max(axis=1), np.finfo(np.float64).tiny)
    spread = rates.std(axis=1) / best
    signals = {
        "reliability": reliability,
        "candidate_spread": -spread,
        "both": np.log(reliability + _LEAST_RELIABILITY) - np.log(spread + _LEAST_SPREAD),
    }
    confidence = [one.confidence for one in decisions if one.confidence is not None]
    if len(confidence) == len(decisions):
        signals["confidence"] = np.concatenate(confidence).astype(np.float64)
    return signals
