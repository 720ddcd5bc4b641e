"""The command line as a user types it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AIMLCTL = Path(sys.executable).with_name("aimlctl")
REPOSITORY = Path(__file__).resolve().parents[2]
TIMEOUT_S = 280.0
# A version is tested on few samples: each takes six exhaustive searches.
QUICK = {"AIMLNF_OAM__TESTING__SAMPLE_COUNT": "8"}


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)


def start_aimlctl(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """The command as a process, its words piped."""
    return subprocess.Popen(
        [str(AIMLCTL), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **QUICK},
    )


def aimlctl(*arguments: str, cwd: Path, timeout_s: float = TIMEOUT_S) -> Answer:
    """What the command says in the end."""
    process = start_aimlctl(*arguments, cwd=cwd)
    try:
        stdout, stderr = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise TimeoutError(f"aimlctl {' '.join(arguments)}: {stderr[-3000:]}") from None
    return Answer(process.returncode, stdout, stderr)
