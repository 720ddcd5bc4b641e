"""How fast the simulator is: a ten-minute pass against real time, and one tick by itself.

Run: ``OPENBLAS_NUM_THREADS=1 python -m benchmarks.simulation``; `aimlctl` gives linear algebra one
thread too. Real time and the millisecond are no peers that could be measured in turns, so these
figures depend on what else the machine does.
"""

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.ratios import Ratio, at_least, show
from nf_runtime.clock import SystemClock
from ran_sim.events import kpi_at, measurement_event, trigger_event
from ran_sim.scenario_files import read_scenario_file
from ran_sim.scenarios import PassScenario
from ran_sim.simulation import Simulation

SCENARIOS = Path(__file__).parents[1] / "scenarios"
PASS_S = 600.0
TICK_S = 0.1
TICK_TARGET_S = 1e-3
_REPEATS = 5


def main() -> None:
    """Measure and print."""
    clock = SystemClock()
    rows = []
    for name in ("demo-pass", "suburban-rain-cells"):
        scenario = long_pass(name)
        simulation = Simulation(scenario)  # the maps of the ITU-R are read here
        rows += [
            against_real_time(name, scenario, clock.monotonic_s),
            tick_alone(name, simulation, clock.monotonic_s),
        ]
    show("Simulation", rows)


def long_pass(name: str) -> PassScenario:
    """A scenario of the project, ten minutes long at ten ticks a second."""
    scenario = read_scenario_file(SCENARIOS / f"{name}.yaml", duration_s=PASS_S).order.scenario
    return replace(scenario, tick_period_s=TICK_S)


def against_real_time(name: str, scenario: PassScenario, now_s: Callable[[], float]) -> Ratio:
    """Building the pass and stepping through all its ticks and triggers, without publishing."""
    times = []
    for _ in range(_REPEATS):
        begin_s = now_s()
        simulation = Simulation(scenario)
        for tick in range(simulation.tick_count):
            simulation.triggers_at(tick)
        times.append(now_s() - begin_s)
    what = f"{name}: {PASS_S:g} s at {1 / TICK_S:g} Hz against real time"
    return Ratio("pass", what, statistics.median(times), PASS_S, at_least(500.0))


def tick_alone(name: str, simulation: Simulation, now_s: Callable[[], float]) -> Ratio:
    """All of one tick: both radio contexts, secrecy rate, measurement and triggers as events."""
    in_force = simulation.benchmark()
    visible = [tick for tick in range(simulation.tick_count) if simulation.visible_at(tick)]
    times = []
    for tick in visible[:: max(len(visible) // 400, 1)]:
        begin_s = now_s()
        rate = simulation.secrecy_rate_bps_hz(tick, in_force)
        measurement_event(simulation, kpi_at(simulation, "run", tick, rate), tick)
        for trigger in simulation.triggers_at(tick):
            trigger_event(simulation, "run", trigger)
        times.append(now_s() - begin_s)
    what = f"{name}: median of {len(times)} ticks against 1 ms"
    return Ratio("tick", what, statistics.median(times), TICK_TARGET_S, at_least(1.0))


if __name__ == "__main__":
    main()
