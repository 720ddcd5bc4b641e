"""Waiting for what is missing: a peer, or the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Unavailable

T = TypeVar("T")


class StoppedError(Exception):
    """Waiting was given up because the process is to end."""


async def answer_of(
    action: Callable[[], Awaitable[T]], *, what: str, clock: Clock, stop: asyncio.Event
) -> T:
    """What `action` returns, tried again with back-off while `what` is unavailable.

    It is tried once even after `stop`, so that work in hand is finished where that is possible.

    Raises:
        StoppedError: `stop` is set and `what` is unavailable.
    """
    try:
        return await action()
    except (Unavailable, DeadlineExceeded):
        pass
    answers: list[T] = []

    async def again() -> bool:
        answers.append(await action())
        return True

    if await keep_trying(again, what=what, clock=clock, stop=stop) is None:
        raise StoppedError(f"{what} is unavailable")
    return answers[0]
