"""The publisher, with a broker in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes.memory_broker import MemoryBroker
from prometheus_client import CollectorRegistry
from support.events import alarm_event, alarm_message
from support.waiting import until

from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.errors import InvalidArgument, Unavailable
from nf_runtime.events.cloud_event import decode
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.metrics import EventMetrics

TOPIC = "oam.events"


def ids(broker: MemoryBroker, topic: str = TOPIC) -> list[str]:
    """The ids of the events in a topic, partition after partition."""
    return [decode(record.headers, record.value).id for record in broker.records(topic)]


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker that answers."""
    return MemoryBroker()


@pytest.fixture
async def publisher(broker: MemoryBroker) -> AsyncIterator[EventPublisher]:
    """A started publisher on `broker`."""
    async with EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker) as publisher:
        yield publisher


async def test_publish_returns_when_the_broker_has_it(
    broker: MemoryBroker, publisher: EventPublisher
) -> None:
    """After publish the event is in its topic, with the publication time beside it."""
    await publisher.publish(alarm_event("1"), key="k")
    (record,) = broker.records(TOPIC)
    event = decode(record.headers, record.value)
    assert event.id == "1"
    assert event.published_at_ns is not None
    assert record.key == b"k"


async def test_publish_waits_for_a_missing_broker(
    broker: MemoryBroker, publisher: EventPublisher
) -> None:
    """Nothing is lost or reordered while the broker is away."""
    broker.missing = True
    waiting = [
        asyncio.create_task(publisher.publish(alarm_event(str(number)), key="k"))
        for number in range(5)
    ]
    await until(lambda: publisher.waiting)
    assert not any(task.done() for task in waiting)
    broker.missing = False
    await asyncio.gather(*waiting)
    assert ids(broker) == ["0", "1", "2", "3", "4"]
    assert not publisher.waiting


async def test_failed_acknowledgement_is_repeated_in_order(
    broker: MemoryBroker, publisher: EventPublisher
) -> None:
    """Messages that the broker lost on their way go again, before newer ones."""
    broker.deaf = True
    lost = [
        asyncio.create_task(publisher.publish(alarm_event(str(number)), key="k"))
        for number in range(3)
    ]
    await until(lambda: broker.unheard == 3)
    lost.append(asyncio.create_task(publisher.publish(alarm_event("3"), key="k")))
    broker.hear(ConnectionResetError("lost"))
    await asyncio.gather(*lost)
    assert ids(broker) == ["0", "1", "2", "3"]


async def test_refused_message_raises_and_the_rest_goes_on(broker: MemoryBroker) -> None:
    """What the broker will never take is the caller's problem, not a reason to wait for ever."""
    broker.refused_topics = frozenset({"no.such"})
    async with EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker) as publisher:
        with pytest.raises(InvalidArgument, match=r"no\.such"):
            await publisher.publish_message(alarm_message("no.such", "1"))
        await publisher.publish(alarm_event("2"), key="k")
    assert ids(broker) == ["2"]


async def test_closing_gives_up_on_a_missing_broker(broker: MemoryBroker) -> None:
    """A publisher that is closed while the broker is away says so to its callers."""
    broker.missing = True
    async with EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker) as publisher:
        waiting = asyncio.create_task(publisher.publish(alarm_event("1"), key="k"))
        await until(lambda: publisher.waiting)
    with pytest.raises(Unavailable) as caught:
        await waiting
    assert caught.value.reason == "BROKER_UNAVAILABLE"


async def test_closing_answers_also_those_that_wait_for_room(
    broker: MemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever: callers beyond the bound are told as well."""
    monkeypatch.setattr("nf_runtime.events.publisher.MOST_PENDING", 2)
    broker.missing = True
    async with EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker) as publisher:
        waiting = [
            asyncio.create_task(publisher.publish(alarm_event(str(number)), key="k"))
            for number in range(5)
        ]
        await until(lambda: publisher.waiting)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 5


async def test_closing_waits_for_what_is_on_its_way(broker: MemoryBroker) -> None:
    """An acknowledgement that comes during the close still counts."""
    broker.deaf = True
    publisher = EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker)
    await publisher.start()
    waiting = asyncio.create_task(publisher.publish(alarm_event("1"), key="k"))
    await until(lambda: broker.unheard == 1)
    closing = asyncio.create_task(publisher.close())
    broker.hear()
    await waiting
    await closing
    assert ids(broker) == ["1"]


async def test_cancelled_publish_is_not_sent_any_more(
    broker: MemoryBroker, publisher: EventPublisher
) -> None:
    """A caller that gave up before the broker came back leaves nothing behind."""
    broker.missing = True
    given_up = asyncio.create_task(publisher.publish(alarm_event("given up"), key="k"))
    await until(lambda: publisher.waiting)
    given_up.cancel()
    await asyncio.wait({given_up})
    broker.missing = False
    await publisher.publish(alarm_event("wanted"), key="k")
    assert ids(broker) == ["wanted"]


async def test_publisher_must_be_started(broker: MemoryBroker) -> None:
    """Publishing before the start is a mistake with a sentence."""
    publisher = EventPublisher(KafkaSettings(), clock=SystemClock(), broker=broker)
    with pytest.raises(RuntimeError, match="not started"):
        await publisher.publish(alarm_event(), key="k")


async def test_acknowledged_events_are_counted(broker: MemoryBroker) -> None:
    """The counter counts acknowledgements, by topic."""
    registry = CollectorRegistry()
    publisher = EventPublisher(
        KafkaSettings(), clock=SystemClock(), broker=broker, metrics=EventMetrics(registry)
    )
    async with publisher:
        await publisher.publish(alarm_event("1"), key="k")
        await publisher.publish(alarm_event("2"), key="k")
    published = registry.get_sample_value("aimlnf_events_published_total", {"topic": TOPIC})
    assert published == 2
