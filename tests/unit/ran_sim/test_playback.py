"""Playing a run: pace, lockstep, pauses, crashes."""

import asyncio
from dataclasses import replace

import pytest
from fakes.sql_runs import MemoryRunStore
from support.passes import pass_scenario
from support.ran_playing import playing

from nf_runtime.clock import ManualClock
from nf_runtime.events.cloud_event import Message
from ran_sim.outcomes import Outcome
from ran_sim.playback import Playback
from ran_sim.runs import Pace, RunOrder, RunState

FAST = RunOrder(pass_scenario(), Pace.SCALED, speed_factor=0.0)
REAL_TIME = RunOrder(pass_scenario(), Pace.SCALED, speed_factor=1.0)
LOCKSTEP = RunOrder(pass_scenario(), Pace.LOCKSTEP, speed_factor=0.0, answer_timeout_s=30.0)


@pytest.fixture
def store() -> MemoryRunStore:
    """What survives a crash."""
    return MemoryRunStore()


@pytest.fixture
def clock() -> ManualClock:
    """Time that stands still."""
    return ManualClock()


async def played_through(order: RunOrder) -> tuple[list[Message], list[Outcome]]:
    """What a run without any trouble publishes and achieves."""
    store = MemoryRunStore()
    async with playing(store, ManualClock()) as player:
        await player.runs.start("", order)
        outcomes = await player.answer_all()
    return store.messages, outcomes


async def test_as_fast_as_possible(store: MemoryRunStore, clock: ManualClock) -> None:
    """Without a speed factor the run ends though the clock stands still."""
    async with playing(store, clock) as player:
        await player.runs.start("", FAST)
        await player.until(lambda run: run.state is RunState.FINISHED)
    measurements = [one for one in store.messages if one.topic == "ran.measurements"]
    assert len(measurements) == 60
    assert {one.topic for one in store.messages} == {"ran.measurements", "ran.triggers"}


async def test_real_time(store: MemoryRunStore, clock: ManualClock) -> None:
    """A tick at once, then one for every second of the clock."""
    async with playing(store, clock) as player:
        await player.runs.start("", REAL_TIME)
        await player.until(lambda run: run.ticks_done == 1)
        await clock.advance(5.0)
        await player.until(lambda run: run.ticks_done >= 6)
        assert player.run.ticks_done == 6


async def test_a_late_clock_is_caught_up_with(store: MemoryRunStore, clock: ManualClock) -> None:
    """Ticks that became due while nothing ran are played at once."""
    async with playing(store, clock) as player:
        await player.runs.start("", replace(REAL_TIME, speed_factor=10.0))
        await clock.advance(2.05)
        await player.until(lambda run: run.ticks_done >= 21)
        assert player.run.ticks_done == 21


