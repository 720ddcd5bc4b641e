"""Child processes that do not outlive their parent.

::

    if __name__ == "__main__":
        die_with_parent()
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: int = signal.SIGTERM) -> None:
    """Ask the kernel to send us `signal_number` when the parent ends, however it ends.

    Call it first thing in a child's main thread. If the parent is gone already, the signal is
    raised at once. Does nothing outside Linux, where the parent has to stop its children itself.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        signal.raise_signal(signal_number)
