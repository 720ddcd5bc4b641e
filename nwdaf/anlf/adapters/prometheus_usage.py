"""What the processes of network functions use, read from their Prometheus endpoints."""

import asyncio
from http.client import HTTPException
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from nwdaf.anlf.ports import ProcessUsage

_STARTED = "process_start_time_seconds"
_CPU = "process_cpu_seconds_total"
_RESIDENT = "process_resident_memory_bytes"
_MOST_BYTES = 4 * 1024 * 1024


class PrometheusUsageMeter:
    """`nwdaf.anlf.ports.UsageMeter` over HTTP.

    Args:
        deadline_s: After which a function counts as silent.
    """

    def __init__(self, *, deadline_s: float) -> None:
        self._deadline_s = deadline_s

    async def read(self, address: str) -> ProcessUsage | None:
        """The usage of the function whose metrics are served there; None if it does not answer."""
        try:
            text = await asyncio.to_thread(self._fetched, address)
        except (OSError, HTTPException):
            return None
        samples = {
            sample.name: float(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in (_STARTED, _CPU, _RESIDENT)
        }
        if len(samples) < 3:  # noqa: PLR2004 - the platform tells no process metrics
            return None
        return ProcessUsage(
            started_s=samples[_STARTED], cpu_s=samples[_CPU], resident_bytes=samples[_RESIDENT]
        )

    def _fetched(self, address: str) -> str:
        with urlopen(f"http://{address}/metrics", timeout=self._deadline_s) as response:
            content: bytes = response.read(_MOST_BYTES)
            return content.decode(errors="replace")
