"""EventsSubscriptionService over a real socket: what measurements, time and muting lead to."""

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from fakes.memory_broker import MemoryBroker
from google.protobuf.duration_pb2 import Duration
from support.ran_events import decision, doppler, eavesdropper, esim, measurement, message
from support.running_nf import StartNf

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as pb
from aimlnf.nwdaf.v1.events_subscription_service_pb2_grpc import EventsSubscriptionServiceStub
from nf_runtime.errors import InvalidArgument
from nf_runtime.metrics import MetricsEndpoint, new_registry
from nwdaf.anlf.config import AnlfSettings, NfLoadSettings, SubscriptionSettings

TIMEOUT_S = 10.0


@pytest.fixture
def stub(anlf: grpc.aio.Channel) -> EventsSubscriptionServiceStub:
    """A client of the service."""
    return EventsSubscriptionServiceStub(anlf)


@pytest.fixture
def metrics_address() -> Iterator[str]:
    """Where this process serves its own metrics, as each network function does."""
    endpoint = MetricsEndpoint.start(new_registry(), host="127.0.0.1", port=0)
    yield f"127.0.0.1:{endpoint.port}"
    endpoint.stop()


async def create(
    stub: EventsSubscriptionServiceStub,
    *events: sub.EventSubscription,
    evt_req: sub.ReportingInformation | None = None,
) -> sub.EventsSubscription:
    """The accepted subscription."""
    response = await stub.CreateEventsSubscription(
        pb.CreateEventsSubscriptionRequest(
            subscription=sub.EventsSubscription(event_subscriptions=events, evt_req=evt_req)
        )
    )
    return response.subscription


async def take(
    stub: EventsSubscriptionServiceStub, subscription: sub.EventsSubscription, count: int
) -> list[sub.Notification]:
    """The first `count` notifications."""
    taken: list[sub.Notification] = []
    async with asyncio.timeout(TIMEOUT_S):
        async for response in stub.WatchNotifications(
            pb.WatchNotificationsRequest(subscription_id=subscription.subscription_id)
        ):
            taken.append(response.notification)
            if len(taken) == count:
                break
    return taken


