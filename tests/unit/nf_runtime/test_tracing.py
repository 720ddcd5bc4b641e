"""Request ids and trace context."""

import asyncio

import pytest

from nf_runtime.tracing import (
    continued,
    current_ids,
    current_request_id,
    current_traceparent,
    new_request_id,
)

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


def test_trace_goes_on_with_a_span_of_its_own() -> None:
    """The trace id stays, the span id changes, and all is as before afterwards."""
    with continued(TRACEPARENT, request_id="r1") as traceparent:
        assert traceparent == current_traceparent()
        version, trace_id, span_id, flags = traceparent.split("-")
        assert (version, trace_id, flags) == ("00", TRACE_ID, "01")
        assert span_id != "00f067aa0ba902b7"
        assert current_request_id() == "r1"
        assert current_ids() == {"trace_id": TRACE_ID, "request_id": "r1"}
    assert current_traceparent() is None
    assert current_request_id() is None
    assert current_ids() == {}


@pytest.mark.parametrize(
    "parent", [None, "", "rubbish", "00-0-0-00", f"00-{'0' * 32}-{'0' * 16}-01"]
)
def test_without_a_usable_parent_a_new_trace_starts(parent: str | None) -> None:
    """Rubbish from a peer is no reason to fail."""
    with continued(parent) as first, continued(parent) as second:
        assert first.split("-")[1] != second.split("-")[1]


def test_inner_work_keeps_the_request_id() -> None:
    """Work inside that names no request id belongs to the outer request."""
    with continued(None, request_id="outer"), continued(current_traceparent()):
        assert current_request_id() == "outer"


async def test_tasks_do_not_share_a_trace() -> None:
    """Each task has its own context, also while others run."""
    barrier = asyncio.Barrier(2)

    async def work(request_id: str) -> str | None:
        with continued(None, request_id=request_id):
            await barrier.wait()
            return current_request_id()

    assert await asyncio.gather(work("a"), work("b")) == ["a", "b"]


def test_request_ids_differ() -> None:
    """No two are the same."""
    assert len({new_request_id() for _ in range(1000)}) == 1000
