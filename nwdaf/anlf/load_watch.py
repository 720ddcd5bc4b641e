"""Samples the load of this platform's network functions, the input of NF_LOAD.

Source: TS 23.288 6.5.2, where the NRF and the OAM tell the load; here the functions tell it
themselves, through the metrics that each of them serves.
"""

import asyncio
from collections.abc import Mapping

import structlog

from nf_runtime.client import wait_or_stop
from nf_runtime.clock import Clock
from nwdaf.anlf.analytics import LoadSample
from nwdaf.anlf.ports import LoadStore, ProcessUsage, UsageMeter

_BYTES_PER_MIB = 1024 * 1024

log = structlog.get_logger(__name__)


class LoadWatch:
    """Reads every function once a period.

    Args:
        targets: Where each function, by its name, serves its metrics.
        period_s: From one sample to the next.
        meter: Reads one.
        store: Keeps the samples.
        clock: For times and pauses.
    """

    def __init__(
        self,
        targets: Mapping[str, str],
        *,
        period_s: float,
        meter: UsageMeter,
        store: LoadStore,
        clock: Clock,
    ) -> None:
        self._targets = targets
        self._period_s = period_s
        self._meter = meter
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, ProcessUsage]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Returns soon after `stop` is set."""
        if not self._targets:
            log.info("no load is watched", why="analytics.load_targets is empty")
            return
        while not stop.is_set():
            await self.sample()
            await wait_or_stop(self._period_s, clock=self._clock, stop=stop)

    async def sample(self) -> None:
        """Read all functions once; a function is sampled from its second reading on."""
        usages = await asyncio.gather(*(self._meter.read(each) for each in self._targets.values()))
        now_s, now = self._clock.monotonic_s(), self._clock.now()
        samples = []
        for name, usage in zip(self._targets, usages, strict=True):
            known = self._known.pop(name, None)
            if usage is None:
                continue
            self._known[name] = (now_s, usage)
            # A function that was started again counts its CPU time from zero.
            if known is None or known[1].started_s != usage.started_s:
                continue
            elapsed_s = max(now_s - known[0], 1e-3)
            samples.append(
                LoadSample(
                    time=now,
                    nf_instance_id=name,
                    cpu_percent=100.0 * max(usage.cpu_s - known[1].cpu_s, 0.0) / elapsed_s,
                    memory_mib=usage.resident_bytes / _BYTES_PER_MIB,
                )
            )
        await self._store.record(samples)
