"""How long decisions take: one context at a time, all methods in turn on the same contexts.

The methods take turns at every context, so that a busy moment of the machine hits all of them.
CPU time is what the process spent and hardly knows of other work; both are of this process, which
linear algebra should be given one thread in (`OMP_NUM_THREADS=1`, as `aimlctl` sees to).
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.datasets.scenarios import at_power, select
from ml_models.methods import Method
from radio_math.context import RadioContext

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DecisionTimes:
    """Times of single decisions [ms], features and scoring included: by the wall, of the CPU."""

    wall_ms: Floats
    cpu_ms: Floats

    def document(self) -> dict[str, float]:
        """Median and 95th percentile of both, as JSON."""
        figures = {}
        for prefix, taken in (("", self.wall_ms), ("cpu_", self.cpu_ms)):
            figures[f"{prefix}p50"] = float(np.median(taken))
            figures[f"{prefix}p95"] = float(np.percentile(taken, 95))
        return figures


def processor_s() -> float:
    """Processor time of this process and of the children that have ended [s]."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def decision_times(
    methods: Sequence[Method],
    contexts: RadioContext,
    powers_dbw: Sequence[float],
    *,
    decisions: int,
    seed: int | tuple[int, ...],
) -> dict[str, DecisionTimes]:
    """Times of every method by its name.

    Args:
        methods: the methods; each decides once before anything is timed, because the first call
            allocates.
        contexts: contexts [N], taken in turn.
        powers_dbw: total powers, taken in turn likewise.
        decisions: how many decisions of each method are timed.
        seed: of the methods' own draws.
    """
    asked = [
        at_power(
            select(contexts, np.array([number % len(contexts.power_budget_w)])),
            powers_dbw[number % len(powers_dbw)],
        )
        for number in range(decisions)
    ]
    draws = {method.name: np.random.default_rng(seed) for method in methods}
    for method in methods:
        method.decide(asked[0], draws[method.name])
    taken: dict[str, list[tuple[float, float]]] = {method.name: [] for method in methods}
    for context in asked:
        for method in methods:
            wall, cpu = time.perf_counter(), time.process_time()
            method.decide(context, draws[method.name])
            passed = time.perf_counter() - wall, time.process_time() - cpu
            taken[method.name].append(passed)
    return {
        name: DecisionTimes(*(1e3 * np.array(column) for column in zip(*pairs, strict=True)))
        for name, pairs in taken.items()
    }


def times_document(
    times: Mapping[str, DecisionTimes], references: Mapping[str, str]
) -> dict[str, Any]:
    """`latency_ms.NAME.{p50,p95,cpu_p50,cpu_p95}` and, by the wall and the CPU, the speed-ups.

    Args:
        times: by method.
        references: names of methods by what the speed-up over them is called; one that was not
            timed is left out. `speedup_vs_CALLED.NAME` and `speedup_vs_CALLED_cpu.NAME` are ratios
            of medians.
    """
    latency = {name: one.document() for name, one in times.items()}
    result: dict[str, Any] = {"latency_ms": latency}
    for called, reference in references.items():
        if reference not in latency:
            continue
        for key, suffix in (("p50", ""), ("cpu_p50", "_cpu")):
            result[f"speedup_vs_{called}{suffix}"] = {
                name: latency[reference][key] / figures[key] for name, figures in latency.items()
            }
    return result
