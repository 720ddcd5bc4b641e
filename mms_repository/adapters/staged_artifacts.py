"""What stores of artifacts have in common: uploads arrive on the local disk, wherever they go."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from mms_repository.adapters.disk_errors import told
from mms_repository.adapters.file_staging import FileStaging, StagingArea

_THREADS = 4

T = TypeVar("T")


class StagedArtifacts(ABC):
    """The part of the port `ArtifactStore` that is about staging.

    Args:
        folder: For uploads on their way in, made if absent; one process owns it.
    """

    def __init__(self, folder: Path) -> None:
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="mms-artifacts")
        self._area = StagingArea(folder, self._executor, self._keep)

    async def open(self) -> None:
        """Take the folder and clear what unfinished uploads left in it.

        Raises:
            ConfigurationError: The folder cannot be written, or another process has it.
        """
        await self._run(self._area.open)

    async def close(self) -> None:
        """Finish what runs and let the folder go."""
        await asyncio.to_thread(self._executor.shutdown)
        self._area.close()

    def staging(self, continued: str = "") -> AbstractAsyncContextManager[FileStaging]:
        """Room for one upload; what is not kept is gone when the context is left."""
        return self._area.staging(continued)

    async def staged_bytes(self, continued: str, count: int) -> Sequence[int]:
        """Bytes that an interrupted upload left of each of its artifacts."""
        return await self._run(partial(self._area.staged_bytes, continued, count))

    async def remove_staged_before(self, time: datetime) -> int:
        """How many interrupted uploads were forgotten: those untouched since `time`."""
        return await self._run(partial(self._area.remove_staged_before, time))

    @abstractmethod
    async def _keep(self, sealed: Mapping[str, Path]) -> None:
        """Take these files, by digest, into the store."""

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, told(work))
