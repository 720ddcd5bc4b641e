"""The subscriber, with a broker in memory."""

import asyncio

from fakes.memory_broker import MemoryBroker
from support.events import alarm_message
from support.waiting import until

from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.events.broker import Start
from nf_runtime.events.cloud_event import Message
from nf_runtime.events.record import OffsetKey, Record
from nf_runtime.events.subscriber import EventSubscriber

TOPIC = "test.topic"
SETTINGS = KafkaSettings(log_identity="log")
TIMEOUT_S = 20


def subscriber_on(
    broker: MemoryBroker,
    offsets: dict[OffsetKey, int] | None = None,
    *,
    start: Start = Start.EARLIEST,
) -> EventSubscriber:
    """A subscriber of the test's topic."""
    return EventSubscriber(
        SETTINGS, [TOPIC], offsets, clock=SystemClock(), broker=broker, start=start
    )


def fill(broker: MemoryBroker, *event_ids: str) -> None:
    """Put events into one partition."""
    for event_id in event_ids:
        broker.append(alarm_message(TOPIC, event_id))


async def take(subscriber: EventSubscriber, count: int) -> list[str | None]:
    """The ids of the next records."""
    async with asyncio.timeout(TIMEOUT_S):
        return [id_of(await anext(subscriber)) for _ in range(count)]


def id_of(record: Record) -> str | None:
    """The id of a record's event."""
    return None if record.event is None else record.event.id


async def test_topic_is_read_from_its_beginning() -> None:
    """Without offsets nothing is skipped, and what comes later follows."""
    broker = MemoryBroker()
    fill(broker, "a", "b")
    async with subscriber_on(broker) as subscriber:
        assert await take(subscriber, 2) == ["a", "b"]
        fill(broker, "c")
        assert await take(subscriber, 1) == ["c"]


async def test_offsets_of_this_log_are_used_and_those_of_others_not() -> None:
    """Reading goes on at the stored offset of the same log."""
    broker = MemoryBroker()
    fill(broker, "a", "b", "c")
    partition = broker.records(TOPIC)[0].partition.number
    async with subscriber_on(broker, {OffsetKey("log", TOPIC, partition): 2}) as subscriber:
        assert await take(subscriber, 1) == ["c"]
    async with subscriber_on(broker, {OffsetKey("old", TOPIC, partition): 2}) as subscriber:
        assert await take(subscriber, 3) == ["a", "b", "c"]


async def test_tail_skips_the_past_but_not_new_topics() -> None:
    """LATEST skips what is there at the start; a topic that appears later is read whole."""
    broker = MemoryBroker()
    async with subscriber_on(broker, start=Start.LATEST) as subscriber:
        await until(lambda: broker.looks > 0)
        fill(broker, "first of a new topic")
        assert await take(subscriber, 1) == ["first of a new topic"]
    async with subscriber_on(broker, start=Start.LATEST) as subscriber:
        reading = asyncio.create_task(take(subscriber, 1))
        await until(lambda: broker.assignments == 2)
        fill(broker, "new")
        assert await reading == ["new"]


async def test_tail_stays_a_tail_after_the_broker_was_away() -> None:
    """After a reconnection a tail shows what came meanwhile, and still nothing of the past."""
    broker = MemoryBroker()
    fill(broker, "old")
    async with subscriber_on(broker, start=Start.LATEST) as subscriber:
        await until(lambda: broker.assignments == 1)
        broker.missing = True
        await until(lambda: broker.refusals > 0)
        fill(broker, "meanwhile")
        broker.missing = False
        assert await take(subscriber, 1) == ["meanwhile"]


async def test_reading_goes_on_after_the_broker_was_away() -> None:
    """A broker that fails in between costs a reconnection, no record and no repetition."""
    broker = MemoryBroker()
    fill(broker, "a")
    async with subscriber_on(broker) as subscriber:
        assert await take(subscriber, 1) == ["a"]
        broker.missing = True
        await until(lambda: broker.refusals > 0)
        fill(broker, "b")
        broker.missing = False
        assert await take(subscriber, 1) == ["b"]
    assert broker.opened_readers == 2


async def test_reader_that_breaks_is_replaced() -> None:
    """Even an error that nobody expected only costs a new connection."""
    broker = MemoryBroker()
    fill(broker, "a")
    broker.breakages = [KeyError("a defect of the client")]
    async with subscriber_on(broker) as subscriber:
        assert await take(subscriber, 1) == ["a"]
    assert broker.opened_readers == 2


async def test_unreadable_record_is_dead_lettered_once_and_handed_out() -> None:
    """Its bytes, headers and place go to the dead-letter topic; the record has no event."""
    broker = MemoryBroker()
    broker.append(Message(TOPIC, b"k", (("ce_id", b"\xff"),), b"rubbish"))
    fill(broker, "good")
    async with subscriber_on(broker) as subscriber:
        assert sorted(await take(subscriber, 2), key=str) == [None, "good"]
    (letter,) = broker.records(f"{TOPIC}.dlq")
    headers = dict(letter.headers)
    assert (letter.key, letter.value, headers["ce_id"]) == (b"k", b"rubbish", b"\xff")
    assert headers["x-dlq-reason"].startswith(b"a header is not UTF-8")
    assert headers["x-dlq-topic"] == TOPIC.encode()
    assert headers["x-dlq-offset"] == b"0"


async def test_dead_letter_waits_for_the_broker() -> None:
    """A dead letter is never lost: the record is handed out only after it is stored."""
    broker = MemoryBroker()
    broker.append(Message(TOPIC, b"k", (), b"rubbish"))
    async with subscriber_on(broker) as subscriber:
        broker.deaf = True
        reading = asyncio.create_task(take(subscriber, 1))
        await until(lambda: broker.unheard == 1)
        assert not reading.done()
        broker.hear()
        assert await reading == [None]
    assert len(broker.records(f"{TOPIC}.dlq")) == 1


async def test_until_ends_with_the_stop() -> None:
    """`until` hands out what there is and ends when stop is set, waiting or not."""
    broker = MemoryBroker()
    fill(broker, "a", "b", "c")
    stop = asyncio.Event()
    seen = []
    async with asyncio.timeout(TIMEOUT_S), subscriber_on(broker) as subscriber:
        async for record in subscriber.until(stop):
            seen.append(id_of(record))
            if len(seen) == 2:
                stop.set()
        assert seen == ["a", "b"]
        stop.clear()
        assert await take(subscriber, 1) == ["c"]
        asyncio.get_running_loop().call_soon(stop.set)
        assert [record async for record in subscriber.until(stop)] == []


async def test_slow_consumer_holds_the_reader_back() -> None:
    """Only a few batches are read ahead; closing does not wait for the rest."""
    broker = MemoryBroker(most_at_once=1)
    fill(broker, *(str(number) for number in range(200)))
    async with subscriber_on(broker) as subscriber:
        assert await take(subscriber, 1) == ["0"]
        await until(lambda: broker.handed_out >= 5)
        ahead = broker.handed_out
        assert ahead <= 7
        assert await take(subscriber, 199) == [str(number) for number in range(1, 200)]
