"""Requests and processes as managed objects: `work_states` read from them and written to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oam.managed_objects import ProcessStatus, RequestStatus
from oam.nrm.classes import Role
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, Tree, existing
from oam.nrm.registry import CLASSES
from oam.nrm.work_states import (
    CLOSED,
    ENDED,
    Work,
    cancel,
    cancel_process,
    resume,
    resume_process,
    suspend,
    suspend_process,
)

FLAGS = ("cancelRequest", "suspendRequest", "cancelProcess", "suspendProcess")


@dataclass(frozen=True)
class Job:
    """A request, if a consumer made one, with its processes."""

    request: Moi | None
    processes: Mapping[str, Moi]

    @property
    def work(self) -> Work:
        """Where it stands."""
        return Work(
            None if self.request is None else request_status(self.request),
            {name: process_status(process) for name, process in self.processes.items()},
        )


def request_status(request: Moi) -> RequestStatus:
    """Where a request stands."""
    return RequestStatus(request.attributes["requestStatus"])


def process_status(process: Moi) -> ProcessStatus:
    """Where a process stands, with FINISHED in its right spelling."""
    status = process.attributes["progressStatus"]["status"]
    return ProcessStatus("FINISHED" if status == "FINSHED" else status)


def is_closed(moi: Moi) -> bool:
    """Whether a request or a process has come to its end."""
    if CLASSES[moi.name.object_class].role is Role.REQUEST:
        return request_status(moi) in CLOSED
    return process_status(moi) in ENDED


def job_of(tree: Tree, moi: Moi) -> Job:
    """The job that a request or a process belongs to."""
    request = moi
    if CLASSES[moi.name.object_class].role is Role.PROCESS:
        if not moi.notes.get("request"):
            return Job(None, {str(moi.name): moi})
        request = existing(tree, moi.notes["request"])
    names = request.notes.get("processes", [])
    return Job(request, {name: existing(tree, name) for name in names})


def write_states(tree: Tree, job: Job, after: Work) -> None:
    """Let the objects tell the states of `after`."""
    before = job.work
    if job.request is not None and after.request is not before.request:
        tree.put(job.request.name, {"requestStatus": str(after.request)})
    for name, status in after.processes.items():
        if status is not before.processes.get(name):
            put_progress(tree, name, status=str(status))


def put_progress(tree: Tree, process: str, **members: Any) -> None:
    """Change members of a process's `progressStatus`; None takes one away."""
    moi = existing(tree, process)
    told = {**moi.attributes["progressStatus"], **members}
    told = {name: value for name, value in told.items() if value is not None}
    tree.put(parse_name(process), {"progressStatus": told})


def raise_flags(tree: Tree, moi: Moi, flags: Mapping[str, bool]) -> None:
    """What a consumer's control flags do; `suspend…` is looked at before `cancel…`.

    Raises:
        FailedPrecondition: STATE_FORBIDS.
    """
    job, name = job_of(tree, moi), str(moi.name)
    work = job.work
    if flags.get("suspendRequest") is not None:
        work = suspend(work) if flags["suspendRequest"] else resume(work)
    if flags.get("suspendProcess") is not None:
        suspended = flags["suspendProcess"]
        if suspended or work.processes[name] is ProcessStatus.SUSPENDED:
            work = (suspend_process if suspended else resume_process)(work, name)
    if flags.get("cancelRequest"):
        work = cancel(work)
    if flags.get("cancelProcess"):
        work = cancel_process(work, name)
    write_states(tree, job, work)
