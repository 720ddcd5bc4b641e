"""How fast the simulator is: a ten-minute pass against real time, and one tick by itself.

Run: ``OPENBLAS_NUM_THREADS=1 python -m benchmarks.simulation``; `aimlctl` gives linear algebra one
thread too. Real time and the millisecond are no peers that could be measured in turns with ours,
so ours is processor time: on a core of its own that is the time on the clock.
"""

import statistics
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.ratios import Ratio, at_least, show
from ran_sim.events import kpi_at, measurement_event, trigger_event
from ran_sim.scenario_files import read_scenario_file
from ran_sim.scenarios import PassScenario
from ran_sim.simulation import Simulation

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PASS_S = 600.0
TICK_S = 0.1
TICK_TARGET_S = 1e-3
_REPEATS = 5
_ROW = 400


def main() -> None:
    """Measure and print."""
    rows = []
    for name in ("demo-pass", "suburban-rain-cells"):
        scenario = long_pass(name)
        simulation = Simulation(scenario)  # the maps of the ITU-R are read here
        whole = against_real_time(name, scenario)
        rows += [whole, *ticks(name, simulation, whole.measured_s)]
    show("Simulation", rows)


def long_pass(name: str) -> PassScenario:
    """A scenario of the project, ten minutes long at ten ticks a second."""
    scenario = read_scenario_file(SCENARIOS / f"{name}.yaml", duration_s=PASS_S).order.scenario
    return replace(scenario, tick_period_s=TICK_S)


def against_real_time(name: str, scenario: PassScenario) -> Ratio:
    """Building the pass and stepping through all its ticks and triggers, without publishing."""
    times = []
    for _ in range(_REPEATS):
        begin_s = time.process_time()
        simulation = Simulation(scenario)
        for tick in range(simulation.tick_count):
            simulation.triggers_at(tick)
        times.append(time.process_time() - begin_s)
    what = f"{name}: {PASS_S:g} s at {1 / TICK_S:g} Hz against real time"
    return Ratio("pass", what, statistics.median(times), PASS_S, at_least(500.0))


def ticks(name: str, simulation: Simulation, pass_s: float) -> list[Ratio]:
    """A tick in a row of them: its share of the pass and its events; then with radio contexts.

    The mean counts that one tick in four works out the contexts of all four; the median on the
    clock is what a tick usually takes.
    """
    in_force = simulation.benchmark()
    visible = [tick for tick in range(simulation.tick_count) if simulation.visible_at(tick)]
    middle = len(visible) // 2
    row = visible[middle : middle + _ROW]
    share_s = pass_s / simulation.tick_count

    def play(tick: int, *, with_contexts: bool) -> None:
        rate = simulation.secrecy_rate_bps_hz(tick, in_force) if with_contexts else None
        measurement_event(simulation, kpi_at(simulation, "run", tick, rate), tick)
        for trigger in simulation.triggers_at(tick):
            trigger_event(simulation, "run", trigger)

    def mean_s(*, with_contexts: bool) -> float:
        begin_s = time.process_time()
        for tick in row:
            play(tick, with_contexts=with_contexts)
        return share_s + (time.process_time() - begin_s) / len(row)

    def median_s() -> float:
        times = []
        for tick in row:
            begin_s = time.perf_counter()
            play(tick, with_contexts=True)
            times.append(time.perf_counter() - begin_s)
        return share_s + statistics.median(times)

    rows = [
        Ratio(
            "tick",
            f"{name}: {what}, mean of {len(row)}, against 1 ms",
            statistics.median(mean_s(with_contexts=wanted) for _ in range(_REPEATS)),
            TICK_TARGET_S,
            at_least(1.0),
        )
        for what, wanted in (
            ("orbit, losses, beams, SINR, events", False),
            ("the same with contexts and secrecy rate", True),
        )
    ]
    p50_s = statistics.median(median_s() for _ in range(_REPEATS))
    what = f"{name}: contexts and secrecy rate, p50 on the clock, against 1 ms"
    return [*rows, Ratio("tick", what, p50_s, TICK_TARGET_S, at_least(1.0))]


if __name__ == "__main__":
    main()
