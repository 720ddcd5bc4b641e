"""Clocks."""

import asyncio
from datetime import UTC, datetime, timedelta

from nf_runtime.clock import ManualClock, SystemClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_manual_clock_stands_still_until_advanced() -> None:
    """All readings agree before and after an advance."""
    clock = ManualClock(START)
    assert clock.now() == START
    assert clock.monotonic_s() == 0
    await clock.advance(1.5)
    assert clock.now() == START + timedelta(seconds=1.5)
    assert clock.monotonic_s() == 1.5
    assert clock.now_ns() == round(clock.now().timestamp() * 1e9)


async def test_sleepers_wake_in_the_order_of_their_time() -> None:
    """One advance wakes each sleeper at its own time, the earlier first."""
    clock = ManualClock(START)
    woken: list[tuple[str, float]] = []

    async def sleep(name: str, duration_s: float) -> None:
        await clock.sleep(duration_s)
        woken.append((name, clock.monotonic_s()))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sleep("late", 2.0))
        tasks.create_task(sleep("early", 1.0))
        tasks.create_task(sleep("at once", 0.0))
        await clock.advance(0.5)
        assert [name for name, _ in woken] == ["at once"]
        assert clock.sleeper_count == 2
        await clock.advance(10)
    assert woken[1:] == [("early", 1.0), ("late", 2.0)]
    assert clock.monotonic_s() == 10.5


async def test_periodic_task_runs_once_a_period_within_one_advance() -> None:
    """A task that sleeps again is woken again in the same advance."""
    clock = ManualClock(START)
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await clock.sleep(1.0)
            ticks.append(clock.monotonic_s())

    task = asyncio.create_task(tick())
    await clock.advance(3.5)
    task.cancel()
    assert ticks == [1.0, 2.0, 3.0]


async def test_cancelled_sleeper_is_forgotten() -> None:
    """A cancelled sleep disturbs nobody."""
    clock = ManualClock(START)
    task = asyncio.create_task(clock.sleep(1.0))
    await clock.advance(0)
    task.cancel()
    await asyncio.wait({task})
    assert clock.sleeper_count == 0
    await clock.advance(2.0)
    assert clock.monotonic_s() == 2.0


async def test_system_clock_is_aware_and_consistent() -> None:
    """Wall-clock readings are UTC and agree; the monotonic one never goes back."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert abs(clock.now_ns() / 1e9 - clock.now().timestamp()) < 60
    before_s = clock.monotonic_s()
    await clock.sleep(0)
    assert clock.monotonic_s() >= before_s
