"""Work that goes on when its caller is cancelled."""

import asyncio

import pytest

from mms_repository.completion import run_to_completion


async def test_result_and_error_come_through() -> None:
    """Without cancellation nothing is different."""

    async def answer(value: int) -> int:
        if value < 0:
            raise ValueError("negative")
        return value

    assert await run_to_completion(answer(1)) == 1
    with pytest.raises(ValueError, match="negative"):
        await run_to_completion(answer(-1))


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelled_caller_waits_for_the_end(fails: bool) -> None:
    """The work ends first, well or badly, then the cancellation is raised."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        begun.set()
        await go_on.wait()
        ended.append("work")
        if fails:
            raise ValueError("too late for anybody to hear")

    async def call() -> None:
        try:
            await run_to_completion(work())
        finally:
            ended.append("caller")

    task = asyncio.create_task(call())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert ended == []
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["work", "caller"]
