"""Leakage margins: the reported leakage taken for higher than reported, by tuned factors.

A decision that is best for the estimate trusts nulls that are not quite where they are thought to
be. Multiplying the estimated leakage is the usual remedy. Deep nulls are lost more often than
shallow ones, and nulls of the whole horizon hardly ever: so a margin has a factor for each point of
the beamformer grid, the mean excess of true leakage over reported one in decibels. How much of it
is worth it depends on the power, so there is one more for each total power, tuned on training
scenarios by the rate on their true channel. All are kept in `margins.json` with the seed of those.
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

FACTORS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0)
"""Factors at a power that may be tried."""

_STORE = "margins.json"

Decide = Callable[[RadioContext, np.random.Generator], Allocation]
"""A method: allocations for contexts [N], with the generator that it may draw from."""


@dataclass(frozen=True)
class LeakageMargin:
    """Factors on the reported leakage by total power.

    Attributes:
        power_dbw: total powers, rising.
        factor: the factor at each of them; between them its logarithm is interpolated.
        level: [S] the factor at each point of the beamformer grid.
    """

    power_dbw: tuple[float, ...]
    factor: tuple[float, ...]
    level: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.power_dbw) != len(self.factor) or not self.factor:
            raise ContextError("a margin has one factor for each of its powers")
        if min(*self.factor, *self.level) <= 0:
            raise ContextError("a margin multiplies leakage and must be above zero")

    def applied(self, context: RadioContext) -> RadioContext:
        """The contexts [N] with leakage multiplied by the factors of power budget and point."""
        power_dbw = 10 * np.log10(np.asarray(context.power_budget_w, dtype=np.float64))
        factor = np.exp(np.interp(power_dbw, self.power_dbw, np.log(self.factor)))
        excess = factor[:, None, None] * np.asarray(self.level)
        return replace(context, leakage_per_w=context.leakage_per_w * excess)


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


def mean_excess(contexts: ContextPair) -> tuple[float, ...]:
    """True leakage over estimated one at each point of the grid, geometric mean over all ESIMs."""
    ratio = np.log(contexts.true.leakage_per_w / contexts.estimated.leakage_per_w)
    return tuple(
        float(f"{value:.4g}") for value in np.exp(ratio.reshape(-1, ratio.shape[-1]).mean(0))
    )


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
    level = mean_excess(contexts)
    chosen, curves = [], []
    for number, power_dbw in enumerate(powers_dbw):
        at_this = ContextPair(
            true=at_power(contexts.true, power_dbw),
            estimated=at_power(contexts.estimated, power_dbw),
        )
        place, curve = _climbed(decide, at_this, factors, place, level, seed)
        chosen.append(float(factors[place]))
        curves.append(curve)
        if on_progress is not None:
            on_progress((number + 1) / len(powers_dbw))
    margin = LeakageMargin(tuple(powers_dbw), tuple(chosen), level)
    return TunedMargin(margin, tuple(curves), len(contexts.true.power_budget_w))


def _climbed(  # noqa: PLR0917 - each is what a rate depends on
    decide: Decide,
    contexts: ContextPair,
    factors: Sequence[float],
    start: int,
    level: tuple[float, ...],
    seed: int,
) -> tuple[int, dict[float, float]]:
    """The place of the best factor, and the rates of those tried on the way from `start`."""
    tried: dict[int, float] = {}

    def rate(place: int) -> float:
        if place not in tried:
            raised = LeakageMargin((0.0,), (factors[place],), level).applied(contexts.estimated)
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
    return LeakageMargin(**{name: tuple(values) for name, values in tuned.items()})


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
