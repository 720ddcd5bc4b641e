"""UEs that are handed over and back at once."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ran_events import START, esim, event, measurement

from nwdaf.anlf.matching import SubscriptionBook
from nwdaf.anlf.observations import Observation, Quantity, observations_of
from nwdaf.anlf.ping_pong import ping_pongs
from nwdaf.anlf.subscriptions import Criteria, ExceptionRequirement, Subscription, WatchedEvent

Way = Sequence[tuple[float, int]]  # second and serving beam


def counts(way: Way, book: SubscriptionBook | None = None) -> list[float | None]:
    """The count after each measurement of one UE, None where there is no sample of it."""
    book = SubscriptionBook() if book is None else book
    found: list[float | None] = []
    for number, (offset_s, beam_id) in enumerate(way, start=1):
        observations = _observed(book, offset_s, beam_id)
        book.remember(observations, number)
        values = [one.value for one in observations if one.quantity is Quantity.UE_PING_PONGS]
        found.append(values[0] if values else None)
    return found


def _observed(book: SubscriptionBook, offset_s: float, beam_id: int) -> tuple[Observation, ...]:
    data = measurement(offset_s=offset_s, esims=[esim(1, beam_id=beam_id)])
    observations = observations_of(event(data, offset_s=offset_s), received_time=START)
    return observations + tuple(ping_pongs(observations, book.latest))


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ([(0, 1), (1, 1), (2, 2), (3, 2), (12, 1)], [None, None, 0, 0, 1]),
        ([(0, 1), (2, 2), (13, 1)], [None, 0, 0]),  # it stayed too long
        ([(0, 1), (2, 2), (3, 3), (4, 1)], [None, 0, 0, 0]),  # it went round
        ([(0, 1), (2, 2), (3, 1), (4, 2), (5, 1)], [None, 0, 1, 2, 3]),
    ],
)
def test_a_return_to_the_cell_that_was_left_counts(
    way: Way, expected: Sequence[float | None]
) -> None:
    """Back within ten seconds, by way of no other cell; each return counts."""
    assert counts(way) == expected


def test_a_ping_pong_is_forgotten_after_a_minute() -> None:
    """The count falls to zero, and then there is nothing to observe."""
    way = [(0, 1), (1, 2), (2, 1), (62, 1), (63, 1), (73, 1), (74, 1)]
    assert counts(way) == [None, 0, 1, 1, 0, 0, None]


@given(st.lists(st.tuples(st.integers(1, 15), st.integers(1, 3)), max_size=30))
def test_counts_are_those_of_the_whole_way(steps: Sequence[tuple[int, int]]) -> None:
    """What is kept of the past suffices: a look at all of it finds the same."""
    now_s, way = 0, [(0, 1)]
    for step_s, beam_id in steps:
        now_s += step_s
        way.append((now_s, beam_id))
    moves = [
        (second, before, after) for (_, before), (second, after) in pairwise(way) if before != after
    ]
    returns = [
        second
        for (left_s, before, _), (second, _, after) in pairwise(moves)
        if after == before and second - left_s <= 10
    ]
    assert [count or 0 for count in counts(way)] == [
        sum(now_s - 60 <= second <= now_s for second in returns) for now_s, _ in way
    ]


@pytest.mark.parametrize(("level", "told"), [(None, [3]), (1, [3]), (2, [5])])
def test_the_exception_is_reported_when_its_level_is_reached(
    level: int | None, told: Sequence[int]
) -> None:
    """Once a crossing; without a level at the first ping-pong."""
    book = SubscriptionBook()
    watched = WatchedEvent(
        "ABNORMAL_BEHAVIOUR",
        excep_requs=(ExceptionRequirement("PING_PONG_ACROSS_CELLS", level),),
    )
    book.put(Subscription("s", Criteria((watched,)), (), revision=1, create_time=START))
    reported = []
    for number, beam_id in enumerate([1, 1, 2, 1, 1, 2]):
        observations = _observed(book, float(number), beam_id)
        if book.matching(observations):
            reported.append(number)
        book.remember(observations, number + 1)
    assert reported == told
