"""The states of requests and their processes: the contract that consumers can rely on.

TS 28.105 names the states and the control flags, and has no transition table. This is ours:

| request | event | becomes | its processes |
|---|---|---|---|
| NOT_STARTED | the producer starts | IN_PROGRESS | created, RUNNING |
| NOT_STARTED | cancelRequest=true | CANCELLED | none |
| IN_PROGRESS | suspendRequest=true | SUSPENDED | RUNNING ones SUSPENDED, progress frozen |
| SUSPENDED | suspendRequest=false | IN_PROGRESS | SUSPENDED ones RUNNING |
| IN_PROGRESS, SUSPENDED | cancelRequest=true | CANCELLING | those that have not ended CANCELLING |
| CANCELLING | the last process has ended | CANCELLED | CANCELLED, without a generated model |
| IN_PROGRESS, SUSPENDED | the last process has ended | FINISHED | FINISHED, FAILED or CANCELLED |
| FINISHED, CANCELLED, CANCELLING | any flag | refused | unchanged |

Flags of a process act the same way on that process only. A failure is told by the process.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from nf_runtime.errors import FailedPrecondition
from oam.managed_objects import ProcessStatus, RequestStatus

ENDED = frozenset({ProcessStatus.FINISHED, ProcessStatus.FAILED, ProcessStatus.CANCELLED})
CLOSED = frozenset({RequestStatus.FINISHED, RequestStatus.CANCELLED})
_UNDER_WAY = frozenset({RequestStatus.IN_PROGRESS, RequestStatus.SUSPENDED})


@dataclass(frozen=True)
class Work:
    """A request with its processes; the request is None where the producer began by itself."""

    request: RequestStatus | None = RequestStatus.NOT_STARTED
    processes: Mapping[str, ProcessStatus] = field(default_factory=dict)


def start(work: Work, processes: Iterable[str]) -> Work:
    """The producer begins with these processes.

    Raises:
        FailedPrecondition: STATE_FORBIDS; it has begun already, or was cancelled.
    """
    if work.request not in (None, RequestStatus.NOT_STARTED) or work.processes:
        raise _forbidden(work.request, "started")
    running = dict.fromkeys(processes, ProcessStatus.RUNNING)
    request = None if work.request is None else RequestStatus.IN_PROGRESS
    return Work(request, running)


def suspend(work: Work) -> Work:
    """suspendRequest=true.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    if work.request is RequestStatus.SUSPENDED:
        return work
    if work.request is not RequestStatus.IN_PROGRESS:
        raise _forbidden(work.request, "suspended")
    frozen = _moved(work, {ProcessStatus.RUNNING: ProcessStatus.SUSPENDED})
    return Work(RequestStatus.SUSPENDED, frozen)


def resume(work: Work) -> Work:
    """suspendRequest=false.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    if work.request in (RequestStatus.NOT_STARTED, RequestStatus.IN_PROGRESS):
        return work
    if work.request is not RequestStatus.SUSPENDED:
        raise _forbidden(work.request, "resumed")
    running = _moved(work, {ProcessStatus.SUSPENDED: ProcessStatus.RUNNING})
    return Work(RequestStatus.IN_PROGRESS, running)


def cancel(work: Work) -> Work:
    """cancelRequest=true.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    if work.request is RequestStatus.NOT_STARTED:
        return replace(work, request=RequestStatus.CANCELLED)
    if work.request not in _UNDER_WAY:
        raise _forbidden(work.request, "cancelled")
    stopping = {
        name: status if status in ENDED else ProcessStatus.CANCELLING
        for name, status in work.processes.items()
    }
    return _settled(Work(RequestStatus.CANCELLING, stopping))


def suspend_process(work: Work, name: str) -> Work:
    """suspendProcess=true.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    return _process(work, name, "suspended", (ProcessStatus.RUNNING,), ProcessStatus.SUSPENDED)


def resume_process(work: Work, name: str) -> Work:
    """suspendProcess=false.

    Raises:
        FailedPrecondition: STATE_FORBIDS; also while the whole request is suspended.
    """
    if work.request is RequestStatus.SUSPENDED:
        raise _forbidden(work.request, "resumed in part")
    return _process(work, name, "resumed", (ProcessStatus.SUSPENDED,), ProcessStatus.RUNNING)


def cancel_process(work: Work, name: str) -> Work:
    """cancelProcess=true.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    cancellable = (ProcessStatus.RUNNING, ProcessStatus.SUSPENDED)
    return _process(work, name, "cancelled", cancellable, ProcessStatus.CANCELLING)


def end(work: Work, name: str, outcome: ProcessStatus) -> Work:
    """A process has come to its end; one that is being cancelled ends CANCELLED, whatever it did.

    Raises:
        FailedPrecondition: STATE_FORBIDS; it was suspended or has ended before.
    """
    if work.processes[name] is ProcessStatus.CANCELLING:
        outcome = ProcessStatus.CANCELLED
    elif work.processes[name] is not ProcessStatus.RUNNING:
        raise _forbidden(work.processes[name], "ended")
    return _settled(replace(work, processes={**work.processes, name: outcome}))


def _process(
    work: Work, name: str, wanted: str, allowed: tuple[ProcessStatus, ...], status: ProcessStatus
) -> Work:
    if work.processes[name] is status:
        return work
    if work.processes[name] not in allowed:
        raise _forbidden(work.processes[name], wanted)
    return replace(work, processes={**work.processes, name: status})


def _settled(work: Work) -> Work:
    """The work after its last process has ended, if it has."""
    if work.request is None or not all(each in ENDED for each in work.processes.values()):
        return work
    if work.request is RequestStatus.CANCELLING:
        return replace(work, request=RequestStatus.CANCELLED)
    return replace(work, request=RequestStatus.FINISHED)


def _moved(work: Work, moves: Mapping[ProcessStatus, ProcessStatus]) -> dict[str, ProcessStatus]:
    return {name: moves.get(status, status) for name, status in work.processes.items()}


def _forbidden(state: str | None, wanted: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"it is {state} and cannot be {wanted}; read its status first",
        reason="STATE_FORBIDS",
        state=str(state),
        wanted=wanted,
    )
