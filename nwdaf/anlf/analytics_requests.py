"""What is asked of Nnwdaf_AnalyticsInfo, and which period that is (TS 29.520 4.3.2.2, 5.2).

Refusals carry the standard's cause as `cause` in their metadata: MANDATORY_QUERY_PARAM_MISSING,
MANDATORY_QUERY_PARAM_INCORRECT, OPTIONAL_QUERY_PARAM_INCORRECT or BOTH_STAT_PRED_NOT_ALLOWED.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from nwdaf.anlf.analytics import NF_LOAD, AnalyticsKind

DEFAULT_WINDOW = timedelta(seconds=60)
MAX_WINDOW = timedelta(days=1)
MAX_AHEAD = timedelta(hours=1)

# Bit n - 1 is feature n. The numbers of AnalyticsInfo (TS 29.520 table 5.2.8-1) are others than
# those of EventsSubscription: QoSSustainability 5, NfLoad 8.
SUPPORTED_FEATURES = 1 << 4 | 1 << 7

_MAX_OBJECTS = 1000
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")
_MAX_FEATURE_DIGITS = 200

# The event ids served, and which quantities each is about.
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    NF_LOAD: ("cpu_usage_percent", "memory_usage_percent"),
    **dict.fromkeys(
        ("QOS_SUSTAINABILITY", "VS_NTN_BEAM_QUALITY", "BEAM_QUALITY"),
        ("sinr_db", "rain_db", "elevation_deg"),
    ),
    **dict.fromkeys(
        ("ABNORMAL_BEHAVIOUR", "VS_NTN_DOPPLER_SINR_DROP", "DOPPLER"),
        ("doppler_hz", "elevation_deg"),
    ),
}


@dataclass(frozen=True)
class AnalyticsRequest:
    """What is asked; None and empty leave it to the function.

    Attributes:
        event: `event-id`.
        subjects: beams of interest, or network functions for NF_LOAD; empty: all.
        window: the period that ends at the latest sample.
        start: `startTs` of the period, in the time of the samples.
        end: `endTs` of it.
        offset_period: `offsetPeriod`: the period from now on, or until now if it is negative.
        samp_ratio: `sampRatio`: percentage of the samples to use.
        max_objects: `maxObjectNbr`: of beams or network functions; 0: no bound.
        needed_until: `timeAnaNeeded`: wall-clock time after which an answer is of no use.
        supported_features: of the consumer, hexadecimal.
    """

    event: str
    subjects: frozenset[str] = frozenset()
    window: timedelta | None = None
    start: datetime | None = None
    end: datetime | None = None
    offset_period: timedelta | None = None
    samp_ratio: int = 100
    max_objects: int = 0
    needed_until: datetime | None = None
    supported_features: str = ""

    @property
    def quantities(self) -> tuple[str, ...]:
        """What the answer is about."""
        return QUANTITIES[self.event]


@dataclass(frozen=True)
class Period:
    """From `start` to `end`, both included, wholly behind or wholly ahead of now."""

    kind: AnalyticsKind
    start: datetime
    end: datetime


def check_request(request: AnalyticsRequest, *, wall_time: datetime) -> None:
    """Returns when the request, but for its period, can be served.

    Raises:
        InvalidArgument: INVALID_FIELD.
        FailedPrecondition: UNAVAILABLE_DATA with the cause UNSATISFIED_REQUESTED_ANALYTICS_TIME.
    """
    if not request.event:
        raise InvalidArgument(
            f"event is empty; name one of {', '.join(QUANTITIES)}",
            reason="INVALID_FIELD",
            field="event",
            cause="MANDATORY_QUERY_PARAM_MISSING",
        )
    if request.event not in QUANTITIES:
        raise InvalidArgument(
            f"there are no analytics of event {request.event!r}; ask for one of "
            f"{', '.join(QUANTITIES)}",
            reason="INVALID_FIELD",
            field="event",
            cause="MANDATORY_QUERY_PARAM_INCORRECT",
        )
    named = [name for name in ("window", "offset_period") if getattr(request, name) is not None]
    named += ["start_ts and end_ts"] if request.start or request.end else []
    if len(named) > 1:
        raise _incorrect(f"{' and '.join(named)} name two periods; leave one out", named[0])
    if request.window is not None and not timedelta(0) < request.window <= MAX_WINDOW:
        raise _incorrect("window is a length of time above zero and at most a day", "window")
    if request.offset_period is not None and request.offset_period == timedelta(0):
        raise _incorrect("offset_period is zero; it counts from now, either way", "offset_period")
    if not 1 <= request.samp_ratio <= 100:  # noqa: PLR2004 - percent
        raise _incorrect("samp_ratio is a percentage from 1 to 100", "samp_ratio")
    if not 0 <= request.max_objects <= _MAX_OBJECTS:
        raise _incorrect(f"max_object_nbr lies within 0 to {_MAX_OBJECTS}", "max_object_nbr")
    if len(request.supported_features) > _MAX_FEATURE_DIGITS or not _HEXADECIMAL.issuperset(
        request.supported_features
    ):
        raise _incorrect("supported_features is no hexadecimal number", "supported_features")
    if request.needed_until is not None and request.needed_until < wall_time:
        raise FailedPrecondition(
            "time_ana_needed has passed; ask again with a later one",
            reason="UNAVAILABLE_DATA",
            cause="UNSATISFIED_REQUESTED_ANALYTICS_TIME",
        )


def period_of(request: AnalyticsRequest, *, now: datetime) -> Period:
    """The period asked for; `now` is the time of the latest sample.

    Raises:
        InvalidArgument: INVALID_FIELD for a period that is too long, ends before it starts, or lies
            on both sides of now.
    """
    start, end = _bounds(request, now)
    if end < start:
        raise _incorrect("end_ts lies before start_ts", "end_ts")
    if start < now < end:
        raise InvalidArgument(
            f"the period lies on both sides of {now.isoformat()}; ask for statistics until then "
            "and for a prediction from then on",
            reason="INVALID_FIELD",
            field="end_ts",
            cause="BOTH_STAT_PRED_NOT_ALLOWED",
        )
    if end <= now:
        if end - start > MAX_WINDOW:
            raise _incorrect("statistics are of at most a day", "start_ts")
        return Period(AnalyticsKind.STATISTICS, start, end)
    if end - now > MAX_AHEAD:
        raise _incorrect("predictions reach at most an hour ahead", "end_ts")
    return Period(AnalyticsKind.PREDICTION, start, end)


def common_features(requested: str) -> str:
    """The features of both sides in hexadecimal; empty when the consumer sent none."""
    return f"{int(requested, 16) & SUPPORTED_FEATURES:x}" if requested else ""


def _bounds(request: AnalyticsRequest, now: datetime) -> tuple[datetime, datetime]:
    if request.offset_period is not None:
        return min(now, now + request.offset_period), max(now, now + request.offset_period)
    start, end = request.start, request.end
    if start is not None:
        return start, end or (start + DEFAULT_WINDOW if start >= now else now)
    if end is not None:
        return (now if end > now else end - DEFAULT_WINDOW), end
    return now - (request.window or DEFAULT_WINDOW), now


def _incorrect(message: str, field: str) -> InvalidArgument:
    return InvalidArgument(
        message, reason="INVALID_FIELD", field=field, cause="OPTIONAL_QUERY_PARAM_INCORRECT"
    )
