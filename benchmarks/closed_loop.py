"""How long from a published trigger to its applied decision, and what the network costs of it.

Plays a pass on a platform of its own (six processes, an embedded broker or ``--broker HOST:PORT``)
and reads the way of each decision from its report. Then runs the same triggers of the same pass
through the same code in one process: match, context, engine, checks, outcome; no broker, no gRPC,
no database. That is the limit, and the ratio to it is what the distribution costs. Prints a table,
asserts nothing: ``make bench`` or ``python benchmarks/closed_loop.py [--duration S] [--broker …]``.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from aimlctl.figures import percentile
from aimlctl.output import Output
from aimlctl.record import HOPS, DemoRecord, Switch
from aimlctl.scenario_orders import SCENARIO_FOLDER, read_order
from aimlctl.session import Session, own_platform
from aimlctl.views import PlainView
from inference_nf.decisions import RadioSnapshot, feeds_for, model_decision
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.model_card import read_card
from inference_nf.releases import EngineKind, ModelKey, Precision
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.observations import observations_of
from nwdaf.anlf.subscriptions import Criteria, Subscription, WatchedEvent
from radio_math.context import CARRIER_QUOTA
from ran_sim.events import trigger_event
from ran_sim.scenario_files import read_scenario_file
from ran_sim.simulation import InForce, Simulation

SCENARIO = SCENARIO_FOLDER / "regression-pass.yaml"
PRETRAINED = SCENARIO_FOLDER.parent / "models" / "gan_gdm"
WATCHED = ("VS_NTN_BEAM_QUALITY", "VS_NTN_DOPPLER_SINR_DROP", "VS_NTN_EAVESDROPPER")
PERCENTILES = (50, 95, 99)
_MS_PER_S = 1e3
_FIRST_TRAINING_S = 5.0
_OVERRIDES = {
    "oam": {
        "testing": {"sample_count": 16},
        "monitoring": {"window": 1000, "minimum_samples": 1000, "fresh_decisions": 1000},
    }
}


def distributed(duration_s: float, seed: int, broker: str, clock: Clock) -> DemoRecord:
    """A pass on a platform of six processes."""
    view = PlainView(Output.of(as_json=True))
    order = read_order(SCENARIO, duration_s=duration_s, seed=seed)
    with tempfile.TemporaryDirectory(prefix="aimlnf-bench-") as folder:
        state_dir = Path(folder)
        with own_platform(
            state_dir, broker=broker, runtime="auto", overrides=_OVERRIDES, view=view, clock=clock
        ):
            session = Session(
                state_dir,
                order=order,
                actor="benchmark",
                view=view,
                clock=clock,
                started_at=clock.now(),
            )
            with closing(session):
                session.desk.train_first(
                    budget_s=_FIRST_TRAINING_S, seed=seed, reason="a benchmark needs a model"
                )
                session.flight.begin(None)
                session.flight.settle()
                return session.record([Switch(0.0, session.desk.active_version())])


def in_one_process(duration_s: float, seed: int, clock: Clock) -> list[float]:
    """Milliseconds from trigger to measured outcome, for each trigger of the same pass."""
    scenario = read_scenario_file(SCENARIO, duration_s=duration_s, seed=seed).order.scenario
    simulation = Simulation(scenario)
    book = SubscriptionBook()
    criteria = Criteria(tuple(WatchedEvent(event=event) for event in WATCHED))
    book.put(Subscription("benchmark", criteria, failures=(), revision=1, create_time=clock.now()))
    card = read_card((PRETRAINED / "model_card.json").read_bytes())
    graph = (PRETRAINED / "model.onnx").read_bytes()
    engine = OnnxRuntimeBuilder(threads=1).build(
        graph, sha256="benchmark", precision=Precision.FP32
    )
    taken_ms = []
    for tick in range(simulation.tick_count):
        for fired in simulation.triggers_at(tick):
            event: CloudEvent[EventData] = trigger_event(simulation, "benchmark", fired)
            started_s = clock.monotonic_s()
            if not book.matching(observations_of(event, received_time=event.time)):
                raise RuntimeError(f"trigger {event.id} matched nothing; the benchmark is wrong")
            pair = simulation.contexts_at(tick)
            snapshot = RadioSnapshot(
                context_id=event.id,
                satellite_id=scenario.elements.satellite_id,
                carrier_quota=CARRIER_QUOTA,
                context=pair.estimated,
            )
            feeds = feeds_for(card.inputs, snapshot.context, decision_id=event.id)
            decision = model_decision(
                engine.run(feeds),
                snapshot,
                decision_id=event.id,
                model=ModelKey("gan-gdm", 1),
                engine=EngineKind.ONNXRUNTIME,
                precision=Precision.FP32,
                artifact_sha256="",
                inference_s=0.0,
            )
            simulation.secrecy_rate_bps_hz(tick, InForce(decision.allocation))
            taken_ms.append(_MS_PER_S * (clock.monotonic_s() - started_s))
    return taken_ms


def show(record: DemoRecord, limit_ms: Sequence[float]) -> None:
    """Prints the table."""
    total_ms = [decision.trigger_to_applied_ms for decision in record.decisions]
    inference_ms = [decision.inference_ms for decision in record.decisions]
    rows: Mapping[str, Sequence[float]] = {
        **{HOPS[hop]: values for hop, values in record.hops_ms.items()},
        "of which the engine alone": inference_ms,
        "trigger published → decision applied": total_ms,
        "the same in one process": limit_ms,
    }
    print(f"{len(total_ms)} decisions, engine {record.engine}, seed {record.seed}\n")
    print(f"{'milliseconds':<62}{'p50':>9}{'p95':>9}{'p99':>9}")
    for name, values in rows.items():
        cells = "".join(f"{percentile(values, p):9.2f}" for p in PERCENTILES)
        print(f"{name:<62}{cells}")
    ratio = statistics.median(total_ms) / statistics.median(limit_ms)
    print(f"\nratio to one process (p50): {ratio:.2f}")


def main() -> None:
    """Runs both and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--duration", type=float, default=300.0, metavar="S")
    parser.add_argument("--seed", type=int, default=11, metavar="N")
    parser.add_argument("--broker", default="embedded", metavar="HOST:PORT")
    arguments = parser.parse_args()
    clock = SystemClock()
    record = distributed(arguments.duration, arguments.seed, arguments.broker, clock)
    limit_ms = in_one_process(arguments.duration, arguments.seed, clock)
    if not record.decisions:
        sys.exit("the pass made no decision; give it a longer --duration")
    show(record, limit_ms)


if __name__ == "__main__":
    main()
