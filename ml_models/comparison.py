"""All methods on the same held-out scenarios: rates on both channels, ratios, decision times.

Every method decides on the estimated contexts and is scored on the estimated and on the true ones,
in double precision and outside of it. A decision that breaks quota, budget or grid scores zero.
Ratios are of means over the scenarios; the one on the true channel is against exhaustive search on
the same estimates, which is what an optimum of the reports achieves.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import ScenarioProfile, at_power, draw_scenarios, select
from ml_models.evaluate import POWERS_DBW, obeys
from ml_models.methods import EXHAUSTIVE, SCA_MATCHING, Method, build
from radio_math.channel import ContextPair
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

_BATCH = 64
_CONFIDENCE = 1.96  # standard errors on each side of a mean, 95 %
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
        seed: of the scenarios; never one that was trained or tuned on.
        powers_dbw: total powers.
        timed: decisions that are timed for each method, one context at a time.
        processes: worker processes; timing is done by this process alone.
    """

    methods: tuple[str, ...]
    artifacts: Mapping[str, Path]
    profile: ScenarioProfile = field(default_factory=ScenarioProfile)
    samples: int = 64
    seed: int = 700_001
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
    """All outcomes, by power in dBW as text and method; decision times [ms] by method."""

    config: ComparisonConfig
    contexts: ContextPair
    outcomes: Mapping[str, Mapping[str, Outcome]]
    taken_ms: Mapping[str, Floats]


def compare(
    config: ComparisonConfig, on_progress: Callable[[float], None] | None = None
) -> Comparison:
    """Every method on every scenario at every power.

    Args:
        config: what to compare on.
        on_progress: told the finished fraction, 0 to 1.

    Raises:
        MethodError: a method cannot decide here.
    """
    methods = build(config.methods, config.artifacts)
    contexts = draw_scenarios(config.profile, config.samples, config.seed)
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
        # Spawned, not forked: the caller may hold threads of a runtime.
        with ProcessPoolExecutor(
            config.processes, mp_context=get_context("spawn"), initializer=_end_with_parent
        ) as pool:
            pending = {
                pool.submit(_decide_apart, name, config, power_dbw): (name, power_dbw)
                for name, power_dbw in jobs
            }
            for future in as_completed(pending):
                keep(*pending[future], future.result())
    ordered = {
        power: {name: by_method[name] for name in config.methods}
        for power, by_method in outcomes.items()
    }
    taken = {method.name: _timed(method, contexts.estimated, config) for method in methods}
    if on_progress is not None:
        on_progress(1.0)
    return Comparison(config, contexts, ordered, taken)


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as one JSON object.

    `methods.NAME.POWER.{mean,ci95}` are sum secrecy rates on the estimated channel [b/s/Hz] and
    half the width of their 95 % interval, `methods_true_channel` those on the true one;
    `ratio_to_exhaustive.NAME.POWER` and `ratio_to_exhaustive_true_channel` compare means, with the
    interval of the paired difference beside them in `…_ci95`; `latency_ms.NAME.{p50,p95}` is one
    decision on one core, `speedup_vs_sca.NAME` a ratio of medians.
    """
    config = comparison.config
    sections: dict[str, dict[str, dict[str, Any]]] = {}

    def put(section: str, name: str, power: str, value: object) -> None:
        sections.setdefault(section, {}).setdefault(name, {})[power] = value

    for power, by_method in comparison.outcomes.items():
        bound = by_method[EXHAUSTIVE]
        for name, outcome in by_method.items():
            put("methods", name, power, _mean(outcome.estimated_bps_hz))
            put("methods_true_channel", name, power, _mean(outcome.true_bps_hz))
            for suffix, own, reference in (
                ("", outcome.estimated_bps_hz, bound.estimated_bps_hz),
                ("_true_channel", outcome.true_bps_hz, bound.true_bps_hz),
            ):
                ratio, ci95 = _ratio(own, reference)
                put(f"ratio_to_exhaustive{suffix}", name, power, ratio)
                put(f"ratio_to_exhaustive{suffix}_ci95", name, power, ci95)
            put("violations", name, power, outcome.violations)
    p50 = {name: float(np.median(taken)) for name, taken in comparison.taken_ms.items()}
    timing: dict[str, Any] = {
        "latency_ms": {
            name: {"p50": p50[name], "p95": float(np.percentile(taken, 95))}
            for name, taken in comparison.taken_ms.items()
        }
    }
    if SCA_MATCHING in p50:
        timing["speedup_vs_sca"] = {name: p50[SCA_MATCHING] / value for name, value in p50.items()}
    return {
        "samples": config.samples,
        "seed": config.seed,
        "geometry": config.profile.geometry,
        "powers_dbw": list(config.powers_dbw),
        **sections,
        **timing,
    }


def dump(comparison: Comparison, path: Path) -> None:
    """Writes scenarios and decisions as npz, so that anybody can compute each rate again.

    Names are `true.FIELD` and `estimated.FIELD` of the contexts, without the power budget, which
    is `powers_dbw`, and `decision.METHOD.POWER.FIELD`.
    """
    tensors: dict[str, npt.NDArray[Any]] = {"powers_dbw": np.array(comparison.config.powers_dbw)}
    for kind in ("true", "estimated"):
        for name, value in vars(getattr(comparison.contexts, kind)).items():
            if name != "power_budget_w":
                tensors[f"{kind}.{name}"] = np.asarray(value)
    for power, by_method in comparison.outcomes.items():
        for method, outcome in by_method.items():
            for name, value in vars(outcome.allocation).items():
                tensors[f"decision.{method}.{power}.{name}"] = np.asarray(value)
    with path.open("wb") as file:
        np.savez_compressed(file, **tensors)  # type: ignore[arg-type]


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


def _decide_apart(name: str, config: ComparisonConfig, power_dbw: float) -> Outcome:
    """In a worker process, which draws the same scenarios for itself."""
    (method,) = build((name,), config.artifacts)
    contexts = draw_scenarios(config.profile, config.samples, config.seed)
    return decide_all(method, contexts, power_dbw, config.seed)


def _end_with_parent() -> None:
    """In a worker process: it waits for work for ever, also when nobody is left to give it."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _timed(method: Method, contexts: RadioContext, config: ComparisonConfig) -> Floats:
    """Time of each of some decisions at all powers in turn, one context at a time [ms]."""
    rng = np.random.default_rng((config.seed, _TIMING_SEED))
    count = len(contexts.power_budget_w)
    rows = np.arange(config.timed) % count
    powers = [config.powers_dbw[number % len(config.powers_dbw)] for number in range(config.timed)]
    asked = [
        at_power(select(contexts, slice(row, row + 1)), power)
        for row, power in zip(rows, powers, strict=True)
    ]
    method.decide(asked[0], rng)  # the first call allocates
    taken = []
    for context in asked:
        started = time.perf_counter()
        method.decide(context, rng)
        taken.append(1e3 * (time.perf_counter() - started))
    return np.array(taken)


def _mean(values: Floats) -> dict[str, float]:
    return {"mean": float(values.mean()), "ci95": _half_width(values)}


def _half_width(values: Floats) -> float:
    if len(values) < 2:  # noqa: PLR2004 one value has no spread
        return 0.0
    return float(_CONFIDENCE * values.std(ddof=1) / np.sqrt(len(values)))


def _ratio(own: Floats, reference: Floats) -> tuple[float, float]:
    """Ratio of means and half its 95 % interval, from the spread of the paired residuals."""
    ratio = float(own.mean() / reference.mean())
    return ratio, _half_width(own - ratio * reference) / float(reference.mean())
