"""The AnLF put together: the only file that names concrete adapters."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import grpc
from prometheus_client import Gauge

from aimlnf.nwdaf.v1.analytics_info_service_pb2_grpc import (
    add_AnalyticsInfoServiceServicer_to_server,
)
from aimlnf.nwdaf.v1.model_monitor_service_pb2_grpc import (
    add_ModelMonitorServiceServicer_to_server,
)
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.catalogue import INFERENCE_REPORTS, RAN_MEASUREMENTS, RAN_TRIGGERS
from nf_runtime.events.record import Record
from nf_runtime.metrics import EventMetrics, new_registry
from nf_runtime.server import NfServer, serve_until_stopped
from nwdaf.anlf.adapters.http_nf_usages import HttpNfUsages
from nwdaf.anlf.adapters.prometheus_metrics import PrometheusAnlfMetrics
from nwdaf.anlf.adapters.sql_accuracy import SqlAccuracyStore
from nwdaf.anlf.adapters.sql_loads import SqlLoadStore
from nwdaf.anlf.adapters.sql_measurements import SqlMeasurementStore
from nwdaf.anlf.adapters.sql_monitor import SqlMonitorStore
from nwdaf.anlf.adapters.sql_notifications import SqlNotificationStore
from nwdaf.anlf.adapters.sql_offsets import SqlOffsetStore
from nwdaf.anlf.adapters.sql_subscriptions import SqlSubscriptionStore
from nwdaf.anlf.adapters.sql_tables import METADATA
from nwdaf.anlf.analysing import Analysing
from nwdaf.anlf.analytics_servicer import AnalyticsInfoServicer
from nwdaf.anlf.assessing import Assessing
from nwdaf.anlf.config import AnlfSettings
from nwdaf.anlf.delivery import Delivery
from nwdaf.anlf.desk import Desk
from nwdaf.anlf.events_servicer import SERVICE as EVENTS_SUBSCRIPTION_SERVICE
from nwdaf.anlf.events_servicer import (
    EventsSubscriptionServicer,
    add_events_subscription_service,
)
from nwdaf.anlf.load_watch import KeptUsages
from nwdaf.anlf.monitor_procedures import ModelMonitoring
from nwdaf.anlf.monitor_servicer import ModelMonitorServicer
from nwdaf.anlf.monitoring import Monitoring
from nwdaf.anlf.observing import Observing
from nwdaf.anlf.served_events import Offer
from nwdaf.anlf.subscribing import Subscribing
from nwdaf.intake import Intake

MIGRATIONS = "nwdaf.anlf.adapters.migrations"


async def serve(
    settings: AnlfSettings,
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    broker: Broker | None = None,
) -> None:
    """Serve until `stop` is set. Clock and broker are the real ones unless given."""
    clock = SystemClock() if clock is None else clock
    database = Database(settings.database.url, METADATA, MIGRATIONS)
    try:
        if await database.open_when_there(clock=clock, stop=stop):
            await _serve(settings, stop, database, clock=clock, broker=broker)
    finally:
        await database.close()


async def _serve(
    settings: AnlfSettings,
    stop: asyncio.Event,
    database: Database,
    *,
    clock: Clock,
    broker: Broker | None,
) -> None:
    registry = new_registry()
    metrics = PrometheusAnlfMetrics(registry)
    offsets = SqlOffsetStore(database)
    bounds = settings.subscriptions
    subscriptions = SqlSubscriptionStore(
        database,
        clock=clock,
        per_consumer=bounds.per_consumer,
        total=bounds.total,
        undelivered_limit=bounds.undelivered,
    )
    retention = timedelta(seconds=settings.analytics.retention_s)
    measurements = SqlMeasurementStore(
        database, retained=settings.analytics.retained_measurements, retention=retention
    )
    notifications = SqlNotificationStore(
        database,
        clock=clock,
        remembered_series=bounds.remembered_series,
        undelivered_limit=bounds.undelivered,
        terminate_on_overflow=bounds.on_overflow == "terminate",
        keep=measurements.keep,
    )
    delivery = Delivery(
        subscriptions,
        notifications,
        clock=clock,
        queue_capacity=bounds.stream_queue,
        metrics=metrics,
    )
    desk = Desk(subscriptions, notifications, delivery, metrics, clock)
    peers = settings.nf_load.peers
    decisions = SqlAccuracyStore(database, window_decisions=settings.accuracy.window_decisions)
    assessing = Assessing(desk, decisions)
    subscribing = Subscribing(
        desk,
        assessing,
        offer=Offer(vendor_events=bounds.profile == "extended", nf_load=bool(peers)),
    )
    observing = Observing(desk, offsets)
    loads = SqlLoadStore(database, retention=retention)
    analysing = Analysing(
        measurements,
        loads,
        offsets,
        clock=clock,
        lowest_elevation_deg=settings.analytics.lowest_elevation_deg,
    )
    monitoring = Monitoring(decisions, offsets)
    model_monitoring = ModelMonitoring(
        SqlMonitorStore(database, most=settings.accuracy.most_registrations), monitoring
    )
    Gauge(
        "aimlnf_notification_streams", "Open notification streams", registry=registry
    ).set_function(lambda: delivery.stream_count)

    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_events_subscription_service(
            EventsSubscriptionServicer(subscribing, delivery, clock=clock), server
        )
        add_AnalyticsInfoServiceServicer_to_server(
            AnalyticsInfoServicer(analysing, clock=clock), server
        )
        add_ModelMonitorServiceServicer_to_server(
            ModelMonitorServicer(monitoring, model_monitoring), server
        )
        return [
            EVENTS_SUBSCRIPTION_SERVICE,
            "aimlnf.nwdaf.v1.AnalyticsInfoService",
            "aimlnf.nwdaf.v1.ModelMonitorService",
        ]

    async def take_in_reports(record: Record) -> None:
        if record.topic == RAN_MEASUREMENTS:
            await observing.take_in(record)
        else:
            await monitoring.take_in(record)
            await assessing.assess()

    await desk.load()
    await assessing.assess()  # what was decided before the last life ended
    server = NfServer(
        settings.nf_name,
        settings.server,
        register=register,
        tls=settings.tls,
        registry=registry,
        clock=clock,
    )
    intake = Intake(
        settings.kafka, database, clock=clock, metrics=EventMetrics(registry), broker=broker
    )
    async with asyncio.TaskGroup() as tasks:
        # Triggers have a reader of their own: a burst of measurements must not delay them.
        tasks.create_task(intake.run([RAN_TRIGGERS], observing.take_in, stop))
        tasks.create_task(intake.run([RAN_MEASUREMENTS, INFERENCE_REPORTS], take_in_reports, stop))
        tasks.create_task(delivery.run_expiry(stop))
        tasks.create_task(observing.run_due(stop))
        if peers:
            usages = KeptUsages(HttpNfUsages(peers, clock=clock), loads, clock=clock)
            tasks.create_task(observing.run_readings(usages, settings.nf_load.period_s, stop))
        await serve_until_stopped(server, stop)
