"""The inference function put together: the only file that names concrete adapters."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

import grpc

from aimlnf.inference.oip.open_inference_pb2_grpc import (
    add_GRPCInferenceServiceServicer_to_server,
)
from aimlnf.inference.v1.inference_function_service_pb2_grpc import (
    add_InferenceFunctionServiceServicer_to_server,
)
from inference_nf.adapters.file_cache import FileCache
from inference_nf.adapters.file_keys import FileKeys
from inference_nf.adapters.grpc_notifications import GrpcNotifications
from inference_nf.adapters.grpc_radio import GrpcRadio
from inference_nf.adapters.grpc_repository import GrpcRepository
from inference_nf.adapters.prometheus_meter import PrometheusMeter
from inference_nf.adapters.sql_answers import SqlAnswers
from inference_nf.adapters.sql_models import SqlModels
from inference_nf.adapters.sql_shadow import SqlShadow
from inference_nf.adapters.sql_tables import metadata
from inference_nf.batching import Batcher
from inference_nf.config import EngineSettings, InferenceSettings
from inference_nf.deciding import Deciding
from inference_nf.engines.onnxruntime import OnnxRuntimeBuilder
from inference_nf.engines.plans import PlanCache
from inference_nf.engines.tensorrt import TensorRtBuilder
from inference_nf.engines.worker import ThreadWorker
from inference_nf.falling_back import FallingBack
from inference_nf.loading import Models
from inference_nf.oip_servicer import OpenInferenceServicer
from inference_nf.ports import EngineBuilder, EventFilter
from inference_nf.preparing import LoadPolicy, Preparing
from inference_nf.procedures import Answering
from inference_nf.releases import EngineKind, Precision
from inference_nf.servicer import InferenceFunctionServicer
from inference_nf.shadowing import Shadowing
from inference_nf.subscribing import Interest, Subscribing
from nf_runtime.client import open_channel
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.metrics import EventMetrics, new_registry
from nf_runtime.outbox import OutboxRelay
from nf_runtime.server import NfServer, serve_until_stopped

MIGRATIONS = "inference_nf.adapters.migrations"


async def serve(
    settings: InferenceSettings, stop: asyncio.Event, *, broker: Broker | None = None
) -> None:
    """Run until `stop` is set. What decided in the last life decides before the port opens.

    Args:
        settings: Everything that can be set.
        stop: Ends it.
        broker: Instead of the one of the settings.
    """
    clock = SystemClock()
    registry = new_registry()
    meter = PrometheusMeter(registry)
    async with AsyncExitStack() as stack:
        database = Database(settings.database.url, metadata, MIGRATIONS)
        stack.push_async_callback(database.close)
        if not await database.open_when_there(clock=clock, stop=stop):
            return
        models = _models(settings, stack, database, meter=meter, clock=clock)
        runs = _runs(settings, stack, meter=meter, clock=clock)
        shadowing = Shadowing(
            models, runs=runs, store=SqlShadow(database), meter=meter, clock=clock
        )
        deciding = Deciding(
            models,
            runs=runs,
            falling_back=_falling_back(settings, stack, meter=meter, clock=clock),
            shadowing=shadowing,
            meter=meter,
            clock=clock,
            min_reliability=settings.decisions.min_reliability,
        )
        answers = SqlAnswers(
            database,
            source=f"/inference_nf/{settings.nf_instance_id}",
            reliability_window=settings.reports.reliability_window,
            low_reliability=settings.reports.low_reliability,
        )
        answering = _answering(settings, stack, deciding, answers, meter=meter, clock=clock)
        servicer = InferenceFunctionServicer(
            models=models,
            deciding=deciding,
            shadowing=shadowing,
            store=answers,
            in_work_count=lambda: answering.in_work_count,
            clock=clock,
            max_batch=settings.engine.max_batch,
        )
        open_inference = OpenInferenceServicer(
            models=models, deciding=deciding, clock=clock, max_batch=settings.engine.max_batch
        )
        server = NfServer(
            settings.nf_name,
            settings.server,
            register=lambda server: _register(server, servicer, open_inference),
            tls=settings.tls,
            registry=registry,
            clock=clock,
        )
        publisher = await stack.enter_async_context(
            EventPublisher(
                settings.kafka, clock=clock, metrics=EventMetrics(registry), broker=broker
            )
        )
        waiting = await models.restore()
        await shadowing.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(OutboxRelay(database, publisher).run(stop))
            tasks.create_task(models.restore_rest(waiting, stop))
            tasks.create_task(shadowing.run(stop))
            if settings.notifications.enabled:
                tasks.create_task(answering.run(stop))
            await serve_until_stopped(server, stop)


def engine_builders(settings: InferenceSettings) -> dict[EngineKind, EngineBuilder]:
    """Both engines; where one cannot run, it says so when it is asked to build."""
    plans = PlanCache(settings.models.cache_folder / "plans")
    return {
        EngineKind.ONNXRUNTIME: OnnxRuntimeBuilder(threads=settings.engine.threads),
        EngineKind.TENSORRT: TensorRtBuilder(plans=plans, max_batch=settings.engine.max_batch),
    }


def default_engine(settings: EngineSettings) -> EngineKind:
    """What runs a version when the request names no engine. `auto` is ONNX Runtime.

    Not modelled: `auto` choosing TensorRT where there is a GPU.
    """
    return EngineKind.ONNXRUNTIME if settings.kind == "auto" else EngineKind(settings.kind)


def _models(
    settings: InferenceSettings,
    stack: AsyncExitStack,
    database: Database,
    *,
    meter: PrometheusMeter,
    clock: Clock,
) -> Models:
    loader = ThreadWorker("aimlnf-loading", threads=1, max_queued=1)
    stack.push_async_callback(loader.close)
    preparing = Preparing(
        repository=GrpcRepository(
            _channel(settings, stack, settings.repository.address),
            download_deadline_s=settings.repository.download_deadline_s,
        ),
        cache=FileCache(
            settings.models.cache_folder,
            worker=loader,
            max_artifact_bytes=settings.models.max_artifact_bytes,
        ),
        signatures=FileKeys(settings.signing.trusted_keys),
        builders=engine_builders(settings),
        default_engine=default_engine(settings.engine),
        loader=loader,
        clock=clock,
        meter=meter,
        policy=LoadPolicy(
            allow_unapproved=settings.models.allow_unapproved,
            warm_up_runs=settings.models.warm_up_runs,
            download_attempts=settings.repository.download_attempts,
            precision=(
                None
                if settings.engine.precision == "card"
                else Precision(settings.engine.precision)
            ),
        ),
    )
    return Models(
        preparing=preparing,
        store=SqlModels(database),
        clock=clock,
        max_loaded=settings.models.max_loaded,
    )


def _runs(
    settings: InferenceSettings, stack: AsyncExitStack, *, meter: PrometheusMeter, clock: Clock
) -> Batcher:
    bounds = settings.engine
    worker = ThreadWorker("aimlnf-inference", threads=bounds.workers, max_queued=bounds.max_queued)
    stack.push_async_callback(worker.close)
    runs = Batcher(
        worker=worker,
        meter=meter,
        clock=clock,
        max_batch=bounds.max_batch,
        max_queued=bounds.max_queued,
        at_a_time=bounds.workers,
        quick_s=bounds.quick_ms / 1e3,
    )
    stack.push_async_callback(runs.close)
    return runs


def _falling_back(
    settings: InferenceSettings, stack: AsyncExitStack, *, meter: PrometheusMeter, clock: Clock
) -> FallingBack:
    worker = ThreadWorker(
        "aimlnf-fallback", threads=1, max_queued=settings.notifications.concurrency
    )
    stack.push_async_callback(worker.close)
    return FallingBack(
        worker=worker, meter=meter, clock=clock, search=settings.decisions.local_search
    )


def _answering(
    settings: InferenceSettings,
    stack: AsyncExitStack,
    deciding: Deciding,
    answers: SqlAnswers,
    *,
    meter: PrometheusMeter,
    clock: Clock,
) -> Answering:
    bounds = settings.notifications
    notifications = GrpcNotifications(_channel(settings, stack, bounds.address))
    filters = tuple(EventFilter(**event.model_dump()) for event in bounds.events)
    return Answering(
        subscribing=Subscribing(
            notifications=notifications,
            store=answers,
            clock=clock,
            interest=Interest(settings.nf_instance_id, filters),
        ),
        notifications=notifications,
        radio=GrpcRadio(_channel(settings, stack, settings.radio.address)),
        deciding=deciding,
        store=answers,
        meter=meter,
        clock=clock,
        concurrency=bounds.concurrency,
        acknowledge_every=bounds.acknowledge_every,
        acknowledge_period_s=bounds.acknowledge_period_s,
        decision_deadline_s=settings.decisions.trigger_deadline_s,
    )


def _channel(settings: InferenceSettings, stack: AsyncExitStack, address: str) -> grpc.aio.Channel:
    opened = open_channel(address, settings=settings.client, tls=settings.tls)
    stack.push_async_callback(opened.close)
    return opened


def _register(
    server: grpc.aio.Server,
    servicer: InferenceFunctionServicer,
    open_inference: OpenInferenceServicer,
) -> Sequence[str]:
    add_InferenceFunctionServiceServicer_to_server(servicer, server)
    add_GRPCInferenceServiceServicer_to_server(open_inference, server)
    return ["aimlnf.inference.v1.InferenceFunctionService", "inference.GRPCInferenceService"]
