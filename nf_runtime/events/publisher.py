"""Publishes events: returns when the broker has them, waits while it is missing, drops nothing.

::

    async with EventPublisher(settings.kafka, clock=clock) as publisher:
        await publisher.publish(event, key=str(beam_id))

The client runs in a thread of its own, so nothing here blocks the loop. Events of one key keep the
order of the calls. Cancelling `publish` gives up waiting; the event may still be published.
"""

import asyncio
import contextlib
import queue
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from types import TracebackType
from typing import Self

import structlog

from nf_runtime.clock import Clock
from nf_runtime.config import KafkaSettings
from nf_runtime.errors import InvalidArgument, NfError, Unavailable
from nf_runtime.events.broker import (
    Broker,
    BrokerMissingError,
    BrokerWriter,
    MessageRefusedError,
    broker_of,
)
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import PUBLISHED_AT_HEADER, CloudEvent, Message, encode
from nf_runtime.metrics import EventMetrics

MOST_PENDING = 10_000
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
_SILENCE_S = 5.0  # without an acknowledgement before it is said aloud
_CLOSE_GRACE_S = 3.0
_IDLE_S = 0.2

log = structlog.get_logger(__name__)


@dataclass(order=True)
class _Pending:
    sequence: int
    message: Message = field(compare=False)
    future: "asyncio.Future[None]" = field(compare=False)
    sent_s: float = field(default=0.0, compare=False)


class EventPublisher:
    """One connection to the broker, for any number of callers in one event loop.

    Args:
        settings: Which broker and which client.
        clock: For the publication time and durations.
        metrics: Where counts go; shared by all publishers and subscribers of the process.
        broker: Instead of the one of the settings.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        clock: Clock,
        metrics: EventMetrics | None = None,
        broker: Broker | None = None,
    ) -> None:
        self._broker = broker_of(settings) if broker is None else broker
        self._clock = clock
        self._metrics = EventMetrics(None) if metrics is None else metrics
        self._room = asyncio.Semaphore(MOST_PENDING)
        self._sequence = 0
        self._worker: _Worker | None = None

    async def start(self) -> None:
        """Start the thread; does not wait for the broker."""
        if self._worker is None:
            self._worker = _Worker(self._broker, self._clock, asyncio.get_running_loop())
            self._worker.start()

    async def close(self) -> None:
        """Wait a little for what is on its way; what is not acknowledged then raises."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.close)

    @property
    def waiting(self) -> bool:
        """Whether the broker is missing at the moment."""
        return self._worker is not None and self._worker.missing

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def publish(self, event: CloudEvent[EventData], key: str) -> None:
        """Return when all replicas have the event; wait as long as the broker is missing.

        Raises:
            ValueError: The event cannot be encoded.
            InvalidArgument: The broker will never take it, e.g. since it is too large.
            Unavailable: The publisher was closed first (``BROKER_UNAVAILABLE``).
        """
        await self.publish_message(encode(event, key=key))

    async def publish_message(self, message: Message) -> None:
        """The same for an event that is encoded already."""
        if self._worker is None:
            raise RuntimeError("the publisher is not started; use it in 'async with'")
        stamp = (PUBLISHED_AT_HEADER, str(self._clock.now_ns()).encode())
        stamped = replace(message, headers=(*message.headers, stamp))
        started_s = self._clock.monotonic_s()
        self._sequence += 1
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pending = _Pending(self._sequence, stamped, future)
        async with self._room:
            if self._worker is None:  # closed while this one waited for room
                raise _not_taken(self._broker)
            self._worker.enqueue(pending)
            await future
        self._metrics.published_total.labels(message.topic).inc()
        self._metrics.publish_seconds.observe(self._clock.monotonic_s() - started_s)