class TestLockstep:
    """Simulated time waits for answers."""

    async def test_time_holds_at_a_trigger(self, store: MemoryRunStore, clock: ManualClock) -> None:
        """Until the answer or the timeout, whatever the wall clock says."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            await player.until_holding()
            held_at = player.run.ticks_done
            await clock.advance(29.0)
            assert player.run.ticks_done == held_at
            assert player.run.holding

    async def test_an_answer_lets_it_go_on(self, store: MemoryRunStore, clock: ManualClock) -> None:
        """All triggers of the tick must be answered, each by its name."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            first, *_ = await player.until_holding()
            held_at = player.run.ticks_done
            await player.answer("", seed=1)
            await clock.advance(1.0)
            assert player.run.ticks_done == held_at
            for name in player.open_triggers:
                await player.answer(name)
            await player.until(lambda run: run.ticks_done > held_at)
            assert first not in player.open_triggers
        run = await store.get("")
        assert run is not None
        assert run.unanswered_count == 0

    async def test_the_timeout_counts_and_goes_on(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """What was not answered in time is counted; a late answer is still applied."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            late = await player.until_holding()
            held_at = player.run.ticks_done
            await clock.advance(31.0)
            await player.until(lambda run: run.ticks_done > held_at)
            assert player.run.unanswered_count == len(late)
            outcome = await player.answer(late[0])
            assert outcome.sim_offset_s > held_at - 1

    async def test_all_answered_to_the_end(self, store: MemoryRunStore, clock: ManualClock) -> None:
        """Every trigger of the pass is answered, and the run finishes by itself."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            outcomes = await player.answer_all()
            run = await player.runs.get("")
        assert run.state is RunState.FINISHED
        assert run.applied_count == len(outcomes)
        assert sum(count.published for count in run.trigger_counts.values()) == len(outcomes)
        assert sum(count.answered for count in run.trigger_counts.values()) == len(outcomes)
        assert [outcome.sim_offset_s for outcome in outcomes] == sorted(
            outcome.sim_offset_s for outcome in outcomes
        )

    async def test_answers_at_any_speed_achieve_the_same(self, clock: ManualClock) -> None:
        """A slow decision maker gets the same outcomes as a quick one."""
        _, quick = await played_through(LOCKSTEP)
        store = MemoryRunStore()
        slow = []
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            while open_triggers := await player.until_holding():
                for name in open_triggers:
                    await clock.advance(3.0)
                    slow.append(await player.answer(name))
                await asyncio.sleep(0)
        assert slow == quick


class TestPauses:
    """Standing still on request."""

    async def test_a_planned_pause(self, store: MemoryRunStore, clock: ManualClock) -> None:
        """The run pauses at the tick, serves contexts there, and goes on when told to."""
        async with playing(store, clock) as player:
            await player.runs.start("", replace(FAST, pause_at_s=20.0))
            await player.until(lambda run: run.state is RunState.PAUSED)
            assert player.run.ticks_done == 21
            assert (await player.radio.context("")).sim_offset_s == 20.0
            await player.runs.resume("", 40.0)
            await player.until(lambda run: run.ticks_done == 41)
            await player.until(lambda run: run.state is RunState.PAUSED)
            await player.runs.resume("", None)
            await player.until(lambda run: run.state is RunState.FINISHED)

    async def test_a_pause_does_not_count_as_delay(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """After a pause of a minute the run does not hurry."""
        async with playing(store, clock) as player:
            await player.runs.start("", REAL_TIME)
            await player.until(lambda run: run.ticks_done == 1)
            await player.runs.pause("")
            await clock.advance(60.0)
            assert player.run.ticks_done == 1
            await player.runs.resume("", None)
            await player.until(lambda run: run.ticks_done == 2)
            await clock.advance(1.5)
            await player.until(lambda run: run.ticks_done == 3)

    async def test_paused_while_holding(self, store: MemoryRunStore, clock: ManualClock) -> None:
        """The wait for answers is taken up again, in full, after the pause."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            open_triggers = await player.until_holding()
            await player.runs.pause("")
            await clock.advance(100.0)
            await player.runs.resume("", None)
            await clock.advance(29.0)
            assert player.open_triggers == open_triggers
            assert player.run.unanswered_count == 0

    async def test_a_stopped_run_plays_no_more(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """Nothing is published after the stop, and the next run may start."""
        async with playing(store, clock) as player:
            await player.runs.start("", REAL_TIME)
            await player.until(lambda run: run.ticks_done == 1)
            await player.runs.stop("")
            await clock.advance(10.0)
            assert player.run.ticks_done == 1
            second = await player.runs.start("", FAST)
            assert second.run_id.endswith("-2")


class TestCrashes:
    """A new life over the same store."""

    @pytest.mark.parametrize("crash_at", [1, 17, 40, 59])
    async def test_the_events_are_those_of_a_run_without_a_crash(
        self, store: MemoryRunStore, clock: ManualClock, crash_at: int
    ) -> None:
        """Byte for byte, none lost and none twice."""
        expected, _ = await played_through(replace(FAST, pause_at_s=None))
        async with playing(store, clock) as player:
            await player.runs.start("", replace(FAST, speed_factor=1.0))
            await clock.advance(crash_at - 1.0)
            await player.until(lambda run: run.ticks_done >= crash_at)
        async with playing(store, clock) as player:
            await clock.advance(100.0)
            await player.until(lambda run: run.state is RunState.FINISHED)
        # The key figures of a run without decisions do not depend on pace.
        assert store.messages == expected

    async def test_a_wait_for_answers_survives(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """What was answered before the crash stays answered, the rest is still waited for."""
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
            open_triggers = await player.until_holding()
            held_at = player.run.ticks_done
        async with playing(store, clock) as player:
            await clock.advance(29.0)
            assert player.open_triggers == open_triggers
            assert player.run.ticks_done == held_at
            for name in open_triggers:
                await player.answer(name)
            await player.until(lambda run: run.ticks_done > held_at)
            assert player.run.unanswered_count == 0

    async def test_the_decision_in_force_survives(self, clock: ManualClock) -> None:
        """A run that crashes at every hold achieves what one without crashes does."""
        _, expected = await played_through(LOCKSTEP)
        store = MemoryRunStore()
        async with playing(store, clock) as player:
            await player.runs.start("", LOCKSTEP)
        outcomes: list[Outcome] = []
        while True:
            async with playing(store, clock) as player:
                open_triggers = await player.until_holding()
                if not open_triggers:
                    break
                outcomes.append(await player.answer(open_triggers[0]))
        assert outcomes == expected

    async def test_a_finished_run_is_still_served(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """After a restart the last tick's context is there for late answers."""
        async with playing(store, clock) as player:
            await player.runs.start("", FAST)
            await player.until(lambda run: run.state is RunState.FINISHED)
        async with playing(store, clock) as player:
            assert (await player.radio.context("")).sim_offset_s == 59.0

    async def test_a_stopped_run_is_not_taken_up(
        self, store: MemoryRunStore, clock: ManualClock
    ) -> None:
        """A stop is for good."""
        async with playing(store, clock) as player:
            await player.runs.start("", REAL_TIME)
            await player.runs.stop("")
        async with playing(store, clock) as player:
            assert player.playback.active is None


async def test_without_its_store_simulated_time_stands_still(
    store: MemoryRunStore, clock: ManualClock
) -> None:
    """Nothing is lost while the store is away, and the run goes on when it is back."""
    expected, _ = await played_through(FAST)
    async with playing(store, clock) as player:
        await player.runs.start("", replace(FAST, speed_factor=1.0))
        await clock.advance(10.0)
        await player.until(lambda run: run.ticks_done == 11)
        store.missing = True
        await clock.advance(10.0)
        assert player.run.ticks_done == 11
        store.missing = False
        await clock.advance(100.0)
        await player.until(lambda run: run.state is RunState.FINISHED)
    assert store.messages == expected


async def test_playing_ends_when_told_to(store: MemoryRunStore, clock: ManualClock) -> None:
    """Also while it waits for a run."""
    stop = asyncio.Event()
    task = asyncio.create_task(Playback(store, clock).play(stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(task, 5.0)
