"""Keeping the loads of network functions."""

from collections.abc import Sequence
from datetime import datetime

from nf_runtime.clock import ManualClock
from nwdaf.anlf.analytics import LoadSample
from nwdaf.anlf.load_watch import KeptUsages
from nwdaf.anlf.ports import NfUsage


class Reader:
    """Always reads the same."""

    async def read(self) -> Sequence[NfUsage]:
        """As the port says."""
        return [NfUsage("oam", 40.0, 7.0)]


class Store:
    """Keeps samples in a list."""

    def __init__(self) -> None:
        self.kept: list[LoadSample] = []

    async def record(self, samples: Sequence[LoadSample]) -> None:
        """As the port says."""
        self.kept += samples

    async def latest_time(self) -> datetime | None:
        """As the port says."""
        return None

    async def samples(self, start: datetime, end: datetime) -> Sequence[LoadSample]:
        """As the port says."""
        return []


async def test_what_is_read_is_kept_with_its_time_and_handed_on() -> None:
    """For the store and for those who compare it with thresholds."""
    clock, store = ManualClock(), Store()
    read = await KeptUsages(Reader(), store, clock=clock).read()
    assert read == [NfUsage("oam", 40.0, 7.0)]
    assert store.kept == [LoadSample(clock.now(), "oam", 40.0, 7.0)]
