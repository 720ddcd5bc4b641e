"""All methods on the same test scenarios: rates on both channels, decision times.

Every method decides on the estimated contexts and is scored on the estimated and on the true ones,
in double precision and outside of it. A decision that breaks quota, budget or grid scores zero.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import (
    ScenarioProfile,
    Split,
    at_power,
    draw_scenarios,
    select,
)
from ml_models.datasets.workers import results
from ml_models.evaluate import POWERS_DBW, obeys
from ml_models.methods import EXHAUSTIVE, Method, build
from ml_models.timing import DecisionTimes, decision_times
from radio_math.channel import ContextPair
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

_BATCH = 64
_CONTEXT_SEED = 1  # joined to the seed of the scenarios, likewise below
_TIMING_SEED = 2


@dataclass(frozen=True)
class ComparisonConfig:
    """What to compare on.

    Attributes:
        methods: names of `ml_models.methods`; exhaustive search is always among them.
        artifacts: artifact folders of learned methods, by name.
        profile: distribution of the scenarios; its power range is replaced by `powers_dbw`.
        samples: scenarios, the same ones at every power.
        seed: of the test scenarios, which share none with training whatever the seed.
        powers_dbw: total powers.
        timed: decisions that are timed for each method, one context at a time.
        processes: worker processes; timing is done by this process alone.
    """

    methods: tuple[str, ...]
    artifacts: Mapping[str, Path]
    profile: ScenarioProfile = field(default_factory=ScenarioProfile)
    samples: int = 64
    seed: int = 7
    powers_dbw: tuple[float, ...] = POWERS_DBW
    timed: int = 30
    processes: int = 1

    def __post_init__(self) -> None:
        if EXHAUSTIVE not in self.methods:
            object.__setattr__(self, "methods", (EXHAUSTIVE, *self.methods))


@dataclass(frozen=True)
class Outcome:
    """What one method did with all scenarios at one power.

    Attributes:
        allocation: its decisions [N].
        estimated_bps_hz: [N] their sum secrecy rates on the estimate; zero for a breach.
        true_bps_hz: [N] likewise on the true channel.
        violations: decisions that broke quota, budget or grid.
    """

    allocation: Allocation
    estimated_bps_hz: Floats
    true_bps_hz: Floats
    violations: int


@dataclass(frozen=True)
class Comparison:
    """All outcomes, by power in dBW as text and method, and decision times by method."""

    config: ComparisonConfig
    contexts: ContextPair
    outcomes: Mapping[str, Mapping[str, Outcome]]
    times: Mapping[str, DecisionTimes]


def compare(
    config: ComparisonConfig, on_progress: Callable[[float], None] | None = None
) -> Comparison:
    """Every method on every scenario at every power.

    Args:
        config: what to compare on.
        on_progress: told the finished fraction, 0 to 1.

    Raises:
        MethodError: a method cannot decide here.
        ContextError: the seed is negative or does not fit 32 bits.
    """
    methods = build(config.methods, config.artifacts)
    contexts = draw_scenarios(config.profile, config.samples, Split.TEST.seed(config.seed))
    jobs = [(name, power_dbw) for power_dbw in config.powers_dbw for name in config.methods]
    outcomes: dict[str, dict[str, Outcome]] = {f"{power:g}": {} for power in config.powers_dbw}
    done = 0

    def keep(name: str, power_dbw: float, outcome: Outcome) -> None:
        nonlocal done
        outcomes[f"{power_dbw:g}"][name] = outcome
        done += 1
        if on_progress is not None:
            on_progress(done / (len(jobs) + 1))

    if config.processes == 1:
        by_name = {method.name: method for method in methods}
        for name, power_dbw in jobs:
            keep(name, power_dbw, decide_all(by_name[name], contexts, power_dbw, config.seed))
    else:
        decided = results(partial(_decide_apart, config), jobs, config.processes)
        for number, outcome in decided:
            keep(*jobs[number], outcome)
    ordered = {
        power: {name: by_method[name] for name in config.methods}
        for power, by_method in outcomes.items()
    }
    times = decision_times(
        methods,
        contexts.estimated,
        config.powers_dbw,
        decisions=config.timed,
        seed=(config.seed, _TIMING_SEED),
    )
    if on_progress is not None:
        on_progress(1.0)
    return Comparison(config, contexts, ordered, times)


def decide_all(method: Method, contexts: ContextPair, power_dbw: float, seed: int) -> Outcome:
    """What one method does with contexts [N] at one power, on batches of them in order."""
    estimated = at_power(contexts.estimated, power_dbw)
    true = at_power(contexts.true, power_dbw)
    rng = np.random.default_rng((seed, _CONTEXT_SEED, round(1000 * (100 + power_dbw))))
    count = len(estimated.power_budget_w)
    parts = [
        method.decide(select(estimated, slice(start, start + _BATCH)), rng)
        for start in range(0, count, _BATCH)
    ]
    allocation = Allocation(
        carrier=np.concatenate([part.carrier for part in parts]),
        power_w=np.concatenate([part.power_w for part in parts]),
        beamformer_index=np.concatenate([part.beamformer_index for part in parts]),
    )
    valid = obeys(allocation, estimated)

    def achieved(context: RadioContext) -> Floats:
        rate = sum_secrecy_rate(context, allocation, method.combining)
        return np.where(valid, np.asarray(rate, dtype=np.float64), 0.0)

    return Outcome(allocation, achieved(estimated), achieved(true), int((~valid).sum()))


def _decide_apart(config: ComparisonConfig, job: tuple[str, float]) -> Outcome:
    """In a worker process, which draws the same scenarios for itself."""
    name, power_dbw = job
    (method,) = build((name,), config.artifacts)
    contexts = draw_scenarios(config.profile, config.samples, Split.TEST.seed(config.seed))
    return decide_all(method, contexts, power_dbw, config.seed)
