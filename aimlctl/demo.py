"""``aimlctl demo``: a satellite pass drives a model through its whole life."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from aimlctl.figures import demo_document, shortcomings
from aimlctl.live_view import LiveView
from aimlctl.nf_settings import Settings
from aimlctl.options import EMBEDDED, BrokerOption, JsonOption, RuntimeOption
from aimlctl.output import CommandError, Output
from aimlctl.record import DemoRecord
from aimlctl.report.page import write_report
from aimlctl.scenario_orders import SCENARIO_FOLDER, read_order
from aimlctl.session import Session, own_platform
from aimlctl.story import ACTOR, FIRST_TRAINING_S, Story
from aimlctl.summary import show_summary
from aimlctl.views import PlainView, View
from aimlnf.ransim.v1 import run_pb2
from nf_runtime.clock import Clock, SystemClock

DEMO_SCENARIO = SCENARIO_FOLDER / "demo-pass.yaml"
DEFAULT_DURATION_S = 300.0
SHORTEST_S = 30.0
# A pass on a terminal takes about this long, so that it can be watched.
_WATCHED_S = 40.0
RETRAINING_S = 20.0
TESTED_SAMPLES = 10
# Share of the pass whose rain a retraining is for.
WEATHER_SHARE = 0.1


@dataclass(frozen=True)
class DemoOptions:
    """What the command line asked for."""

    duration_s: float
    seed: int | None
    broker: str
    runtime: str
    speed_factor: float
    state_dir: Path


def demo(
    *,
    duration_s: Annotated[
        float, typer.Option("--duration", metavar="S", help="Simulated seconds of the pass.")
    ] = DEFAULT_DURATION_S,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Seed; the scenario's own if absent.")
    ] = None,
    broker: BrokerOption = EMBEDDED,
    runtime: RuntimeOption = "auto",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write report.html there.")
    ] = None,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            "--state-dir", metavar="DIR", help="Keep state and logs there; else they are dropped."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Watch a satellite pass drive a model through its whole life."""
    output = Output.of(as_json=as_json)
    if duration_s < SHORTEST_S:
        raise CommandError(
            f"--duration is {duration_s:g} s, too short for the story; use {SHORTEST_S:g} or more"
        )
    with ExitStack() as stack:
        folder = state_dir or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="aimlnf-"))
        )
        options = DemoOptions(
            duration_s=duration_s,
            seed=seed,
            broker=broker,
            runtime=runtime,
            speed_factor=duration_s / _WATCHED_S if output.is_live else 0.0,
            state_dir=folder,
        )
        with view_of(output) as view:
            record = run_demo(options, view, SystemClock())
    document = demo_document(record)
    written = None
    if report is not None:
        written = write_report(report, record)
        document["report"] = str(written)
    missing = shortcomings(document)
    document["shortcomings"] = missing
    output.document(document, show=lambda console: show_summary(console, document))
    if written is not None:
        output.say(f"report: {written}")
    if missing:
        output.say(f"the demo fell short: {'; '.join(missing)}")
        raise typer.Exit(1)


def demo_overrides(duration_s: float) -> dict[str, Settings]:
    """What the OAM is told for so short a pass.

    It judges by fewer decisions than it does by itself. A reliability is the share of usual
    contexts that lie as far out as this one: eight of them whose mean is below a twentieth are no
    chance. The rule may follow right upon the first activation, and a retraining is for the
    weather of the last moments. Time stands still while a version is made, so that there are no
    decisions on which a candidate could be compared. Tested samples count once for each of six
    powers and take about 0.1 s of a core each.
    """
    return {
        "oam": {
            "training": {"time_budget_s": RETRAINING_S},
            "testing": {"sample_count": TESTED_SAMPLES},
            "monitoring": {
                "window": 8,
                "minimum_samples": 6,
                "latent_reliability": {"threshold": 0.05, "hysteresis": 0.02},
                "retrain_cool_down_s": 1.0,
            },
            "canary": {"decisions": 0},
            "analytics": {"window_s": WEATHER_SHARE * duration_s},
        }
    }


@contextmanager
def view_of(output: Output) -> Iterator[View]:
    """A live screen on a terminal, plain lines elsewhere."""
    if output.is_live:
        with LiveView(output.console) as live:
            yield live
    else:
        yield PlainView(output)


def run_demo(options: DemoOptions, view: View, clock: Clock) -> DemoRecord:
    """What a demo run on a platform of its own saw.

    Raises:
        CommandError: the platform did not come up, or a part of the story did not happen.
    """
    order = read_order(DEMO_SCENARIO, duration_s=options.duration_s, seed=options.seed)
    order.request.pace = run_pb2.PACE_LOCKSTEP
    order.request.speed_factor = options.speed_factor
    if options.broker != EMBEDDED:
        # A broker that lives on may hold the events of an earlier demo under the same names.
        order.request.scenario.scenario_id += f"-{uuid.uuid4().hex[:8]}"
    started_at = clock.now()
    view.act("Six network functions start")
    view.note(f"state and logs: {options.state_dir}")
    with own_platform(
        options.state_dir,
        broker=options.broker,
        runtime=options.runtime,
        overrides=demo_overrides(options.duration_s),
        view=view,
        clock=clock,
    ):
        session = Session(
            options.state_dir,
            order=order,
            actor=ACTOR,
            view=view,
            clock=clock,
            started_at=started_at,
        )
        with closing(session):
            story = Story(
                session.desk,
                session.flight,
                view=view,
                order=order,
                first_training_s=FIRST_TRAINING_S,
                clock=clock,
            )
            return session.record(story.tell())
