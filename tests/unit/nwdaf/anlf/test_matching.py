"""The index gives what a look at every subscription would give."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.anlf_model import Wish
from support.ran_events import START, beam_quality, doppler, eavesdropper, esim, event, measurement

from nf_runtime.events.catalogue import EventData
from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.observations import Observation, observations_of
from nwdaf.anlf.served_events import VENDOR_EVENTS
from nwdaf.anlf.subscriptions import (
    Criteria,
    ExceptionRequirement,
    MatchingDirection,
    NetworkArea,
    NetworkPerfRequirement,
    NotificationMethod,
    Reporting,
    Subscription,
    TargetUe,
    WatchedEvent,
)

BEAMS = ("1", "2", "3")
VALUES = [-1.0, 0.0, 1.0, 2.0, 3.0]


def subscription(
    *events: WatchedEvent, name: str = "s", since: int = 0, reporting: Reporting | None = None
) -> Subscription:
    """A stored subscription to these events."""
    return Subscription(
        subscription_id=name,
        criteria=Criteria(events, reporting or Reporting()),
        failures=(),
        revision=1,
        create_time=START,
        since_position=since,
    )


def observed(data: EventData) -> tuple[Observation, ...]:
    """The observations of an event with this data."""
    return observations_of(event(data), received_time=START)


def told(book: SubscriptionBook, data: EventData) -> dict[str, list[tuple[str, str]]]:
    """Event and beam of each report, by subscription; the observations are remembered."""
    observations = observed(data)
    found = {
        match.subscription_id: [
            (report.event, report.observation.beam_id)
            for report in match.reports
            if report.observation is not None
        ]
        for match in book.matching(observations)
    }
    book.remember(observations, book.position + 1)
    return found


trigger_entries = st.builds(
    WatchedEvent,
    event=st.sampled_from(["QOS_SUSTAINABILITY", "ABNORMAL_BEHAVIOUR", *sorted(VENDOR_EVENTS)]),
    beam_ids=st.lists(st.sampled_from(BEAMS), unique=True).map(tuple),
    satellite_ids=st.sampled_from([(), ("25544",), ("7",)]),
    tgt_ue=st.sampled_from([TargetUe(), TargetUe(supis=("esim-03",)), TargetUe(supis=("x",))]),
)
vendor_entries = st.builds(
    WatchedEvent,
    event=st.sampled_from(sorted(VENDOR_EVENTS)),
    beam_ids=st.lists(st.sampled_from(BEAMS), unique=True).map(tuple),
    threshold=st.none() | st.sampled_from([-1.0, 2.0, 4.0, 9.0]),
)
books = st.dictionaries(
    st.sampled_from([f"s-{number}" for number in range(8)]),
    st.lists(trigger_entries | vendor_entries, min_size=1, max_size=4).map(tuple),
)
triggers = st.one_of(
    st.builds(beam_quality, beam_id=st.integers(1, 4), sinr_db=st.sampled_from([-2.0, 2.0])),
    st.builds(doppler, beam_id=st.integers(1, 4), sinr_loss_db=st.sampled_from([3.5, 4.0])),
    st.builds(
        eavesdropper, beam_id=st.integers(1, 4), detection_statistic=st.sampled_from([7.0, 9.0])
    ),
)
TOKENS = {
    "BeamQualityDegraded": {"QOS_SUSTAINABILITY", "VS_NTN_BEAM_QUALITY", "BEAM_QUALITY"},
    "DopplerSinrDrop": {"ABNORMAL_BEHAVIOUR", "VS_NTN_DOPPLER_SINR_DROP", "DOPPLER"},
    "EavesdropperDetected": {"VS_NTN_EAVESDROPPER", "EAVESDROPPER"},
}


def concerns(watched: WatchedEvent, data: Any) -> bool:
    """Whether a trigger is to be reported to an entry, without an index."""
    falls = type(data).__name__ == "BeamQualityDegraded"
    value = {
        "BeamQualityDegraded": "sinr_db",
        "DopplerSinrDrop": "sinr_loss_db",
        "EavesdropperDetected": "detection_statistic",
    }[type(data).__name__]
    number, threshold = getattr(data, value), watched.threshold
    return (
        watched.event in TOKENS[type(data).__name__]
        and (not watched.beam_ids or str(data.beam_id) in watched.beam_ids)
        and (not watched.satellite_ids or data.satellite_id in watched.satellite_ids)
        and (not watched.tgt_ue.supis or getattr(data, "esim_id", "") in watched.tgt_ue.supis)
        and (threshold is None or (number <= threshold if falls else number >= threshold))
    )


@settings(deadline=None)
@given(before=books, after=books, removed=st.sets(st.sampled_from(["s-0", "s-3"])), data=triggers)
def test_triggers_reach_whom_a_naive_search_finds(
    before: dict[str, tuple[WatchedEvent, ...]],
    after: dict[str, tuple[WatchedEvent, ...]],
    removed: set[str],
    data: EventData,
) -> None:
    """Also after subscriptions were replaced and removed; each subscription comes once."""
    book = SubscriptionBook()
    for entries in (before, after):
        for name, events in entries.items():
            book.put(subscription(*events, name=name))
    for name in removed:
        book.remove(name)
    left = {name: events for name, events in {**before, **after}.items() if name not in removed}

    found = told(book, data)

    naive = {
        name: {watched.event for watched in events if concerns(watched, data)}
        for name, events in left.items()
    }
    assert len(book) == len(left)
    assert {name: {event for event, _ in reports} for name, reports in found.items()} == {
        name: events for name, events in naive.items() if events
    }


wishes = st.lists(
    st.builds(
        Wish,
        threshold_db=st.sampled_from(VALUES),
        direction=st.sampled_from(["ASCENDING", "DESCENDING", "CROSSED"]),
        beams=st.lists(st.sampled_from(BEAMS), unique=True).map(tuple),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(
    early=wishes,
    late=wishes,
    samples=st.lists(st.tuples(*[st.sampled_from(VALUES)] * 3)),
    at=st.integers(0, 4),
)
def test_crossings_reach_whom_a_naive_search_finds(
    early: list[Wish], late: list[Wish], samples: list[tuple[float, float, float]], at: int
) -> None:
    """Each crossing once, with the first sample after the subscription as the baseline."""
    book = SubscriptionBook()
    everyone: dict[str, Wish] = {}

    def enter(wanted: Sequence[Wish]) -> None:
        for wish in wanted:
            name = f"s-{len(everyone)}"
            everyone[name] = wish
            book.put(
                subscription(
                    WatchedEvent(
                        "QOS_SUSTAINABILITY",
                        threshold=wish.threshold_db,
                        matching_dir=MatchingDirection(wish.direction),
                        network_area=NetworkArea(nr_cell_ids=wish.beams),
                    ),
                    name=name,
                    since=book.position,
                )
            )

    enter(early)
    for number, sinr_db in enumerate(samples):
        if number == at:
            enter(late)
        found = told(book, measurement(sinr_db=sinr_db))
        by_beam = dict(zip(BEAMS, sinr_db, strict=True))
        crossed = {name: wish.sample(by_beam) for name, wish in everyone.items()}
        assert {
            name: frozenset(beam for _, beam in reports) for name, reports in found.items()
        } == {name: beams for name, beams in crossed.items() if beams}


def test_reaching_a_threshold_is_crossing_it_once() -> None:
    """Up to it, on it, beyond it, and back: one report a direction."""
    book = SubscriptionBook()
    book.put(subscription(WatchedEvent("QOS_SUSTAINABILITY", threshold=5.0)))
    crossed = [
        bool(told(book, measurement(sinr_db=(value,)))) for value in (4.0, 5.0, 6.0, 6.0, 5.0, 4.0)
    ]
    assert crossed == [False, True, False, False, True, False]


def test_a_trigger_does_not_stand_in_for_a_sample() -> None:
    """The network's triggers and the crossings of samples are told apart."""
    book = SubscriptionBook()
    book.put(subscription(WatchedEvent("QOS_SUSTAINABILITY", threshold=5.0)))
    told(book, measurement(sinr_db=(9.0,)))
    assert told(book, beam_quality(sinr_db=1.0)) == {}
    assert told(book, measurement(sinr_db=(1.0,))) == {"s": [("QOS_SUSTAINABILITY", "1")]}


