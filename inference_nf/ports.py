"""What this function needs from outside; `app` says who provides it."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy.typing as npt

from inference_nf.answers import Answer, Counts, Ending, Notification, Outcome, Report
from inference_nf.comparison import Comparison
from inference_nf.decisions import Decision, RadioSnapshot
from inference_nf.loaded_models import ModelSet
from inference_nf.model_card import TensorSpec
from inference_nf.releases import EngineKind, ModelKey, ModelRelease, Precision
from nf_runtime.signing import ArtifactDigest, SignedManifest
from radio_math.context import Allocation

T = TypeVar("T")


class Repository(Protocol):
    """The model repository."""

    async def resolve(self, model_name: str, selector: int | str) -> ModelRelease:
        """The version with that number or alias.

        Raises:
            NotFound: There is none.
            Unavailable: The repository does not answer.
        """
        ...

    async def members(self, group_name: str) -> Sequence[ModelKey]:
        """The versions of that coordination group.

        Raises:
            NotFound: There is none.
            Unavailable: The repository does not answer.
        """
        ...

    def download(
        self, key: ModelKey, file_name: str, *, offset_bytes: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a file from `offset_bytes` on.

        Raises:
            Unavailable: The stream broke; go on from where it did.
        """
        ...


class ArtifactCache(Protocol):
    """Files by digest on this machine."""

    async def fetch(
        self, artifact: ArtifactDigest, download: Callable[[int], AsyncGenerator[bytes, None]]
    ) -> bytes:
        """The bytes of `artifact`, from this machine or else by `download(offset)`.

        What was downloaded before an interruption is kept and not asked for again.

        Raises:
            DataLoss: DIGEST_MISMATCH when what arrived is something else; nothing of it is kept.
            FailedPrecondition: ARTIFACT_REFUSED when it is larger than this function takes.
        """
        ...


class SignatureCheck(Protocol):
    """Whose signatures are believed."""

    def verify(self, manifest: SignedManifest, *, key_id: str, signature: bytes) -> None:
        """Returns when a trusted key signed this very manifest.

        Raises:
            PermissionDenied: SIGNATURE_INVALID.
        """
        ...


class Engine(Protocol):
    """A graph that is ready to run. `run` may be called from several threads at once."""

    @property
    def kind(self) -> EngineKind:
        """What runs it."""
        ...

    @property
    def version(self) -> str:
        """Version of the engine's library."""
        ...

    @property
    def precision(self) -> Precision:
        """What its linear layers compute in."""
        ...

    @property
    def inputs(self) -> Sequence[TensorSpec]:
        """The graph's own inputs, in its order."""
        ...

    @property
    def outputs(self) -> Sequence[TensorSpec]:
        """The graph's own outputs, in its order."""
        ...

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Every output by name. Blocks; raises whatever the library raises."""
        ...


class EngineBuilder(Protocol):
    """Makes engines of one kind."""

    def build(self, graph: bytes, *, sha256: str, precision: Precision) -> Engine:
        """The engine that runs the ONNX `graph` with that digest. Blocks.

        `precision` is the lowest that will do; an engine that gains nothing by it stays above it,
        and says so.

        Raises:
            FailedPrecondition: ENGINE_UNAVAILABLE when this host cannot run it, ARTIFACT_REFUSED
                when the graph is none that the engine reads.
        """
        ...


class Worker(Protocol):
    """A bounded number of threads with a bounded queue."""

    async def run(self, work: Callable[[], T], *, urgent: bool = False) -> T:
        """What `work` returns, run in one of the threads.

        Args:
            work: Blocks.
            urgent: Take it even when the queue is full.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED when the queue is full.
        """
        ...


class Radio(Protocol):
    """The radio access network."""

    async def snapshot(self, trigger_id: str) -> RadioSnapshot:
        """The current estimate.

        Raises:
            FailedPrecondition: NO_RUN or SATELLITE_NOT_VISIBLE.
            Unavailable: It does not answer.
        """
        ...

    async def apply(
        self, allocation: Allocation, *, decision_id: str, context_id: str, trigger_id: str
    ) -> Outcome:
        """What the decision achieved; the same for a `decision_id` that was applied before.

        Raises:
            InvalidArgument: The allocation cannot be put in force.
            FailedPrecondition: NO_RUN or SATELLITE_NOT_VISIBLE.
            Unavailable: It does not answer.
        """
        ...


@dataclass(frozen=True)
class EventFilter:
    """One NWDAF event to be notified of; empty lists mean all, no threshold every trigger."""

    event: str
    beam_ids: tuple[str, ...] = ()
    satellite_ids: tuple[str, ...] = ()
    threshold: float | None = None


class Notifications(Protocol):
    """The analytics function that notifies."""

    async def subscribe(
        self, *, request_id: str, consumer_id: str, filters: Sequence[EventFilter]
    ) -> str:
        """The id of the subscription, the same one for the same `request_id`."""
        ...

    async def modify(
        self, subscription_id: str, *, consumer_id: str, filters: Sequence[EventFilter]
    ) -> None:
        """Replace what the subscription asks for.

        Raises:
            NotFound: It does not exist.
        """
        ...

    def watch(
        self, subscription_id: str, *, after_sequence: int
    ) -> AsyncGenerator[Notification, None]:
        """Stored notifications after `after_sequence`, then each new one.

        Raises:
            NotFound: The subscription does not exist.
            Unavailable: The stream broke; watch again.
        """
        ...

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Everything up to `sequence` has been dealt with, durably."""
        ...


