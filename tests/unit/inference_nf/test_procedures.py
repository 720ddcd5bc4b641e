"""Tests of answering notifications."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes.inference_nf.memory_peers import (
    MemoryAnswers,
    MemoryNotifications,
    MemoryRadio,
    unavailable,
)
from support.model_world import ModelWorld
from support.tiny_models import tiny_version
from support.waiting import until

from inference_nf.answers import Ending
from inference_nf.decisions import FallbackReason, Source
from inference_nf.ports import EventFilter
from inference_nf.procedures import Answering
from inference_nf.subscribing import Interest, Subscribing
from nf_runtime.clock import SystemClock
from nf_runtime.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument

SUBSCRIPTION = "s1"


class World(ModelWorld):
    """Models, peers and store; `answering` runs one life of the process."""

    def __init__(self) -> None:
        super().__init__(tiny_version(1))
        self.notifications = MemoryNotifications()
        self.radio = MemoryRadio()
        self.answers = MemoryAnswers()
        self.stop = asyncio.Event()

    @asynccontextmanager
    async def answering(
        self,
        *,
        concurrency: int = 4,
        acknowledge_every: int = 2,
        decision_deadline_s: float | None = None,
    ) -> AsyncIterator[Answering]:
        """One life; it ends with a stop."""
        clock = SystemClock()
        answering = Answering(
            subscribing=Subscribing(
                notifications=self.notifications,
                store=self.answers,
                clock=clock,
                interest=Interest("inference_nf", (EventFilter("VS_NTN_BEAM_QUALITY"),)),
            ),
            notifications=self.notifications,
            radio=self.radio,
            deciding=self.deciding(search=False),
            store=self.answers,
            meter=self.meter,
            clock=clock,
            concurrency=concurrency,
            acknowledge_every=acknowledge_every,
            acknowledge_period_s=0.05,
            decision_deadline_s=decision_deadline_s,
        )
        self.stop = asyncio.Event()
        running = asyncio.create_task(answering.run(self.stop))
        try:
            yield answering
        finally:
            self.stop.set()
            await asyncio.wait_for(running, 5)

    async def put(self, *trigger_ids: str) -> None:
        """The NWDAF notifies of these triggers."""
        for trigger_id in trigger_ids:
            self.notifications.put(SUBSCRIPTION, trigger_id)
        await self.notifications.wake()

    async def all_dealt_with(self) -> None:
        """Wait until everything that was put is recorded and acknowledged."""
        last = len(self.notifications.stored[SUBSCRIPTION])
        await until(
            lambda: self.notifications.acknowledged.get(SUBSCRIPTION) == last,
            what="everything to be acknowledged",
        )


async def test_a_notification_is_answered_recorded_and_acknowledged() -> None:
    """Context, decision and outcome of each are kept; every stage is measured."""
    world = World()
    await world.put("t1", "t2", "t3")
    async with world.answering() as answering:
        await world.all_dealt_with()
        assert answering.in_work_count == 0
    assert world.radio.applied == {"s1/t1": 1, "s1/t2": 1, "s1/t3": 1}
    answer = world.answers.answers["s1/t2"]
    assert answer.decision.decision_id == "s1/t2"
    assert answer.decision.context_id == "context of t2"
    assert answer.outcome.after_bps_hz == 5.0
    assert answer.published_at_ns == 1_000
    timings = answer.timings
    assert 0 < timings.received_at_ns <= timings.context_at_ns
    assert timings.context_at_ns <= timings.decided_at_ns <= timings.applied_at_ns
    assert answer.traceparent is not None
    assert world.answers.kept is not None
    assert world.answers.kept.processed_sequence == 3
    assert world.answers.total.made == world.answers.total.applied == 3
    assert world.meter.stages == {
        "context": 3,
        "fallback": 3,
        "apply": 3,
        "trigger_to_applied": 3,
    }
    assert world.meter.endings == {Ending.APPLIED: 3}


async def test_the_active_model_answers() -> None:
    """Without a model the fallback does, and both are labelled."""
    world = World()
    async with world.answering():
        await world.put("t1")
        await world.all_dealt_with()
        model = await world.models.load("gan-gdm", 1)
        await world.models.activate(model.key)
        await world.put("t2")
        await world.all_dealt_with()
    assert world.answers.answers["s1/t1"].decision.source is Source.FALLBACK
    assert world.answers.answers["s1/t2"].decision.model == model.key


@pytest.mark.parametrize("reason", ["NO_RUN", "SATELLITE_NOT_VISIBLE"])
async def test_what_comes_too_late_is_expired(reason: str) -> None:
    """It is recorded with the reason, acknowledged, and counted as no failure."""
    world = World()
    world.radio.failures = [FailedPrecondition("the pass has ended", reason=reason)]
    await world.put("t1", "t2")
    async with world.answering(concurrency=1):
        await world.all_dealt_with()
    assert world.answers.unanswered == {"s1/t1": (Ending.EXPIRED, reason)}
    assert world.answers.total.expired == 1
    assert world.answers.total.failed == 0
    assert set(world.answers.answers) == {"s1/t2"}


async def test_what_fails_is_recorded_with_its_reason() -> None:
    """A decision that the radio network refuses holds nothing up."""
    world = World()
    world.radio.apply_failures = [InvalidArgument("over budget", reason="INVALID_FIELD")]
    await world.put("t1", "t2")
    async with world.answering(concurrency=1):
        await world.all_dealt_with()
    assert world.answers.unanswered == {"s1/t1": (Ending.FAILED, "INVALID_FIELD")}
    assert (world.answers.total.made, world.answers.total.applied) == (2, 1)


async def test_a_defect_fails_one_notification_only() -> None:
    """An exception that nobody foresaw is recorded as INTERNAL; the others are answered."""
    world = World()
    world.radio.failures = [ZeroDivisionError("defect")]  # type: ignore[list-item]
    await world.put("t1", "t2")
    async with world.answering(concurrency=1):
        await world.all_dealt_with()
    assert world.answers.unanswered == {"s1/t1": (Ending.FAILED, "INTERNAL")}


async def test_a_missing_radio_network_is_waited_for() -> None:
    """Unavailable and late answers are tried again, before and after the decision."""
    world = World()
    world.radio.failures = [unavailable("ran_sim"), DeadlineExceeded("late", reason="DEADLINE")]
    world.radio.apply_failures = [unavailable("ran_sim")] * 2
    await world.put("t1")
    async with world.answering():
        await world.all_dealt_with()
    assert world.radio.applied == {"s1/t1": 1}
    assert world.answers.unanswered == {}


async def test_a_missing_database_is_waited_for() -> None:
    """What was applied is recorded as soon as that can be."""
    world = World()
    world.answers.failures = [unavailable("database")] * 2
    await world.put("t1")
    async with world.answering():
        await world.all_dealt_with()
    assert set(world.answers.answers) == {"s1/t1"}
    assert world.radio.applied == {"s1/t1": 1}


async def test_the_stored_sequence_waits_for_the_slowest() -> None:
    """Later notifications finish first, but are not acknowledged before the earlier one."""
    world = World()
    world.radio.holds["t1"] = asyncio.Event()
    await world.put("t1", "t2", "t3")
    async with world.answering() as answering:
        await until(lambda: len(world.answers.answers) == 2, what="t2 and t3 to be answered")
        assert world.answers.kept is not None
        assert world.answers.kept.processed_sequence == 0
        assert world.notifications.acknowledged == {}
        assert answering.in_work_count == 1
        world.radio.holds["t1"].set()
        await world.all_dealt_with()
    assert world.answers.kept.processed_sequence == 3


async def test_no_more_than_the_bound_are_in_work() -> None:
    """With both places taken, the next notification is not begun."""
    world = World()
    world.radio.holds = {name: asyncio.Event() for name in ("t1", "t2")}
    await world.put("t1", "t2", "t3")
    async with world.answering(concurrency=2) as answering:
        await until(lambda: answering.in_work_count == 2, what="both places to be taken")
        assert world.radio.calls == ["snapshot t1", "snapshot t2"]
        world.radio.holds["t2"].set()
        await until(lambda: world.radio.applied["s1/t3"] == 1, what="t3 to have its turn")
        world.radio.holds["t1"].set()
        await world.all_dealt_with()


async def test_a_broken_stream_is_watched_again_without_repeating_work() -> None:
    """What is in work or finished is not begun a second time."""
    world = World()
    world.radio.holds["t1"] = asyncio.Event()
    await world.put("t1", "t2")
    async with world.answering():
        await until(lambda: world.radio.applied["s1/t2"] == 1, what="t2 to be applied")
        world.notifications.breaks = [unavailable("nwdaf.anlf")]
        await world.put("t3")
        await until(lambda: world.radio.applied["s1/t3"] == 1, what="t3 to be applied")
        world.radio.holds["t1"].set()
        await world.all_dealt_with()
    assert world.radio.applied == {"s1/t1": 1, "s1/t2": 1, "s1/t3": 1}


async def test_what_an_earlier_life_recorded_is_skipped() -> None:
    """Recorded above the watermark, unfinished below: only the unfinished is answered."""
    world = World()
    world.radio.holds["t1"] = asyncio.Event()
    await world.put("t1", "t2")
    async with world.answering():
        await until(lambda: "s1/t2" in world.answers.answers, what="t2 to be recorded")
        # The process dies here: t1 is left for the next start.
        world.radio.failures = [unavailable("ran_sim")] * 1000
        world.stop.set()
        world.radio.holds["t1"].set()
    world.radio.failures = []
    world.radio.holds = {}
    async with world.answering():
        await world.all_dealt_with()
    assert world.radio.applied == {"s1/t1": 1, "s1/t2": 1}
    assert set(world.answers.answers) == {"s1/t1", "s1/t2"}
    assert world.answers.kept is not None
    assert world.answers.kept.processed_sequence == 2


async def test_what_is_in_work_at_a_stop_is_finished() -> None:
    """A decision that can still be applied is applied and recorded."""
    world = World()
    world.radio.holds["t1"] = asyncio.Event()
    await world.put("t1")
    async with world.answering() as answering:
        await until(lambda: answering.in_work_count == 1, what="t1 to be in work")
        world.stop.set()
        await asyncio.sleep(0)
        world.radio.holds["t1"].set()
    assert set(world.answers.answers) == {"s1/t1"}


async def test_a_subscription_that_vanishes_is_made_anew() -> None:
    """The NWDAF lost it: the next one is answered from its first notification on."""
    world = World()
    async with world.answering():
        await world.put("t1")
        await world.all_dealt_with()
        del world.notifications.filters[SUBSCRIPTION]
        await world.notifications.wake()
        await until(lambda: "s2" in world.notifications.filters, what="a new subscription")
        world.notifications.put("s2", "t9")
        await world.notifications.wake()
        await until(lambda: world.notifications.acknowledged.get("s2") == 1, what="t9")
    assert world.radio.applied == {"s1/t1": 1, "s2/t9": 1}


async def test_an_acknowledgement_that_fails_loses_nothing() -> None:
    """Answers go on, a stop is not held up, and the next life tells the NWDAF."""
    world = World()
    world.notifications.deaf = InvalidArgument("no", reason="INVALID_FIELD")
    await world.put("t1")
    async with world.answering():
        await until(lambda: len(world.answers.answers) == 1, what="t1 to be answered")
        world.notifications.deaf = unavailable("nwdaf.anlf")
        await world.put("t2", "t3")
        await until(lambda: len(world.answers.answers) == 3, what="all to be answered")
    assert world.notifications.acknowledged == {}
    world.notifications.deaf = None
    async with world.answering():
        await world.all_dealt_with()


async def test_a_trigger_that_waited_too_long_for_its_context_gets_the_fallback() -> None:
    """The deadline counts from the notification's arrival; without one the model decides."""
    world = World()
    await world.models.load("gan-gdm", 1)
    await world.models.activate(tiny_version(1).key)
    await world.put("t1")
    async with world.answering(decision_deadline_s=1e-6):
        await world.all_dealt_with()
    decision = world.answers.answers["s1/t1"].decision
    assert decision.fallback_reason is FallbackReason.DEADLINE
    await world.put("t2")
    async with world.answering():
        await world.all_dealt_with()
    assert world.answers.answers["s1/t2"].decision.source is Source.MODEL
