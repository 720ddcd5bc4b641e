"""Composition root: the only place that names concrete adapters."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
import structlog

from mms_repository.adapters import tables
from mms_repository.adapters.file_artifacts import FileArtifacts
from mms_repository.adapters.file_checker import FileChecker
from mms_repository.adapters.file_keys import FileKeys
from mms_repository.adapters.s3_artifacts import S3Artifacts
from mms_repository.adapters.sql_models import MIGRATIONS, SqlModels
from mms_repository.config import ArtifactSettings, MmsSettings, SigningSettings
from mms_repository.coordination import CoordinationGroups
from mms_repository.housekeeping import Gate, Housekeeper, Retention
from mms_repository.manifests import ManifestLimits
from mms_repository.ports import ArtifactStore
from mms_repository.procedures import ModelRepository
from mms_repository.publication import PublicationRules, Publisher
from mms_repository.servicer import ModelRepositoryServicer, add_to_server
from mms_repository.storage import S3Location
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.config import ConfigurationError
from nf_runtime.database import Database
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.metrics import EventMetrics
from nf_runtime.outbox import OutboxRelay
from nf_runtime.server import NfServer, serve_until_stopped
from nf_runtime.signing import TrustedKeys

log = structlog.get_logger(__name__)


async def serve(settings: MmsSettings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; a database that is not there yet is waited for.

    Raises:
        ConfigurationError: A setting cannot be used.
    """
    clock = SystemClock()
    database = database_of(settings)
    try:
        if not await database.open_when_there(clock=clock, stop=stop):
            return
        async with repository_on(database, settings, clock=clock) as (server, housekeeper):
            metrics = EventMetrics(server.registry)
            publisher = EventPublisher(settings.kafka, clock=clock, metrics=metrics)
            async with publisher, asyncio.TaskGroup() as tasks:
                tasks.create_task(OutboxRelay(database, publisher).run(stop))
                tasks.create_task(housekeeper.run(stop))
                await serve_until_stopped(server, stop)
    finally:
        await database.close()


def database_of(settings: MmsSettings) -> Database:
    """The repository's database, not opened yet."""
    # An acknowledged version must survive a power cut as its artifacts do.
    return Database(settings.database.url, tables.metadata, MIGRATIONS, power_loss_safe=True)


@asynccontextmanager
async def repository_on(
    database: Database, settings: MmsSettings, *, clock: Clock
) -> AsyncIterator[tuple[NfServer, Housekeeper]]:
    """The server on an open database, ready to start; it leaves its events in the outbox.

    The housekeeper has swept once; the caller runs it.

    Raises:
        ConfigurationError: A setting cannot be used.
        Unavailable: The database went away.
    """
    keys = trusted_keys(settings.signing, clock)
    store = SqlModels(database)
    artifacts = artifact_store(settings.artifacts)
    checker = FileChecker()
    gate = Gate()
    housekeeper = Housekeeper(
        store=store,
        artifacts=artifacts,
        gate=gate,
        retention=_retention(settings.artifacts),
        clock=clock,
    )
    servicer = ModelRepositoryServicer(
        ModelRepository(store=store, artifacts=artifacts, clock=clock),
        CoordinationGroups(store=store, clock=clock),
        Publisher(
            store=store,
            artifacts=artifacts,
            formats=checker,
            keys=keys,
            rules=_rules(settings),
            gate=gate,
            clock=clock,
        ),
        upload_idle_s=settings.artifacts.upload_idle_s,
        max_upload_bytes=settings.artifacts.max_version_bytes,
    )

    def register(server: grpc.aio.Server) -> Sequence[str]:
        return [add_to_server(servicer, server)]

    server = NfServer(
        settings.nf_name, settings.server, register=register, tls=settings.tls, clock=clock
    )
    try:
        await artifacts.open()
        await store.open()
        await housekeeper.sweep_if_possible()
        yield server, housekeeper
    finally:
        await checker.close()
        await artifacts.close()


def artifact_store(settings: ArtifactSettings) -> ArtifactStore:
    """The store that the settings name, not opened yet."""
    if not settings.url:
        return FileArtifacts(settings.folder)
    location = S3Location.parse(settings.url)
    return S3Artifacts(location, settings.folder, timeout_s=settings.store_timeout_s)


def trusted_keys(settings: SigningSettings, clock: Clock) -> FileKeys:
    """The keys that the settings name.

    Raises:
        ConfigurationError: A file is missing or holds what is no Ed25519 public key.
    """
    if settings.required and not settings.trusted_keys:
        log.warning("no key is trusted", consequence="every upload is refused")
    try:
        TrustedKeys.from_files(settings.trusted_keys)
    except InvalidArgument as error:
        raise ConfigurationError(f"setting signing.trusted_keys: {error.message}") from error
    return FileKeys(settings.trusted_keys, clock=clock)


def _retention(settings: ArtifactSettings) -> Retention:
    return Retention(
        orphan_s=settings.orphan_grace_s,
        upload_s=settings.upload_keep_s,
        archived_s=settings.archived_keep_s,
        period_s=settings.sweep_period_s,
    )


def _rules(settings: MmsSettings) -> PublicationRules:
    bounds = settings.artifacts
    return PublicationRules(
        limits=ManifestLimits(
            max_artifacts=bounds.max_artifacts,
            max_artifact_bytes=bounds.max_artifact_bytes,
            max_version_bytes=bounds.max_version_bytes,
        ),
        signature_required=settings.signing.required,
        max_concurrent=bounds.max_concurrent_uploads,
    )
