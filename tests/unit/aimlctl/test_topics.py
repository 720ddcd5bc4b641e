"""Reading topics from outside."""

from datetime import UTC, datetime

import pytest
from fakes.memory_broker import MemoryBroker

from aimlctl.topics import TopicReader
from nf_runtime.events.broker import Start
from nf_runtime.events.catalogue import OAM_EVENTS, LifecycleStep, dead_letter_topic
from nf_runtime.events.cloud_event import CloudEvent, Message, encode


def message(number: int) -> Message:
    """A lifecycle step as it travels."""
    data = LifecycleStep(
        adaptation_id="a1",
        step="TRAINED",
        model_name="gan-gdm",
        model_version=1,
        initiator="operator:me",
        sequence=number,
    )
    event = CloudEvent(
        id=f"e{number}", source="/oam", time=datetime(2026, 1, 1, tzinfo=UTC), data=data
    )
    return encode(event, key="gan-gdm")


def ids(reader: TopicReader) -> list[str]:
    """Ids of what has come in."""
    return [seen.event.id for seen in reader.poll(0.0) if seen.event is not None]


def test_tail_starts_with_what_is_new() -> None:
    """From the latest on, what stood on the topic before is not read, what comes is."""
    broker = MemoryBroker()
    broker.append(message(1))
    with TopicReader(broker, [OAM_EVENTS], start=Start.LATEST) as reader:
        assert ids(reader) == []
        broker.append(message(2))
        assert ids(reader) == ["e2"]


def test_topic_that_appears_later_is_read_from_its_beginning() -> None:
    """Of a topic that did not exist at the first look nothing is missed."""
    broker = MemoryBroker()
    with TopicReader(broker, [OAM_EVENTS], start=Start.LATEST) as reader:
        assert ids(reader) == []
        broker.append(message(1))
        assert ids(reader) == ["e1"]


def test_reading_goes_on_after_the_broker_was_away() -> None:
    """While the broker is away nothing is read and nothing raised; nothing is read twice."""
    broker = MemoryBroker()
    with TopicReader(broker, [OAM_EVENTS], start=Start.EARLIEST) as reader:
        broker.append(message(1))
        assert ids(reader) == ["e1"]
        broker.missing = True
        assert ids(reader) == []
        broker.missing = False
        broker.append(message(2))
        assert ids(reader) == ["e2"]


def test_unreadable_record_is_shown_and_left_alone() -> None:
    """A record that is no event is told with its problem; nothing is written to any topic."""
    broker = MemoryBroker()
    broker.append(Message(OAM_EVENTS, b"k", (), b"{"))
    with TopicReader(broker, [OAM_EVENTS], start=Start.EARLIEST) as reader:
        (seen,) = reader.poll(0.0)
    assert seen.event is None
    assert "missing header" in seen.problem
    assert seen.as_document()["problem"] == seen.problem
    assert broker.opened_writers == 0
    assert broker.records(dead_letter_topic(OAM_EVENTS)) == []


@pytest.mark.parametrize("key", ["topic", "partition", "offset", "id", "type", "time", "data"])
def test_event_as_json_has_place_attributes_and_data(key: str) -> None:
    """The JSON of an event names where it stands, its attributes and its data."""
    broker = MemoryBroker()
    broker.append(message(1))
    with TopicReader(broker, [OAM_EVENTS], start=Start.EARLIEST) as reader:
        (seen,) = reader.poll(0.0)
    assert key in seen.as_document()


def test_digest_of_an_event_ignores_when_it_was_published() -> None:
    """Two events that differ in transport headers alone have one digest; another value another."""
    broker = MemoryBroker()
    first = message(1)
    stamped = Message(
        first.topic, first.key, (*first.headers, ("x-published-at-ns", b"123")), first.value
    )
    for one in (first, stamped, message(2)):
        broker.append(one)
    with TopicReader(broker, [OAM_EVENTS], start=Start.EARLIEST) as reader:
        same, again, other = (seen.content_sha256 for seen in reader.poll(0.0))
    assert same == again
    assert other != same
