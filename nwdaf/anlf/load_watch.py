"""Keeps the load of this platform's network functions, the input of NF_LOAD.

Source: TS 23.288 6.5.2, where the NRF and the OAM tell the load; here the functions tell it
themselves, through the metrics that each of them serves.
"""

from collections.abc import Sequence

from nf_runtime.clock import Clock
from nwdaf.anlf.analytics import LoadSample
from nwdaf.anlf.ports import LoadStore, NfUsage, NfUsages


class KeptUsages:
    """`NfUsages` of another reader, each of which is kept.

    Args:
        usages: Reads them.
        store: Keeps them.
        clock: For the time of a reading.
    """

    def __init__(self, usages: NfUsages, store: LoadStore, *, clock: Clock) -> None:
        self._usages = usages
        self._store = store
        self._clock = clock

    async def read(self) -> Sequence[NfUsage]:
        """What those use that answered, since the last reading; nothing at the first."""
        read = await self._usages.read()
        now = self._clock.now()
        await self._store.record(
            [
                LoadSample(
                    time=now,
                    nf_instance_id=usage.nf_instance_id,
                    cpu_usage_percent=usage.cpu_usage_percent,
                    memory_usage_percent=usage.memory_usage_percent,
                )
                for usage in read
            ]
        )
        return read
