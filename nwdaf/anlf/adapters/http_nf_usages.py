"""The load of network functions, from the Prometheus metrics that each of them serves."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

import structlog
from prometheus_client.parser import text_string_to_metric_families

from nf_runtime.clock import Clock
from nwdaf.anlf.ports import NfUsage

log = structlog.get_logger(__name__)

_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class _Reading:
    time_s: float
    cpu_s: float
    memory_bytes: float


class HttpNfUsages:
    """`nwdaf.anlf.ports.NfUsages` over HTTP.

    Not modelled: functions on machines of another size than this one.

    Args:
        peers: HOST:PORT of the metrics of each instance.
        clock: For the time between two readings.
    """

    def __init__(self, peers: Mapping[str, str], *, clock: Clock) -> None:
        self._peers = dict(peers)
        self._clock = clock
        self._before: dict[str, _Reading] = {}
        self._processors = os.cpu_count() or 1
        self._memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    async def read(self) -> Sequence[NfUsage]:
        """What those use that answered, since the last reading; nothing at the first."""
        readings = await asyncio.gather(
            *(asyncio.to_thread(self._reading, name) for name in self._peers)
        )
        usages = []
        for name, reading in zip(self._peers, readings, strict=True):
            before = self._before.pop(name, None)
            if reading is None:
                continue
            self._before[name] = reading
            # A function that was started again counts from zero: that is a first reading.
            if before is not None and reading.cpu_s >= before.cpu_s:
                elapsed_s = reading.time_s - before.time_s
                if elapsed_s > 0:
                    used = (reading.cpu_s - before.cpu_s) / elapsed_s / self._processors
                    usages.append(
                        NfUsage(name, 100 * used, 100 * reading.memory_bytes / self._memory_bytes)
                    )
        return usages

    def _reading(self, name: str) -> _Reading | None:
        try:
            url = f"http://{self._peers[name]}/metrics"
            with urlopen(url, timeout=_TIMEOUT_S) as response:
                text = response.read().decode()
            values = {
                sample.name: sample.value
                for family in text_string_to_metric_families(text)
                if family.name.startswith("process_")
                for sample in family.samples
            }
            return _Reading(
                self._clock.monotonic_s(),
                values["process_cpu_seconds_total"],
                values["process_resident_memory_bytes"],
            )
        except (URLError, OSError, KeyError, ValueError) as error:
            log.info("load not read", nf_instance_id=name, error=str(error))
            return None
