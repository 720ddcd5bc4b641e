"""Event subscriptions: what they watch, how they report and when they end.

Nnwdaf_EventsSubscription, TS 29.520 4.2 and 5.1, with `evtReq` of TS 29.523 5.6.2.

Not modelled: predictions and slices.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from nwdaf.anlf.accuracy import AccuracyRequirement, AccuracyStatus
from nwdaf.anlf.reports import FailureCode, Held


class NotificationMethod(enum.Enum):
    """`NotificationMethod` of one event, TS 29.520 5.1.6.3."""

    PERIODIC = "PERIODIC"
    THRESHOLD = "THRESHOLD"


class MatchingDirection(enum.Enum):
    """`MatchingDirection`, TS 29.520 5.1.6.3."""

    ASCENDING = "ASCENDING"
    DESCENDING = "DESCENDING"
    CROSSED = "CROSSED"


class ReportingMethod(enum.Enum):
    """`NotificationMethod` of the whole subscription, TS 29.523 5.6.3."""

    PERIODIC = "PERIODIC"
    ONE_TIME = "ONE_TIME"
    ON_EVENT_DETECTION = "ON_EVENT_DETECTION"


class NotificationFlag(enum.Enum):
    """`NotificationFlag`, TS 29.571: report, hold back, or hand out what was held back."""

    ACTIVATE = "ACTIVATE"
    DEACTIVATE = "DEACTIVATE"
    RETRIEVAL = "RETRIEVAL"


class BufferedNotificationsAction(enum.Enum):
    """`BufferedNotificationsAction`, TS 29.571: what becomes of a full buffer."""

    SEND_ALL = "SEND_ALL"
    DISCARD_ALL = "DISCARD_ALL"
    DROP_OLD = "DROP_OLD"


class SubscriptionAction(enum.Enum):
    """`SubscriptionAction`, TS 29.571: what becomes of a subscription whose buffer is full."""

    CLOSE = "CLOSE"
    CONTINUE_WITH_MUTING = "CONTINUE_WITH_MUTING"
    CONTINUE_WITHOUT_MUTING = "CONTINUE_WITHOUT_MUTING"


@dataclass(frozen=True)
class Muting:
    """`notifFlag`, `notifFlagInstruct` and `mutingSetting` of `evtReq`.

    Attributes:
        flag: whether to report.
        buffered_notifs: for the buffer, when it is full.
        subscription: for the subscription, when the buffer is full.
        max_no_of_notif: held notifications that fill the buffer; 0 until the AnLF has chosen.
        duration_buffered_notif: after which a held notification is dropped; None: never.
    """

    flag: NotificationFlag = NotificationFlag.ACTIVATE
    buffered_notifs: BufferedNotificationsAction = BufferedNotificationsAction.DROP_OLD
    subscription: SubscriptionAction = SubscriptionAction.CONTINUE_WITH_MUTING
    max_no_of_notif: int = 0
    duration_buffered_notif: timedelta | None = None


@dataclass(frozen=True)
class Reporting:
    """`evtReq`. `mon_dur` is the time at which the subscription ends, not a length."""

    method: ReportingMethod | None = None
    max_report_nbr: int = 0
    mon_dur: datetime | None = None
    rep_period: timedelta | None = None
    imm_rep: bool = False
    samp_ratio_percent: int = 100
    grp_rep_time: timedelta | None = None
    partition_criteria: tuple[str, ...] = ()
    muting: Muting | None = None


@dataclass(frozen=True)
class TargetUe:
    """`tgtUe`, TS 29.520 5.1.6.2.8. A SUPI is the name of an ESIM, e.g. ``esim-03``."""

    any_ue: bool = False
    supis: tuple[str, ...] = ()
    gpsis: tuple[str, ...] = ()
    int_group_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkArea:
    """`networkArea`, TS 29.554: NR cells are beams, gNBs are satellites."""

    nr_cell_ids: tuple[str, ...] = ()
    g_ran_node_ids: tuple[str, ...] = ()
    tacs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ThresholdLevel:
    """`ThresholdLevel`, TS 29.520 5.1.6.2.30; usages and levels in percent."""

    cong_level: int | None = None
    nf_load_level: int | None = None
    nf_cpu_usage: int | None = None
    nf_memory_usage: int | None = None
    nf_storage_usage: int | None = None


@dataclass(frozen=True)
class NetworkPerfRequirement:
    """`NetworkPerfRequirement`, TS 29.520 5.1.6.2.20."""

    nw_perf_type: str
    relative_ratio_percent: int | None = None
    absolute_num: int | None = None


@dataclass(frozen=True)
class ExceptionRequirement:
    """`Exception`, TS 29.520 5.1.6.2.15; the level in the unit of the observed quantity."""

    excep_id: str
    excep_level: int | None = None


@dataclass(frozen=True)
class ExtraReportRequirement:
    """`EventReportingRequirement`, TS 29.520 5.1.6.2.7, as far as it is looked at."""

    start_time: datetime | None = None
    end_time: datetime | None = None
    offset_period: timedelta | None = None
    time_ana_needed: datetime | None = None
    max_object_nbr: int = 0


@dataclass(frozen=True)
class WatchedEvent:
    """One entry of `eventSubscriptions`. Empty filters let everything pass.

    `beam_ids`, `satellite_ids` and `threshold` are vendor members; `threshold` is in the unit of
    the event's quantity. `pause_flg` holds the event back, `resume_flg` reports it however accurate
    the model is.
    """

    event: str
    method: NotificationMethod | None = None
    repetition_period: timedelta | None = None
    matching_dir: MatchingDirection | None = None
    beam_ids: tuple[str, ...] = ()
    satellite_ids: tuple[str, ...] = ()
    threshold: float | None = None
    tgt_ue: TargetUe = TargetUe()
    network_area: NetworkArea = NetworkArea()
    ran_ue_throu_thds: tuple[str, ...] = ()
    nf_load_lvl_thds: tuple[ThresholdLevel, ...] = ()
    cong_thresholds: tuple[ThresholdLevel, ...] = ()
    nw_perf_requs: tuple[NetworkPerfRequirement, ...] = ()
    excep_requs: tuple[ExceptionRequirement, ...] = ()
    expt_ana_type: str = ""
    nf_instance_ids: tuple[str, ...] = ()
    extra_report_req: ExtraReportRequirement = ExtraReportRequirement()
    accu_req: AccuracyRequirement | None = None
    pause_flg: bool = False
    resume_flg: bool = False

    @property
    def beams(self) -> frozenset[str]:
        """The beams to watch, in whichever member they were named; empty: all."""
        return frozenset(self.beam_ids) | frozenset(self.network_area.nr_cell_ids)

    @property
    def satellites(self) -> frozenset[str]:
        """The satellites to watch, in whichever member they were named; empty: all."""
        return frozenset(self.satellite_ids) | frozenset(self.network_area.g_ran_node_ids)


@dataclass(frozen=True)
class EventFailure:
    """`FailureEventInfo`; `explanation` is for logs and messages, the standard has no field."""

    event: str
    failure_code: FailureCode
    explanation: str


@dataclass(frozen=True)
class Criteria:
    """What a consumer asks for: the content of a subscription that a modification replaces."""

    events: tuple[WatchedEvent, ...]
    reporting: Reporting = Reporting()
    notif_corr_id: str = ""
    supported_features: str = ""
    consumer_nf_id: str = ""

    @property
    def report_limit(self) -> int | None:
        """After how many reports the subscription ends; None if it does not."""
        if self.reporting.method is ReportingMethod.ONE_TIME:
            return 1
        return self.reporting.max_report_nbr or None

    @property
    def expire_time(self) -> datetime | None:
        """When the subscription ends; None if it does not."""
        return self.reporting.mon_dur

    @property
    def muted(self) -> bool:
        """Whether reports are held back until they are asked for."""
        muting = self.reporting.muting
        return muting is not None and muting.flag is not NotificationFlag.ACTIVATE

    def period_of(self, watched: WatchedEvent) -> timedelta | None:
        """Between two reports of an event; None for one that is reported when it happens.

        `evtReq` overrides the event's own settings (TS 29.520 4.2.2.2.2 note 1).
        """
        if self.reporting.method is ReportingMethod.PERIODIC:
            return self.reporting.rep_period
        if self.reporting.method is None and watched.method is NotificationMethod.PERIODIC:
            return watched.repetition_period
        return None


@dataclass(frozen=True)
class Subscription:
    """A subscription as it stands.

    Attributes:
        report_count: also the sequence of its last report.
        acknowledged: up to which sequence its notifications are forgotten.
        dropped_count: how many of those the consumer did not acknowledge.
        held: reports that wait for the end of muting or of the group time.
        muted: whether they wait for the end of muting; `criteria` says how it began.
        due_time: when a periodic report or the end of a group time falls due next.
        since_position: only crossings between two samples after this position concern it.
        closed: whether it has ended before its time.
        accuracy: of each event, what was last told of the model's accuracy; empty: nothing yet.
    """

    subscription_id: str
    criteria: Criteria
    failures: tuple[EventFailure, ...]
    revision: int
    create_time: datetime
    report_count: int = 0
    acknowledged: int = 0
    dropped_count: int = 0
    held: tuple[Held, ...] = ()
    muted: bool = False
    due_time: datetime | None = None
    since_position: int = 0
    closed: bool = False
    accuracy: tuple[AccuracyStatus | None, ...] = ()

    @property
    def etag(self) -> str:
        """Changes with each modification; a report does not change it."""
        return str(self.revision)

    @property
    def accuracy_by_event(self) -> Sequence[tuple[WatchedEvent, AccuracyStatus | None]]:
        """Each event with what was last told of the accuracy of its model."""
        return tuple(zip_longest(self.criteria.events, self.accuracy))

    @property
    def paused_events(self) -> frozenset[int]:
        """Indices of the events that the consumer, or their model's accuracy, holds back."""
        return frozenset(
            index
            for index, (watched, told) in enumerate(self.accuracy_by_event)
            if watched.pause_flg or (told is not None and told.paused)
        )

    @property
    def reported_events(self) -> Sequence[WatchedEvent]:
        """The events that are not held back."""
        paused = self.paused_events
        return [one for index, one in enumerate(self.criteria.events) if index not in paused]

    def has_expired(self, now: datetime) -> bool:
        """Whether its number of reports or its time is used up, or it was closed."""
        limit, end = self.criteria.report_limit, self.criteria.expire_time
        return (
            self.closed
            or (limit is not None and self.report_count >= limit)
            or (end is not None and now >= end)
        )
