"""Publisher and subscriber over a real broker, with either client."""

import asyncio
import itertools
from dataclasses import replace
from typing import Literal

import pytest
from support.events import alarm_message
from support.kafka_node import KafkaNode, free_port
from support.waiting import until

from nf_runtime.clock import SystemClock
from nf_runtime.config import ConfigurationError, KafkaSettings
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.broker import Start
from nf_runtime.events.catalogue import dead_letter_topic
from nf_runtime.events.cloud_event import Message
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.events.record import OffsetKey, Record
from nf_runtime.events.subscriber import EventSubscriber

TIMEOUT_S = 60.0
CLIENTS = ("kafka-python", "confluent-kafka")


@pytest.fixture(params=CLIENTS)
def settings(broker: KafkaSettings, request: pytest.FixtureRequest) -> KafkaSettings:
    """Either broker, through either client."""
    return broker.model_copy(update={"client": request.param})


async def take(subscriber: EventSubscriber, count: int) -> list[Record]:
    """The next `count` records."""
    async with asyncio.timeout(TIMEOUT_S):
        return [await anext(subscriber) for _ in range(count)]


def ids(records: list[Record]) -> list[str]:
    """The ids of the events among the records."""
    return [record.event.id for record in records if record.event is not None]


async def test_events_of_one_key_arrive_in_order(settings: KafkaSettings, topic: str) -> None:
    """Concurrent publishing keeps the order of calls for each key, and loses nothing."""
    clock = SystemClock()
    sent = [(str(number), f"key-{number % 5}") for number in range(300)]
    async with (
        EventPublisher(settings, clock=clock) as publisher,
        EventSubscriber(settings, [topic], clock=clock) as subscriber,
    ):
        async with asyncio.TaskGroup() as tasks:
            for event_id, key in sent:
                message = alarm_message(topic, event_id, key=key)
                tasks.create_task(publisher.publish_message(message))
        records = await take(subscriber, len(sent))

    of_key = lambda record: record.raw.key  # noqa: E731
    for key, group in itertools.groupby(sorted(records, key=of_key), of_key):
        expected = [event_id for event_id, sent_key in sent if sent_key.encode() == key]
        assert expected == ids(list(group))
    assert len({record.partition for record in records}) > 1


async def test_reading_goes_on_at_the_stored_offset(settings: KafkaSettings, topic: str) -> None:
    """A subscriber with offsets reads what comes after them, and other logs' offsets are none."""
    clock = SystemClock()
    async with EventPublisher(settings, clock=clock) as publisher:
        for number in range(5):
            await publisher.publish_message(alarm_message(topic, str(number)))
    async with EventSubscriber(settings, [topic], clock=clock) as subscriber:
        third = (await take(subscriber, 3))[-1]
    offsets = {OffsetKey(third.log_identity, third.topic, third.partition): third.offset + 1}
    async with EventSubscriber(settings, [topic], offsets, clock=clock) as subscriber:
        assert ids(await take(subscriber, 2)) == ["3", "4"]

    elsewhere = {OffsetKey("another log", third.topic, third.partition): third.offset + 1}
    async with EventSubscriber(settings, [topic], elsewhere, clock=clock) as subscriber:
        assert ids(await take(subscriber, 5)) == ["0", "1", "2", "3", "4"]


async def test_offset_that_the_log_does_not_have_loses_nothing(
    settings: KafkaSettings, topic: str
) -> None:
    """A log that started again under the same name is read from its beginning."""
    clock = SystemClock()
    async with EventPublisher(settings, clock=clock) as publisher:
        await publisher.publish_message(alarm_message(topic, "1"))
        await publisher.publish_message(alarm_message(topic, "2"))
    async with EventSubscriber(settings, [topic], clock=clock) as subscriber:
        (first, _) = await take(subscriber, 2)
    offsets = {OffsetKey(first.log_identity, topic, first.partition): 1000}
    async with EventSubscriber(settings, [topic], offsets, clock=clock) as subscriber:
        assert ids(await take(subscriber, 2)) == ["1", "2"]


async def test_unreadable_record_is_dead_lettered_and_does_not_block(
    settings: KafkaSettings, topic: str
) -> None:
    """Rubbish goes to the dead-letter topic with reason and place; what follows is read."""
    clock = SystemClock()
    async with (
        EventPublisher(settings, clock=clock) as publisher,
        EventSubscriber(settings, [topic], clock=clock) as subscriber,
        EventSubscriber(settings, [dead_letter_topic(topic)], clock=clock) as dead,
    ):
        good = alarm_message(topic, "good")
        bad = Message(topic, good.key, good.headers, b'{"alarm_id": 7}')
        await publisher.publish_message(bad)
        await publisher.publish_message(good)
        unreadable, readable = await take(subscriber, 2)
        assert unreadable.event is None
        assert unreadable.raw.value == b'{"alarm_id": 7}'
        assert readable.event is not None
        assert readable.event.id == "good"
        (letter,) = await take(dead, 1)

    headers = dict(letter.raw.headers)
    assert letter.raw.value == b'{"alarm_id": 7}'
    assert letter.raw.key == good.key
    assert b"Alarm" in headers["x-dlq-reason"]
    assert headers["x-dlq-topic"] == topic.encode()
    assert headers["x-dlq-partition"] == str(unreadable.partition).encode()
    assert headers["x-dlq-offset"] == str(unreadable.offset).encode()


