"""Requests and their parts as managed objects: `work_states` read from them and written to them.

A part is what one model needs. It is a process object, except in a test: TS 28.105 has no
MLTestingProcess, so the parts of an MLTestingRequest are only noted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oam.managed_objects import ProcessStatus, RequestStatus
from oam.nrm.classes import Role
from oam.nrm.names import Name
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
class Part:
    """What is done for one model.

    Attributes:
        key: Name of its process; of a test, the model's.
        status: Where it stands.
        owner: The object whose attributes or notes keep it.
        notes: What has to be remembered of it: `model`, `job_id`, …
    """

    key: str
    status: ProcessStatus
    owner: Name
    notes: Mapping[str, Any]

    @property
    def has_process(self) -> bool:
        """Whether consumers see it as an object of its own."""
        return self.key == str(self.owner)


@dataclass(frozen=True)
class Job:
    """A request, if a consumer made one, with its parts."""

    request: Moi | None
    parts: Mapping[str, Part]

    @property
    def work(self) -> Work:
        """Where it stands."""
        return Work(
            None if self.request is None else request_status(self.request),
            {key: part.status for key, part in self.parts.items()},
        )


def request_status(request: Moi) -> RequestStatus:
    """Where a request stands."""
    return RequestStatus(request.attributes["requestStatus"])


def process_status(process: Moi) -> ProcessStatus:
    """Where a process stands, with FINISHED in its right spelling."""
    status = process.attributes["progressStatus"]["status"]
    return ProcessStatus("FINISHED" if status == "FINSHED" else status)


def is_closed(object_class: str, attributes: Mapping[str, Any]) -> bool:
    """Whether a request or a process has come to its end; what is neither is always closed."""
    role = CLASSES[object_class].role
    if role is Role.REQUEST:
        return attributes["requestStatus"] in CLOSED
    if role is Role.PROCESS:
        return attributes["progressStatus"]["status"] in {*ENDED, "FINSHED", "PARTIALLY_FAILED"}
    return True


def job_of(tree: Tree, moi: Moi) -> Job:
    """The job that a request or a process belongs to."""
    request = moi
    if CLASSES[moi.name.object_class].role is Role.PROCESS:
        if not moi.notes.get("request"):
            return Job(None, {str(moi.name): _process_part(moi)})
        request = existing(tree, moi.notes["request"])
    if request.name.object_class == "MLTestingRequest":
        noted = request.notes.get("parts", {})
        return Job(
            request,
            {
                key: Part(key, ProcessStatus(notes["status"]), request.name, notes)
                for key, notes in noted.items()
            },
        )
    processes = [existing(tree, name) for name in request.notes.get("processes", [])]
    return Job(request, {str(each.name): _process_part(each) for each in processes})


def write_states(tree: Tree, job: Job, after: Work) -> None:
    """Let the objects tell the states of `after`."""
    before = job.work
    if job.request is not None and after.request is not before.request:
        tree.put(job.request.name, {"requestStatus": str(after.request)})
    for key, status in after.processes.items():
        if status is not before.processes[key]:
            put_progress(tree, job.parts[key], status=str(status))


def put_progress(tree: Tree, part: Part, **members: Any) -> None:
    """Change members of a part's `progressStatus`."""
    if not part.has_process:
        note(tree, part, **members)
        return
    told = {**existing(tree, part.owner).attributes["progressStatus"], **members}
    tree.put(part.owner, {"progressStatus": told})


def note(tree: Tree, part: Part, **notes: Any) -> None:
    """Remember something of a part."""
    if part.has_process:
        tree.put(part.owner, {}, notes)
        return
    parts = existing(tree, part.owner).notes["parts"]
    tree.put(part.owner, {}, {"parts": {**parts, part.key: {**parts[part.key], **notes}}})


def raise_flags(tree: Tree, moi: Moi, flags: Mapping[str, bool]) -> None:
    """What a consumer's control flags do.

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


def _process_part(process: Moi) -> Part:
    return Part(str(process.name), process_status(process), process.name, process.notes)
