"""The OAM put together."""

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack

import grpc

from aimlnf.oam.v1 import lifecycle_service_pb2, provisioning_service_pb2
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import add_LifecycleServiceServicer_to_server
from aimlnf.oam.v1.provisioning_service_pb2_grpc import (
    add_ProvisioningServiceServicer_to_server,
)
from nf_runtime.client import keep_trying, open_channel
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.events.record import Record
from nf_runtime.metrics import EventMetrics
from nf_runtime.outbox import OutboxRelay
from nf_runtime.server import NfServer, serve_until_stopped
from oam.adapters.grpc_analytics import GrpcAnalytics
from oam.adapters.grpc_inference import GrpcInferenceFunction
from oam.adapters.grpc_radio import GrpcRadio
from oam.adapters.grpc_repository import GrpcModelRepository
from oam.adapters.grpc_training import GrpcTrainingFunction
from oam.adapters.kafka_reports import KafkaReports
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA
from oam.config import OamSettings
from oam.objects_app import ManagedObjects, Peers
from oam.procedures import LifecycleProcedures
from oam.rule_procedures import RuleProcedures
from oam.runner import AdaptationRunner
from oam.servicer import LifecycleServicer
from oam.stages import Stages

MIGRATIONS = "oam.adapters.migrations"
_SERVICE = lifecycle_service_pb2.DESCRIPTOR.services_by_name["LifecycleService"].full_name
_PROVISIONING = provisioning_service_pb2.DESCRIPTOR.services_by_name[
    "ProvisioningService"
].full_name


async def serve(
    settings: OamSettings,
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    broker: Broker | None = None,
) -> None:
    """Run the OAM until `stop` is set.

    Args:
        settings: All of them.
        stop: Ends it, after what is being answered.
        clock: The machine's by default.
        broker: Instead of the one of the settings.
    """
    clock = SystemClock() if clock is None else clock
    async with AsyncExitStack() as stack:
        database = Database(settings.database.url, METADATA, MIGRATIONS)
        stack.push_async_callback(database.close)
        store = SqlLifecycleStore(database, clock=clock)

        async def channel_to(address: str) -> grpc.aio.Channel:
            channel = open_channel(address, settings=settings.client, tls=settings.tls)
            stack.push_async_callback(channel.close)
            return channel

        peers = settings.peers
        policy = settings.policy
        repository_channel = await channel_to(peers.mms_repository)
        repository = GrpcModelRepository(repository_channel)
        training = GrpcTrainingFunction(await channel_to(peers.nwdaf_mtlf))
        inference = GrpcInferenceFunction(
            await channel_to(peers.inference_nf),
            load_deadline_s=settings.inference.load_deadline_s,
        )
        objects = ManagedObjects(
            settings,
            database,
            Peers(
                training,
                repository,
                repository_channel,
                inference,
                GrpcRadio(await channel_to(peers.ran_sim)),
            ),
            clock=clock,
        )

        async def open_store() -> bool:
            await database.open()
            await store.open()
            await objects.open()
            return True

        if await keep_trying(open_store, what="database", clock=clock, stop=stop) is None:
            return

        stages = Stages(
            training=training,
            repository=repository,
            inference=objects.gate,
            analytics=GrpcAnalytics(
                await channel_to(peers.nwdaf_anlf), window_s=settings.analytics.window_s
            ),
            training_defaults=settings.training.defaults,
            test_defaults=settings.testing.defaults,
            canary=policy.canary,
            clock=clock,
        )
        runner = AdaptationRunner(store=store, stages=stages, policy=policy, clock=clock)
        procedures = LifecycleProcedures(
            store=store, repository=repository, policy=policy, clock=clock, new_id=new_id
        )
        rules = RuleProcedures(
            store=store, repository=repository, policy=policy, clock=clock, new_id=new_id
        )
        servicer = LifecycleServicer(procedures=procedures, store=store, policy=policy)

        def register(server: grpc.aio.Server) -> Sequence[str]:
            add_LifecycleServiceServicer_to_server(servicer, server)
            add_ProvisioningServiceServicer_to_server(objects.servicer, server)
            return [_SERVICE, _PROVISIONING]

        server = NfServer("oam", settings.server, register=register, tls=settings.tls, clock=clock)
        metrics = EventMetrics(server.registry)
        publisher = await stack.enter_async_context(
            EventPublisher(settings.kafka, clock=clock, metrics=metrics, broker=broker)
        )
        object_tasks = objects.tasks(procedures, rules, store, metrics=metrics, broker=broker)

        async def take_in(record: Record) -> None:
            await rules.take_in(record)
            objects.observe(record)

        reports = KafkaReports(
            settings.kafka,
            database=database,
            take_in=take_in,
            clock=clock,
            metrics=metrics,
            broker=broker,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(OutboxRelay(database, publisher).run(stop))
            tasks.create_task(procedures.synchronise(stop))
            tasks.create_task(reports.run(stop))
            tasks.create_task(runner.run(stop))
            for run in object_tasks:
                tasks.create_task(run(stop))
            await serve_until_stopped(server, stop)


def new_id() -> str:
    """An identity that nobody else has."""
    return uuid.uuid4().hex[:16]
