"""The AnLF's metrics."""

from collections import Counter as Counts
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
            "Time from the publication of an event to its stored notifications",
            buckets=RPC_SECONDS,
            registry=registry,
        )
        self._dropped = Counter(
            "aimlnf_notifications_dropped_total",
            "Notifications forgotten because too many were not acknowledged",
            registry=registry,
        )
        self._overflows = Counter(
            "aimlnf_notification_stream_overflows_total",
            "Streams that fell behind and went on from the store",
            registry=registry,
        )

    def notified(self, notifications: Sequence[Notification]) -> None:
        """These notifications of one cause were stored."""
        if not notifications:
            return
        first = notifications[0]
        told = Counts(_kind_of(notification) for notification in notifications)
        for kind, count in told.items():
            self._notifications.labels(kind).inc(count)
        published_at_ns = first.cause.published_at_ns
        if published_at_ns is not None:
            published = _EPOCH + timedelta(microseconds=published_at_ns // 1000)
            self._delay.observe((first.create_time - published).total_seconds())

    def dropped(self, count: int) -> None:
        """So many notifications were forgotten because they were not acknowledged."""
        self._dropped.inc(count)

    def fell_behind(self) -> None:
        """A stream's queue was full; the stream goes on from the store."""
        self._overflows.inc()


def _kind_of(notification: Notification) -> str:
    """What was observed, by the first report."""
    observation = notification.reports[0].observation
    return "none" if observation is None else observation.quantity.value