class _Worker:
    """The thread that owns the client, and the order of what goes through it."""

    def __init__(self, broker: Broker, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._broker = broker
        self._clock = clock
        self._loop = loop
        self._incoming: queue.SimpleQueue[_Pending] = queue.SimpleQueue()
        self._again: deque[_Pending] = deque()  # oldest first; goes before what is incoming
        self._changed = threading.Condition()  # guards the next two
        self._in_flight: dict[int, _Pending] = {}
        self._failed: list[_Pending] = []
        self._closing = threading.Event()
        self._writer: BrokerWriter | None = None
        self.missing = False
        self._wait_s = _FIRST_WAIT_S
        self._thread = threading.Thread(
            target=self._run, name="aimlnf-event-publisher", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def enqueue(self, pending: _Pending) -> None:
        self._incoming.put(pending)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        give_up_s = float("inf")
        while not (self._closing.is_set() and self._finished(give_up_s)):
            if self._closing.is_set():
                give_up_s = min(give_up_s, self._clock.monotonic_s() + _CLOSE_GRACE_S)
            pending = self._next()
            if pending is not None and not pending.future.cancelled():
                self._send(pending)
            self._notice_silence()
        self._abandon_all()
        self._disconnect()

    def _finished(self, give_up_s: float) -> bool:
        with self._changed:
            nothing_left = not (self._in_flight or self._failed or self._again)
        late = self._clock.monotonic_s() >= give_up_s
        return (nothing_left and self._incoming.empty()) or self.missing or late

    def _next(self) -> _Pending | None:
        with self._changed:
            if self._failed:
                # What is on its way must land first, or a newer event would overtake an older.
                if self._in_flight:
                    self._changed.wait(_IDLE_S)
                    return None
                self._again = deque(sorted([*self._failed, *self._again]))
                self._failed.clear()
        if self._again:
            return self._again.popleft()
        try:
            newest = self._incoming.get(timeout=_IDLE_S)
        except queue.Empty:
            return None
        with self._changed:
            if self._failed:  # meanwhile
                self._again.append(newest)
                return None
        return newest

    def _send(self, pending: _Pending) -> None:
        pending.sent_s = self._clock.monotonic_s()
        with self._changed:
            self._in_flight[pending.sequence] = pending
        try:
            if self._writer is None:
                self._writer = self._broker.open_writer()
            self._writer.send(pending.message, partial(self._done, pending))
        except MessageRefusedError as error:
            self._done(pending, error)
        except BrokerMissingError as error:
            self._done(pending, error)
            self._say_missing(error)
            self._closing.wait(self._wait_s)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)
            with self._changed:
                nothing_on_its_way = not self._in_flight
            if nothing_on_its_way:
                # A client can be broken for good (a fenced producer); a new one is not.
                self._disconnect()

    def _done(self, pending: _Pending, error: Exception | None) -> None:
        """Called in the client's thread, or in ours when nothing was sent."""
        refused = isinstance(error, MessageRefusedError)
        with self._changed:
            self._in_flight.pop(pending.sequence, None)
            if error is not None and not refused:
                self._failed.append(pending)
            self._changed.notify()
        if error is None:
            self._say_back()
            self._settle(pending, None)
        elif refused:
            self._settle(
                pending,
                InvalidArgument(f"the broker refused the event: {error}", reason="INVALID_FIELD"),
            )

    def _notice_silence(self) -> None:
        with self._changed:
            oldest = next(iter(self._in_flight.values()), None)
        if oldest is not None and self._clock.monotonic_s() - oldest.sent_s > _SILENCE_S:
            self._say_missing(TimeoutError(f"no acknowledgement within {_SILENCE_S:g} s"))

    def _say_missing(self, error: Exception) -> None:
        if not self.missing:
            self.missing = True
            log.warning("waiting for broker", broker=self._broker.address, error=str(error))

    def _say_back(self) -> None:
        if self.missing:
            self.missing = False
            log.info("broker is back", broker=self._broker.address)
        self._wait_s = _FIRST_WAIT_S

    def _settle(self, pending: _Pending, error: NfError | None) -> None:
        # The loop may be gone when the last acknowledgement arrives.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_resolve, pending.future, error)

    def _abandon_all(self) -> None:
        with self._changed:
            left = [*self._in_flight.values(), *self._failed, *self._again]
        while not self._incoming.empty():
            left.append(self._incoming.get())
        for pending in left:
            self._settle(pending, _not_taken(self._broker))

    def _disconnect(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


def _not_taken(broker: Broker) -> Unavailable:
    return Unavailable(
        f"the broker {broker.address} did not take the event before the publisher was closed",
        reason="BROKER_UNAVAILABLE",
    )


def _resolve(future: "asyncio.Future[None]", error: NfError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
