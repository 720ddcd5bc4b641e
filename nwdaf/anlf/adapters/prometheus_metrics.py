"""The AnLF's metrics."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram

from nf_runtime.metrics import RPC_SECONDS
from nwdaf.anlf.notifications import Notification

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PrometheusAnlfMetrics:
    """`nwdaf.anlf.ports.AnlfMetrics` on a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._notifications = Counter(
            "aimlnf_notifications_total",
            "Notifications stored",
            ["kind"],
            registry=registry,
        )
        self._delay = Histogram(
            "aimlnf_notification_delay_seconds",
            "Time from the publication of a trigger to its stored notifications",
            buckets=RPC_SECONDS,
            registry=registry,
        )
        self._overflows = Counter(
            "aimlnf_notification_stream_overflows_total",
            "Streams that fell behind and went on from the store",
            registry=registry,
        )

    def notified(self, notifications: Sequence[Notification]) -> None:
        """These notifications of one trigger were stored."""
        if not notifications:
            return
        first = notifications[0]
        self._notifications.labels(first.trigger.kind.value).inc(len(notifications))
        published_at_ns = first.trigger.event.published_at_ns
        if published_at_ns is not None:
            published = _EPOCH + timedelta(microseconds=published_at_ns // 1000)
            self._delay.observe((first.create_time - published).total_seconds())

    def fell_behind(self) -> None:
        """A stream's queue was full; the stream goes on from the store."""
        self._overflows.inc()
