"""Request ids and W3C trace context, carried from call to event to call.

The server interceptor binds both for the length of an RPC and the client channel passes them on,
so most code never touches this module. What starts work by itself does::

    with continued(event.traceparent):   # None starts a new trace
        await stub.GetRadioContext(request)                     # the peer sees the same trace id
        CloudEvent(..., traceparent=current_traceparent())

Spans are not exported: the ids exist so that logs and events of several processes can be joined.
They are drawn when they are asked for: every RPC is a span, and few are asked.
Source: W3C Trace Context, section 3.2.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

from opentelemetry import trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

_IDS = RandomIdGenerator()
_PROPAGATOR = TraceContextTextMapPropagator()


class Span:
    """One piece of work, the request that it serves and its place in a trace.

    Args:
        parent: The traceparent of what it is part of. Without one, or with one that cannot be
            read, it starts a new trace.
        request_id: The request that it serves, or who knows it.
    """

    def __init__(
        self, parent: str | None, request_id: str | Callable[[], str | None] | None = None
    ) -> None:
        self._parent = parent
        self._request_id = request_id

    @cached_property
    def request_id(self) -> str | None:
        """The request that it serves, if it serves one."""
        return self._request_id() if callable(self._request_id) else self._request_id

    @cached_property
    def trace_id(self) -> str:
        """The trace that it is part of."""
        parent = _span_context(self._parent) if self._parent else trace.INVALID_SPAN_CONTEXT
        number = parent.trace_id if parent.is_valid else _IDS.generate_trace_id()
        return trace.format_trace_id(number)

    @cached_property
    def traceparent(self) -> str:
        """What makes a peer's work part of the same trace."""
        return f"00-{self.trace_id}-{trace.format_span_id(_IDS.generate_span_id())}-01"


_CURRENT: ContextVar[Span | None] = ContextVar("aimlnf_span", default=None)


def new_request_id() -> str:
    """A request id that nobody else has."""
    return os.urandom(16).hex()


def current_request_id() -> str | None:
    """The request id bound to this task, if any."""
    span = _CURRENT.get()
    return None if span is None else span.request_id


def current_traceparent() -> str | None:
    """The ``traceparent`` of this task, if it is part of a trace."""
    span = _CURRENT.get()
    return None if span is None else span.traceparent


def current_ids() -> dict[str, str]:
    """What log lines of this task carry: `trace_id` and, where there is one, `request_id`."""
    span = _CURRENT.get()
    if span is None:
        return {}
    request_id = span.request_id
    return {"trace_id": span.trace_id} | ({} if request_id is None else {"request_id": request_id})


def bind(span: Span) -> None:
    """The rest of this task is `span`; for a task that has no other work."""
    _CURRENT.set(span)


@contextmanager
def continued(traceparent: str | None, *, request_id: str | None = None) -> Iterator[str]:
    """Run the body as a new span of the trace named by `traceparent`; yields its traceparent.

    Without one, or with one that cannot be read, a new trace starts. Without a request id the body
    serves the request that is bound already, if one is.
    """
    span = Span(traceparent, current_request_id() if request_id is None else request_id)
    before = _CURRENT.set(span)
    try:
        yield span.traceparent
    finally:
        _CURRENT.reset(before)


def _span_context(traceparent: str) -> trace.SpanContext:
    extracted = _PROPAGATOR.extract({TRACEPARENT_KEY: traceparent})
    return trace.get_current_span(extracted).get_span_context()