async def test_topic_that_appears_later_is_picked_up(settings: KafkaSettings, topic: str) -> None:
    """A subscriber waits for a topic that does not exist, and reads it from its first record."""
    clock = SystemClock()
    async with (
        EventPublisher(settings, clock=clock) as publisher,
        EventSubscriber(settings, [f"{topic}.a", f"{topic}.b"], clock=clock) as subscriber,
    ):
        await publisher.publish_message(alarm_message(f"{topic}.a", "first"))
        assert ids(await take(subscriber, 1)) == ["first"]
        await publisher.publish_message(alarm_message(f"{topic}.b", "second"))
        assert ids(await take(subscriber, 1)) == ["second"]


async def test_tail_starts_at_the_end(settings: KafkaSettings, topic: str) -> None:
    """A tail shows nothing of the past, and what is published from now on."""
    clock = SystemClock()
    async with EventPublisher(settings, clock=clock) as publisher:
        await publisher.publish_message(alarm_message(topic, "old"))
        async with EventSubscriber(settings, [topic], clock=clock, start=Start.LATEST) as tail:
            reading = asyncio.create_task(take(tail, 1))
            number = 0
            async with asyncio.timeout(TIMEOUT_S):
                while not reading.done():  # the tail gives no sign of having found the end
                    await publisher.publish_message(alarm_message(topic, f"new-{number}"))
                    number += 1
            (record,) = await reading
    assert record.event is not None
    assert record.event.id.startswith("new-")


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
async def test_broker_that_starts_late_and_dies_in_between(
    kafka_node: KafkaNode,
    tmp_path_factory: pytest.TempPathFactory,
    topic: str,
    client: Literal["kafka-python", "confluent-kafka"],
) -> None:
    """Both ends wait for a broker and outlive its death; nothing is lost or repeated."""
    clock = SystemClock()
    port = free_port()
    settings = KafkaSettings(bootstrap=f"127.0.0.1:{port}", client=client)
    node = KafkaNode(tmp_path_factory.mktemp("late-kafka"), port=port)
    async with (
        EventPublisher(settings, clock=clock) as publisher,
        EventSubscriber(settings, [topic], clock=clock) as subscriber,
    ):
        early = asyncio.create_task(publisher.publish_message(alarm_message(topic, "early")))
        reading = asyncio.create_task(take(subscriber, 3))
        await until(lambda: publisher.waiting, what="the publisher to say that it waits")
        assert not early.done()
        try:
            await asyncio.to_thread(node.start)
            async with asyncio.timeout(TIMEOUT_S):
                await early
                await asyncio.to_thread(node.kill)
                meanwhile = [
                    asyncio.create_task(publisher.publish_message(alarm_message(topic, event_id)))
                    for event_id in ("meanwhile", "later")
                ]
                await asyncio.to_thread(node.start)
                await asyncio.gather(*meanwhile)
                assert ids(await reading) == ["early", "meanwhile", "later"]
        finally:
            await asyncio.to_thread(node.kill)


async def test_both_clients_put_a_key_into_the_same_partition(
    kafka_broker: KafkaSettings, topic: str
) -> None:
    """The order of a key survives a change of the client."""
    clock = SystemClock()
    for client in CLIENTS:
        settings = kafka_broker.model_copy(update={"client": client})
        async with EventPublisher(settings, clock=clock) as publisher:
            for number in range(20):
                message = alarm_message(topic, f"{client}/{number}", key=f"beam-{number}")
                await publisher.publish_message(message)
    async with EventSubscriber(kafka_broker, [topic], clock=clock) as subscriber:
        records = await take(subscriber, 40)
    places: dict[bytes | None, set[int]] = {}
    for record in records:
        places.setdefault(record.raw.key, set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len(places) == 20


async def test_message_that_is_too_large_is_refused(settings: KafkaSettings, topic: str) -> None:
    """A message over the client's bound raises, and the next one goes through."""
    message = alarm_message(topic, "1")
    async with EventPublisher(settings, clock=SystemClock()) as publisher:
        with pytest.raises(InvalidArgument):
            await publisher.publish_message(replace(message, value=b"x" * 5_000_000))
        await publisher.publish_message(message)


@pytest.mark.parametrize("client", CLIENTS)
async def test_address_that_is_none_is_a_configuration_error(client: str) -> None:
    """The setting is named before anybody waits for such a broker."""
    settings = KafkaSettings(bootstrap="nowhere", client=client)
    with pytest.raises(ConfigurationError, match=r"kafka\.bootstrap"):
        EventPublisher(settings, clock=SystemClock())
