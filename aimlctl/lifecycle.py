"""``aimlctl lifecycle``: the model's life as the OAM manages it."""

import getpass
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from aimlctl.adaptations import follow, steps_after
from aimlctl.audit import HEAD_FILE, head_given, verify_record
from aimlctl.documents import document_of, duration_of
from aimlctl.explanation import Explanation
from aimlctl.options import (
    DEFAULT_MODEL,
    JsonOption,
    ModelOption,
    ReasonOption,
    StateDirOption,
)
from aimlctl.output import CommandError, Output, table_of
from aimlctl.peers import Peers, connected
from aimlctl.run_file import DEFAULT_STATE_DIR
from aimlnf.oam.v1 import lifecycle_pb2 as oam
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from nf_runtime.clock import SystemClock

ActorOption = Annotated[
    str,
    typer.Option(
        "--actor",
        metavar="NAME",
        default_factory=getpass.getuser,
        help="Who asks, where no client certificate says it.",
    ),
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Return when the adaptation has ended; fail if it failed.")
]
BudgetOption = Annotated[
    float, typer.Option("--budget", help="Seconds of training; 0: as the OAM is configured.")
]
AdaptationOption = Annotated[
    str,
    typer.Option("--adaptation", metavar="ID", help="The adaptation; empty: the one that waits."),
]

app = typer.Typer(no_args_is_help=True, help="The model's life as the OAM manages it.")


