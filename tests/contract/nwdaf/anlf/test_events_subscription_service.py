"""EventsSubscriptionService over a real socket."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from support.ran_events import (
    PUBLISHED_AT_NS,
    beam_quality,
    doppler,
    eavesdropper,
    message,
)
from support.running_nf import StartNf

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from aimlnf.nwdaf.v1.events_subscription_service_pb2_grpc import EventsSubscriptionServiceStub
from nf_runtime.errors import (
    Aborted,
    AlreadyExists,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
)
from nf_runtime.events.cloud_event import Message
from nwdaf.anlf.config import AnlfSettings, SubscriptionSettings

TIMEOUT_S = 10.0


@pytest.fixture
def stub(anlf: grpc.aio.Channel) -> EventsSubscriptionServiceStub:
    """A client of the service."""
    return EventsSubscriptionServiceStub(anlf)


def to(event: str, **fields: object) -> sub.EventsSubscription:
    """A subscription to one event."""
    return sub.EventsSubscription(
        event_subscriptions=[sub.EventSubscription(event=event, **fields)],  # type: ignore[arg-type]
        consumer_nf_id="test",
    )


async def create(
    stub: EventsSubscriptionServiceStub,
    subscription: sub.EventsSubscription,
    *,
    request_id: str = "",
) -> sub.EventsSubscription:
    """The accepted subscription."""
    response = await stub.CreateEventsSubscription(
        pb.CreateEventsSubscriptionRequest(request_id=request_id, subscription=subscription)
    )
    return response.subscription


async def get(stub: EventsSubscriptionServiceStub, subscription_id: str) -> sub.EventsSubscription:
    """The subscription as it stands."""
    response = await stub.GetEventsSubscription(
        pb.GetEventsSubscriptionRequest(subscription_id=subscription_id)
    )
    return response.subscription


async def take(
    stub: EventsSubscriptionServiceStub, subscription_id: str, count: int, *, after: int = 0
) -> list[sub.Notification]:
    """The next `count` notifications after a sequence."""
    taken: list[sub.Notification] = []
    async with asyncio.timeout(TIMEOUT_S):
        async for response in stub.WatchNotifications(
            pb.WatchNotificationsRequest(subscription_id=subscription_id, after_sequence=after)
        ):
            taken.append(response.notification)
            if len(taken) == count:
                break
    return taken


async def test_a_trigger_reaches_its_subscriber_with_everything_in_it(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """The notification carries the trigger's identity, times, trace and typed report."""
    asked = to("VS_NTN_DOPPLER_SINR_DROP")
    asked.notif_corr_id = "mine"
    subscription = await create(stub, asked)
    memory_broker.append(message(doppler(beam_id=3, sinr_loss_db=4.5), "t-7"))

    (notification,) = await take(stub, subscription.subscription_id, 1)

    (event,) = notification.event_notifications
    assert (notification.sequence, notification.notif_corr_id) == (1, "mine")
    assert notification.subscription_id == subscription.subscription_id
    assert notification.notification_id
    assert notification.publish_time.ToNanoseconds() == PUBLISHED_AT_NS
    assert notification.HasField("create_time")
    assert notification.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert (event.event, event.beam_id, event.satellite_id, event.run_id) == (
        "VS_NTN_DOPPLER_SINR_DROP",
        "3",
        "25544",
        "run-1",
    )
    assert (event.trigger_id, event.trigger_type) == ("t-7", "org.aimlnf.ran.doppler-sinr-drop.v1")
    assert event.observed_value == 4.5
    assert event.WhichOneof("report") == "doppler"
    assert (event.doppler.esim_id, event.doppler.doppler_hz) == ("esim-03", -120_000.0)


