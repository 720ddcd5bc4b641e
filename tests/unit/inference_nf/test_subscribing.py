"""Tests of keeping the subscription."""

import asyncio

import pytest
from fakes.inference_nf.memory_peers import MemoryAnswers, MemoryNotifications, unavailable
from hypothesis import given
from hypothesis import strategies as st

from inference_nf import subscribing
from inference_nf.ports import EventFilter, Subscription
from inference_nf.subscribing import Interest, Subscribing
from inference_nf.waiting import StoppedError
from nf_runtime.clock import ManualClock, SystemClock
from nf_runtime.errors import ResourceExhausted

DOPPLER = Interest("inference_nf", (EventFilter("VS_NTN_DOPPLER_SINR_DROP"),))
BEAM_3 = Interest("inference_nf", (EventFilter("VS_NTN_BEAM_QUALITY", beam_ids=("3",)),))


class World:
    """The NWDAF and the store; the process may start several times."""

    def __init__(self) -> None:
        self.notifications = MemoryNotifications()
        self.answers = MemoryAnswers()
        self.stop = asyncio.Event()

    async def subscription(
        self, interest: Interest = DOPPLER, *, gone: bool = False
    ) -> Subscription:
        """What the process works with after a start."""
        return await Subscribing(
            notifications=self.notifications,
            store=self.answers,
            clock=SystemClock(),
            interest=interest,
        ).subscription(self.stop, gone=gone)


async def test_subscribes_once() -> None:
    """A restart finds the stored subscription and how far it was dealt with."""
    world = World()
    first = await world.subscription()
    assert (first.generation, first.processed_sequence) == (1, 0)
    world.answers.kept = Subscription(first.subscription_id, first.fingerprint, 1, 17)
    again = await world.subscription()
    assert again.processed_sequence == 17
    assert len(world.notifications.subscriptions) == 1


async def test_a_lost_answer_makes_no_second_subscription() -> None:
    """Killed before the subscription was stored, the next start gets the same one."""
    world = World()
    first = await world.subscription()
    world.answers.kept = None
    assert (await world.subscription()).subscription_id == first.subscription_id


async def test_other_filters_change_the_subscription_and_keep_its_sequence() -> None:
    """What is stored at the NWDAF is not lost by a change of the settings."""
    world = World()
    first = await world.subscription()
    world.answers.kept = Subscription(first.subscription_id, first.fingerprint, 1, 17)
    changed = await world.subscription(BEAM_3)
    assert changed.subscription_id == first.subscription_id
    assert changed.processed_sequence == 17
    assert world.notifications.filters[first.subscription_id] == BEAM_3.filters
    assert world.answers.kept == changed


@pytest.mark.parametrize("interest", [DOPPLER, BEAM_3])
async def test_a_subscription_that_is_gone_is_made_anew(interest: Interest) -> None:
    """With a request id of its own, from the first sequence on."""
    world = World()
    first = await world.subscription()
    world.notifications.filters.clear()
    second = await world.subscription(interest, gone=interest is DOPPLER)
    assert second.subscription_id != first.subscription_id
    assert (second.generation, second.processed_sequence) == (2, 0)


async def test_waits_for_a_missing_nwdaf() -> None:
    """Unavailable is tried again with back-off."""
    world = World()
    world.notifications.refusals = [unavailable("nwdaf.anlf")] * 3
    assert (await world.subscription()).subscription_id == "s1"


async def test_a_refusal_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full quota at the NWDAF does not end this function."""
    monkeypatch.setattr(subscribing, "_REFUSED_WAIT_S", 0.01)
    world = World()
    world.notifications.refusals = [ResourceExhausted("full", reason="QUOTA_EXCEEDED")] * 2
    assert (await world.subscription()).subscription_id == "s1"


async def test_a_stop_ends_the_waiting() -> None:
    """With the NWDAF missing the process still ends."""
    world = World()
    world.notifications.refusals = [unavailable("nwdaf.anlf")] * 1000
    waiting = asyncio.create_task(
        Subscribing(
            notifications=world.notifications,
            store=world.answers,
            clock=ManualClock(),
            interest=DOPPLER,
        ).subscription(world.stop, gone=False)
    )
    await asyncio.sleep(0)
    world.stop.set()
    with pytest.raises(StoppedError):
        await waiting


FILTERS = st.builds(
    EventFilter,
    st.sampled_from(["A", "B"]),
    st.lists(st.sampled_from(["1", "2"])).map(tuple),
    st.lists(st.sampled_from(["1", "2"])).map(tuple),
    st.none() | st.floats(allow_nan=False),
)


@given(FILTERS, FILTERS)
def test_the_fingerprint_tells_filters_apart(first: EventFilter, second: EventFilter) -> None:
    """Equal filters have equal fingerprints, others have not."""
    one, two = (Interest("c", (f,)).fingerprint for f in (first, second))
    assert (one == two) == (repr(first) == repr(second))
