"""Between the messages of EventsSubscriptionService and the domain's own classes."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from nf_runtime.clock import NANOSECONDS_PER_S
from nf_runtime.events.catalogue import (
    BeamQualityDegraded,
    DopplerSinrDrop,
    EavesdropperDetected,
)
from nwdaf.anlf.notifications import Notification
from nwdaf.anlf.procedures import ImmediateReport
from nwdaf.anlf.subscriptions import (
    Criteria,
    MatchingDirection,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    Subscription,
    WatchedEvent,
)
from nwdaf.anlf.triggers import Trigger
from nwdaf.message_fields import (
    duration_of,
    invalid_field,
    length_of,
    time_of,
    timestamp_of,
)

N = TypeVar("N", bound=int)
E = TypeVar("E")

_METHODS: Mapping[pb.NotificationMethod.ValueType, NotificationMethod | None] = {
    pb.NOTIFICATION_METHOD_UNSPECIFIED: None,
    pb.NOTIFICATION_METHOD_PERIODIC: NotificationMethod.PERIODIC,
    pb.NOTIFICATION_METHOD_THRESHOLD: NotificationMethod.THRESHOLD,
}
_DIRECTIONS: Mapping[pb.MatchingDirection.ValueType, MatchingDirection | None] = {
    pb.MATCHING_DIRECTION_UNSPECIFIED: None,
    pb.MATCHING_DIRECTION_ASCENDING: MatchingDirection.ASCENDING,
    pb.MATCHING_DIRECTION_DESCENDING: MatchingDirection.DESCENDING,
    pb.MATCHING_DIRECTION_CROSSED: MatchingDirection.CROSSED,
}
_REPORTING_METHODS: Mapping[pb.ReportingMethod.ValueType, ReportingMethod | None] = {
    pb.REPORTING_METHOD_UNSPECIFIED: None,
    pb.REPORTING_METHOD_PERIODIC: ReportingMethod.PERIODIC,
    pb.REPORTING_METHOD_ONE_TIME: ReportingMethod.ONE_TIME,
    pb.REPORTING_METHOD_ON_EVENT_DETECTION: ReportingMethod.ON_EVENT_DETECTION,
}


def criteria_of(message: pb.EventsSubscription) -> Criteria:
    """What the message asks for; its output-only fields are ignored.

    Raises:
        InvalidArgument: INVALID_FIELD for an enum value or a time that does not exist.
    """
    return Criteria(
        events=tuple(_watched_event(event) for event in message.event_subscriptions),
        reporting=_reporting(message.evt_req),
        notif_corr_id=message.notif_corr_id,
        supported_features=message.supported_features,
        consumer_nf_id=message.consumer_nf_id,
    )


def subscription_message(
    subscription: Subscription,
    *,
    expired: bool,
    immediate_reports: Sequence[ImmediateReport] = (),
) -> pb.EventsSubscription:
    """The subscription as a message."""
    criteria = subscription.criteria
    return pb.EventsSubscription(
        subscription_id=subscription.subscription_id,
        event_subscriptions=[_watched_event_message(watched) for watched in criteria.events],
        evt_req=_reporting_message(criteria.reporting),
        notif_corr_id=criteria.notif_corr_id,
        supported_features=criteria.supported_features,
        fail_event_reports=[
            pb.FailureEventInfo(event=failure.event, failure_code=failure.failure_code.value)
            for failure in subscription.failures
        ],
        event_notifications=[
            _event_notification(report.event, report.trigger) for report in immediate_reports
        ],
        consumer_nf_id=criteria.consumer_nf_id,
        state=pb.SUBSCRIPTION_STATE_EXPIRED if expired else pb.SUBSCRIPTION_STATE_ACTIVE,
        etag=subscription.etag,
        create_time=timestamp_of(subscription.create_time),
        report_count=subscription.report_count,
    )


def notification_message(notification: Notification) -> pb.Notification:
    """The notification as a message."""
    event = notification.trigger.event
    return pb.Notification(
        notification_id=notification.notification_id,
        subscription_id=notification.subscription_id,
        sequence=notification.sequence,
        notif_corr_id=notification.notif_corr_id,
        event_notifications=[
            _event_notification(token, notification.trigger) for token in notification.events
        ],
        publish_time=_timestamp_of_ns(event.published_at_ns),
        create_time=timestamp_of(notification.create_time),
        traceparent=event.traceparent or "",
    )


def _watched_event(message: pb.EventSubscription) -> WatchedEvent:
    has_period = message.HasField("repetition_period")
    return WatchedEvent(
        event=message.event,
        method=_enum(_METHODS, message.notification_method, "notification_method"),
        repetition_period=(
            length_of(message.repetition_period, "repetition_period") if has_period else None
        ),
        matching_dir=_enum(_DIRECTIONS, message.matching_dir, "matching_dir"),
        beam_ids=tuple(message.beam_ids),
        satellite_ids=tuple(message.satellite_ids),
        threshold=message.threshold if message.HasField("threshold") else None,
    )


def _watched_event_message(watched: WatchedEvent) -> pb.EventSubscription:
    return pb.EventSubscription(
        event=watched.event,
        notification_method=_number(_METHODS, watched.method),
        repetition_period=(
            None if watched.repetition_period is None else duration_of(watched.repetition_period)
        ),
        matching_dir=_number(_DIRECTIONS, watched.matching_dir),
        beam_ids=watched.beam_ids,
        satellite_ids=watched.satellite_ids,
        threshold=watched.threshold,
    )


def _reporting(message: pb.ReportingInformation) -> Reporting:
    return Reporting(
        method=_enum(_REPORTING_METHODS, message.notif_method, "evt_req.notif_method"),
        max_report_nbr=message.max_report_nbr,
        mon_dur=(
            time_of(message.mon_dur, "evt_req.mon_dur") if message.HasField("mon_dur") else None
        ),
        rep_period=(
            length_of(message.rep_period, "evt_req.rep_period")
            if message.HasField("rep_period")
            else None
        ),
        imm_rep=message.imm_rep,
    )


def _reporting_message(reporting: Reporting) -> pb.ReportingInformation:
    return pb.ReportingInformation(
        notif_method=_number(_REPORTING_METHODS, reporting.method),
        max_report_nbr=reporting.max_report_nbr,
        mon_dur=None if reporting.mon_dur is None else timestamp_of(reporting.mon_dur),
        rep_period=None if reporting.rep_period is None else duration_of(reporting.rep_period),
        imm_rep=reporting.imm_rep,
    )


def _event_notification(token: str, trigger: Trigger) -> pb.EventNotification:
    message = pb.EventNotification(
        event=token,
        time_stamp_gen=timestamp_of(trigger.event.time),
        beam_id=trigger.beam_id,
        satellite_id=trigger.satellite_id,
        run_id=trigger.data.run_id,
        trigger_id=trigger.event.id,
        trigger_type=trigger.event.type,
        observed_value=trigger.observed_value,
    )
    match trigger.data:
        case BeamQualityDegraded() as data:
            message.beam_quality.CopyFrom(
                pb.BeamQualityReport(
                    sinr_db=data.sinr_db,
                    threshold_db=data.threshold_db,
                    esim_ids=data.esim_ids,
                )
            )
        case DopplerSinrDrop() as data:
            message.doppler.CopyFrom(
                pb.DopplerReport(
                    esim_id=data.esim_id,
                    sinr_loss_db=data.sinr_loss_db,
                    doppler_hz=data.doppler_hz,
                    doppler_rate_hz_s=data.doppler_rate_hz_s,
                    residual_doppler_hz=data.residual_doppler_hz,
                )
            )
        case EavesdropperDetected() as data:
            message.eavesdropper.CopyFrom(
                pb.EavesdropperReport(
                    esim_id=data.esim_id,
                    detection_statistic=data.detection_statistic,
                    bearing_deg=data.bearing_deg,
                    estimated_range_km=data.estimated_range_km,
                )
            )
    return message


def _enum(known: Mapping[N, E], number: N, field: str) -> E:
    if number not in known:
        raise invalid_field(f"has no value {number}", field)
    return known[number]


def _number(known: Mapping[N, E], value: E) -> N:
    return next(number for number, candidate in known.items() if candidate is value)


def _timestamp_of_ns(published_at_ns: int | None) -> Timestamp | None:
    if published_at_ns is None:
        return None
    seconds, nanos = divmod(published_at_ns, NANOSECONDS_PER_S)
    return Timestamp(seconds=seconds, nanos=nanos)
