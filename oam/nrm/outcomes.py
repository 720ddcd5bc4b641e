"""What comes of working on a part, and how its objects tell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oam.managed_objects import ProcessStatus
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Tree, existing
from oam.nrm.work_objects import Part, job_of, note, put_progress, write_states
from oam.nrm.work_states import end


@dataclass(frozen=True)
class Noted:
    """Something to go on from after a restart."""

    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Progressed:
    """It has come further."""

    percent: float
    info: str = ""


@dataclass(frozen=True)
class Created:
    """An object that the work has made.

    Attributes:
        name: Its distinguished name.
        attributes: Its attributes.
        notes: What to remember of it.
        reference: Attribute of the process that names it; empty: none does.
    """

    name: Name
    attributes: Mapping[str, Any]
    notes: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""


@dataclass(frozen=True)
class Finished:
    """It has succeeded: what was made, and what its process says."""

    created: tuple[Created, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    info: str = ""
    loaded_model: str = ""


@dataclass(frozen=True)
class Failed:
    """It has failed, for this reason."""

    reason: str


Outcome = Noted | Progressed | Finished | Failed


def take_up(tree: Tree, owner: Name, key: str, outcome: Outcome) -> bool:
    """Let the objects tell the outcome; whether the part goes on.

    What a consumer has suspended or is cancelling meanwhile does not move.
    """
    job = job_of(tree, existing(tree, owner))
    part = job.parts[key]
    if isinstance(outcome, Noted):
        note(tree, part, **outcome.notes)
        return part.status is ProcessStatus.RUNNING
    if part.status is not ProcessStatus.RUNNING:
        return False
    if isinstance(outcome, Progressed):
        told = {"progressPercentage": round(outcome.percent)}
        info = {"progressStateInfo": outcome.info} if outcome.info else {}
        put_progress(tree, part, **told, **info)
        return True
    if isinstance(outcome, Failed):
        put_progress(tree, part, resultStateInfo=outcome.reason)
        failed = end(job.work, key, ProcessStatus.FAILED)
        write_states(tree, job_of(tree, existing(tree, owner)), failed)
        return False
    _finish(tree, part, outcome)
    write_states(
        tree, job_of(tree, existing(tree, owner)), end(job.work, key, ProcessStatus.FINISHED)
    )
    return False


def cancelled(tree: Tree, owner: Name, key: str) -> None:
    """A part that was being cancelled has come to its end."""
    job = job_of(tree, existing(tree, owner))
    if job.parts[key].status is ProcessStatus.CANCELLING:
        write_states(tree, job, end(job.work, key, ProcessStatus.CANCELLED))


def report_name(part: Part, object_class: str) -> Name:
    """A report stands beside the process, or the request, that it reports of, under its id."""
    name = part.owner
    identity = name.identity if part.has_process else f"{name.identity}.{_identity(part.key)}"
    parent = name.parent
    return parse_name(f"{parent},{object_class}={identity}")


def _finish(tree: Tree, part: Part, outcome: Finished) -> None:
    references = {}
    for each in outcome.created:
        tree.put(each.name, each.attributes, each.notes)
        if each.reference:
            references[each.reference] = str(each.name)
    if part.has_process:
        tree.put(part.owner, {**outcome.attributes, **references})
    info = {"resultStateInfo": outcome.info} if outcome.info else {}
    put_progress(tree, part, progressPercentage=100, **info)


def _identity(key: str) -> str:
    return parse_name(key).identity
