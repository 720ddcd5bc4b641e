"""Leakage margins: the reported leakage taken for higher than reported, by a tuned factor.

A decision that is best for the estimate trusts nulls that are not quite where they are thought to
be. Multiplying the estimated leakage is the usual remedy. How much is worth it depends on the
power, so a margin is a factor for each total power, tuned on training scenarios by the rate on
their true channel and kept in `margins.json` with the seed it was tuned on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from typing import Any

import numpy as np

from ml_models.datasets.scenarios import at_power
from radio_math.channel import ContextPair
from radio_math.context import Allocation, ContextError, RadioContext
from radio_math.secrecy import sum_secrecy_rate

FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0)
"""Factors that are tried."""

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
    """A margin and the curve it was read from: mean true rate [power][factor] [b/s/Hz]."""

    margin: LeakageMargin
    factors: tuple[float, ...]
    true_bps_hz: tuple[tuple[float, ...], ...]


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

    Args:
        decide: the method, which never sees the true channel.
        contexts: training scenarios [N]; every factor is tried on the same ones.
        powers_dbw: total powers, rising.
        factors: factors to try.
        seed: of the method's own draws, the same for every factor.
        on_progress: told the finished fraction after each power and factor.
    """
    curves = []
    for number, power_dbw in enumerate(powers_dbw):
        estimated = at_power(contexts.estimated, power_dbw)
        true = at_power(contexts.true, power_dbw)
        rates = []
        for tried, factor in enumerate(factors):
            raised = LeakageMargin((power_dbw,), (factor,)).applied(estimated)
            rates.append(
                float(np.mean(sum_secrecy_rate(true, decide(raised, np.random.default_rng(seed)))))
            )
            if on_progress is not None:
                on_progress((number + (tried + 1) / len(factors)) / len(powers_dbw))
        curves.append(tuple(rates))
    best = tuple(float(factors[int(np.argmax(rates))]) for rates in curves)
    return TunedMargin(
        margin=LeakageMargin(tuple(powers_dbw), best),
        factors=tuple(factors),
        true_bps_hz=tuple(curves),
    )


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
    tuned: dict[str, TunedMargin], *, seed: int, samples: int, geometry: str
) -> str:
    """The text of `margins.json`: margins and curves by method, and what they were tuned on."""
    document = {
        "seed": seed,
        "samples": samples,
        "geometry": geometry,
        "methods": {name: asdict(one) for name, one in tuned.items()},
    }
    return json.dumps(document, indent=1) + "\n"
