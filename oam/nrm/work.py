"""What is done for one part of a request, whatever is asked for.

Each piece of work can be done again from its beginning: jobs are created under a request id of
their own, and what would be done twice is looked up first. So it is simply begun anew after a
restart, and after it was suspended.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from nf_runtime.errors import FailedPrecondition
from oam.adaptation_events import one_line
from oam.making_stages import TestDefaults
from oam.nrm.mirror import identity_of
from oam.nrm.names import parse_name
from oam.nrm.objects import Moi, ObjectStore, existing
from oam.nrm.outcomes import Failed, Outcome
from oam.nrm.work_objects import Part
from oam.ports import JobReport, JobState
from oam.required_performance import Scores
from oam.training_orders import TrainingDefaults

ACTOR = "consumer:provisioning"


class Work(Protocol):
    """One kind of work. None of it is refused because a peer's job has ended by itself."""

    def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:
        """Any progress, then Finished or Failed.

        Raises:
            NfError: A peer's status; Unavailable and DeadlineExceeded may pass, others are final.
        """
        ...

    async def suspend(self, part: Part, request: Moi | None) -> None:
        """Have peers stand still; performing it lets them go on."""
        ...

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """Have peers leave off."""
        ...


@dataclass(frozen=True)
class Defaults:
    """What is done where a request does not say.

    Attributes:
        model_name: Model that a first training gives a version to, if no model decides what the
            request's `aIMLInferenceName` names.
        training: How it is trained.
        test: How it is tested.
        approves_automatically: Whether a version that passed its test is approved when a consumer
            asks to load it.
    """

    model_name: str
    training: TrainingDefaults
    test: TestDefaults
    approves_automatically: bool


def request_id_of(text: str) -> str:
    """A request id for peers, who take no texts as long as names can be."""
    return f"moi/{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def performances(metrics: Mapping[str, float]) -> list[dict[str, Any]]:
    """Metrics as ModelPerformance (TS 28.105 7.4)."""
    return [
        {"performanceMetric": name, "performanceScore": score}
        for name, score in sorted(metrics.items())
    ]


def scores_of(request: Moi | None, attribute: str) -> Scores:
    """A request's list of ModelPerformance as metrics and scores."""
    asked = [] if request is None else request.attributes.get(attribute, [])
    return tuple((each["performanceMetric"], each["performanceScore"]) for each in asked)


async def model_of_part(store: ObjectStore, part: Part) -> tuple[str, int]:
    """Name and version of the model that the part is about."""
    model = parse_name(part.notes["model"])
    return await store.transact(lambda tree: identity_of(existing(tree, model)))


async def going_on(
    jobs: AsyncIterator[JobReport], resume: Callable[[str], Awaitable[None]]
) -> AsyncIterator[JobReport]:
    """The reports of a job, which is resumed if it stands still when it is first looked at.

    Whoever suspends it at the MTLF itself after that is let.
    """
    is_first = True
    async for job in jobs:
        if is_first and job.state is JobState.SUSPENDED:
            await if_not_ended(resume(job.job_id))
        is_first = False
        yield job


async def if_not_ended(change: Awaitable[object]) -> None:
    """Change a job's state, unless the job has ended or moved on by itself."""
    with suppress(FailedPrecondition):
        await change


def job_failed(what: str, job: JobReport) -> Failed:
    """What a part tells of a job that ended without a result."""
    reason = job.failure or "it gave no reason"
    return Failed(one_line(f"{what} job {job.job_id} {job.state.lower()}: {reason}"))
