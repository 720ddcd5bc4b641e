"""Waiting for peers, and channel options."""

import asyncio
import json

import pytest
import structlog

from nf_runtime.client import channel_options, keep_trying, wait_or_stop
from nf_runtime.clock import ManualClock
from nf_runtime.config import ClientSettings
from nf_runtime.errors import DeadlineExceeded, NfError, NotFound, Unavailable


class Peer:
    """Fails a number of times, then answers."""

    def __init__(self, clock: ManualClock, failures: list[NfError]) -> None:
        self._clock = clock
        self._failures = failures
        self.asked_at_s: list[float] = []

    async def ask(self) -> str:
        """One attempt."""
        self.asked_at_s.append(self._clock.monotonic_s())
        if self._failures:
            raise self._failures.pop(0)
        return "answer"


def away() -> Unavailable:
    """What a missing peer raises."""
    return Unavailable("not there", reason="PEER_UNAVAILABLE")


async def test_waits_twice_as_long_each_time_up_to_five_seconds() -> None:
    """Attempts follow the back-off, and the answer is returned."""
    clock, stop = ManualClock(), asyncio.Event()
    peer = Peer(clock, [away() for _ in range(8)])
    waiting = asyncio.create_task(keep_trying(peer.ask, what="oam", clock=clock, stop=stop))
    await clock.advance(60)
    assert await waiting == "answer"
    waits_s = [b - a for a, b in zip(peer.asked_at_s, peer.asked_at_s[1:], strict=False)]
    assert waits_s == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0])


async def test_says_once_that_it_waits_and_once_that_the_peer_is_there() -> None:
    """The log has a line for each change, not for each attempt."""
    clock, stop = ManualClock(), asyncio.Event()
    late = DeadlineExceeded("slow", reason="DEADLINE_EXCEEDED")
    peer = Peer(clock, [away(), late, away()])
    with structlog.testing.capture_logs() as logs:
        waiting = asyncio.create_task(keep_trying(peer.ask, what="oam", clock=clock, stop=stop))
        await clock.advance(60)
        await waiting
    assert [line["event"] for line in logs] == ["waiting for peer", "peer is there"]
    assert {line["peer"] for line in logs} == {"oam"}


async def test_says_nothing_when_the_peer_is_there() -> None:
    """No waiting, no line."""
    clock = ManualClock()
    with structlog.testing.capture_logs() as logs:
        peer = Peer(clock, [])
        assert await keep_trying(peer.ask, what="x", clock=clock, stop=asyncio.Event()) == "answer"
    assert logs == []


async def test_other_errors_are_raised_at_once() -> None:
    """What waiting cannot mend is the caller's."""
    clock = ManualClock()
    peer = Peer(clock, [NotFound("no", reason="RESOURCE_NOT_FOUND")])
    with pytest.raises(NotFound):
        await keep_trying(peer.ask, what="x", clock=clock, stop=asyncio.Event())


async def test_stop_ends_the_waiting() -> None:
    """Told to stop while waiting, it returns None at once; told before, it does not even ask."""
    clock, stop = ManualClock(), asyncio.Event()
    peer = Peer(clock, [away() for _ in range(100)])
    waiting = asyncio.create_task(keep_trying(peer.ask, what="x", clock=clock, stop=stop))
    await clock.advance(0.05)
    stop.set()
    assert await waiting is None
    assert clock.sleeper_count == 0
    asked = len(peer.asked_at_s)
    assert await keep_trying(peer.ask, what="x", clock=clock, stop=stop) is None
    assert len(peer.asked_at_s) == asked


async def test_wait_or_stop_tells_which() -> None:
    """False after the time, True after the stop."""
    clock, stop = ManualClock(), asyncio.Event()
    waiting = asyncio.create_task(wait_or_stop(1.0, clock=clock, stop=stop))
    await clock.advance(1.0)
    assert await waiting is False
    waiting = asyncio.create_task(wait_or_stop(1.0, clock=clock, stop=stop))
    await clock.advance(0.5)
    stop.set()
    assert await waiting is True


def test_retry_policy_names_unavailable_only() -> None:
    """Nothing but UNAVAILABLE is retried, and a single attempt means no policy."""
    options = dict(channel_options(ClientSettings(attempts=3)))
    policy = json.loads(options["grpc.service_config"])["methodConfig"][0]["retryPolicy"]
    assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
    assert policy["maxAttempts"] == 3
    assert "retryPolicy" not in str(channel_options(ClientSettings(attempts=1)))
