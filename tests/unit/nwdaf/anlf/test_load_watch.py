"""Sampling the loads of network functions."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from nf_runtime.clock import ManualClock
from nwdaf.anlf.analytics import LoadSample
from nwdaf.anlf.load_watch import LoadWatch
from nwdaf.anlf.ports import ProcessUsage

MIB = 1024 * 1024


class Meter:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.usage: dict[str, ProcessUsage | None] = {}

    async def read(self, address: str) -> ProcessUsage | None:
        """As the port says."""
        return self.usage.get(address)


class Store:
    """Keeps samples in a list."""

    def __init__(self) -> None:
        self.kept: list[LoadSample] = []

    async def record(self, samples: Sequence[LoadSample]) -> None:
        """As the port says."""
        self.kept += samples

    async def latest_time(self) -> datetime | None:
        """As the port says."""
        return self.kept[-1].time if self.kept else None

    async def samples(self, start: datetime, end: datetime) -> Sequence[LoadSample]:
        """As the port says."""
        return [sample for sample in self.kept if start <= sample.time <= end]


@pytest.fixture
def manual_clock() -> ManualClock:
    """Stands still until it is told to go on."""
    return ManualClock()


def watch(meter: Meter, store: Store, clock: ManualClock) -> LoadWatch:
    """Of one function, every five seconds."""
    return LoadWatch({"oam": "a:1"}, period_s=5.0, meter=meter, store=store, clock=clock)


async def test_cpu_time_between_two_readings_is_the_load(manual_clock: ManualClock) -> None:
    """Two seconds of CPU time in five: 40 % of a core."""
    meter, store = Meter(), Store()
    watching = watch(meter, store, manual_clock)
    meter.usage["a:1"] = ProcessUsage(started_s=1.0, cpu_s=10.0, resident_bytes=100 * MIB)
    await watching.sample()
    await manual_clock.advance(5)
    meter.usage["a:1"] = ProcessUsage(started_s=1.0, cpu_s=12.0, resident_bytes=200 * MIB)
    await watching.sample()
    (sample,) = store.kept
    assert (sample.nf_instance_id, sample.cpu_percent, sample.memory_mib) == (
        "oam",
        pytest.approx(40.0),
        200.0,
    )


async def test_a_function_that_was_away_or_began_anew_is_not_sampled_at_once(
    manual_clock: ManualClock,
) -> None:
    """Its CPU time counts from another origin."""
    meter, store = Meter(), Store()
    watching = watch(meter, store, manual_clock)
    readings = [
        ProcessUsage(1.0, 10.0, MIB),
        None,
        ProcessUsage(1.0, 11.0, MIB),
        ProcessUsage(9.0, 0.5, MIB),
    ]
    for usage in readings:
        meter.usage["a:1"] = usage
        await watching.sample()
        await manual_clock.advance(5)
    assert store.kept == []


async def test_without_targets_nothing_is_watched(manual_clock: ManualClock) -> None:
    """It returns at once, and says so."""
    watching = LoadWatch({}, period_s=5.0, meter=Meter(), store=Store(), clock=manual_clock)
    await asyncio.wait_for(watching.run(asyncio.Event()), timeout=5)
