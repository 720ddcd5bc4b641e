"""Reads events in the order of each key, from where the network function has got to.

::

    offsets = await database.transact(load_offsets)
    async with EventSubscriber(settings.kafka, [RAN_TRIGGERS], offsets, clock=clock) as subscriber:
        async for record in subscriber.until(stop):
            await database.transact(partial(take_in, record))     # inbox.accept in there

Partitions are assigned by hand, without a group: one network function reads all of them, including
those that appear later. A record that is no event of the catalogue goes to ``<topic>.dlq`` with the
reason and is handed out with ``event=None``, so that its offset can be stored; it never blocks the
rest. While the broker is missing nothing is lost: reading goes on where it stopped.
"""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import structlog

from nf_runtime.clock import Clock
from nf_runtime.config import KafkaSettings
from nf_runtime.events.broker import (
    Broker,
    BrokerMissingError,
    BrokerReader,
    Fetched,
    Partition,
    Start,
    broker_of,
)
from nf_runtime.events.catalogue import dead_letter_topic
from nf_runtime.events.cloud_event import Message, UnreadableEventError, decode
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.events.record import OffsetKey, RawRecord, Record
from nf_runtime.metrics import EventMetrics

DLQ_REASON_HEADER = "x-dlq-reason"
DLQ_TOPIC_HEADER = "x-dlq-topic"
DLQ_PARTITION_HEADER = "x-dlq-partition"
DLQ_OFFSET_HEADER = "x-dlq-offset"

_BATCHES_AHEAD = 4
_POLL_S = 0.2
_LOOK_FOR_TOPICS_S = 0.2  # while a topic does not exist yet
_LOOK_FOR_PARTITIONS_S = 5.0
_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0
_JOIN_TIMEOUT_S = 5.0

log = structlog.get_logger(__name__)