@pytest.mark.parametrize(
    ("watched", "first", "second"),
    [
        (
            WatchedEvent("UE_MOBILITY", tgt_ue=TargetUe(supis=("esim-01",))),
            [esim(1, beam_id=1), esim(2, beam_id=1)],
            [esim(1, beam_id=2), esim(2, beam_id=2)],
        ),
        (
            WatchedEvent(
                "ABNORMAL_BEHAVIOUR",
                excep_requs=(ExceptionRequirement("UNEXPECTED_RADIO_LINK_FAILURES", 3),),
            ),
            [esim(1, sinr_loss_db=1.0), esim(2)],
            [esim(1, sinr_loss_db=3.0, beam_id=2), esim(2)],
        ),
        (
            WatchedEvent(
                "NETWORK_PERFORMANCE",
                nw_perf_requs=(NetworkPerfRequirement("NUM_OF_UE", absolute_num=2),),
                beam_ids=("2",),
            ),
            [esim(1), esim(2)],
            [esim(1, beam_id=2), esim(2, beam_id=2)],
        ),
    ],
)
def test_events_of_ues_follow_the_measurements(
    watched: WatchedEvent, first: list[Any], second: list[Any]
) -> None:
    """A UE that moves, a loss that rises, UEs that gather: reported once, not at the baseline."""
    book = SubscriptionBook()
    book.put(subscription(watched))
    assert told(book, measurement(esims=first)) == {}
    assert told(book, measurement(esims=second)) == {"s": [(watched.event, "2")]}
    assert told(book, measurement(esims=second)) == {}


