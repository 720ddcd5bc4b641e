"""What the C library is asked to keep."""

import subprocess
import sys

_FAULTS = """
import resource, sys
from nf_runtime.heap import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    raise SystemExit("not glibc")
for _ in range(20):
    [b"x" * (8 * 1024 * 1024 + taken) for taken in range(4)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(how: str) -> int:
    """Page faults of a process that takes and frees four times 8 MiB twenty times."""
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_freed_memory_is_used_again() -> None:
    """Large blocks are faulted in once instead of each time."""
    assert faults("kept") < faults("given back") / 2
