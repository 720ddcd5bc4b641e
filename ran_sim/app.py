"""The simulator put together: the only file that names concrete adapters."""

import asyncio
from collections.abc import Sequence

import grpc

from aimlnf.ransim.v1.radio_service_pb2_grpc import add_RadioServiceServicer_to_server
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.metrics import EventMetrics, new_registry
from nf_runtime.outbox import OutboxRelay
from nf_runtime.server import NfServer, serve_until_stopped
from ran_sim.adapters.sql_runs import SqlRunStore
from ran_sim.adapters.sql_tables import METADATA
from ran_sim.config import RanSimSettings
from ran_sim.playback import Playback
from ran_sim.procedures import RadioProcedures, RunProcedures
from ran_sim.servicer import RadioServicer

MIGRATIONS = "ran_sim.adapters.migrations"


async def serve(
    settings: RanSimSettings,
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
    settings: RanSimSettings,
    stop: asyncio.Event,
    database: Database,
    *,
    clock: Clock,
    broker: Broker | None,
) -> None:
    registry = new_registry()
    store = SqlRunStore(database)
    playback = Playback(store, clock)
    await playback.recover()
    servicer = RadioServicer(RunProcedures(store, playback), RadioProcedures(store, playback))

    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_RadioServiceServicer_to_server(servicer, server)
        return ["aimlnf.ransim.v1.RadioService"]

    server = NfServer(
        settings.nf_name,
        settings.server,
        register=register,
        tls=settings.tls,
        registry=registry,
        clock=clock,
    )
    publisher = EventPublisher(
        settings.kafka, clock=clock, metrics=EventMetrics(registry), broker=broker
    )
    async with publisher, asyncio.TaskGroup() as tasks:
        tasks.create_task(OutboxRelay(database, publisher).run(stop))
        tasks.create_task(playback.play(stop))
        await serve_until_stopped(server, stop)
