"""Becomes another program that ends when the supervisor ends.

``python -m aimlctl.child PROGRAM ARGUMENT…``: the wish for a signal at the parent's death outlives
exec, so the network functions need not know that they are supervised. Linear algebra gets one
thread unless the environment says otherwise: matrices are small here, and six functions share the
machine.
"""

import os
import sys

from nf_runtime.process import die_with_parent

_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main() -> None:
    """Ties this process to its parent and replaces it by the program of the command line."""
    die_with_parent()
    for name in _THREAD_COUNTS:
        os.environ.setdefault(name, "1")
    command = sys.argv[1:]
    os.execvp(command[0], command)  # noqa: S606 - the supervisor's own command line


if __name__ == "__main__":
    main()
