"""Between the messages of what a consumer asks for and the domain's own classes."""

from collections.abc import Mapping
from typing import TypeVar

from aimlnf.nwdaf.v1 import events_subscription_pb2 as pb
from nwdaf.anlf.accuracy_messages import requirement_message, requirement_of
from nwdaf.anlf.subscriptions import (
    BufferedNotificationsAction,
    Criteria,
    ExceptionRequirement,
    ExtraReportRequirement,
    MatchingDirection,
    Muting,
    NetworkArea,
    NetworkPerfRequirement,
    NotificationFlag,
    NotificationMethod,
    Reporting,
    ReportingMethod,
    SubscriptionAction,
    TargetUe,
    ThresholdLevel,
    WatchedEvent,
)
from nwdaf.message_fields import (
    duration_of,
    invalid_field,
    optional_duration,
    optional_length,
    optional_time,
    optional_timestamp,
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
_FLAGS: Mapping[pb.NotificationFlag.ValueType, NotificationFlag | None] = {
    pb.NOTIFICATION_FLAG_UNSPECIFIED: None,
    pb.NOTIFICATION_FLAG_ACTIVATE: NotificationFlag.ACTIVATE,
    pb.NOTIFICATION_FLAG_DEACTIVATE: NotificationFlag.DEACTIVATE,
    pb.NOTIFICATION_FLAG_RETRIEVAL: NotificationFlag.RETRIEVAL,
}
_BUFFER_ACTIONS: Mapping[
    pb.BufferedNotificationsAction.ValueType, BufferedNotificationsAction | None
] = {
    pb.BUFFERED_NOTIFICATIONS_ACTION_UNSPECIFIED: None,
    pb.BUFFERED_NOTIFICATIONS_ACTION_SEND_ALL: BufferedNotificationsAction.SEND_ALL,
    pb.BUFFERED_NOTIFICATIONS_ACTION_DISCARD_ALL: BufferedNotificationsAction.DISCARD_ALL,
    pb.BUFFERED_NOTIFICATIONS_ACTION_DROP_OLD: BufferedNotificationsAction.DROP_OLD,
}
_SUBSCRIPTION_ACTIONS: Mapping[pb.SubscriptionAction.ValueType, SubscriptionAction | None] = {
    pb.SUBSCRIPTION_ACTION_UNSPECIFIED: None,
    pb.SUBSCRIPTION_ACTION_CLOSE: SubscriptionAction.CLOSE,
    pb.SUBSCRIPTION_ACTION_CONTINUE_WITH_MUTING: SubscriptionAction.CONTINUE_WITH_MUTING,
    pb.SUBSCRIPTION_ACTION_CONTINUE_WITHOUT_MUTING: SubscriptionAction.CONTINUE_WITHOUT_MUTING,
}
_LEVELS = ("cong_level", "nf_load_level", "nf_cpu_usage", "nf_memory_usage", "nf_storage_usage")


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


def _watched_event(message: pb.EventSubscription) -> WatchedEvent:
    return WatchedEvent(
        event=message.event,
        method=_enum(_METHODS, message.notification_method, "notification_method"),
        repetition_period=optional_length(message, "repetition_period"),
        matching_dir=_enum(_DIRECTIONS, message.matching_dir, "matching_dir"),
        beam_ids=tuple(message.beam_ids),
        satellite_ids=tuple(message.satellite_ids),
        threshold=message.threshold if message.HasField("threshold") else None,
        tgt_ue=TargetUe(
            any_ue=message.tgt_ue.any_ue,
            supis=tuple(message.tgt_ue.supis),
            gpsis=tuple(message.tgt_ue.gpsis),
            int_group_ids=tuple(message.tgt_ue.int_group_ids),
        ),
        network_area=NetworkArea(
            nr_cell_ids=tuple(message.network_area.nr_cell_ids),
            g_ran_node_ids=tuple(message.network_area.g_ran_node_ids),
            tacs=tuple(message.network_area.tacs),
        ),
        ran_ue_throu_thds=tuple(message.ran_ue_throu_thds),
        nf_load_lvl_thds=tuple(_level(level) for level in message.nf_load_lvl_thds),
        cong_thresholds=tuple(_level(level) for level in message.cong_thresholds),
        nw_perf_requs=tuple(
            NetworkPerfRequirement(
                perf.nw_perf_type,
                perf.relative_ratio if perf.HasField("relative_ratio") else None,
                perf.absolute_num if perf.HasField("absolute_num") else None,
            )
            for perf in message.nw_perf_requs
        ),
        excep_requs=tuple(
            ExceptionRequirement(
                one.excep_id, one.excep_level if one.HasField("excep_level") else None
            )
            for one in message.excep_requs
        ),
        expt_ana_type=message.expt_ana_type,
        nf_instance_ids=tuple(message.nf_instance_ids),
        extra_report_req=ExtraReportRequirement(
            start_time=optional_time(message.extra_report_req, "start_ts"),
            end_time=optional_time(message.extra_report_req, "end_ts"),
            offset_period=optional_length(message.extra_report_req, "offset_period"),
            time_ana_needed=optional_time(message.extra_report_req, "time_ana_needed"),
            max_object_nbr=message.extra_report_req.max_object_nbr,
        ),
        accu_req=requirement_of(message.accu_req) if message.HasField("accu_req") else None,
        pause_flg=message.pause_flg,
        resume_flg=message.resume_flg,
    )


def watched_event_message(watched: WatchedEvent) -> pb.EventSubscription:
    """An entry of a subscription as a message."""
    message = pb.EventSubscription(
        event=watched.event,
        notification_method=_number(_METHODS, watched.method),
        repetition_period=optional_duration(watched.repetition_period),
        matching_dir=_number(_DIRECTIONS, watched.matching_dir),
        beam_ids=watched.beam_ids,
        satellite_ids=watched.satellite_ids,
        threshold=watched.threshold,
        ran_ue_throu_thds=watched.ran_ue_throu_thds,
        nf_load_lvl_thds=[_level_message(level) for level in watched.nf_load_lvl_thds],
        cong_thresholds=[_level_message(level) for level in watched.cong_thresholds],
        nw_perf_requs=[
            pb.NetworkPerfRequirement(
                nw_perf_type=perf.nw_perf_type,
                relative_ratio=perf.relative_ratio_percent,
                absolute_num=perf.absolute_num,
            )
            for perf in watched.nw_perf_requs
        ],
        excep_requs=[
            pb.ExceptionRequirement(excep_id=one.excep_id, excep_level=one.excep_level)
            for one in watched.excep_requs
        ],
        expt_ana_type=watched.expt_ana_type,
        nf_instance_ids=watched.nf_instance_ids,
        accu_req=None if watched.accu_req is None else requirement_message(watched.accu_req),
        pause_flg=watched.pause_flg,
        resume_flg=watched.resume_flg,
    )
    target, area, extra = watched.tgt_ue, watched.network_area, watched.extra_report_req
    if target != TargetUe():
        message.tgt_ue.CopyFrom(
            pb.TargetUeInformation(
                any_ue=target.any_ue,
                supis=target.supis,
                gpsis=target.gpsis,
                int_group_ids=target.int_group_ids,
            )
        )
    if area != NetworkArea():
        message.network_area.CopyFrom(
            pb.NetworkAreaInfo(
                nr_cell_ids=area.nr_cell_ids, g_ran_node_ids=area.g_ran_node_ids, tacs=area.tacs
            )
        )
    if extra != ExtraReportRequirement():
        message.extra_report_req.CopyFrom(
            pb.EventReportingRequirement(
                start_ts=optional_timestamp(extra.start_time),
                end_ts=optional_timestamp(extra.end_time),
                offset_period=optional_duration(extra.offset_period),
                time_ana_needed=optional_timestamp(extra.time_ana_needed),
                max_object_nbr=extra.max_object_nbr,
            )
        )
    return message


def _reporting(message: pb.ReportingInformation) -> Reporting:
    return Reporting(
        method=_enum(_REPORTING_METHODS, message.notif_method, "evt_req.notif_method"),
        max_report_nbr=message.max_report_nbr,
        mon_dur=optional_time(message, "mon_dur", "evt_req."),
        rep_period=optional_length(message, "rep_period", "evt_req."),
        imm_rep=message.imm_rep,
        samp_ratio_percent=message.samp_ratio or 100,
        grp_rep_time=optional_length(message, "grp_rep_time", "evt_req."),
        partition_criteria=tuple(message.partition_criteria),
        muting=_muting(message),
    )


def _muting(message: pb.ReportingInformation) -> Muting | None:
    instruct, setting = message.notif_flag_instruct, message.muting_setting
    flag = _enum(_FLAGS, message.notif_flag, "evt_req.notif_flag")
    buffered = _enum(
        _BUFFER_ACTIONS, instruct.buffered_notifs, "evt_req.notif_flag_instruct.buffered_notifs"
    )
    action = _enum(
        _SUBSCRIPTION_ACTIONS, instruct.subscription, "evt_req.notif_flag_instruct.subscription"
    )
    if flag is None:
        if message.HasField("notif_flag_instruct") or message.HasField("muting_setting"):
            raise invalid_field("is missing; muting is set with it", "evt_req.notif_flag")
        return None
    return Muting(
        flag=flag,
        buffered_notifs=buffered or BufferedNotificationsAction.DROP_OLD,
        subscription=action or SubscriptionAction.CONTINUE_WITH_MUTING,
        max_no_of_notif=setting.max_no_of_notif,
        duration_buffered_notif=optional_length(
            setting, "duration_buffered_notif", "evt_req.muting_setting."
        ),
    )


def reporting_message(reporting: Reporting) -> pb.ReportingInformation:
    """`evtReq` as a message."""
    message = pb.ReportingInformation(
        notif_method=_number(_REPORTING_METHODS, reporting.method),
        max_report_nbr=reporting.max_report_nbr,
        mon_dur=optional_timestamp(reporting.mon_dur),
        rep_period=optional_duration(reporting.rep_period),
        imm_rep=reporting.imm_rep,
        samp_ratio=reporting.samp_ratio_percent,
        grp_rep_time=optional_duration(reporting.grp_rep_time),
        partition_criteria=reporting.partition_criteria,
    )
    muting = reporting.muting
    if muting is not None:
        message.notif_flag = _number(_FLAGS, muting.flag)
        message.notif_flag_instruct.buffered_notifs = _number(
            _BUFFER_ACTIONS, muting.buffered_notifs
        )
        message.notif_flag_instruct.subscription = _number(
            _SUBSCRIPTION_ACTIONS, muting.subscription
        )
        message.muting_setting.max_no_of_notif = muting.max_no_of_notif
        if muting.duration_buffered_notif is not None:
            message.muting_setting.duration_buffered_notif.CopyFrom(
                duration_of(muting.duration_buffered_notif)
            )
    return message


def _level(message: pb.ThresholdLevel) -> ThresholdLevel:
    given = {field.name: value for field, value in message.ListFields()}
    return ThresholdLevel(**given)


def _level_message(level: ThresholdLevel) -> pb.ThresholdLevel:
    return pb.ThresholdLevel(**{name: getattr(level, name) for name in _LEVELS})


def _enum(known: Mapping[N, E], number: N, field: str) -> E:
    if number not in known:
        raise invalid_field(f"has no value {number}", field)
    return known[number]


def _number(known: Mapping[N, E], value: E) -> N:
    return next(number for number, candidate in known.items() if candidate is value)
