"""Event subscriptions: what they watch and when they end.

Nnwdaf_EventsSubscription, TS 29.520 4.2 and 5.1, with `evtReq` of TS 29.523 5.6.2.

A trigger of the radio access network is an edge already: the quantity has left its normal side,
and is reported once until it has recovered. A subscription with a threshold is notified when the
quantity is then at or past that threshold ("reached" counts as crossed).

Not modelled: periodic reports, predictions, sampling ratio, muting, partitions, and crossings that
no trigger of the radio access network marks, such as recovery.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nwdaf.anlf.triggers import EventKind, Trigger

EVENT_KINDS: Mapping[str, EventKind] = {
    "QOS_SUSTAINABILITY": EventKind.BEAM_QUALITY,
    "VS_NTN_BEAM_QUALITY": EventKind.BEAM_QUALITY,
    "BEAM_QUALITY": EventKind.BEAM_QUALITY,
    "ABNORMAL_BEHAVIOUR": EventKind.DOPPLER,
    "VS_NTN_DOPPLER_SINR_DROP": EventKind.DOPPLER,
    "DOPPLER": EventKind.DOPPLER,
    "VS_NTN_EAVESDROPPER": EventKind.EAVESDROPPER,
    "EAVESDROPPER": EventKind.EAVESDROPPER,
}


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


class FailureCode(enum.Enum):
    """`NwdafFailureCode`, TS 29.520 5.1.6.3; only what this function answers."""

    OTHER = "OTHER"


@dataclass(frozen=True)
class Reporting:
    """`evtReq`. `mon_dur` is the time at which the subscription ends, not a length."""

    method: ReportingMethod | None = None
    max_report_nbr: int = 0
    mon_dur: datetime | None = None
    rep_period: timedelta | None = None
    imm_rep: bool = False


@dataclass(frozen=True)
class WatchedEvent:
    """One entry of `eventSubscriptions`. Empty filters let everything pass."""

    event: str
    method: NotificationMethod | None = None
    repetition_period: timedelta | None = None
    matching_dir: MatchingDirection | None = None
    beam_ids: tuple[str, ...] = ()
    satellite_ids: tuple[str, ...] = ()
    threshold: float | None = None

    def matches(self, trigger: Trigger) -> bool:
        """Whether the trigger is of this event, passes the filters and reaches the threshold."""
        return (
            EVENT_KINDS[self.event] is trigger.kind
            and (not self.beam_ids or trigger.beam_id in self.beam_ids)
            and (not self.satellite_ids or trigger.satellite_id in self.satellite_ids)
            and (self.threshold is None or trigger.reaches(self.threshold))
        )


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


@dataclass(frozen=True)
class Subscription:
    """A subscription as it stands. `report_count` is also the sequence of its last report."""

    subscription_id: str
    criteria: Criteria
    failures: tuple[EventFailure, ...]
    revision: int
    create_time: datetime
    report_count: int = 0

    @property
    def etag(self) -> str:
        """Changes with each modification; a report does not change it."""
        return str(self.revision)

    def has_expired(self, now: datetime) -> bool:
        """Whether its number of reports or its time is used up."""
        limit, end = self.criteria.report_limit, self.criteria.expire_time
        return (limit is not None and self.report_count >= limit) or (
            end is not None and now >= end
        )