@pytest.mark.parametrize("by_area", [False, True])
def test_the_sampling_ratio_takes_the_same_share_of_ues_each_time(*, by_area: bool) -> None:
    """A sampRatio of 25: about a quarter of the UEs, the same ones, in each partition."""
    reporting = Reporting(samp_ratio_percent=25, partition_criteria=("GEOAREA",) if by_area else ())
    book = SubscriptionBook()
    book.put(subscription(WatchedEvent("UE_MOBILITY"), reporting=reporting))
    told(book, measurement(esims=[esim(number, beam_id=3) for number in range(400)]))
    rounds = []
    for beam_id in (1, 2, 1):
        observations = observed(
            measurement(esims=[esim(number, beam_id=beam_id) for number in range(400)])
        )
        (match,) = book.matching(observations)
        book.remember(observations, book.position + 1)
        rounds.append({report.observation.ue_id for report in match.reports if report.observation})
    assert all(60 < len(chosen) < 140 for chosen in rounds)
    assert rounds[0] == rounds[2]
    assert (rounds[0] == rounds[1]) is not by_area


def test_a_periodic_entry_is_not_told_of_crossings() -> None:
    """It waits for its period; what it will then tell is known."""
    book = SubscriptionBook()
    watched = WatchedEvent(
        "QOS_SUSTAINABILITY", method=NotificationMethod.PERIODIC, beam_ids=("2",)
    )
    criteria = Criteria((watched,), Reporting())
    book.put(subscription(watched))
    told(book, measurement(sinr_db=(1.0, 2.0)))
    assert told(book, measurement(sinr_db=(5.0, 6.0))) == {}
    (report,) = book.sampled(watched, "s", criteria)
    assert report.observation is not None
    assert (report.observation.beam_id, report.observation.value) == ("2", 6.0)


def test_equal_reports_of_many_are_one_object() -> None:
    """So that they are written and sent as one."""
    book = SubscriptionBook()
    for number in range(3):
        book.put(subscription(WatchedEvent("DOPPLER"), name=f"s-{number}"))
    matches = book.matching(observed(doppler()))
    assert len(matches) == 3
    assert len({id(match.reports) for match in matches}) == 1


def test_an_event_that_matches_twice_is_reported_once() -> None:
    """Two entries of one event make one report; another token makes another."""
    book = SubscriptionBook()
    book.put(
        subscription(
            WatchedEvent("DOPPLER", beam_ids=("1",)),
            WatchedEvent("DOPPLER"),
            WatchedEvent("ABNORMAL_BEHAVIOUR"),
        )
    )
    assert sorted(told(book, doppler())["s"]) == [("ABNORMAL_BEHAVIOUR", "1"), ("DOPPLER", "1")]
