"""Leakage margins: the reported leakage taken for higher than reported, by a tuned factor.

A decision that is best for the estimate trusts nulls that are not quite where they are thought to
be. Multiplying the estimated leakage is the usual remedy. How much is worth it depends on the
power, so a margin is a factor for each total power, tuned on training scenarios by the rate on
their true channel and kept in `margins.json` with the seed it was tuned on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from ml_models.datasets.scenarios import at_power
from radio_math.channel import ContextPair
from radio_math.context import Allocation, ContextError, RadioContext
from radio_math.secrecy import sum_secrecy_rate

FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 48.0, 64.0)
"""Factors that may be tried."""

_STORE = "margins.json"

Decide = Callable[[RadioContext, np.random.Generator], Allocation]
"""A method: allocations for contexts [N], with the generator that it may draw from."""


@dataclass(frozen=True)
class LeakageMargin:
    """Factors on the reported leakage by total power.

    Attributes:
        power_dbw: total powers, rising.
        factor: the factor at each of them; between them its logarithm is interpolated.
    """

    power_dbw: tuple[float, ...]
    factor: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.power_dbw) != len(self.factor) or not self.factor:
            raise ContextError("a margin has one factor for each of its powers")
        if min(self.factor) <= 0:
            raise ContextError("a margin multiplies leakage and must be above zero")

    def applied(self, context: RadioContext) -> RadioContext:
        """The contexts [N] with leakage multiplied by the factor of each power budget."""
        power_dbw = 10 * np.log10(np.asarray(context.power_budget_w, dtype=np.float64))
        factor = np.exp(np.interp(power_dbw, self.power_dbw, np.log(self.factor)))
        return replace(context, leakage_per_w=context.leakage_per_w * factor[:, None, None])


@dataclass(frozen=True)
class TunedMargin:
    """A margin and what it was read from.

    Attributes:
        margin: the best factors.
        true_bps_hz: for each power the mean rate on the true channel by the factors tried.
        samples: scenarios that the rates are means over.
    """

    margin: LeakageMargin
    true_bps_hz: tuple[Mapping[float, float], ...]
    samples: int


def tune(
    decide: Decide,
    contexts: ContextPair,
    powers_dbw: Sequence[float],
    factors: Sequence[float] = FACTORS,
    *,
    seed: int = 1,
    on_progress: Callable[[float], None] | None = None,
) -> TunedMargin:
    """The factor at each power whose decisions do best on the true channel of `contexts`.

    The rate rises and then falls with the factor, on the same contexts without a wrinkle, so that
    the search climbs from the best factor of the power before until it falls on both sides.

    Args:
        decide: the method, which never sees the true channel.
        contexts: training scenarios [N]; every factor is tried on the same ones.
        powers_dbw: total powers, rising.
        factors: factors to choose from, rising.
        seed: of the method's own draws, the same for every factor.
        on_progress: told the finished fraction after each power.
    """
    place = len(factors) // 2
    chosen, curves = [], []
    for number, power_dbw in enumerate(powers_dbw):
        at_this = ContextPair(
            true=at_power(contexts.true, power_dbw),
            estimated=at_power(contexts.estimated, power_dbw),
        )
        place, curve = _climbed(decide, at_this, factors, place, seed)
        chosen.append(float(factors[place]))
        curves.append(curve)
        if on_progress is not None:
            on_progress((number + 1) / len(powers_dbw))
    margin = LeakageMargin(tuple(powers_dbw), tuple(chosen))
    return TunedMargin(margin, tuple(curves), len(contexts.true.power_budget_w))


def _climbed(
    decide: Decide, contexts: ContextPair, factors: Sequence[float], start: int, seed: int
) -> tuple[int, dict[float, float]]:
    """The place of the best factor, and the rates of those tried on the way from `start`."""
    tried: dict[int, float] = {}

    def rate(place: int) -> float:
        if place not in tried:
            raised = LeakageMargin((0.0,), (factors[place],)).applied(contexts.estimated)
            decision = decide(raised, np.random.default_rng(seed))
            tried[place] = float(np.mean(sum_secrecy_rate(contexts.true, decision)))
        return tried[place]

    best = start
    for step in (1, -1):
        while 0 <= best + step < len(factors) and rate(best + step) > rate(best):
            best += step
    return best, {float(factors[place]): tried[place] for place in sorted(tried)}


def stored_margin(method: str) -> LeakageMargin:
    """The tuned margin of a method, from `margins.json`.

    Raises:
        ContextError: no margin was tuned for the method.
    """
    document: dict[str, Any] = json.loads(
        files("ml_models.robust").joinpath(_STORE).read_text(encoding="utf-8")
    )
    if method not in document["methods"]:
        raise ContextError(f"no margin was tuned for {method}; run python -m ml_models.robust tune")
    tuned = document["methods"][method]["margin"]
    return LeakageMargin(tuple(tuned["power_dbw"]), tuple(tuned["factor"]))


def margins_document(
    tuned: Mapping[str, TunedMargin],
    *,
    seed: int,
    geometry: str,
    before: Mapping[str, Any] | None = None,
) -> str:
    """The text of `margins.json`: margins and curves by method, and what they were tuned on.

    Args:
        tuned: by method.
        seed: of the training scenarios.
        geometry: of their profile.
        before: a document whose methods are kept where they were not tuned anew.

    Raises:
        ContextError: the document before is of other scenarios.
    """
    kept: dict[str, Any] = {}
    if before is not None:
        if (before["seed"], before["geometry"]) != (seed, geometry):
            raise ContextError("the file is of another seed or geometry; tune all methods anew")
        kept = dict(before["methods"])
    methods = kept | {name: asdict(one) for name, one in tuned.items()}
    return json.dumps({"seed": seed, "geometry": geometry, "methods": methods}, indent=1) + "\n"
