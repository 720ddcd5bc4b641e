"""Waiting for a condition with a deadline; tests never sleep for luck."""

import asyncio
import time
from collections.abc import Callable

_INTERVAL_S = 0.02


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 10.0, what: str = "") -> None:
    """Return when `condition` holds; fail after `timeout_s`."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"waited {timeout_s:g} s for {what or condition}")
        time.sleep(_INTERVAL_S)


async def until(condition: Callable[[], bool], *, timeout_s: float = 10.0, what: str = "") -> None:
    """The same in an event loop."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"waited {timeout_s:g} s for {what or condition}")
        await asyncio.sleep(_INTERVAL_S)