@dataclass(frozen=True)
class Subscription:
    """The subscription as this function keeps it.

    Attributes:
        subscription_id: Given by the NWDAF.
        fingerprint: Of the filters that it was made with.
        generation: How often a subscription had to be made anew; part of the request id.
        processed_sequence: Everything up to here has been dealt with.
    """

    subscription_id: str
    fingerprint: str
    generation: int
    processed_sequence: int


class ModelStore(Protocol):
    """What is loaded and active, durably."""

    async def model_set(self) -> ModelSet:
        """What was saved last; an empty set at first."""
        ...

    async def save_model_set(self, models: ModelSet) -> None:
        """Keep `models`, all or nothing."""
        ...


class ShadowStore(Protocol):
    """The candidate that decides beside the active model, durably."""

    async def shadow(self) -> Comparison | None:
        """What was saved last; None at first."""
        ...

    async def save_shadow(self, comparison: Comparison | None) -> None:
        """Keep it in place of the one before; None where no candidate decides any more."""
        ...


class AnswerStore(Protocol):
    """How far the notifications are dealt with, and the reports, durably."""

    async def subscription(self) -> Subscription | None:
        """The one that was saved last."""
        ...

    async def save_subscription(self, subscription: Subscription) -> None:
        """Keep it in place of the one before."""
        ...

    async def answered_above(self, subscription_id: str, sequence: int) -> frozenset[str]:
        """Ids of the subscription's notifications above `sequence` that are recorded already."""
        ...

    async def record_answer(self, answer: Answer, *, processed_sequence: int) -> None:
        """Keep that the notification was answered.

        One transaction: the report, the events to be published, the counts and the new
        `processed_sequence`.
        """
        ...

    async def record_unanswered(
        self,
        notification: Notification,
        *,
        ending: Ending,
        reason: str,
        detail: str,
        decision_made: bool,
        processed_sequence: int,
    ) -> None:
        """The same for a notification that could not be answered, and why."""
        ...

    async def record_processed(self, subscription_id: str, processed_sequence: int) -> None:
        """Only move `processed_sequence`."""
        ...

    async def counts(self) -> Counts:
        """Notifications by how they ended."""
        ...

    async def reports(self, *, after_sequence: int, limit: int) -> Sequence[Report]:
        """Reports of applied decisions, oldest first."""
        ...


class Meter(Protocol):
    """Where durations and counts are observed."""

    def decided(self, decision: Decision) -> None:
        """A decision was made."""
        ...

    def stage(self, stage: str, duration_s: float) -> None:
        """A stage of an answer took that long."""
        ...

    def answered(self, ending: Ending) -> None:
        """A notification was dealt with."""
        ...

    def ran(self, batch: int) -> None:
        """An engine ran for so many contexts at once."""
        ...

    def shed(self) -> None:
        """A request was turned away since too many waited."""
        ...

    def compared(self, candidate: ModelKey, *, better: bool) -> None:
        """A candidate decided beside the active model; whether its rate is the higher one."""
        ...

    def load_step(self, step: str, duration_s: float) -> None:
        """A step of a load took that long, whether it passed or not."""
        ...
