"""The procedure that answers triggers: notification, radio context, decision, applied, recorded.

A notification is never dropped. What is missing (a peer, the database) is waited for; what comes
too late is recorded as expired, what fails as failed, with the reason. Several notifications are
answered at a time and finish in any order; the stored sequence moves only over finished ones. After
a crash the NWDAF sends again what lies above it: what is recorded is skipped, and what was applied
but not recorded is applied again under the same decision id, which changes nothing.

Not modelled: a decision that was applied but not recorded when the process was killed, and whose
run has ended before it is back, is recorded as expired.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import structlog

from inference_nf.answers import EXPIRED_REASONS, Answer, Ending, Notification, Timings
from inference_nf.deciding import Deciding
from inference_nf.decisions import Decision
from inference_nf.ports import AnswerStore, Meter, Notifications, Radio, Subscription
from inference_nf.subscribing import Subscribing
from inference_nf.waiting import StoppedError, answer_of
from inference_nf.watermark import Watermark
from nf_runtime.client import wait_or_stop
from nf_runtime.clock import NANOSECONDS_PER_S, Clock
from nf_runtime.errors import FailedPrecondition, NfError, NotFound
from nf_runtime.tracing import continued, current_traceparent

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 5.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class _Stream:
    """One subscription while it is watched."""

    def __init__(
        self, subscription: Subscription, answered: frozenset[str], concurrency: int
    ) -> None:
        self.subscription_id = subscription.subscription_id
        self.answered = answered  # recorded above the watermark by an earlier process
        self.watermark = Watermark(subscription.processed_sequence)
        self.slots = asyncio.Semaphore(concurrency)
        self.recording = asyncio.Lock()  # or two records could each miss the other's progress
        self.acknowledged_sequence = 0
        self.acknowledge_now = asyncio.Event()


class Answering:
    """Answers the notifications of this function's subscription.

    Args:
        subscribing: Keeps the subscription.
        notifications: The NWDAF.
        radio: The radio access network.
        deciding: Makes the decisions.
        store: Where answers are recorded.
        meter: Where stages are measured.
        clock: For timestamps and waits.
        concurrency: Notifications that are answered at a time.
        acknowledge_every: Notifications after which the NWDAF is told that it may forget them.
        acknowledge_period_s: Time after which it is told anyway.
        decision_deadline_s: How long after a notification's arrival its decision must be there;
            None without end.
    """

    def __init__(
        self,
        *,
        subscribing: Subscribing,
        notifications: Notifications,
        radio: Radio,
        deciding: Deciding,
        store: AnswerStore,
        meter: Meter,
        clock: Clock,
        concurrency: int = 4,
        acknowledge_every: int = 20,
        acknowledge_period_s: float = 1.0,
        decision_deadline_s: float | None = None,
    ) -> None:
        self._subscribing = subscribing
        self._notifications = notifications
        self._radio = radio
        self._deciding = deciding
        self._store = store
        self._meter = meter
        self._clock = clock
        self._concurrency = concurrency
        self._acknowledge_every = acknowledge_every
        self._acknowledge_period_s = acknowledge_period_s
        self._decision_deadline_s = decision_deadline_s
        self._in_work = 0

    @property
    def in_work_count(self) -> int:
        """Notifications that were received and are not recorded yet."""
        return self._in_work

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until `stop` is set; what is in work then is finished first."""
        gone = False
        try:
            while not stop.is_set():
                subscription = await self._subscribing.subscription(stop, gone=gone)
                answered = await self._answer_of(
                    lambda s=subscription: self._store.answered_above(  # type: ignore[misc]
                        s.subscription_id, s.processed_sequence
                    ),
                    "database",
                    stop,
                )
                await self._answer_all(_Stream(subscription, answered, self._concurrency), stop)
                gone = True
        except StoppedError:
            return

    async def _answer_all(self, stream: _Stream, stop: asyncio.Event) -> None:
        """Answer one subscription until `stop`, or until it no longer exists."""
        async with asyncio.TaskGroup() as tasks:
            ends = {
                tasks.create_task(self._watch(stream, tasks, stop)),
                tasks.create_task(stop.wait()),
            }
            acknowledging = tasks.create_task(self._acknowledge(stream, stop))
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in (*ends, acknowledging):
                task.cancel()

    async def _watch(self, stream: _Stream, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Receive, over as many streams as it takes, while the subscription exists."""
        wait_s, said = _FIRST_WAIT_S, ""
        while True:
            watched = self._notifications.watch(
                stream.subscription_id, after_sequence=stream.watermark.value
            )
            try:
                async with aclosing(watched):
                    async for notification in watched:
                        wait_s, said = _FIRST_WAIT_S, ""
                        await self._take(notification, stream, tasks, stop)
            except NotFound as error:
                log.warning("subscription is gone; making a new one", error=str(error))
                return
            except NfError as error:
                if error.reason != said:
                    log.warning(
                        "watching again", peer="nwdaf.anlf", reason=error.reason, error=str(error)
                    )
                    said = error.reason
            await self._clock.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _take(
        self,
        notification: Notification,
        stream: _Stream,
        tasks: asyncio.TaskGroup,
        stop: asyncio.Event,
    ) -> None:
        received_at_ns = self._clock.now_ns()
        if not stream.watermark.deliver(notification.sequence):
            return  # in work, or finished while another is not
        await stream.slots.acquire()
        self._in_work += 1
        task = tasks.create_task(self._deal_with(notification, received_at_ns, stream, stop))
        task.add_done_callback(lambda _: self._release(stream))

    def _release(self, stream: _Stream) -> None:
        self._in_work -= 1
        stream.slots.release()

    async def _deal_with(
        self, notification: Notification, received_at_ns: int, stream: _Stream, stop: asyncio.Event
    ) -> None:
        with continued(notification.traceparent, request_id=notification.notification_id):
            try:
                record = await self._ending_of(notification, received_at_ns, stream, stop)
                await self._record(notification.sequence, record, stream, stop)
            except StoppedError:
                log.info("notification left for the next start", sequence=notification.sequence)

    async def _ending_of(
        self, notification: Notification, received_at_ns: int, stream: _Stream, stop: asyncio.Event
    ) -> Callable[[int], Coroutine[Any, Any, None]]:
        """What records how the notification ended, given how far the stream is then."""
        if notification.notification_id in stream.answered:
            return lambda processed: self._store.record_processed(
                notification.subscription_id, processed
            )
        decision: Decision | None = None
        try:
            snapshot = await self._answer_of(
                lambda: self._radio.snapshot(notification.trigger_id), "ran_sim", stop
            )
            context_at_ns = self._clock.now_ns()
            made = decision = await self._deciding.decide(
                snapshot,
                decision_id=notification.notification_id,
                urgent=True,
                deadline_s=self._deadline_s(received_at_ns),
            )
            decided_at_ns = self._clock.now_ns()
            outcome = await self._answer_of(
                lambda: self._radio.apply(
                    made.allocation,
                    decision_id=made.decision_id,
                    context_id=made.context_id,
                    trigger_id=notification.trigger_id,
                ),
                "ran_sim",
                stop,
            )
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is recorded
            return self._unanswered(notification, error, decision_made=decision is not None)
        answer = Answer(
            notification=notification,
            satellite_id=snapshot.satellite_id,
            decision=made,
            outcome=outcome,
            timings=Timings(received_at_ns, context_at_ns, decided_at_ns, self._clock.now_ns()),
            applied_time=self._clock.now(),
            traceparent=current_traceparent(),
        )
        self._observe(answer)
        return lambda processed: self._store.record_answer(answer, processed_sequence=processed)

    def _deadline_s(self, received_at_ns: int) -> float | None:
        if self._decision_deadline_s is None:
            return None
        waited_s = (self._clock.now_ns() - received_at_ns) / NANOSECONDS_PER_S
        return self._clock.monotonic_s() + self._decision_deadline_s - waited_s

    def _unanswered(
        self, notification: Notification, error: Exception, *, decision_made: bool
    ) -> Callable[[int], Coroutine[Any, Any, None]]:
        reason = error.reason if isinstance(error, NfError) else "INTERNAL"
        late = isinstance(error, FailedPrecondition) and reason in EXPIRED_REASONS
        ending = Ending.EXPIRED if late else Ending.FAILED
        (log.info if late else log.error)(
            "notification not answered",
            ending=ending.value,
            reason=reason,
            error=str(error),
            trigger_id=notification.trigger_id,
            exc_info=None if isinstance(error, NfError) else error,
        )
        self._meter.answered(ending)
        return lambda processed: self._store.record_unanswered(
            notification,
            ending=ending,
            reason=reason,
            detail=str(error),
            decision_made=decision_made,
            processed_sequence=processed,
        )

    async def _record(
        self,
        sequence: int,
        record: Callable[[int], Coroutine[Any, Any, None]],
        stream: _Stream,
        stop: asyncio.Event,
    ) -> None:
        async with stream.recording:
            processed = stream.watermark.after(sequence)
            await self._answer_of(lambda: record(processed), "database", stop)
            stream.watermark.finish(sequence)
        if stream.watermark.value - stream.acknowledged_sequence >= self._acknowledge_every:
            stream.acknowledge_now.set()

    async def _acknowledge(self, stream: _Stream, stop: asyncio.Event) -> None:
        """Tell the NWDAF, in batches, what it may forget."""
        while True:
            await wait_or_stop(
                self._acknowledge_period_s, clock=self._clock, stop=stream.acknowledge_now
            )
            stream.acknowledge_now.clear()
            upto = stream.watermark.value
            if upto == stream.acknowledged_sequence:
                continue
            try:
                await self._answer_of(
                    lambda upto=upto: self._notifications.acknowledge(  # type: ignore[misc]
                        stream.subscription_id, upto
                    ),
                    "nwdaf.anlf",
                    stop,
                )
            except StoppedError:
                return  # the next start acknowledges what is stored
            except NfError as error:
                # Nothing is lost by it: the NWDAF remembers longer than it has to.
                log.warning("acknowledgement refused", reason=error.reason, error=str(error))
            stream.acknowledged_sequence = upto

    def _observe(self, answer: Answer) -> None:
        timings = answer.timings
        for stage, begin_ns, end_ns in (
            ("context", timings.received_at_ns, timings.context_at_ns),
            ("apply", timings.decided_at_ns, timings.applied_at_ns),
            ("trigger_to_applied", answer.published_at_ns, timings.applied_at_ns),
        ):
            self._meter.stage(stage, max(0, end_ns - begin_ns) / NANOSECONDS_PER_S)
        self._meter.answered(Ending.APPLIED)
        log.info(
            "decision applied",
            decision_id=answer.decision.decision_id,
            trigger_type=answer.notification.trigger_type,
            source=answer.decision.source.value,
            model=str(answer.decision.model) if answer.decision.model else "",
            before_bps_hz=round(answer.outcome.before_bps_hz, 3),
            after_bps_hz=round(answer.outcome.after_bps_hz, 3),
            trigger_to_applied_ms=round(answer.trigger_to_applied_ns / 1e6, 3),
        )

    async def _answer_of(
        self, action: Callable[[], Coroutine[Any, Any, T]], what: str, stop: asyncio.Event
    ) -> T:
        return await answer_of(action, what=what, clock=self._clock, stop=stop)
