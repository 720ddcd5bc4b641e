"""Request ids and W3C trace context, carried from call to event to call.

The server interceptor binds both for the length of an RPC and the client channel passes them on,
so most code never touches this module. What starts work by itself does::

    with continued(event.traceparent):   # None starts a new trace
        await stub.GetRadioContext(request)                     # the peer sees the same trace id
        CloudEvent(..., traceparent=current_traceparent())

Spans are not exported: the ids exist so that logs and events of several processes can be joined.
Source: W3C Trace Context, section 3.2.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry import context, trace
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

REQUEST_ID_KEY = "x-request-id"
TRACEPARENT_KEY = "traceparent"

_IDS = RandomIdGenerator()
_PROPAGATOR = TraceContextTextMapPropagator()


def new_request_id() -> str:
    """A request id that nobody else has."""
    return uuid.uuid4().hex


def current_request_id() -> str | None:
    """The request id bound to this task, if any."""
    value = structlog.contextvars.get_contextvars().get("request_id")
    return value if isinstance(value, str) else None


def current_traceparent() -> str | None:
    """The ``traceparent`` of this task, if it is part of a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get(TRACEPARENT_KEY)


@contextmanager
def continued(traceparent: str | None, *, request_id: str | None = None) -> Iterator[str]:
    """Run the body as a new span of the trace named by `traceparent`; yields its traceparent.

    Without one, or with one that cannot be read, a new trace starts. Logs inside carry `trace_id`
    and, where one is given or already bound, `request_id`.
    """
    parent = _span_of(traceparent) if traceparent else trace.INVALID_SPAN_CONTEXT
    span_context = trace.SpanContext(
        trace_id=parent.trace_id if parent.is_valid else _IDS.generate_trace_id(),
        span_id=_IDS.generate_span_id(),
        is_remote=False,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        trace_state=parent.trace_state,
    )
    bound = {"trace_id": trace.format_trace_id(span_context.trace_id)}
    if request_id is not None:
        bound["request_id"] = request_id
    # Every RPC comes by here: nothing is made that only some need.
    span = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(span_context)))
    before = structlog.contextvars.bind_contextvars(**bound)
    try:
        yield f"00-{bound['trace_id']}-{trace.format_span_id(span_context.span_id)}-01"
    finally:
        structlog.contextvars.reset_contextvars(**before)
        context.detach(span)


def _span_of(traceparent: str) -> trace.SpanContext:
    extracted = _PROPAGATOR.extract({TRACEPARENT_KEY: traceparent})
    return trace.get_current_span(extracted).get_span_context()
