"""The composition root of the inference function."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import grpc

from aimlnf.inference.oip import open_inference_pb2, open_inference_pb2_grpc
from aimlnf.inference.v1 import (
    inference_function_service_pb2,
    inference_function_service_pb2_grpc,
)
from inference_nf.adapters.file_cache import FileCache
from inference_nf.adapters.file_keys import FileKeys
from inference_nf.adapters.grpc_notifications import GrpcNotifications
from inference_nf.adapters.grpc_radio import GrpcRadio
from inference_nf.adapters.grpc_repository import GrpcRepository
from inference_nf.adapters.prometheus_meter import PrometheusMeter
from inference_nf.adapters.sql_answers import SqlAnswers
from inference_nf.adapters.sql_models import SqlModels
from inference_nf.adapters.tables import metadata
from inference_nf.config import InferenceSettings
from inference_nf.deciding import Deciding
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.engines.worker import ThreadWorker
from inference_nf.loading import LoadPolicy, Models
from inference_nf.oip_servicer import OpenInferenceServicer
from inference_nf.ports import EngineBuilder, EventFilter
from inference_nf.procedures import Answering
from inference_nf.releases import EngineKind
from inference_nf.servicer import InferenceFunctionServicer
from inference_nf.subscribing import Interest, Subscribing
from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.database import Database
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.metrics import new_registry
from nf_runtime.outbox import OutboxRelay
from nf_runtime.server import NfServer, serve_until_stopped

NF_NAME = InferenceSettings.nf_name
_MIGRATIONS = "inference_nf.adapters.migrations"


async def serve(settings: InferenceSettings, stop: asyncio.Event) -> None:
    """Run until `stop` is set. The active model of the last life decides before the port opens."""
    clock = SystemClock()
    registry = new_registry()
    async with AsyncExitStack() as stack:
        database = Database(settings.database.url, metadata, _MIGRATIONS)
        stack.push_async_callback(database.close)
        await database.open()

        def channel(address: str) -> grpc.aio.Channel:
            opened = open_channel(address, settings=settings.client, tls=settings.tls)
            stack.push_async_callback(opened.close)
            return opened

        decider = ThreadWorker(
            "aimlnf-inference",
            threads=settings.engine.workers,
            max_queued=settings.engine.max_queued,
        )
        loader = ThreadWorker("aimlnf-loading", threads=1, max_queued=1)
        stack.push_async_callback(decider.close)
        stack.push_async_callback(loader.close)
        builders = engine_builders(settings)
        models = Models(
            repository=GrpcRepository(
                channel(settings.repository.address),
                download_deadline_s=settings.repository.download_deadline_s,
            ),
            cache=FileCache(
                settings.models.cache_folder,
                worker=loader,
                max_artifact_bytes=settings.models.max_artifact_bytes,
            ),
            signatures=FileKeys(settings.signing.trusted_keys),
            builders=builders,
            default_engine=default_engine(settings, builders),
            store=SqlModels(database),
            loader=loader,
            clock=clock,
            policy=LoadPolicy(
                max_loaded=settings.models.max_loaded,
                allow_unapproved=settings.models.allow_unapproved,
                warm_up_runs=settings.models.warm_up_runs,
                download_attempts=settings.repository.download_attempts,
            ),
        )
        meter = PrometheusMeter(registry)
        deciding = Deciding(models, worker=decider, meter=meter, clock=clock)
        answers = SqlAnswers(
            database,
            source=f"/inference_nf/{settings.nf_instance_id}",
            reliability_window=settings.reports.reliability_window,
            low_reliability=settings.reports.low_reliability,
        )
        notifications = GrpcNotifications(channel(settings.notifications.address))
        answering = Answering(
            subscribing=Subscribing(
                notifications=notifications,
                store=answers,
                clock=clock,
                interest=_interest(settings),
            ),
            notifications=notifications,
            radio=GrpcRadio(channel(settings.radio.address)),
            deciding=deciding,
            store=answers,
            meter=meter,
            clock=clock,
            concurrency=settings.notifications.concurrency,
            acknowledge_every=settings.notifications.acknowledge_every,
            acknowledge_period_s=settings.notifications.acknowledge_period_s,
        )
        servicer = InferenceFunctionServicer(
            models=models,
            deciding=deciding,
            store=answers,
            in_work_count=lambda: answering.in_work_count,
        )
        open_inference = OpenInferenceServicer(
            models=models, deciding=deciding, max_batch=settings.engine.max_batch
        )
        server = NfServer(
            NF_NAME,
            settings.server,
            register=lambda server: register(server, servicer, open_inference),
            tls=settings.tls,
            registry=registry,
            clock=clock,
        )
        publisher = await stack.enter_async_context(EventPublisher(settings.kafka, clock=clock))
        waiting = await models.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(OutboxRelay(database, publisher).run(stop))
            tasks.create_task(models.restore_rest(waiting, stop))
            if settings.notifications.enabled:
                tasks.create_task(answering.run(stop))
            await serve_until_stopped(server, stop)


def register(
    server: grpc.aio.Server,
    servicer: InferenceFunctionServicer,
    open_inference: OpenInferenceServicer,
) -> Sequence[str]:
    """Add both services to the server; their full names."""
    inference_function_service_pb2_grpc.add_InferenceFunctionServiceServicer_to_server(
        servicer, server
    )
    open_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(open_inference, server)
    own = inference_function_service_pb2.DESCRIPTOR.services_by_name["InferenceFunctionService"]
    protocol = open_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    return [own.full_name, protocol.full_name]


def engine_builders(settings: InferenceSettings) -> dict[EngineKind, EngineBuilder]:
    """The engines that this host can run."""
    return {EngineKind.ONNXRUNTIME: OnnxRuntimeBuilder(threads=settings.engine.threads)}


def default_engine(
    settings: InferenceSettings, builders: dict[EngineKind, EngineBuilder]
) -> EngineKind:
    """What runs a version when the request names no engine."""
    if settings.engine.kind != "auto":
        return EngineKind(settings.engine.kind)
    return EngineKind.TENSORRT if EngineKind.TENSORRT in builders else EngineKind.ONNXRUNTIME


def _interest(settings: InferenceSettings) -> Interest:
    return Interest(
        consumer_id=settings.nf_instance_id,
        filters=tuple(
            EventFilter(
                event=event.event,
                beam_ids=event.beam_ids,
                satellite_ids=event.satellite_ids,
                threshold=event.threshold,
            )
            for event in settings.notifications.events
        ),
    )
