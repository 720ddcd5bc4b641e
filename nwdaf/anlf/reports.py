"""What a notification reports, and what is held back before it becomes one."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from nwdaf.anlf.accuracy import AccuracyReport
from nwdaf.anlf.observations import Observation


class FailureCode(enum.Enum):
    """`NwdafFailureCode`, TS 29.520 5.1.6.3."""

    UNAVAILABLE_DATA = "UNAVAILABLE_DATA"
    BOTH_STAT_PRED_NOT_ALLOWED = "BOTH_STAT_PRED_NOT_ALLOWED"
    PREDICTION_NOT_ALLOWED = "PREDICTION_NOT_ALLOWED"
    UNSATISFIED_REQUESTED_ANALYTICS_TIME = "UNSATISFIED_REQUESTED_ANALYTICS_TIME"
    OTHER = "OTHER"


class Report(msgspec.Struct, frozen=True):
    """`EventNotification`, TS 29.520 5.1.6.2.5: an observation, why there is none, or accuracy.

    Attributes:
        event: the event's token, as the subscription spelt it.
        observation: what was observed; None for a failure, and where accuracy is told.
        fail_notify_code: why a report that was due has no content.
        rv_wait_time: when to expect the next one.
        accuracy: how accurate the model is that the event depends on.
    """

    event: str
    observation: Observation | None = None
    fail_notify_code: FailureCode | None = None
    rv_wait_time: timedelta | None = None
    accuracy: AccuracyReport | None = None


@dataclass(frozen=True)
class Held:
    """The reports of one notification that was not sent, and since when they wait."""

    reports: tuple[Report, ...]
    time: datetime
