"""Asking again while a function is being started again."""

import threading
from collections.abc import Callable
from typing import TypeVar

from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable

PATIENCE_S = 30.0
_PAUSE_S = 0.2

T = TypeVar("T")


def patiently(call: Callable[[], T], *, clock: Clock, timeout_s: float = PATIENCE_S) -> T:
    """What the call returns, tried again while its function does not answer.

    Raises:
        Unavailable, DeadlineExceeded: it did not answer within the timeout.
    """
    deadline_s = clock.monotonic_s() + timeout_s
    pause = threading.Event()
    while True:
        try:
            return call()
        except (Unavailable, DeadlineExceeded):
            if clock.monotonic_s() >= deadline_s:
                raise
            pause.wait(_PAUSE_S)
