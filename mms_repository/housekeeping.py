"""What the repository forgets: bytes without a version, abandoned uploads, old archives' bytes.

Rows are never removed: who published, tested and archived what stays known for ever.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from mms_repository.ports import ArtifactStore, ModelStore
from nf_runtime.clock import Clock
from nf_runtime.errors import Unavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Retention:
    """How long what is kept, in seconds.

    Attributes:
        orphan_s: Stored bytes that no version refers to.
        upload_s: Bytes of an interrupted upload that may be continued.
        archived_s: Bytes of a version after it was archived; None: for ever.
        period_s: Between two sweeps.
    """

    orphan_s: float
    upload_s: float
    archived_s: float | None
    period_s: float


class Gate:
    """Publications pass together, a sweep alone.

    Between the look at what versions refer to and the removal of the rest, no version may come to
    refer to bytes that are about to go.
    """

    def __init__(self) -> None:
        self._condition = asyncio.Condition()
        self._passing = 0
        self._closed = False

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Within it no sweep removes anything."""
        async with self._condition:
            await self._condition.wait_for(lambda: not self._closed)
            self._passing += 1
        try:
            yield
        finally:
            async with self._condition:
                self._passing -= 1
                self._condition.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Within it nothing is published; those that wait go on afterwards."""
        async with self._condition:
            self._closed = True
            try:
                await self._condition.wait_for(lambda: self._passing == 0)
            except asyncio.CancelledError:
                self._reopen()
                raise
        try:
            yield
        finally:
            async with self._condition:
                self._reopen()

    def _reopen(self) -> None:
        self._closed = False
        self._condition.notify_all()


class Housekeeper:
    """Sweeps at the start and from time to time.

    Args:
        store: What versions refer to.
        artifacts: What is swept.
        gate: Shared with the publisher.
        retention: How long what is kept.
        clock: For ages and for waiting.
    """

    def __init__(
        self,
        *,
        store: ModelStore,
        artifacts: ArtifactStore,
        gate: Gate,
        retention: Retention,
        clock: Clock,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._gate = gate
        self._retention = retention
        self._clock = clock

    async def sweep(self) -> int:
        """How many stored artifacts were removed.

        Raises:
            Unavailable: PEER_UNAVAILABLE, database or artifact store do not answer.
        """
        now = self._clock.now()
        await self._artifacts.remove_staged_before(
            now - timedelta(seconds=self._retention.upload_s)
        )
        archived_s = self._retention.archived_s
        archived_before = None if archived_s is None else now - timedelta(seconds=archived_s)
        stored = await self._artifacts.digests_before(
            now - timedelta(seconds=self._retention.orphan_s)
        )
        if not stored:
            return 0
        async with self._gate.alone():
            wanted = await self._store.read(
                lambda reader: reader.artifact_digests(archived_before=archived_before)
            )
            unwanted = [digest for digest in stored if digest not in wanted]
            await self._artifacts.remove(unwanted)
        if unwanted:
            log.info("unreferenced artifacts removed", count=len(unwanted))
        return len(unwanted)

    async def sweep_if_possible(self) -> None:
        """Sweep; what does not answer now is swept the next time."""
        try:
            await self.sweep()
        except Unavailable as error:
            log.warning("artifacts not swept", error=error.message)

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep every period until `stop` is set."""
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                pause = asyncio.ensure_future(self._clock.sleep(self._retention.period_s))
                await asyncio.wait({pause, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if pause.done():
                    await self.sweep_if_possible()
                else:
                    pause.cancel()
        finally:
            stopped.cancel()
