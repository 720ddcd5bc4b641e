"""From the domain's subscriptions and notifications to messages."""

from collections.abc import Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from aimlnf.nwdaf.v1 import events_subscription_service_pb2 as service_pb
from nf_runtime.clock import NANOSECONDS_PER_S
from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
)
from nwdaf.anlf.accuracy_messages import fill_accuracy
from nwdaf.anlf.criteria_messages import reporting_message, watched_event_message
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.observations import Observation, Quantity, TriggerData
from nwdaf.anlf.reports import Report
from nwdaf.anlf.served_events import NUMBER_OF_UES, PING_PONG, RADIO_LINK_FAILURES
from nwdaf.anlf.subscriptions import Subscription
from nwdaf.message_fields import duration_of, timestamp_of

_REMEMBERED = 64


def subscription_message(
    subscription: Subscription, *, expired: bool, immediate_reports: Sequence[Report] = ()
) -> pb.EventsSubscription:
    """The subscription as a message."""
    criteria = subscription.criteria
    return pb.EventsSubscription(
        subscription_id=subscription.subscription_id,
        event_subscriptions=[watched_event_message(watched) for watched in criteria.events],
        evt_req=reporting_message(criteria.reporting),
        notif_corr_id=criteria.notif_corr_id,
        supported_features=criteria.supported_features,
        fail_event_reports=[
            pb.FailureEventInfo(event=failure.event, failure_code=failure.failure_code.value)
            for failure in subscription.failures
        ],
        event_notifications=[report_message(report) for report in immediate_reports],
        consumer_nf_id=criteria.consumer_nf_id,
        state=pb.SUBSCRIPTION_STATE_EXPIRED if expired else pb.SUBSCRIPTION_STATE_ACTIVE,
        etag=subscription.etag,
        create_time=timestamp_of(subscription.create_time),
        report_count=subscription.report_count,
        dropped_count=subscription.dropped_count,
        held_count=len(subscription.held),
    )


class NotificationResponses:
    """Responses of WatchNotifications as bytes; what several have in common is serialised once.

    Each is two serialised messages, one behind the other, which is one message of both their fields
    (Protocol Buffers, Encoding, "Last One Wins").
    """

    def __init__(self) -> None:
        # By the identity of the reports, which are kept here so that it stays theirs.
        self._made: dict[int, tuple[tuple[Report, ...], bytes]] = {}
        self._own = service_pb.WatchNotificationsResponse()

    def response(self, notification: Notification) -> bytes:
        """The response with this notification."""
        own = self._own.notification
        own.notification_id = notification.notification_id
        own.subscription_id = notification.subscription_id
        own.sequence = notification.sequence
        own.notif_corr_id = notification.notif_corr_id
        own.term_cause = notification.term_cause
        return self._common(notification) + self._own.SerializeToString()

    def _common(self, notification: Notification) -> bytes:
        key = id(notification.reports)
        made = self._made.get(key)
        if made is not None:
            return made[1]
        cause = notification.cause
        common = service_pb.WatchNotificationsResponse(
            notification=pb.Notification(
                event_notifications=[report_message(report) for report in notification.reports],
                publish_time=_timestamp_of_ns(cause.published_at_ns),
                create_time=timestamp_of(notification.create_time),
                traceparent=cause.traceparent or "",
            )
        ).SerializeToString()
        while len(self._made) >= _REMEMBERED:
            del self._made[next(iter(self._made))]
        self._made[key] = (notification.reports, common)
        return common


def report_message(report: Report) -> pb.EventNotification:
    """One report as a message."""
    message = pb.EventNotification(event=report.event)
    if report.fail_notify_code is not None:
        message.fail_notify_code = report.fail_notify_code.value
    if report.rv_wait_time is not None:
        message.rv_wait_time.CopyFrom(duration_of(report.rv_wait_time))
    if report.accuracy is not None:
        fill_accuracy(message, report.accuracy)
    observation = report.observation
    if observation is None:
        return message
    message.time_stamp_gen.CopyFrom(timestamp_of(observation.time))
    message.beam_id = observation.beam_id
    message.satellite_id = observation.satellite_id
    message.run_id = observation.run_id
    message.trigger_id = observation.event_id
    message.trigger_type = observation.event_type
    message.observed_value = observation.value
    if observation.detail is not None:
        _fill_trigger(message, observation.detail)
    else:
        _fill_sample(message, observation)
    return message


def _fill_trigger(message: pb.EventNotification, detail: TriggerData) -> None:
    match detail:
        case BeamQualityDegraded():
            message.beam_quality.CopyFrom(
                pb.BeamQualityReport(
                    sinr_db=detail.sinr_db,
                    threshold_db=detail.threshold_db,
                    esim_ids=detail.esim_ids,
                )
            )
        case DopplerSinrDrop():
            message.doppler.CopyFrom(
                pb.DopplerReport(
                    esim_id=detail.esim_id,
                    sinr_loss_db=detail.sinr_loss_db,
                    doppler_hz=detail.doppler_hz,
                    doppler_rate_hz_s=detail.doppler_rate_hz_s,
                    residual_doppler_hz=detail.residual_doppler_hz,
                )
            )
        case EavesdropperDetected():
            message.eavesdropper.CopyFrom(
                pb.EavesdropperReport(
                    esim_id=detail.esim_id,
                    detection_statistic=detail.detection_statistic,
                    bearing_deg=detail.bearing_deg,
                    estimated_range_km=detail.estimated_range_km,
                )
            )


def _fill_sample(message: pb.EventNotification, observation: Observation) -> None:
    value = observation.value
    match observation.quantity:
        case Quantity.BEAM_SINR:
            message.qos_sustain_info.CopyFrom(pb.QosSustainabilityInfo(sinr_db=value))
        case Quantity.BEAM_UE_COUNT | Quantity.SATELLITE_UE_COUNT:
            message.nw_perf.CopyFrom(
                pb.NetworkPerfInfo(nw_perf_type=NUMBER_OF_UES, absolute_num=round(value))
            )
        case Quantity.UE_SINR_LOSS | Quantity.UE_PING_PONGS:
            is_ping_pong = observation.quantity is Quantity.UE_PING_PONGS
            message.abnor_behavr.CopyFrom(
                pb.AbnormalBehaviour(
                    supis=[observation.ue_id],
                    excep_id=PING_PONG if is_ping_pong else RADIO_LINK_FAILURES,
                    excep_level=value,
                )
            )
        case Quantity.UE_DETECTION_STATISTIC:
            message.detection.CopyFrom(
                pb.DetectionInfo(esim_id=observation.ue_id, detection_statistic=value)
            )
        case Quantity.UE_LOCATION:
            message.ue_mob.CopyFrom(
                pb.UeMobility(supi=observation.ue_id, nr_cell_id=observation.beam_id)
            )
        case Quantity.NF_CPU_USAGE:
            message.nf_load_level_info.CopyFrom(
                pb.NfLoadLevelInformation(
                    nf_instance_id=observation.nf_instance_id, nf_cpu_usage=value
                )
            )
        case Quantity.NF_MEMORY_USAGE:
            message.nf_load_level_info.CopyFrom(
                pb.NfLoadLevelInformation(
                    nf_instance_id=observation.nf_instance_id, nf_memory_usage=value
                )
            )


def _timestamp_of_ns(published_at_ns: int | None) -> Timestamp | None:
    if published_at_ns is None:
        return None
    seconds, nanos = divmod(published_at_ns, NANOSECONDS_PER_S)
    return Timestamp(seconds=seconds, nanos=nanos)