@app.command("show")
def show_lifecycle(
    *,
    adaptation_id: Annotated[
        str,
        typer.Option("--adaptation", metavar="ID", help="Explain this one; empty: the latest."),
    ] = "",
    model: ModelOption = DEFAULT_MODEL,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Where the model stands, and how its latest adaptation came about and ended."""
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        lifecycle = _lifecycle(peers, model)
        explained = _explanation(peers, model, adaptation_id)
    document: dict[str, Any] = {"lifecycle": document_of(lifecycle)}
    if explained is not None:
        document["adaptation"] = explained.document

    def show(console: Console) -> None:
        _show_standing(console, lifecycle)
        if explained is not None:
            explained.show(console)

    output.document(document, show=show)


@app.command("train")
def train(
    *,
    model: ModelOption = DEFAULT_MODEL,
    budget_s: BudgetOption = 0,
    wait: WaitOption = False,
    actor: ActorOption,
    reason: ReasonOption = "asked for on the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Train, test and load a first version."""
    with connected(state_dir) as peers:
        request = service.TrainRequest(
            request_id=str(uuid.uuid4()),
            model_name=model,
            order=_order(budget_s),
            actor=actor,
            reason=reason,
        )
        adaptation = peers.oam.Train(request).adaptation
        _tell(peers, adaptation, wait=wait, as_json=as_json)


@app.command("retrain")
def retrain(
    *,
    model: ModelOption = DEFAULT_MODEL,
    budget_s: BudgetOption = 0,
    wait: WaitOption = False,
    actor: ActorOption,
    reason: ReasonOption = "asked for on the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Train a new version from the one in use, test and load it."""
    with connected(state_dir) as peers:
        request = service.RetrainRequest(
            request_id=str(uuid.uuid4()),
            model_name=model,
            order=_order(budget_s),
            actor=actor,
            reason=reason,
        )
        adaptation = peers.oam.Retrain(request).adaptation
        _tell(peers, adaptation, wait=wait, as_json=as_json)


@app.command("rollback")
def roll_back(
    *,
    model: ModelOption = DEFAULT_MODEL,
    wait: WaitOption = False,
    allow_return: Annotated[
        bool, typer.Option("--return", help="Even to a version that was rolled back from.")
    ] = False,
    actor: ActorOption,
    reason: ReasonOption = "asked for on the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Go back to the previous version."""
    with connected(state_dir) as peers:
        request = service.RollbackRequest(
            request_id=str(uuid.uuid4()),
            model_name=model,
            actor=actor,
            reason=reason,
            allow_return=allow_return,
        )
        adaptation = peers.oam.Rollback(request).adaptation
        _tell(peers, adaptation, wait=wait, as_json=as_json)


@app.command("approve")
def approve(
    *,
    adaptation_id: AdaptationOption = "",
    model: ModelOption = DEFAULT_MODEL,
    actor: ActorOption,
    reason: ReasonOption = "approved on the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Let an adaptation that waits for approval go on."""
    with connected(state_dir) as peers:
        waiting = _waiting(peers, model, adaptation_id)
        request = service.ApproveRequest(
            adaptation_id=waiting.adaptation_id,
            actor=actor,
            reason=reason,
            step=waiting.approval_step,
        )
        _tell(peers, peers.oam.Approve(request).adaptation, wait=False, as_json=as_json)


@app.command("reject")
def reject(
    *,
    adaptation_id: AdaptationOption = "",
    model: ModelOption = DEFAULT_MODEL,
    actor: ActorOption,
    reason: ReasonOption = "turned down on the command line",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """End an adaptation that waits for approval."""
    with connected(state_dir) as peers:
        waiting = _waiting(peers, model, adaptation_id)
        request = service.RejectRequest(
            adaptation_id=waiting.adaptation_id,
            actor=actor,
            reason=reason,
            step=waiting.approval_step,
        )
        _tell(peers, peers.oam.Reject(request).adaptation, wait=False, as_json=as_json)


@app.command("history")
def show_history(
    *,
    model: ModelOption = DEFAULT_MODEL,
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Every step of the model's life, oldest first."""
    output = Output.of(as_json=as_json)
    with connected(state_dir) as peers:
        steps = [document_of(step) for step in steps_after(peers, model, 0)]
    rows = (
        (
            step.get("step_time", ""),
            step["kind"],
            f"v{step['version']}" if step["version"] else "",
            step["initiator"],
            step["detail"],
        )
        for step in steps
    )
    columns = ("When", "Step", "Version", "By", "What was seen")
    output.document({"steps": steps}, show=lambda console: console.print(table_of(columns, rows)))


@app.command("audit")
def audit(
    *,
    check: Annotated[
        bool, typer.Option("--verify", help="Recompute every digest; fail if one does not fit.")
    ] = False,
    head: Annotated[
        str,
        typer.Option(
            "--head",
            metavar="SEQUENCE:DIGEST",
            help="An entry that the record must hold, noted down elsewhere.",
        ),
    ] = "",
    state_dir: StateDirOption = DEFAULT_STATE_DIR,
    as_json: JsonOption = False,
) -> None:
    """Where the OAM's record ends, and whether it is as it was written."""
    output = Output.of(as_json=as_json)
    expected = head_given(head)
    with connected(state_dir) as peers:
        if check or expected is not None:
            found = verify_record(peers, Path(state_dir) / HEAD_FILE, expected=expected)
            if found.faults:
                more = f" (and {len(found.faults) - 1} more)" if len(found.faults) > 1 else ""
                raise CommandError(f"the record was tampered with: {found.faults[0]}{more}")
            sequence, digest = found.head.sequence, found.head.digest
        else:
            request = service.ListLifecycleStepsRequest(page_size=1)
            page = peers.oam.ListLifecycleSteps(request)
            sequence, digest = page.head_sequence, page.head_digest
    verified = check or expected is not None
    verdict = "the record is whole" if verified else "not verified; add --verify"
    output.document(
        {"verified": verified, "entries": sequence, "head": f"{sequence}:{digest}"},
        show=lambda console: console.print(
            f"{sequence} entries, {verdict}\nhead {sequence}:{digest}", soft_wrap=True
        ),
    )


def _explanation(peers: Peers, model: str, adaptation_id: str) -> Explanation | None:
    if adaptation_id:
        wanted = service.GetAdaptationRequest(adaptation_id=adaptation_id)
        adaptation = peers.oam.GetAdaptation(wanted).adaptation
    else:
        latest = service.ListAdaptationsRequest(model_name=model, page_size=1)
        found = peers.oam.ListAdaptations(latest).adaptations
        if not found:
            return None
        adaptation = found[0]
    record = steps_after(peers, adaptation.model_name, 0)
    return Explanation(adaptation, record, now=SystemClock().now())


def _show_standing(console: Console, lifecycle: oam.Lifecycle) -> None:
    console.print(f"[bold]{lifecycle.model_name}[/bold]")
    console.print(f"decides: {_version(lifecycle.active_version)}")
    console.print(f"to go back to: {_version(lifecycle.previous_version)}")
    if lifecycle.HasField("current_adaptation"):
        console.print(f"in progress: {_line_of(lifecycle.current_adaptation)}")
    rows = (
        (
            quantity.performance_metric,
            f"{quantity.value:.3f}",
            f"{quantity.threshold:.3f}",
            f"{quantity.hysteresis:.3f}",
            "breached" if quantity.breached else "within",
            quantity.window_count,
        )
        for quantity in lifecycle.monitored_quantities
    )
    columns = ("Watched", "Is", "Threshold", "Hysteresis", "Stands", "Decisions")
    console.print(table_of(columns, rows))


def _tell(peers: Peers, adaptation: oam.Adaptation, *, wait: bool, as_json: bool) -> None:
    output = Output.of(as_json=as_json)
    if wait:
        told = 0

        def tell_steps(looked_at: oam.Adaptation) -> None:
            nonlocal told
            for step in steps_after(peers, looked_at.model_name, told):
                told = step.sequence
                if step.adaptation_id == looked_at.adaptation_id:
                    output.say(step.detail)

        adaptation = follow(
            peers, adaptation.adaptation_id, on_look=tell_steps, clock=SystemClock()
        )
    document: dict[str, Any] = {"adaptation": document_of(adaptation)}
    output.document(document, show=lambda console: console.print(_line_of(adaptation)))


def _lifecycle(peers: Peers, model: str) -> oam.Lifecycle:
    request = service.GetLifecycleRequest(model_name=model)
    return peers.oam.GetLifecycle(request).lifecycle


def _waiting(peers: Peers, model: str, adaptation_id: str) -> oam.Adaptation:
    """The adaptation that is asked about, or else the one of the model that waits."""
    if adaptation_id:
        wanted = service.GetAdaptationRequest(adaptation_id=adaptation_id)
        return peers.oam.GetAdaptation(wanted).adaptation
    adaptation = _lifecycle(peers, model).current_adaptation
    if adaptation.state != oam.ADAPTATION_STATE_AWAITING_APPROVAL:
        raise CommandError(f"no adaptation of {model} waits for approval; see 'lifecycle show'")
    return adaptation


def _order(budget_s: float) -> oam.TrainingOrder | None:
    return oam.TrainingOrder(time_budget=duration_of(budget_s)) if budget_s else None


def _line_of(adaptation: oam.Adaptation) -> str:
    document = document_of(adaptation)
    target = _version(adaptation.to_version) if adaptation.to_version else "a new version"
    failure = f": {adaptation.failure}" if adaptation.failure else ""
    return (
        f"{document['kind']} of {adaptation.model_name} to {target} is {document['state']}"
        f"{failure} (adaptation {adaptation.adaptation_id}, by {adaptation.initiator})"
    )


def _version(version: int) -> str:
    return f"v{version}" if version else "none"
