"""Between the messages of accuracy in event subscriptions and the domain's own classes."""

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from nwdaf.anlf.accuracy import AccuracyReport, AccuracyRequirement
from nwdaf.message_fields import (
    optional_duration,
    optional_length,
    optional_time,
    optional_timestamp,
    timestamp_of,
)

_FIELD = "event_subscriptions.accu_req."


def requirement_of(message: pb.AccuracyReq) -> AccuracyRequirement:
    """`accuReq`.

    Raises:
        InvalidArgument: INVALID_FIELD for a time that does not exist.
    """
    window = message.accu_time_win
    return AccuracyRequirement(
        start_time=optional_time(window, "start_time", f"{_FIELD}accu_time_win."),
        stop_time=optional_time(window, "stop_time", f"{_FIELD}accu_time_win."),
        period=optional_length(message, "accu_period", _FIELD),
        deviation_threshold_percent=(
            message.accu_dev_thr if message.HasField("accu_dev_thr") else None
        ),
        least_number=message.min_num,
    )


def requirement_message(requirement: AccuracyRequirement) -> pb.AccuracyReq:
    """`accuReq` as a message."""
    message = pb.AccuracyReq(
        accu_period=optional_duration(requirement.period),
        accu_dev_thr=requirement.deviation_threshold_percent,
        min_num=requirement.least_number,
    )
    if requirement.start_time is not None or requirement.stop_time is not None:
        message.accu_time_win.CopyFrom(
            pb.TimeWindow(
                start_time=optional_timestamp(requirement.start_time),
                stop_time=optional_timestamp(requirement.stop_time),
            )
        )
    return message


def fill_accuracy(message: pb.EventNotification, report: AccuracyReport) -> None:
    """Put `accuInfo` and the indications into a report."""
    if report.time is not None:
        message.time_stamp_gen.CopyFrom(timestamp_of(report.time))
    if report.info is not None:
        message.accu_info.CopyFrom(
            pb.AccuracyInfo(
                accuracy_val=round(report.info.accuracy_val),
                accu_sample_nbr=report.info.accu_sample_nbr,
                ana_accu_ind="MEET" if report.info.meets else "NOT_MEET",
            )
        )
    message.pause_ind = report.pause_ind
    message.resume_ind = report.resume_ind
    message.cancel_accu_ind = report.cancel_accu_ind
