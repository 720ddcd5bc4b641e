"""Which events are served, and which quantities each of them is about.

An entry of a subscription without a threshold is told of each trigger of the radio access network,
whose own thresholds then hold. With a threshold, the standard's events are told of the crossings
between two samples; the vendor's events stay with the triggers, and the threshold holds back those
that do not reach it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from nwdaf.anlf.observations import FALLING_TRIGGERS, Quantity
from nwdaf.anlf.reports import FailureCode
from nwdaf.anlf.subscriptions import ExceptionRequirement, MatchingDirection, WatchedEvent

VENDOR_EVENTS: Mapping[str, tuple[Quantity, Quantity]] = {
    # What is told without a period, and with one.
    **dict.fromkeys(
        ("VS_NTN_BEAM_QUALITY", "BEAM_QUALITY"),
        (Quantity.BEAM_QUALITY_TRIGGER, Quantity.BEAM_SINR),
    ),
    **dict.fromkeys(
        ("VS_NTN_DOPPLER_SINR_DROP", "DOPPLER"), (Quantity.DOPPLER_TRIGGER, Quantity.UE_SINR_LOSS)
    ),
    **dict.fromkeys(
        ("VS_NTN_EAVESDROPPER", "EAVESDROPPER"),
        (Quantity.EAVESDROPPER_TRIGGER, Quantity.UE_DETECTION_STATISTIC),
    ),
}
STANDARD_EVENTS = (
    "QOS_SUSTAINABILITY",
    "NETWORK_PERFORMANCE",
    "ABNORMAL_BEHAVIOUR",
    "NF_LOAD",
    "UE_MOBILITY",
    "USER_DATA_CONGESTION",
)
# The model decides upon what these events tell, and they tell what came of it: only their analytics
# depend on its accuracy.
MODEL_EVENTS = frozenset({"QOS_SUSTAINABILITY", "ABNORMAL_BEHAVIOUR", *VENDOR_EVENTS})
# Of the standard's ExceptionId and NetworkPerfType: the ones with a source of data.
RADIO_LINK_FAILURES = "UNEXPECTED_RADIO_LINK_FAILURES"
PING_PONG = "PING_PONG_ACROSS_CELLS"
NUMBER_OF_UES = "NUM_OF_UE"
_QUANTITY_OF_EXCEPTION = {
    RADIO_LINK_FAILURES: Quantity.UE_SINR_LOSS,
    PING_PONG: Quantity.UE_PING_PONGS,
}

_RISING = (MatchingDirection.ASCENDING, MatchingDirection.CROSSED)
_FALLING = (MatchingDirection.DESCENDING, MatchingDirection.CROSSED)


@dataclass(frozen=True)
class Watched:
    """A quantity to watch, from which side a threshold is crossed; no threshold: each value."""

    quantity: Quantity
    threshold: float | None = None
    rising: bool = False
    falling: bool = False


@dataclass(frozen=True)
class Offer:
    """What this deployment offers.

    Attributes:
        vendor_events: whether the tokens VS_NTN_… are served (profile `extended`).
        nf_load: whether there are network functions whose load is read.
    """

    vendor_events: bool = True
    nf_load: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """The tokens that are served."""
        return STANDARD_EVENTS + (tuple(VENDOR_EVENTS) if self.vendor_events else ())


def refusal(watched: WatchedEvent, offer: Offer) -> tuple[FailureCode, str] | None:
    """Why the event cannot be served here, or None."""
    event = watched.event
    if event not in offer.events:
        return FailureCode.OTHER, f"unknown event; there are {', '.join(offer.events)}"
    missing = _missing_data(watched, offer)
    if missing is not None:
        return FailureCode.UNAVAILABLE_DATA, missing
    if event in VENDOR_EVENTS:
        falls = VENDOR_EVENTS[event][0] in FALLING_TRIGGERS
        if watched.matching_dir not in (None, *(_FALLING if falls else _RISING)):
            observed = MatchingDirection.DESCENDING if falls else MatchingDirection.ASCENDING
            return (
                FailureCode.OTHER,
                f"triggers mark {observed.value} crossings only; use that or the standard's event",
            )
    return None


def _missing_data(watched: WatchedEvent, offer: Offer) -> str | None:
    """What is asked for that nothing in this network publishes, or None."""
    is_nf_load = watched.event == "NF_LOAD"
    lacking = (
        (
            watched.event == "USER_DATA_CONGESTION" or watched.cong_thresholds,
            "no function publishes the traffic that congestion is a property of",
        ),
        (
            watched.ran_ue_throu_thds,
            "no function publishes throughputs; use the vendor member threshold (SINR in dB)",
        ),
        (
            watched.tgt_ue.gpsis or watched.tgt_ue.int_group_ids,
            "ESIMs have SUPIs only, neither GPSIs nor groups",
        ),
        (
            watched.network_area.tacs,
            "there are no tracking areas; name NR cells (beams) or RAN nodes (satellites)",
        ),
        (
            is_nf_load and not offer.nf_load,
            "no network function is configured whose load could be read (nf_load.peers)",
        ),
        (
            any(
                level.nf_storage_usage is not None or level.cong_level is not None
                for level in watched.nf_load_lvl_thds
            ),
            "of network functions nfLoadLevel, nfCpuUsage and nfMemoryUsage are read",
        ),
        (
            any(perf.nw_perf_type != NUMBER_OF_UES for perf in watched.nw_perf_requs),
            f"of NetworkPerfType only {NUMBER_OF_UES} has a source",
        ),
        (
            {one.excep_id for one in watched.excep_requs} - {RADIO_LINK_FAILURES, PING_PONG},
            f"of ExceptionId only {RADIO_LINK_FAILURES} and {PING_PONG} have a source",
        ),
        (
            watched.expt_ana_type not in ("", "MOBILITY"),
            "exceptions of communication need traffic that no function publishes",
        ),
    )
    return next((explanation for lacks, explanation in lacking if lacks), None)


def watched_quantities(watched: WatchedEvent) -> Iterator[Watched]:
    """What a served entry is told of when it happens."""
    match watched.event:
        case "QOS_SUSTAINABILITY":
            yield _or_triggers(watched, Quantity.BEAM_SINR, Quantity.BEAM_QUALITY_TRIGGER)
        case "ABNORMAL_BEHAVIOUR" if watched.excep_requs:
            yield from map(partial(_exception, watched), watched.excep_requs)
        case "ABNORMAL_BEHAVIOUR":
            yield _or_triggers(watched, Quantity.UE_SINR_LOSS, Quantity.DOPPLER_TRIGGER)
        case "NETWORK_PERFORMANCE":
            for perf in watched.nw_perf_requs:
                if perf.absolute_num is not None:
                    yield _crossing(watched, _ue_count(watched), perf.absolute_num)
        case "NF_LOAD":
            yield from _load_levels(watched)
        case "UE_MOBILITY":
            yield Watched(Quantity.UE_LOCATION)
        case event:
            trigger = VENDOR_EVENTS[event][0]
            falls = trigger in FALLING_TRIGGERS
            yield Watched(trigger, watched.threshold, rising=not falls, falling=falls)


def _exception(watched: WatchedEvent, exception: ExceptionRequirement) -> Watched:
    if exception.excep_level is not None:
        quantity = _QUANTITY_OF_EXCEPTION[exception.excep_id]
        return _crossing(watched, quantity, exception.excep_level)
    if exception.excep_id == PING_PONG:
        return Watched(Quantity.UE_PING_PONGS, 1.0, rising=True)
    return Watched(Quantity.DOPPLER_TRIGGER)


def _load_levels(watched: WatchedEvent) -> Iterator[Watched]:
    for level in watched.nf_load_lvl_thds:
        for quantity, threshold in (
            (Quantity.NF_CPU_USAGE, level.nf_load_level),
            (Quantity.NF_CPU_USAGE, level.nf_cpu_usage),
            (Quantity.NF_MEMORY_USAGE, level.nf_memory_usage),
        ):
            if threshold is not None:
                yield _crossing(watched, quantity, threshold)


def sampled_quantities(watched: WatchedEvent) -> tuple[Quantity, ...]:
    """What a periodic report of a served entry tells."""
    match watched.event:
        case "QOS_SUSTAINABILITY":
            return (Quantity.BEAM_SINR,)
        case "ABNORMAL_BEHAVIOUR":
            asked = [_QUANTITY_OF_EXCEPTION[one.excep_id] for one in watched.excep_requs]
            return tuple(asked) or (Quantity.UE_SINR_LOSS,)
        case "NETWORK_PERFORMANCE":
            return (_ue_count(watched),)
        case "NF_LOAD":
            return (Quantity.NF_CPU_USAGE, Quantity.NF_MEMORY_USAGE)
        case "UE_MOBILITY":
            return (Quantity.UE_LOCATION,)
        case event:
            return (VENDOR_EVENTS[event][1],)


def known_quantities(watched: WatchedEvent) -> frozenset[Quantity]:
    """What an immediate report tells: triggers for those who wait for them, else samples."""
    told = frozenset(one.quantity for one in watched_quantities(watched))
    return told or frozenset(sampled_quantities(watched))


def needs_threshold(watched: WatchedEvent) -> bool:
    """Whether a served entry waits for a crossing and names none: nothing would be reported."""
    return not any(True for _ in watched_quantities(watched))


def _or_triggers(watched: WatchedEvent, sampled: Quantity, trigger: Quantity) -> Watched:
    if watched.threshold is None:
        return Watched(trigger)
    return _crossing(watched, sampled, watched.threshold)


def _crossing(watched: WatchedEvent, quantity: Quantity, threshold: float) -> Watched:
    direction = watched.matching_dir or MatchingDirection.CROSSED
    return Watched(
        quantity, float(threshold), rising=direction in _RISING, falling=direction in _FALLING
    )


def _ue_count(watched: WatchedEvent) -> Quantity:
    return Quantity.BEAM_UE_COUNT if watched.beams else Quantity.SATELLITE_UE_COUNT