async def test_a_crossing_between_two_measurements_is_notified(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """QOS_SUSTAINABILITY of one NR cell: from the topic of measurements to the stream."""
    subscription = await create(
        stub,
        sub.EventSubscription(
            event="QOS_SUSTAINABILITY",
            threshold=5.0,
            matching_dir=sub.MATCHING_DIRECTION_DESCENDING,
            network_area=sub.NetworkAreaInfo(nr_cell_ids=["2"]),
        ),
    )
    for number, sinr_db in enumerate([(9.0, 9.0), (1.0, 8.0), (1.0, 4.0)]):
        memory_broker.append(message(measurement(sinr_db=sinr_db), f"m-{number}"))

    (notification,) = await take(stub, subscription, 1)

    (report,) = notification.event_notifications
    assert (report.beam_id, report.trigger_id, report.observed_value) == ("2", "m-2", 4.0)
    assert report.qos_sustain_info.sinr_db == 4.0


async def test_a_ue_that_moves_is_notified_to_those_who_target_it(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """UE_MOBILITY of one SUPI; another UE that moves is not reported."""
    subscription = await create(
        stub,
        sub.EventSubscription(
            event="UE_MOBILITY", tgt_ue=sub.TargetUeInformation(supis=["esim-02"])
        ),
    )
    for number, beams in enumerate([(1, 1), (2, 1), (2, 3)]):
        esims = [esim(1, beam_id=beams[0]), esim(2, beam_id=beams[1])]
        memory_broker.append(message(measurement(esims=esims), f"m-{number}"))

    (notification,) = await take(stub, subscription, 1)

    (report,) = notification.event_notifications
    assert (report.ue_mob.supi, report.ue_mob.nr_cell_id) == ("esim-02", "3")


async def test_inaccurate_decisions_pause_the_event_that_asks_for_accuracy(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """From the reports of inference to `accuInfo`, `pauseInd` and `resumeInd` of the stream."""
    subscription = await create(
        stub, sub.EventSubscription(event="DOPPLER", accu_req=sub.AccuracyReq(accu_dev_thr=20))
    )
    other = await create(stub, sub.EventSubscription(event="DOPPLER"))
    memory_broker.append(message(decision(predicted_bps_hz=16.0), "r-1"))
    await take(stub, subscription, 1)
    memory_broker.append(message(doppler(), "t-1"))
    await take(stub, other, 1)
    memory_broker.append(message(decision(model_version=2), "r-2"))

    paused, resumed = await take(stub, subscription, 2)

    (report,) = paused.event_notifications
    assert (report.event, report.pause_ind, report.resume_ind) == ("DOPPLER", True, False)
    assert report.HasField("time_stamp_gen")
    assert report.accu_info == sub.AccuracyInfo(
        accuracy_val=40, accu_sample_nbr=1, ana_accu_ind="NOT_MEET"
    )
    (report,) = resumed.event_notifications
    assert (report.pause_ind, report.resume_ind) == (False, True)
    assert report.accu_info == sub.AccuracyInfo(
        accuracy_val=90, accu_sample_nbr=1, ana_accu_ind="MEET"
    )


async def test_accuracy_that_nobody_assesses_is_cancelled_in_the_response(
    stub: EventsSubscriptionServiceStub,
) -> None:
    """`cancelAccuInd` of an event that no model decides upon; the event is served."""
    subscription = await create(
        stub, sub.EventSubscription(event="UE_MOBILITY", accu_req=sub.AccuracyReq(min_num=1))
    )
    (report,) = subscription.event_notifications
    assert (report.event, report.cancel_accu_ind) == ("UE_MOBILITY", True)
    assert not subscription.event_subscriptions[0].HasField("accu_req")
    assert not subscription.fail_event_reports


async def test_a_period_of_evt_req_overrides_the_event(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """PERIODIC of the whole subscription: reports come by themselves."""
    evt_req = sub.ReportingInformation(
        notif_method=sub.REPORTING_METHOD_PERIODIC,
        rep_period=Duration(nanos=200_000_000),
        max_report_nbr=2,
    )
    threshold = sub.EventSubscription(
        event="NETWORK_PERFORMANCE",
        notification_method=sub.NOTIFICATION_METHOD_THRESHOLD,
        nw_perf_requs=[sub.NetworkPerfRequirement(nw_perf_type="NUM_OF_UE", absolute_num=99)],
    )
    subscription = await create(stub, threshold, evt_req=evt_req)
    memory_broker.append(message(measurement(esims=[esim(1), esim(2)]), "m-1"))

    first, second = await take(stub, subscription, 2)

    reports = [*first.event_notifications, *second.event_notifications]
    assert 2 in {report.nw_perf.absolute_num for report in reports}
    assert {report.fail_notify_code for report in reports} <= {"", "UNAVAILABLE_DATA"}


async def test_muting_holds_back_and_retrieval_hands_out(
    stub: EventsSubscriptionServiceStub, memory_broker: MemoryBroker
) -> None:
    """The response tells the size of the buffer; what is held comes as one notification."""
    evt_req = sub.ReportingInformation(notif_flag=sub.NOTIFICATION_FLAG_DEACTIVATE)
    muted = await create(stub, sub.EventSubscription(event="DOPPLER"), evt_req=evt_req)
    for number in range(3):
        memory_broker.append(message(doppler(beam_id=number), f"t-{number}"))

    async def held() -> int:
        request = pb.GetEventsSubscriptionRequest(subscription_id=muted.subscription_id)
        response = await stub.GetEventsSubscription(request)
        return response.subscription.held_count

    # An event behind them on the topic tells that they were taken in.
    after = await create(stub, sub.EventSubscription(event="EAVESDROPPER"))
    memory_broker.append(message(eavesdropper(), "t-after"))
    await take(stub, after, 1)
    assert await held() == 3
    muted.evt_req.notif_flag = sub.NOTIFICATION_FLAG_RETRIEVAL
    await stub.UpdateEventsSubscription(pb.UpdateEventsSubscriptionRequest(subscription=muted))
    (notification,) = await take(stub, muted, 1)

    assert muted.evt_req.muting_setting.max_no_of_notif == 100
    assert [report.beam_id for report in notification.event_notifications] == ["0", "1", "2"]
    assert await held() == 0


async def test_the_load_of_a_function_is_read_from_its_metrics(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings], metrics_address: str
) -> None:
    """NF_LOAD of this very process; one that does not answer tells nothing and disturbs nobody."""
    peers = {"this": metrics_address, "away": "127.0.0.1:1"}
    settings = anlf_settings.model_copy(
        update={"nf_load": NfLoadSettings(peers=peers, period_s=0.1)}
    )
    async with start_anlf(settings) as channel:
        stub = EventsSubscriptionServiceStub(channel)
        subscription = await create(
            stub,
            sub.EventSubscription(event="NF_LOAD", nf_instance_ids=["this"]),
            sub.EventSubscription(event="NF_LOAD", nf_instance_ids=["away"]),
            evt_req=sub.ReportingInformation(
                notif_method=sub.REPORTING_METHOD_PERIODIC, rep_period=Duration(seconds=1)
            ),
        )
        (notification,) = await take(stub, subscription, 1)

    told = {
        report.nf_load_level_info.nf_instance_id: report.fail_notify_code
        for report in notification.event_notifications
    }
    memory = [
        report.nf_load_level_info.nf_memory_usage
        for report in notification.event_notifications
        if report.nf_load_level_info.HasField("nf_memory_usage")
    ]
    assert told == {"this": "", "": "UNAVAILABLE_DATA"}
    assert 0 < memory[0] < 100


async def test_the_strict_profile_knows_no_vendor_tokens(
    anlf_settings: AnlfSettings, start_anlf: StartNf[AnlfSettings], memory_broker: MemoryBroker
) -> None:
    """The standard's event carries the same detail; the token alone is NO_EVENT_ACCEPTED."""
    settings = anlf_settings.model_copy(
        update={"subscriptions": SubscriptionSettings(profile="strict")}
    )
    async with start_anlf(settings) as channel:
        stub = EventsSubscriptionServiceStub(channel)
        with pytest.raises(InvalidArgument) as raised:
            await create(stub, sub.EventSubscription(event="VS_NTN_DOPPLER_SINR_DROP"))
        subscription = await create(
            stub,
            sub.EventSubscription(event="ABNORMAL_BEHAVIOUR"),
            sub.EventSubscription(event="VS_NTN_DOPPLER_SINR_DROP"),
        )
        memory_broker.append(message(doppler(), "t-1"))
        (notification,) = await take(stub, subscription, 1)

    assert raised.value.reason == "NO_EVENT_ACCEPTED"
    assert [f.event for f in subscription.fail_event_reports] == ["VS_NTN_DOPPLER_SINR_DROP"]
    assert notification.event_notifications[0].doppler.esim_id == "esim-03"
