"""``aimlctl scenario``: passes to replay, with what is expected of them."""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from aimlctl.judging import Judgement, judge, junit_xml
from aimlctl.lock import SupervisorLock
from aimlctl.nf_settings import Settings
from aimlctl.options import EMBEDDED, BrokerOption, JsonOption, RuntimeOption, StateDirOption
from aimlctl.output import CommandError, Output, table_of
from aimlctl.record import Switch
from aimlctl.report.page import write_report
from aimlctl.run_file import DEFAULT_STATE_DIR, runs_elsewhere, write_atomically
from aimlctl.scenario_orders import SCENARIO_FOLDER, ScenarioOrder, read_order
from aimlctl.session import Session, own_platform
from aimlctl.views import PlainView, View
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.errors import NfError

_ACTOR = "scenario"
_FIRST_TRAINING_S = 12.0
# On a platform of its own a scenario judges one version: no rule replaces it meanwhile.
_OWN_OVERRIDES: dict[str, Settings] = {
    "oam": {
        "testing": {"sample_count": 10},
        "monitoring": {"window": 1000, "minimum_samples": 1000, "fresh_decisions": 1000},
    }
}

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Scenario files.")]

app = typer.Typer(no_args_is_help=True, help="Passes to replay, with what is expected of them.")


@app.command("run")
def run_scenarios(
    files: FilesArgument,
    *,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML there.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write a report of each scenario there."),
    ] = None,
    broker: BrokerOption = EMBEDDED,
    runtime: RuntimeOption = "auto",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Play scenarios and judge them; fails unless each is as expected.

    They are played on the platform that runs here, or else on one that is brought up for them.
    """
    output = Output.of(as_json=as_json)
    view, clock = PlainView(output), SystemClock()
    orders = [read_order(file) for file in files]
    for order in orders:
        if order.expect is None:
            raise CommandError(
                f"{order.path} says nothing under 'expect'; there is nothing to judge"
            )
    with ExitStack() as stack:
        if SupervisorLock(state_dir).holder() is None and not runs_elsewhere(state_dir):
            state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="aimlnf-")))
            view.act(f"A platform is brought up in {state_dir}")
            stack.enter_context(
                own_platform(
                    state_dir,
                    broker=broker,
                    runtime=runtime,
                    overrides=_OWN_OVERRIDES,
                    view=view,
                    clock=clock,
                )
            )
        judgements = [
            play(order, state_dir, view=view, clock=clock, report=report) for order in orders
        ]
    if junit is not None:
        junit.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(junit, junit_xml(judgements))
    passed = all(judgement.passed for judgement in judgements)
    document = {
        "passed": passed,
        "scenarios": [judgement.as_document() for judgement in judgements],
    }
    output.document(document, show=lambda console: _show(console, judgements))
    if not passed:
        raise typer.Exit(1)


@app.command("list")
def list_scenarios(*, as_json: JsonOption = False) -> None:
    """The scenarios that come with the project."""
    output = Output.of(as_json=as_json)
    orders = [read_order(path) for path in sorted(SCENARIO_FOLDER.glob("*.yaml"))]
    found = [
        {
            "scenario": order.name,
            "file": str(order.path),
            "duration_s": order.duration_s,
            "seed": order.seed,
            "is_judged": order.expect is not None,
            "description": order.description,
        }
        for order in orders
    ]
    rows = [
        (order.name, f"{order.duration_s:g} s", order.seed, order.description) for order in orders
    ]
    columns = ("Scenario", "Duration", "Seed", "What happens")
    output.document(
        {"scenarios": found}, show=lambda console: console.print(table_of(columns, rows))
    )


@app.command("plot")
def plot_scenario(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Scenario file.")],
    output: Annotated[
        Path, typer.Option("--output", metavar="PICTURE", help="Write .png, .svg or .pdf there.")
    ],
    *,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Instead of the scenario's own seed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw elevation, path loss, Doppler, SINR, rain and triggers of a scenario."""
    # Simulating imports what takes a second; other commands shall not wait for it.
    from aimlctl.scenario_plot import write_plot  # noqa: PLC0415
    from ran_sim.scenario_files import read_scenario_file  # noqa: PLC0415

    write_plot(output, read_scenario_file(file, seed=seed))
    Output.of(as_json=as_json).document(
        {"scenario": str(file), "picture": str(output)},
        show=lambda console: console.print(f"{output}: drawn", markup=False),
    )


@app.command("validate")
def validate_scenarios(files: FilesArgument, *, as_json: JsonOption = False) -> None:
    """Read scenario files and say what is wrong with them."""
    output = Output.of(as_json=as_json)
    problems: dict[str, str] = {}
    for file in files:
        try:
            read_order(file)
        except NfError as error:
            problems[str(file)] = error.message
    document = {
        "valid": not problems,
        "files": [
            {
                "file": str(file),
                "valid": str(file) not in problems,
                "problem": problems.get(str(file), ""),
            }
            for file in files
        ],
    }
    lines = [problems.get(str(file), f"{file}: good") for file in files]
    output.document(document, show=lambda console: console.print("\n".join(lines), markup=False))
    if problems:
        raise typer.Exit(1)


def play(
    order: ScenarioOrder, state_dir: Path, *, view: View, clock: Clock, report: Path | None
) -> Judgement:
    """The judgement on one scenario, played on the platform of a state directory."""
    started_s = clock.monotonic_s()
    view.act(f"Scenario {order.name}: {order.description}")
    try:
        session = Session(
            state_dir, order=order, actor=_ACTOR, view=view, clock=clock, started_at=clock.now()
        )
        with closing(session):
            if not session.desk.active_version():
                view.note("no version decides yet: the OAM has a first one made")
                session.desk.train_first(
                    budget_s=_FIRST_TRAINING_S, seed=order.seed, reason="a scenario needs a model"
                )
            version = session.desk.active_version()
            session.flight.begin(None)
            session.flight.settle()
            record = session.record([Switch(0.0, version)])
    except (CommandError, NfError) as error:
        view.note(str(error))
        wall_time_s = clock.monotonic_s() - started_s
        return Judgement(order.name, str(order.path), wall_time_s, (), failure=str(error))
    if report is not None:
        view.note(f"report: {write_report(report / order.name, record)}")
    verdicts = judge(record, order.expect) if order.expect is not None else ()
    return Judgement(order.name, str(order.path), clock.monotonic_s() - started_s, verdicts)


def _show(console: Console, judgements: Sequence[Judgement]) -> None:
    rows = [
        (judgement.scenario, "passed" if verdict.passed else "FAILED", verdict.sentence)
        for judgement in judgements
        for verdict in judgement.verdicts
    ]
    rows += [(one.scenario, "FAILED", one.failure) for one in judgements if one.failure]
    console.print()
    console.print(table_of(("Scenario", "Verdict", "What"), rows))
