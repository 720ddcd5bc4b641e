"""The index gives what a look at every subscription would give."""

from hypothesis import given
from hypothesis import strategies as st
from support.ran_events import beam_quality, doppler, eavesdropper, event

from nwdaf.anlf.matching import Match, SubscriptionBook
from nwdaf.anlf.subscriptions import EVENT_KINDS, WatchedEvent
from nwdaf.anlf.triggers import Trigger

BEAMS = ("1", "2", "3")

watched_events = st.builds(
    WatchedEvent,
    event=st.sampled_from(sorted(EVENT_KINDS)),
    beam_ids=st.lists(st.sampled_from(BEAMS), unique=True).map(tuple),
    satellite_ids=st.sampled_from([(), ("25544",), ("7",)]),
    threshold=st.none() | st.sampled_from([-1.0, 2.0, 4.0, 9.0]),
)
books = st.dictionaries(
    st.sampled_from([f"s-{number}" for number in range(8)]),
    st.lists(watched_events, min_size=1, max_size=4).map(tuple),
)
triggers = st.one_of(
    st.builds(beam_quality, beam_id=st.integers(1, 4), sinr_db=st.sampled_from([-2.0, 2.0])),
    st.builds(doppler, beam_id=st.integers(1, 4), sinr_loss_db=st.sampled_from([3.5, 4.0])),
    st.builds(
        eavesdropper, beam_id=st.integers(1, 4), detection_statistic=st.sampled_from([7.0, 9.0])
    ),
).map(lambda data: Trigger.from_event(event(data)))


def naive(
    subscriptions: dict[str, tuple[WatchedEvent, ...]], trigger: Trigger
) -> dict[str, set[str]]:
    """Every subscription that matches, with its tokens, without an index."""
    tokens = {
        subscription_id: {watched.event for watched in events if watched.matches(trigger)}
        for subscription_id, events in subscriptions.items()
    }
    return {subscription_id: found for subscription_id, found in tokens.items() if found}


@given(before=books, after=books, removed=st.sets(st.sampled_from(["s-0", "s-3"])), made=triggers)
def test_the_index_agrees_with_a_naive_search(
    before: dict[str, tuple[WatchedEvent, ...]],
    after: dict[str, tuple[WatchedEvent, ...]],
    removed: set[str],
    made: Trigger,
) -> None:
    """Also after subscriptions were replaced and removed; each subscription comes once."""
    book = SubscriptionBook()
    for subscriptions in (before, after):
        for subscription_id, events in subscriptions.items():
            book.put(subscription_id, events)
    for subscription_id in removed:
        book.remove(subscription_id)
    left = {key: value for key, value in {**before, **after}.items() if key not in removed}

    matches = book.matching(made)

    assert len(book) == len(left)
    assert len({match.subscription_id for match in matches}) == len(matches)
    assert {m.subscription_id: set(m.events) for m in matches} == naive(left, made)


def test_a_token_that_matches_twice_is_reported_once() -> None:
    """Two entries of one event make one report; another token makes another."""
    book = SubscriptionBook()
    book.put(
        "s",
        (
            WatchedEvent("DOPPLER", beam_ids=("1",)),
            WatchedEvent("DOPPLER"),
            WatchedEvent("ABNORMAL_BEHAVIOUR"),
        ),
    )
    made = Trigger.from_event(event(doppler(beam_id=1)))
    assert made is not None
    assert book.matching(made) == [Match("s", ("DOPPLER", "ABNORMAL_BEHAVIOUR"))]
