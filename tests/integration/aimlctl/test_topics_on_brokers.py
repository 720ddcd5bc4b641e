"""Reading topics from outside, on each kind of broker."""

import asyncio
from datetime import UTC, datetime

from support.waiting import until

from aimlctl.topics import TopicReader
from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.events.broker import Start, broker_of
from nf_runtime.events.catalogue import MMS_EVENTS, AliasChanged
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.events.publisher import EventPublisher


def alias_changed(identity: str) -> CloudEvent[AliasChanged]:
    """An event with this id."""
    data = AliasChanged(model_name="gan-gdm", alias="champion", version=1, actor="test")
    return CloudEvent(id=identity, source="/test", time=datetime(2026, 1, 1, tzinfo=UTC), data=data)


async def test_only_what_comes_after_the_start_is_read(
    broker: KafkaSettings, request: object
) -> None:
    """What stood on a topic when the reader took its place is skipped, nothing later is."""
    name = getattr(request, "node", request).name
    before, after = f"{name}-before", f"{name}-after"
    async with EventPublisher(broker, clock=SystemClock()) as publisher:
        for number in range(8):
            await publisher.publish(alias_changed(before), key=f"model-{number}")
        reader = TopicReader(broker_of(broker), [MMS_EVENTS], start=Start.LATEST)
        with reader:
            await asyncio.to_thread(reader.skip_past)
            for number in range(8):
                await publisher.publish(alias_changed(after), key=f"model-{number}")
            seen: list[str] = []

            def take_in() -> bool:
                seen.extend(one.event.id for one in reader.poll(0.0) if one.event is not None)
                return len(seen) >= 8

            await until(take_in, timeout_s=20.0, what="the later events")
    assert seen == [after] * 8
