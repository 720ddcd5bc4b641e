"""The heavy work in a child process: `nwdaf.mtlf.worker`."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog

from nwdaf.mtlf.job_folder import RESULT_FILE, TASK_FILE, UNWORKABLE
from nwdaf.mtlf.jobs import Phase
from nwdaf.mtlf.ports import OnProgress, WorkFailedError

_LAST_WORDS = 2_000  # characters of stderr that are kept

# Matrices are small: linear algebra on several threads would wait for them, most of all on a busy
# machine. torch has a setting of its own.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

log = structlog.get_logger(__name__)


class ChildWorkshop:
    """`nwdaf.mtlf.ports.Workshop` in a child process.

    Args:
        nice: How far the child steps back behind what decides.
    """

    def __init__(self, *, nice: int) -> None:
        self._nice = nice

    async def work(
        self, task: Mapping[str, Any], folder: Path, on_progress: OnProgress, cancel: asyncio.Event
    ) -> Mapping[str, Any] | None:
        """The result of the task; None when `cancel` was set before it was there."""
        document = json.dumps({**task, "nice": self._nice})
        (folder / TASK_FILE).write_text(document, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "nwdaf.mtlf.worker",
            str(folder),
            str(os.getpid()),
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,  # it may have children of its own, which end with it
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        listening = asyncio.ensure_future(_listen(process, on_progress))
        last_words = asyncio.ensure_future(_last_words(process))
        cancelling = asyncio.ensure_future(cancel.wait())
        waiting = asyncio.ensure_future(process.wait())
        try:
            await asyncio.wait({waiting, cancelling}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                return None
            await listening
            return _result(process.returncode, folder, await last_words)
        finally:
            _kill_group(process.pid)
            cancelling.cancel()
            await asyncio.gather(waiting, listening, last_words, cancelling, return_exceptions=True)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _result(status: int | None, folder: Path, last_words: str) -> Mapping[str, Any]:
    if status == 0:
        result: dict[str, Any] = json.loads((folder / RESULT_FILE).read_text(encoding="utf-8"))
        return result
    log.error("work failed", status=status, stderr=last_words)
    if status == UNWORKABLE:
        raise WorkFailedError(last_words.strip().splitlines()[-1])
    how = f"was killed by signal {-status}" if status and status < 0 else "met a defect"
    raise WorkFailedError(f"the process that trains and tests {how}; the log of the MTLF says more")


async def _listen(process: asyncio.subprocess.Process, on_progress: OnProgress) -> None:
    if process.stdout is None:
        return
    async for line in process.stdout:
        told = json.loads(line)
        on_progress(float(told["fraction"]), Phase(told["phase"]))


async def _last_words(process: asyncio.subprocess.Process) -> str:
    kept = ""
    if process.stderr is not None:
        async for line in process.stderr:
            kept = (kept + line.decode(errors="replace"))[-_LAST_WORDS:]
    return kept
