"""What the AnLF needs from outside: stores in which an event takes effect together with its offset.

Each `record_…` method stores the record's offset, its event's id and the effect in one transaction,
and does nothing but advance the offset for an event that it has seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from nf_runtime.events.record import Record
from nwdaf.anlf.accuracy import AccuracyStatus, DecisionWindow, ModelAccuracy
from nwdaf.anlf.admission import Admission
from nwdaf.anlf.analytics import BeamSample, LoadSample
from nwdaf.anlf.matching import Match
from nwdaf.anlf.notifications import Cause, Notification
from nwdaf.anlf.observations import Observation
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Criteria, Subscription


@dataclass
class Recorded:
    """What a change of the stores has led to.

    Attributes:
        notifications: those that were made, stored.
        due_times: of subscriptions, when something falls due next, if that has changed.
        closed: subscriptions that have ended before their time.
        dropped: notifications that were forgotten because too many were not acknowledged.
    """

    notifications: list[Notification] = field(default_factory=list)
    due_times: dict[str, datetime | None] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)
    dropped: int = 0


class SubscriptionStore(Protocol):
    """Subscriptions."""

    async def load(self) -> Sequence[Subscription]:
        """All subscriptions in order of creation."""
        ...

    async def create(
        self, requested: Criteria, admission: Admission, *, request_id: str, position: int
    ) -> Subscription:
        """The new subscription, or the one that the same request made before.

        `position` is that of the last observation that does not concern it.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED when `request_id` came with another request.
            ResourceExhausted: QUOTA_EXCEEDED for the consumer or the whole function.
        """
        ...

    async def replace(
        self, subscription_id: str, admission: Admission, *, etag: str, position: int
    ) -> tuple[Subscription, Recorded]:
        """The subscription with new content; its sequence goes on.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            Aborted: ETAG_MISMATCH when `etag` is given and is not the current one.
        """
        ...

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription and its notifications. NotFound as in `replace`."""
        ...

    async def get(self, subscription_id: str) -> Subscription:
        """One subscription. NotFound as in `replace`."""
        ...

    async def page(self, *, after: int, size: int) -> tuple[Sequence[Subscription], int | None]:
        """At most `size` subscriptions behind a position, and the position of the next page."""
        ...


class NotificationStore(Protocol):
    """The notifications made and the last observations."""

    async def record(
        self,
        record: Record | None,
        cause: Cause,
        matches: Sequence[Match],
        observations: Sequence[Observation],
        *,
        position: int,
    ) -> Recorded | None:
        """Notify those subscriptions that exist and have not expired; None: it was seen before.

        Args:
            record: Whose effect this is, with that of its measurement; None for a poll.
            cause: Why.
            matches: Whom it concerns.
            observations: To be remembered across a restart.
            position: Of the observations in the AnLF's count.
        """
        ...

    async def fall_due(
        self, subscription: Subscription, reports: tuple[Report, ...], cause: Cause
    ) -> Recorded:
        """Send what has fallen due, held or periodic; nothing if the subscription has changed."""
        ...

    async def tell_accuracy(
        self,
        subscription: Subscription,
        reports: tuple[Report, ...],
        accuracy: Sequence[AccuracyStatus | None],
        cause: Cause,
    ) -> tuple[Subscription, Recorded]:
        """Report accuracy and remember it; nothing if the subscription has changed.

        Returns:
            The subscription as it then stands, and what that has led to.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
        """
        ...

    async def notifications(
        self, subscription_id: str, *, after: int, size: int
    ) -> Sequence[Notification]:
        """At most `size` stored notifications with a higher sequence than `after`, in order."""
        ...

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Forget the notifications up to `sequence`.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            InvalidArgument: INVALID_FIELD for a sequence that no notification has had.
        """
        ...

    async def latest(self) -> Sequence[tuple[Observation, int]]:
        """The remembered observations with their positions, oldest first."""
        ...


class MeasurementStore(Protocol):
    """The recent measurements of the radio access network."""

    async def record_measurement(self, record: Record) -> None:
        """Keep the measurement of the record."""
        ...

    async def latest_time(self) -> datetime | None:
        """Simulated time of the latest measurement of the latest run; None without any."""
        ...

    async def samples(self, start: datetime, end: datetime) -> Sequence[BeamSample]:
        """Samples of the latest run from `start` to `end`, both included, in order of time."""
        ...


class LoadStore(Protocol):
    """The recent loads of network functions."""

    async def record(self, samples: Sequence[LoadSample]) -> None:
        """Keep the samples, and forget what is too old."""
        ...

    async def latest_time(self) -> datetime | None:
        """Wall-clock time of the latest sample; None without any."""
        ...

    async def samples(self, start: datetime, end: datetime) -> Sequence[LoadSample]:
        """Samples from `start` to `end`, both included, in order of time."""
        ...


class AccuracyStore(Protocol):
    """The recent decisions of each model version."""

    async def record_decision(self, record: Record) -> ModelAccuracy | None:
        """The accuracy of the version after its decision; None for a decision that is not new."""
        ...

    async def accuracy(self, model_name: str, version: int) -> ModelAccuracy:
        """The accuracy of a version; 0: of the one that decided last.

        Raises:
            NotFound: UNAVAILABLE_DATA when no decision of it was reported.
        """
        ...

    async def latest_window(self) -> DecisionWindow | None:
        """The kept outcomes of the version that decided last; None without any."""
        ...


@dataclass(frozen=True)
class NfUsage:
    """What one network function uses, in percent of its machine's processors and memory."""

    nf_instance_id: str
    cpu_usage_percent: float
    memory_usage_percent: float


class NfUsages(Protocol):
    """The network functions whose load is read."""

    async def read(self) -> Sequence[NfUsage]:
        """What those use that answered, since the last reading; nothing at the first."""
        ...


class OffsetStore(Protocol):
    """Offsets of records that have no effect."""

    async def skip(self, record: Record) -> None:
        """Store that the record is dealt with."""
        ...


class AnlfMetrics(Protocol):
    """What the AnLF counts."""

    def notified(self, notifications: Sequence[Notification]) -> None:
        """These notifications of one cause were stored."""
        ...

    def dropped(self, count: int) -> None:
        """So many notifications were forgotten because they were not acknowledged."""
        ...

    def fell_behind(self) -> None:
        """A stream's queue was full; the stream goes on from the store."""
        ...
