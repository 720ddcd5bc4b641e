"""The MTLF put together: the only file that names concrete adapters."""

import asyncio
from collections.abc import Sequence
from functools import partial

import grpc

from aimlnf.nwdaf.v1.model_provision_service_pb2_grpc import (
    add_ModelProvisionServiceServicer_to_server,
)
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import (
    add_ModelTrainingServiceServicer_to_server,
)
from nf_runtime.client import open_channel
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.catalogue import MMS_EVENTS
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nf_runtime.metrics import EventMetrics, new_registry
from nf_runtime.server import NfServer, serve_until_stopped
from nf_runtime.signing import Signer
from nwdaf.intake import Intake
from nwdaf.mtlf.adapters.child_workshop import ChildWorkshop
from nwdaf.mtlf.adapters.grpc_repository import GrpcRepository
from nwdaf.mtlf.adapters.sql_jobs import SqlJobStore
from nwdaf.mtlf.adapters.sql_tables import METADATA, PROVISION_SUBSCRIPTIONS
from nwdaf.mtlf.config import MtlfSettings
from nwdaf.mtlf.ports import Repository, Workshop
from nwdaf.mtlf.procedures import Jobs
from nwdaf.mtlf.provision import Provision
from nwdaf.mtlf.provision_procedures import ProvisionSubscribing
from nwdaf.mtlf.provision_servicer import ModelProvisionServicer
from nwdaf.mtlf.provision_subscriptions import ProvisionSubscription
from nwdaf.mtlf.training_servicer import ModelTrainingServicer
from nwdaf.mtlf.working import Working
from nwdaf.sql_documents import SqlDocuments

MIGRATIONS = "nwdaf.mtlf.adapters.migrations"


async def serve(
    settings: MtlfSettings,
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    broker: Broker | None = None,
    workshop: Workshop | None = None,
) -> None:
    """Serve until `stop` is set. Clock, broker and workshop are the real ones unless given."""
    clock = SystemClock() if clock is None else clock
    signer = Signer.from_file(settings.signing.key_file)
    database = Database(settings.database.url, METADATA, MIGRATIONS)
    channel = open_channel(settings.repository.address, settings=settings.client, tls=settings.tls)
    try:
        if not await database.open_when_there(clock=clock, stop=stop):
            return
        await _serve(
            settings,
            stop,
            database,
            GrpcRepository(
                channel, signer=signer, transfer_deadline_s=settings.repository.transfer_deadline_s
            ),
            ChildWorkshop(nice=settings.worker.nice) if workshop is None else workshop,
            clock=clock,
            broker=broker,
        )
    finally:
        await channel.close()
        await database.close()


async def _serve(
    settings: MtlfSettings,
    stop: asyncio.Event,
    database: Database,
    repository: Repository,
    workshop: Workshop,
    *,
    clock: Clock,
    broker: Broker | None,
) -> None:
    registry = new_registry()
    store = SqlJobStore(database, clock=clock, most_queued=settings.worker.most_queued)
    jobs = Jobs(store, repository, clock=clock)
    working = Working(
        jobs,
        repository=repository,
        workshop=workshop,
        clock=clock,
        folder=settings.worker.folder,
        pretrained=settings.worker.pretrained_folder,
        threads=settings.worker.threads,
        patience_s=settings.repository.patience_s,
    )

    async def remember(record: Record) -> bool:
        return await database.transact(partial(accept, record=record))

    provision = Provision(repository, remember)
    subscribing = ProvisionSubscribing(
        SqlDocuments(
            database,
            PROVISION_SUBSCRIPTIONS,
            ProvisionSubscription,
            most=settings.provision.most_subscriptions,
        ),
        repository,
        provision,
        clock=clock,
    )

    def register(server: grpc.aio.Server) -> Sequence[str]:
        add_ModelTrainingServiceServicer_to_server(ModelTrainingServicer(jobs, clock=clock), server)
        add_ModelProvisionServiceServicer_to_server(
            ModelProvisionServicer(
                provision, subscribing, repository_address=settings.repository.address
            ),
            server,
        )
        return [
            "aimlnf.nwdaf.v1.ModelTrainingService",
            "aimlnf.nwdaf.v1.ModelProvisionService",
        ]

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
        tasks.create_task(working.run(stop))
        tasks.create_task(intake.run([MMS_EVENTS], provision.take_in, stop, needs="mms_repository"))
        await serve_until_stopped(server, stop)
