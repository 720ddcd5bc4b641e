"""Events for tests."""

from datetime import UTC, datetime

from nf_runtime.events.catalogue import Alarm, EventData
from nf_runtime.events.cloud_event import CloudEvent, Message, encode


def alarm_event(
    event_id: str = "1", *, source: str = "/test", traceparent: str | None = None
) -> CloudEvent[EventData]:
    """An event of the smallest type."""
    return CloudEvent(
        id=event_id,
        source=source,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        subject="test",
        traceparent=traceparent,
        data=Alarm(
            alarm_id=event_id,
            alarm_type="QUALITY_OF_SERVICE_ALARM",
            perceived_severity="MAJOR",
            probable_cause="threshold crossed",
            specific_problem="test",
            object_instance="ManagedElement=1",
        ),
    )


def alarm_message(topic: str, event_id: str, *, key: str = "k") -> Message:
    """An encoded event, on a topic of the test's own."""
    message = encode(alarm_event(event_id), key=key)
    return Message(topic, message.key, message.headers, message.value)
