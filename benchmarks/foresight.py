"""What a decision gains when it is made for the time at which it takes effect.

Run: ``python -m benchmarks.foresight [SCENARIO] [DECISIONS]``, the scenario by its name in
`scenarios/`. A local search decides at moments spread over the pass, and its decision takes effect
a horizon later: made from the estimate of the moment (stale), from that estimate with geometry and
Doppler of the orbit at the horizon (foreseen), or from the estimate at the horizon, which nobody
has yet (bound). All are scored on the true channel at the horizon.
"""

import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml_models.baselines import local_search
from radio_math.context import RadioContext
from radio_math.secrecy import sum_secrecy_rate
from ran_sim.scenario_files import read_scenario_file
from ran_sim.simulation import Simulation

SCENARIOS = Path(__file__).parents[1] / "scenarios"
HORIZONS_S = (0.0, 1.0, 5.0, 10.0, 30.0)
PASS_S = 300.0
KINDS = ("stale", "foreseen", "bound")
_SEED = 20
_CONFIDENCE = 1.96

Floats = npt.NDArray[np.float64]


def main() -> None:
    """Measure and print."""
    name = sys.argv[1] if len(sys.argv) > 1 else "demo-pass"
    decisions = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    scenario = read_scenario_file(SCENARIOS / f"{name}.yaml", duration_s=PASS_S).order.scenario
    simulation = Simulation(scenario)
    print(f"{name}, {decisions} decisions a row; mean sum secrecy rate on the true channel, b/s/Hz")
    print("horizon_s  " + "".join(f"{kind:>10}" for kind in KINDS) + "   foreseen over stale")
    for horizon_s in HORIZONS_S:
        rates = achieved(simulation, horizon_s, decisions)
        stale, foreseen = rates["stale"], rates["foreseen"]
        gain = foreseen.mean() / stale.mean() - 1
        spread = (foreseen - (1 + gain) * stale).std(ddof=1) / np.sqrt(len(stale)) / stale.mean()
        print(
            f"{horizon_s:9g}  "
            + "".join(f"{rates[kind].mean():10.3f}" for kind in KINDS)
            + f"   {gain:+.2%} +- {_CONFIDENCE * spread:.2%}"
        )


def achieved(simulation: Simulation, horizon_s: float, decisions: int) -> dict[str, Floats]:
    """Rates [decisions] by kind; the same moments, and the same random starts, for all kinds."""
    ahead = round(horizon_s / simulation.scenario.tick_period_s)
    last = simulation.tick_count - round(max(HORIZONS_S) / simulation.scenario.tick_period_s)
    seen = [
        tick
        for tick in range(last)
        if simulation.visible_at(tick) and simulation.visible_at(tick + ahead)
    ]
    ticks = [seen[place] for place in np.linspace(0, len(seen) - 1, decisions).astype(int)]
    then = [simulation.contexts_at(tick + ahead) for tick in ticks]
    made_from = {
        "stale": [simulation.contexts_at(tick).estimated for tick in ticks],
        "foreseen": [simulation.predicted_at(tick, horizon_s) for tick in ticks],
        "bound": [pair.estimated for pair in then],
    }
    true = stacked([pair.true for pair in then])
    rates = {}
    for kind, contexts in made_from.items():
        decision, _ = local_search.decide(stacked(contexts), np.random.default_rng(_SEED))
        rates[kind] = np.asarray(sum_secrecy_rate(true, decision), dtype=np.float64)
    return rates


def stacked(contexts: list[RadioContext]) -> RadioContext:
    """Contexts of single instants as one batch."""
    return RadioContext(
        **{
            item.name: np.stack([np.asarray(getattr(one, item.name)) for one in contexts])
            for item in fields(RadioContext)
        }
    )


if __name__ == "__main__":
    main()
