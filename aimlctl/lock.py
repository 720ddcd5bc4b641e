"""One supervisor per state directory: a lock that ends with the process that holds it."""

import fcntl
import os
from pathlib import Path
from typing import TextIO


class SupervisorLock:
    """The lock of a state directory; its file names the process that holds it."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "supervisor.lock"
        self._file: TextIO | None = None

    def take(self) -> bool:
        """Whether this process holds the lock now; it does until it ends or releases it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+", encoding="ascii")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Lets another process take the lock."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def holder(self) -> int | None:
        """Process id of the supervisor that runs; None: none does."""
        try:
            with self._path.open("r", encoding="ascii") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    text = file.read().strip()
                    return int(text) if text.isdecimal() else None
        except FileNotFoundError:
            pass
        return None