@pytest.mark.parametrize(
    ("token", "report"),
    [
        ("QOS_SUSTAINABILITY", "beam_quality"),
        ("VS_NTN_BEAM_QUALITY", "beam_quality"),
        ("BEAM_QUALITY", "beam_quality"),
        ("ABNORMAL_BEHAVIOUR", "doppler"),
        ("DOPPLER", "doppler"),
        ("VS_NTN_EAVESDROPPER", "eavesdropper"),
        ("EAVESDROPPER", "eavesdropper"),
    ],
)
async def test_each_token_brings_its_report(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker, token: str, report: str
) -> None:
    """Every served token and alias is notified of its own trigger and of no other."""
    subscription = await create(stub, to(token))
    for number, data in enumerate((beam_quality(), doppler(), eavesdropper())):
        memory_broker.append(message(data, f"t-{number}"))

    (notification,) = await take(stub, subscription.subscription_id, 1)

    (event,) = notification.event_notifications
    assert (event.event, event.WhichOneof("report")) == (token, report)


async def test_a_stream_resumes_after_the_last_sequence(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """What came while nobody watched is replayed from where the consumer was; then it is live."""
    subscription = await create(stub, to("DOPPLER"))
    for number in range(3):
        memory_broker.append(message(doppler(), f"t-{number}"))
    first = await take(stub, subscription.subscription_id, 3)

    resumed = asyncio.create_task(take(stub, subscription.subscription_id, 3, after=1))
    memory_broker.append(message(doppler(), "t-3"))
    second = await resumed

    assert [notification.sequence for notification in first] == [1, 2, 3]
    assert [notification.sequence for notification in second] == [2, 3, 4]
    assert [n.notification_id for n in first[1:]] == [n.notification_id for n in second[:2]]


async def test_the_same_trigger_twice_notifies_once(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """A trigger that is published again, as after a publisher's retry, has no second effect."""
    subscription = await create(stub, to("DOPPLER"))
    for event_id in ("t-0", "t-0", "t-1"):
        memory_broker.append(message(doppler(), event_id))

    taken = await take(stub, subscription.subscription_id, 2)

    assert [n.event_notifications[0].trigger_id for n in taken] == ["t-0", "t-1"]
    assert (await get(stub, subscription.subscription_id)).report_count == 2


async def test_filters_and_threshold_hold_back_the_rest(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """Only triggers of the watched beam that reach the threshold are reported."""
    subscription = await create(
        stub,
        to(
            "BEAM_QUALITY",
            beam_ids=["2"],
            threshold=1.0,
            matching_dir=sub.MATCHING_DIRECTION_DESCENDING,
        ),
    )
    for event_id, data in (
        ("other beam", beam_quality(beam_id=1, sinr_db=-9.0)),
        ("too good", beam_quality(beam_id=2, sinr_db=1.5)),
        ("reached", beam_quality(beam_id=2, sinr_db=1.0)),
    ):
        memory_broker.append(message(data, event_id))

    (notification,) = await take(stub, subscription.subscription_id, 1)

    assert notification.event_notifications[0].trigger_id == "reached"


async def test_unknown_events_beside_known_ones_are_reported_as_failed(
    stub: EventsSubscriptionServiceStub,
) -> None:
    """Partial acceptance: the response holds the accepted events and a failure for the rest."""
    asked = to("DOPPLER")
    asked.event_subscriptions.add(event="SERVICE_EXPERIENCE")
    asked.event_subscriptions.add(event="USER_DATA_CONGESTION")

    subscription = await create(stub, asked)

    assert [entry.event for entry in subscription.event_subscriptions] == ["DOPPLER"]
    assert [(f.event, f.failure_code) for f in subscription.fail_event_reports] == [
        ("SERVICE_EXPERIENCE", "OTHER"),
        ("USER_DATA_CONGESTION", "UNAVAILABLE_DATA"),
    ]


async def test_a_subscription_to_nothing_that_is_served_is_refused(
    stub: EventsSubscriptionServiceStub,
) -> None:
    """INVALID_ARGUMENT, NO_EVENT_ACCEPTED, and nothing is kept."""
    with pytest.raises(InvalidArgument) as raised:
        await create(stub, to("SERVICE_EXPERIENCE"))

    listed = await stub.ListEventsSubscriptions(pb.ListEventsSubscriptionsRequest())
    assert raised.value.reason == "NO_EVENT_ACCEPTED"
    assert "SERVICE_EXPERIENCE" in raised.value.message
    assert list(listed.subscriptions) == []


async def test_create_is_idempotent_by_request_id(stub: EventsSubscriptionServiceStub) -> None:
    """The same request gives the same subscription, another one under its id is refused."""
    first = await create(stub, to("DOPPLER"), request_id="r-1")
    again = await create(stub, to("DOPPLER"), request_id="r-1")
    with pytest.raises(AlreadyExists) as raised:
        await create(stub, to("EAVESDROPPER"), request_id="r-1")

    assert first.subscription_id == again.subscription_id
    assert raised.value.reason == "REQUEST_ID_REUSED"


async def test_one_time_ends_after_one_report(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """The stream ends by itself, the state is EXPIRED, the report can still be fetched."""
    asked = to("DOPPLER")
    asked.evt_req.notif_method = sub.REPORTING_METHOD_ONE_TIME
    subscription = await create(stub, asked)
    watching = asyncio.create_task(take(stub, subscription.subscription_id, 99))
    for number in range(3):
        memory_broker.append(message(doppler(), f"t-{number}"))

    taken = await watching
    after = await get(stub, subscription.subscription_id)
    again = await take(stub, subscription.subscription_id, 99)

    assert [notification.sequence for notification in taken] == [1]
    assert (after.state, after.report_count) == (sub.SUBSCRIPTION_STATE_EXPIRED, 1)
    assert [n.notification_id for n in again] == [n.notification_id for n in taken]


async def test_mon_dur_ends_a_subscription(stub: EventsSubscriptionServiceStub) -> None:
    """At the given time an open stream ends and the state is EXPIRED."""
    asked = to("DOPPLER")
    asked.evt_req.mon_dur.FromDatetime(datetime.now(UTC) + timedelta(seconds=0.3))  # noqa: TID251
    subscription = await create(stub, asked)

    taken = await take(stub, subscription.subscription_id, 99)

    after = await get(stub, subscription.subscription_id)
    assert taken == []
    assert after.state == sub.SUBSCRIPTION_STATE_EXPIRED


async def test_an_immediate_report_tells_what_is_known(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """immRep: the latest trigger of each event and beam comes in the response."""
    witness = await create(stub, to("DOPPLER"))
    for event_id, beam_id in (("old", 1), ("other", 2), ("new", 1)):
        memory_broker.append(message(doppler(beam_id=beam_id), event_id))
    await take(stub, witness.subscription_id, 3)
    asked = to("ABNORMAL_BEHAVIOUR")
    asked.evt_req.imm_rep = True

    subscription = await create(stub, asked)

    known = {(e.event, e.beam_id): e.trigger_id for e in subscription.event_notifications}
    assert known == {("ABNORMAL_BEHAVIOUR", "1"): "new", ("ABNORMAL_BEHAVIOUR", "2"): "other"}
    assert subscription.report_count == 0


async def test_update_replaces_the_content_and_guards_by_etag(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """The new content holds from the next trigger on; the sequence goes on; old etags fail."""
    subscription = await create(stub, to("DOPPLER"))
    memory_broker.append(message(doppler(), "t-0"))
    await take(stub, subscription.subscription_id, 1)
    changed = to("EAVESDROPPER")
    changed.subscription_id = subscription.subscription_id
    changed.etag = subscription.etag

    response = await stub.UpdateEventsSubscription(
        pb.UpdateEventsSubscriptionRequest(subscription=changed)
    )
    with pytest.raises(Aborted) as raised:
        await stub.UpdateEventsSubscription(
            pb.UpdateEventsSubscriptionRequest(subscription=changed)
        )
    memory_broker.append(message(doppler(), "t-1"))
    memory_broker.append(message(eavesdropper(), "t-2"))
    (notification,) = await take(stub, subscription.subscription_id, 1, after=1)

    assert response.subscription.etag != subscription.etag
    assert raised.value.reason == "ETAG_MISMATCH"
    assert (notification.sequence, notification.event_notifications[0].trigger_id) == (2, "t-2")


async def test_delete_ends_open_streams_with_not_found(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """A consumer that watches hears at once that its subscription is gone."""
    subscription = await create(stub, to("DOPPLER"))
    memory_broker.append(message(doppler(), "t-0"))
    watching = stub.WatchNotifications(
        pb.WatchNotificationsRequest(subscription_id=subscription.subscription_id)
    )
    await watching.read()

    await stub.DeleteEventsSubscription(
        pb.DeleteEventsSubscriptionRequest(subscription_id=subscription.subscription_id)
    )

    with pytest.raises(NotFound) as raised:
        await watching.read()
    assert raised.value.reason == "RESOURCE_NOT_FOUND"


async def test_unknown_subscriptions_are_not_found(stub: EventsSubscriptionServiceStub) -> None:
    """Every method says NOT_FOUND with the id that does not exist."""
    changed = to("DOPPLER")
    changed.subscription_id = "none"
    calls = [
        stub.GetEventsSubscription(pb.GetEventsSubscriptionRequest(subscription_id="none")),
        stub.UpdateEventsSubscription(pb.UpdateEventsSubscriptionRequest(subscription=changed)),
        stub.DeleteEventsSubscription(pb.DeleteEventsSubscriptionRequest(subscription_id="none")),
        stub.AcknowledgeNotifications(
            pb.AcknowledgeNotificationsRequest(subscription_id="none", sequence=0)
        ),
        take(stub, "none", 1),
    ]
    for call in calls:
        with pytest.raises(NotFound) as raised:
            await call
        assert raised.value.metadata == {"resource": "none"}


async def test_acknowledged_notifications_are_forgotten(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """A new stream from the start begins after what was acknowledged; the future is refused."""
    subscription = await create(stub, to("DOPPLER"))
    for number in range(3):
        memory_broker.append(message(doppler(), f"t-{number}"))
    await take(stub, subscription.subscription_id, 3)

    await stub.AcknowledgeNotifications(
        pb.AcknowledgeNotificationsRequest(subscription_id=subscription.subscription_id, sequence=2)
    )
    (left,) = await take(stub, subscription.subscription_id, 1)
    with pytest.raises(InvalidArgument) as raised:
        await stub.AcknowledgeNotifications(
            pb.AcknowledgeNotificationsRequest(
                subscription_id=subscription.subscription_id, sequence=4
            )
        )

    assert left.sequence == 3
    assert raised.value.metadata == {"field": "sequence"}


async def test_a_position_ahead_of_all_notifications_is_refused(
    stub: EventsSubscriptionServiceStub,
) -> None:
    """A consumer that asks for more than there was would wait in vain, so it is told."""
    subscription = await create(stub, to("DOPPLER"))
    for position in (-1, 5):
        with pytest.raises(InvalidArgument) as raised:
            await take(stub, subscription.subscription_id, 1, after=position)
        assert raised.value.metadata == {"field": "after_sequence"}


async def test_list_goes_through_the_pages_in_order_of_creation(
    stub: EventsSubscriptionServiceStub,
) -> None:
    """Every subscription comes once; a foreign token or size is refused."""
    made = [(await create(stub, to("DOPPLER"))).subscription_id for _ in range(5)]
    listed: list[str] = []
    token = ""
    for _ in range(3):
        page = await stub.ListEventsSubscriptions(
            pb.ListEventsSubscriptionsRequest(page_size=2, page_token=token)
        )
        listed += [subscription.subscription_id for subscription in page.subscriptions]
        token = page.next_page_token
    assert (listed, token) == (made, "")
    for request in (
        pb.ListEventsSubscriptionsRequest(page_size=-1),
        pb.ListEventsSubscriptionsRequest(page_token="x"),  # noqa: S106 - no password
    ):
        with pytest.raises(InvalidArgument):
            await stub.ListEventsSubscriptions(request)


async def test_an_unreadable_record_goes_to_the_dead_letters_and_nothing_stops(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """Garbage on the topic costs its own record only."""
    subscription = await create(stub, to("DOPPLER"))
    memory_broker.append(Message("ran.triggers", b"1", (), b"\xff\xfe"))
    memory_broker.append(message(doppler(), "t-1"))

    (notification,) = await take(stub, subscription.subscription_id, 1)

    assert notification.event_notifications[0].trigger_id == "t-1"
    assert len(memory_broker.records("ran.triggers.dlq")) == 1


async def test_times_that_do_not_exist_are_refused(stub: EventsSubscriptionServiceStub) -> None:
    """A timestamp, a duration or an enum value outside its range is INVALID_FIELD."""
    broken_time, broken_period, broken_enum = to("DOPPLER"), to("DOPPLER"), to("DOPPLER")
    broken_time.evt_req.mon_dur.CopyFrom(Timestamp(seconds=-(10**12)))
    broken_period.evt_req.rep_period.CopyFrom(Duration(seconds=10**15))
    broken_enum.event_subscriptions[0].matching_dir = 77  # type: ignore[assignment]
    for asked in (broken_time, broken_period, broken_enum):
        with pytest.raises(InvalidArgument) as raised:
            await create(stub, asked)
        assert raised.value.reason == "INVALID_FIELD"


async def test_a_consumer_has_a_quota(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings]
) -> None:
    """Past it RESOURCE_EXHAUSTED; another consumer is not concerned; deleting makes room."""
    bounded = anlf_settings.model_copy(
        update={"subscriptions": SubscriptionSettings(per_consumer=2, total=3)}
    )
    other = to("DOPPLER")
    other.consumer_nf_id = "other"
    async with start_anlf(bounded) as channel:
        stub = EventsSubscriptionServiceStub(channel)
        first = await create(stub, to("DOPPLER"))
        await create(stub, to("DOPPLER"))
        with pytest.raises(ResourceExhausted) as own:
            await create(stub, to("DOPPLER"))
        await create(stub, other)
        with pytest.raises(ResourceExhausted) as total:
            await create(stub, other)
        await stub.DeleteEventsSubscription(
            pb.DeleteEventsSubscriptionRequest(subscription_id=first.subscription_id)
        )
        await create(stub, to("DOPPLER"))
    assert own.value.reason == "QUOTA_EXCEEDED"
    assert own.value.metadata == {"consumer_nf_id": "test", "quota": "2"}
    assert total.value.metadata == {"quota": "3"}


async def test_draining_tells_streams_to_connect_again(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings], memory_broker: MemoryBroker
) -> None:
    """A stop ends an open stream with UNAVAILABLE, DRAINING; after a restart it goes on."""
    memory_broker.append(message(doppler(), "t-0"))
    async with start_anlf(anlf_settings) as channel:
        stub = EventsSubscriptionServiceStub(channel)
        subscription = await create(stub, to("DOPPLER"))
        memory_broker.append(message(doppler(), "t-1"))
        watching = stub.WatchNotifications(
            pb.WatchNotificationsRequest(subscription_id=subscription.subscription_id)
        )
        seen = (await watching.read()).notification
        draining = asyncio.create_task(_failure(watching))
    memory_broker.append(message(doppler(), "t-2"))
    async with start_anlf(anlf_settings) as channel:
        stub = EventsSubscriptionServiceStub(channel)
        (following,) = await take(stub, subscription.subscription_id, 1, after=seen.sequence)

    assert (await draining).reason == "DRAINING"
    assert following.event_notifications[0].trigger_id == "t-2"


async def _failure(call: Any) -> Unavailable:
    with pytest.raises(Unavailable) as raised:
        await call.read()
    return raised.value