class EventSubscriber:
    """An async iterator of `Record`.

    Args:
        settings: Which broker, which client, and the identity of the log.
        topics: What to read.
        offsets: Where to go on, from `inbox.load_offsets`; those of other logs are ignored.
        clock: For intervals.
        start: Where to begin in a partition that has no offset. Partitions that appear while
            reading are always read from their beginning.
        metrics: Where counts go; shared by all publishers and subscribers of the process.
        broker: Instead of the one of the settings.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        topics: Sequence[str],
        offsets: Mapping[OffsetKey, int] | None = None,
        *,
        clock: Clock,
        start: Start = Start.EARLIEST,
        metrics: EventMetrics | None = None,
        broker: Broker | None = None,
    ) -> None:
        self._settings = settings
        self._topics = tuple(topics)
        self._positions = {
            Partition(key.topic, key.partition): offset
            for key, offset in (offsets or {}).items()
            if key.log_identity == settings.log_identity
        }
        self._clock = clock
        self._start = start
        self._metrics = EventMetrics(None) if metrics is None else metrics
        self._broker = broker_of(settings) if broker is None else broker
        self._buffer: deque[Fetched] = deque()
        self._batches: asyncio.Queue[list[Fetched]] = asyncio.Queue(_BATCHES_AHEAD)
        self._worker: _Worker | None = None
        self._dead_letters: EventPublisher | None = None

    async def start(self) -> None:
        """Start the thread; does not wait for the broker."""
        if self._worker is None:
            self._worker = _Worker(
                broker=self._broker,
                topics=self._topics,
                positions=self._positions,
                start=self._start,
                clock=self._clock,
                loop=asyncio.get_running_loop(),
                batches=self._batches,
            )
            self._worker.start()

    async def close(self) -> None:
        """End the thread and the connections."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.close)
        publisher, self._dead_letters = self._dead_letters, None
        if publisher is not None:
            await publisher.close()

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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        if self._worker is None:
            raise RuntimeError("the subscriber is not started; use it in 'async with'")
        while not self._buffer:
            self._buffer.extend(await self._batches.get())
        record = await self._record(self._buffer[0])
        self._buffer.popleft()  # only now: a cancelled dead letter is tried again
        return record

    async def until(self, stop: asyncio.Event) -> AsyncIterator[Record]:
        """The records until `stop` is set."""
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                if self._buffer:
                    yield await anext(self)
                    continue
                following = asyncio.ensure_future(anext(self))
                try:
                    await asyncio.wait({following, stopped}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    if not following.done():
                        following.cancel()
                        await asyncio.wait({following})
                if following.cancelled():
                    return
                yield following.result()
        finally:
            stopped.cancel()

    async def _record(self, fetched: Fetched) -> Record:
        try:
            event = decode(fetched.headers, fetched.value)
        except UnreadableEventError as error:
            await self._dead_letter(fetched, str(error))
            event = None
        self._metrics.received_total.labels(fetched.partition.topic).inc()
        return Record(
            topic=fetched.partition.topic,
            partition=fetched.partition.number,
            offset=fetched.offset,
            event=event,
            raw=RawRecord(fetched.headers, fetched.key, fetched.value),
            log_identity=self._settings.log_identity,
        )

    async def _dead_letter(self, fetched: Fetched, reason: str) -> None:
        topic, number = fetched.partition
        log.warning(
            "record dead-lettered",
            topic=topic,
            partition=number,
            offset=fetched.offset,
            reason=reason,
        )
        if self._dead_letters is None:
            self._dead_letters = EventPublisher(
                self._settings, clock=self._clock, broker=self._broker
            )
            await self._dead_letters.start()
        told = {
            DLQ_REASON_HEADER: reason,
            DLQ_TOPIC_HEADER: topic,
            DLQ_PARTITION_HEADER: str(number),
            DLQ_OFFSET_HEADER: str(fetched.offset),
        }
        headers = (*fetched.headers, *((name, text.encode()) for name, text in told.items()))
        await self._dead_letters.publish_message(
            Message(dead_letter_topic(topic), fetched.key, headers, fetched.value or b"")
        )
        self._metrics.dead_letters_total.labels(topic).inc()


class _Worker:
    """The thread that owns the client and the positions."""

    def __init__(
        self,
        *,
        broker: Broker,
        topics: Sequence[str],
        positions: Mapping[Partition, int],
        start: Start,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        batches: "asyncio.Queue[list[Fetched]]",
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._positions = dict(positions)
        self._start_at = start
        self._clock = clock
        self._loop = loop
        self._batches = batches
        self._closing = threading.Event()
        self._missing = False
        self._looked_once = False
        self._wait_s = _FIRST_WAIT_S
        self._thread = threading.Thread(
            target=self._run, name="aimlnf-event-subscriber", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        # The client cannot be interrupted while it waits for a broker that has gone; the thread is
        # a daemon and ends with the process at the latest.
        self._thread.join(_JOIN_TIMEOUT_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                reader = self._broker.open_reader()
                try:
                    self._read(reader)
                finally:
                    reader.close()
            except BrokerMissingError as error:
                self._say_missing(error)
            except Exception:
                # Nobody awaits this thread: say it, and go on from the known positions.
                log.exception("event reader failed", broker=self._broker.address)
            self._closing.wait(self._wait_s)
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    def _read(self, reader: BrokerReader) -> None:
        assigned: set[Partition] = set()
        look_again_s = self._clock.monotonic_s()
        while not self._closing.is_set():
            if self._clock.monotonic_s() >= look_again_s:
                found = reader.partitions(self._topics)
                self._say_there()
                if found - assigned:
                    reader.assign(self._starts_of(found - assigned, reader))
                    assigned |= found
                self._looked_once = True
                all_there = {partition.topic for partition in found} == set(self._topics)
                look_again_s = self._clock.monotonic_s() + (
                    _LOOK_FOR_PARTITIONS_S if all_there else _LOOK_FOR_TOPICS_S
                )
            if not assigned:
                self._closing.wait(_LOOK_FOR_TOPICS_S)
                continue
            records = reader.poll(_POLL_S)
            self._wait_s = _FIRST_WAIT_S
            if records and self._hand_over(records):
                for record in records:
                    self._positions[record.partition] = record.offset + 1

    def _starts_of(
        self, partitions: set[Partition], reader: BrokerReader
    ) -> dict[Partition, int | Start]:
        if self._start_at is Start.LATEST and not self._looked_once:
            # In numbers, so that after a reconnection the end is still the end of now.
            fresh = partitions - set(self._positions)
            self._positions.update(reader.ends(fresh) if fresh else {})
        return {one: self._positions.get(one, Start.EARLIEST) for one in partitions}

    def _hand_over(self, records: list[Fetched]) -> bool:
        """Wait until the loop has room for them; False if we are closed first."""
        try:
            put = asyncio.run_coroutine_threadsafe(self._batches.put(records), self._loop)
        except RuntimeError:  # the loop is closed
            self._closing.set()
            return False
        while not self._closing.is_set():
            with contextlib.suppress(concurrent.futures.TimeoutError):
                put.result(_POLL_S)
                return True
        put.cancel()
        return False

    def _say_missing(self, error: Exception) -> None:
        if not self._missing:
            self._missing = True
            log.warning("waiting for broker", broker=self._broker.address, error=str(error))

    def _say_there(self) -> None:
        if self._missing:
            self._missing = False
            log.info("broker is back", broker=self._broker.address)
