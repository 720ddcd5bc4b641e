# ruff: noqa: D101, D102 - the ports describe them
"""The radio access network, the NWDAF, the store of answers and the meter in memory."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

from support.tiny_models import radio_context

from inference_nf.answers import Answer, Counts, Ending, Notification, Outcome, Report
from inference_nf.decisions import Decision, RadioSnapshot
from inference_nf.ports import EventFilter, Subscription
from inference_nf.releases import ModelKey
from nf_runtime.errors import NfError, NotFound, Unavailable
from radio_math.context import Allocation


def unavailable(peer: str) -> Unavailable:
    """What a channel raises for a peer that is not there."""
    return Unavailable(f"{peer} is not there", reason="PEER_UNAVAILABLE", peer=peer)


def snapshot(context_id: str = "context-1") -> RadioSnapshot:
    """A radio state that every decision can be made from."""
    return RadioSnapshot(
        context_id=context_id,
        satellite_id="44713",
        carrier_quota=4,
        context=radio_context(),
    )


class MemoryRadio:
    """Applies a decision once; fails as often as told, or holds an answer back."""

    def __init__(self) -> None:
        self.applied: Counter[str] = Counter()  # by decision id, as the radio sees them
        self.calls: list[str] = []
        self.failures: list[NfError] = []  # raised one after the other, at either call
        self.apply_failures: list[NfError] = []
        self.holds: dict[str, asyncio.Event] = {}  # by trigger id

    async def snapshot(self, trigger_id: str) -> RadioSnapshot:
        self.calls.append(f"snapshot {trigger_id}")
        if trigger_id in self.holds:
            await self.holds[trigger_id].wait()
        if self.failures:
            raise self.failures.pop(0)
        return snapshot(f"context of {trigger_id}")

    async def apply(
        self, allocation: Allocation, *, decision_id: str, context_id: str, trigger_id: str
    ) -> Outcome:
        self.calls.append(f"apply {decision_id}")
        if self.apply_failures:
            raise self.apply_failures.pop(0)
        self.applied[decision_id] += 1
        return Outcome("run-1", context_id, 12.6, 3.0, 5.0)


class MemoryNotifications:
    """Keeps subscriptions by request id and streams what was put."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, str] = {}  # id by request id
        self.filters: dict[str, tuple[EventFilter, ...]] = {}
        self.stored: defaultdict[str, list[Notification]] = defaultdict(list)
        self.acknowledged: dict[str, int] = {}
        self.refusals: list[NfError] = []  # raised by subscribe
        self.breaks: list[NfError] = []  # raised by watch, once it is drained
        self.deaf: NfError | None = None  # raised by acknowledge
        self._news = asyncio.Condition()

    def put(self, subscription_id: str, trigger_id: str) -> Notification:
        """Store one more notification."""
        number = len(self.stored[subscription_id]) + 1
        notification = Notification(
            notification_id=f"{subscription_id}/{trigger_id}",
            subscription_id=subscription_id,
            sequence=number,
            trigger_id=trigger_id,
            trigger_type="org.aimlnf.ran.doppler-sinr-drop.v1",
            published_at_ns=1_000,
            notified_at_ns=2_000,
        )
        self.stored[subscription_id].append(notification)
        return notification

    async def wake(self) -> None:
        """Let the streams see what was put, or that they are to break."""
        async with self._news:
            self._news.notify_all()

    async def subscribe(
        self, *, request_id: str, consumer_id: str, filters: Sequence[EventFilter]
    ) -> str:
        if self.refusals:
            raise self.refusals.pop(0)
        known = self.subscriptions.setdefault(request_id, f"s{len(self.subscriptions) + 1}")
        self.filters[known] = tuple(filters)
        return known

    async def modify(
        self, subscription_id: str, *, consumer_id: str, filters: Sequence[EventFilter]
    ) -> None:
        if subscription_id not in self.filters:
            raise NotFound("gone", reason="RESOURCE_NOT_FOUND", resource=subscription_id)
        self.filters[subscription_id] = tuple(filters)

    async def watch(
        self, subscription_id: str, *, after_sequence: int
    ) -> AsyncGenerator[Notification, None]:
        sent = after_sequence
        while True:
            if subscription_id not in self.filters:
                raise NotFound("gone", reason="RESOURCE_NOT_FOUND", resource=subscription_id)
            for notification in self.stored[subscription_id]:
                if notification.sequence > sent:
                    sent = notification.sequence
                    yield notification
            if self.breaks:
                raise self.breaks.pop(0)
            async with self._news:
                await self._news.wait()

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        if self.deaf is not None:
            raise self.deaf
        self.acknowledged[subscription_id] = sequence


@dataclass
class MemoryAnswers:
    """Keeps answers; fails as often as told."""

    kept: Subscription | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    unanswered: dict[str, tuple[Ending, str]] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)  # by notification id
    total: Counts = field(default_factory=Counts)
    failures: list[NfError] = field(default_factory=list)

    async def subscription(self) -> Subscription | None:
        return self.kept

    async def save_subscription(self, subscription: Subscription) -> None:
        self.kept = subscription

    async def answered_above(self, subscription_id: str, sequence: int) -> frozenset[str]:
        return frozenset(n for n, above in self.sequences.items() if above > sequence)

    async def record_answer(self, answer: Answer, *, processed_sequence: int) -> None:
        self._keep(answer.notification, processed_sequence)
        self.answers[answer.notification.notification_id] = answer
        self.total = self.total.counting(Ending.APPLIED, decision_made=True)

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
        self._keep(notification, processed_sequence)
        self.unanswered[notification.notification_id] = (ending, reason)
        self.total = self.total.counting(ending, decision_made=decision_made)

    async def record_processed(self, subscription_id: str, processed_sequence: int) -> None:
        self._advance(processed_sequence)

    async def counts(self) -> Counts:
        return self.total

    async def reports(self, *, after_sequence: int, limit: int) -> Sequence[Report]:
        return []

    def _keep(self, notification: Notification, processed_sequence: int) -> None:
        if self.failures:
            raise self.failures.pop(0)
        assert notification.notification_id not in self.sequences, "recorded twice"
        self.sequences[notification.notification_id] = notification.sequence
        self._advance(processed_sequence)

    def _advance(self, processed_sequence: int) -> None:
        assert self.kept is not None
        self.kept = replace(self.kept, processed_sequence=processed_sequence)


class MemoryMeter:
    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.stages: Counter[str] = Counter()
        self.endings: Counter[Ending] = Counter()
        self.batches: list[int] = []
        self.sheds = 0
        self.comparisons: list[tuple[ModelKey, bool]] = []
        self.load_steps: list[str] = []

    def decided(self, decision: Decision) -> None:
        self.decisions.append(decision)

    def stage(self, stage: str, duration_s: float) -> None:
        assert duration_s >= 0
        self.stages[stage] += 1

    def answered(self, ending: Ending) -> None:
        self.endings[ending] += 1

    def ran(self, batch: int) -> None:
        self.batches.append(batch)

    def shed(self) -> None:
        self.sheds += 1

    def compared(self, candidate: ModelKey, *, better: bool) -> None:
        self.comparisons.append((candidate, better))

    def load_step(self, step: str, duration_s: float) -> None:
        assert duration_s >= 0
        self.load_steps.append(step)
