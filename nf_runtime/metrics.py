"""Prometheus metrics: one registry per process part, served over HTTP.

Every NF makes its own metrics on the server's registry; names start with ``aimlnf_`` and end in
their unit::

    decisions = Counter("aimlnf_decisions_total", "Decisions taken", ["source"], registry=registry)

`NfServer` serves the registry on ``settings.metrics_port`` under ``/metrics``.
"""

import threading
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

# From 1 ms, a call on the same machine, to 10 s, past every deadline.
RPC_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


def new_registry() -> CollectorRegistry:
    """A registry that already tells about the process: memory, CPU, open files, Python."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class RpcMetrics:
    """What the server interceptor counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.duration_seconds = Histogram(
            "aimlnf_rpc_duration_seconds",
            "Time from the arrival of an RPC to its status",
            ["method", "code"],
            buckets=RPC_SECONDS,
            registry=registry,
        )
        self.in_flight = Gauge(
            "aimlnf_rpcs_in_flight", "RPCs being served", ["method"], registry=registry
        )


class EventMetrics:
    """What publishers and subscribers count; one for the process, or None for no registry."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        self.published_total = Counter(
            "aimlnf_events_published_total",
            "Events the broker has acknowledged",
            ["topic"],
            registry=registry,
        )
        self.received_total = Counter(
            "aimlnf_events_received_total", "Events read", ["topic"], registry=registry
        )
        self.dead_letters_total = Counter(
            "aimlnf_events_dead_lettered_total",
            "Records that could not be read and went to the dead-letter topic",
            ["topic"],
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "aimlnf_event_publish_seconds",
            "Time from the call of publish to the broker's acknowledgement",
            buckets=RPC_SECONDS,
            registry=registry,
        )


class MetricsEndpoint:
    """The HTTP server of one registry, in a daemon thread of its own."""

    def __init__(self, server: WSGIServer, thread: threading.Thread) -> None:
        self._server = server
        self._thread = thread

    @classmethod
    def start(cls, registry: CollectorRegistry, *, host: str, port: int) -> "MetricsEndpoint":
        """Serve `registry`; port 0 takes a free one.

        Raises:
            OSError: The port is taken.
        """
        return cls(*start_http_server(port, addr=host, registry=registry))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.server_port

    def stop(self) -> None:
        """Close the port and end the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
