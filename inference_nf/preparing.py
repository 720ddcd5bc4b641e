"""The procedure that makes a version ready: from what the repository says to an engine that serves.

Approved, signed by a trusted key, every byte equal to its digest, inputs and outputs as its card
says and as this function needs them, compiled, warmed up, and equal to its golden samples.

Not modelled: the signature covers the files and the model's name, not the version number, which the
repository gives after signing. Files of unloaded versions stay in the cache.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from inference_nf.golden import GoldenSamples, check_golden, mismatch, read_golden
from inference_nf.loaded_models import WantedModel
from inference_nf.model_card import ModelCard, check_graph, read_card
from inference_nf.ports import (
    ArtifactCache,
    Engine,
    EngineBuilder,
    Meter,
    Repository,
    SignatureCheck,
    Worker,
)
from inference_nf.releases import (
    APPROVED,
    CARD_FILE,
    GRAPH_FILE,
    EngineKind,
    ModelKey,
    ModelRelease,
    Precision,
)
from nf_runtime.clock import Clock
from nf_runtime.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    PermissionDenied,
    Unavailable,
)

_FIRST_RETRY_S = 0.2

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LoadPolicy:
    """What may be loaded, and how.

    Attributes:
        allow_unapproved: Load versions that nobody approved; for laboratories.
        warm_up_runs: Runs before the first decision, so that it is as quick as the others.
        download_attempts: How often a broken download is taken up again within one load.
        precision: Instead of the one of the card; the golden samples must still be reproduced.
    """

    allow_unapproved: bool = False
    warm_up_runs: int = 2
    download_attempts: int = 3
    precision: Precision | None = None

    def precision_for(self, card: ModelCard) -> Precision:
        """The lowest precision that a version with that card is served in."""
        return card.precision if self.precision is None else self.precision


@dataclass(frozen=True)
class ServingModel:
    """A version in memory that has passed every check."""

    key: ModelKey
    requested_engine: EngineKind | None
    engine: Engine
    card: ModelCard
    artifact_sha256: str
    load_time_s: float
    ready_time: datetime


class Preparing:
    """Makes versions ready.

    Args:
        repository: Where versions come from.
        cache: Where their files are kept.
        signatures: Whose signatures are believed.
        builders: One for each kind of engine.
        default_engine: What runs a version when the request names no engine.
        loader: Threads that compile and check; not those that decide.
        clock: For durations and the time of readiness.
        meter: Where the steps are measured.
        policy: What may be loaded, and how.
    """

    def __init__(
        self,
        *,
        repository: Repository,
        cache: ArtifactCache,
        signatures: SignatureCheck,
        builders: Mapping[EngineKind, EngineBuilder],
        default_engine: EngineKind,
        loader: Worker,
        clock: Clock,
        meter: Meter,
        policy: LoadPolicy,
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._signatures = signatures
        self._builders = builders
        self._default_engine = default_engine
        self._loader = loader
        self._clock = clock
        self._meter = meter
        self._policy = policy

    async def resolve(self, name: str, selector: int | str) -> ModelRelease:
        """The version with that number or alias.

        Raises:
            NotFound: The repository does not have it.
            Unavailable: The repository does not answer.
        """
        with self._step("resolve"):
            return await self._repository.resolve(name, selector)

    async def members(self, group: str) -> Sequence[ModelKey]:
        """The versions of a coordination group.

        Raises:
            NotFound: The repository does not have it.
            Unavailable: The repository does not answer.
        """
        with self._step("resolve"):
            return await self._repository.members(group)

    async def prepared(self, wanted: WantedModel, *, started_s: float) -> ServingModel:
        """The version after every check; `started_s` is the monotonic time that its load began.

        Raises:
            FailedPrecondition: MODEL_NOT_APPROVED, ARTIFACT_REFUSED, GOLDEN_SAMPLE_MISMATCH or
                ENGINE_UNAVAILABLE.
            PermissionDenied: SIGNATURE_INVALID.
            DataLoss: DIGEST_MISMATCH.
            Unavailable: The repository does not answer.
        """
        release = wanted.release
        builder = self._builders[wanted.engine or self._default_engine]
        with self._step("signature"):
            self._check_origin(release)
        with self._step("download"):
            card = read_card(await self._fetch(release, CARD_FILE))
            golden = read_golden(await self._fetch(release, card.golden.file_name), card)
            graph = await self._fetch(release, GRAPH_FILE)
        sha256 = release.artifact(GRAPH_FILE).sha256
        engine = await self._loader.run(
            partial(self._build, builder, graph, sha256, card, golden), urgent=True
        )
        return ServingModel(
            key=release.key,
            requested_engine=wanted.engine,
            engine=engine,
            card=card,
            artifact_sha256=sha256,
            load_time_s=self._clock.monotonic_s() - started_s,
            ready_time=self._clock.now(),
        )

    def _check_origin(self, release: ModelRelease) -> None:
        if release.state != APPROVED and not self._policy.allow_unapproved:
            raise FailedPrecondition(
                f"{release.key} is {release.state}; have it tested and approved first",
                reason="MODEL_NOT_APPROVED",
                state=release.state,
                wanted=APPROVED,
            )
        if release.manifest.model_name != release.key.name:
            raise PermissionDenied(
                f"the manifest of {release.key} was signed for model "
                f"{release.manifest.model_name}; publish the version again",
                reason="SIGNATURE_INVALID",
                key_id=release.key_id,
            )
        self._signatures.verify(
            release.manifest, key_id=release.key_id, signature=release.signature
        )

    async def _fetch(self, release: ModelRelease, file_name: str) -> bytes:
        artifact = release.artifact(file_name)

        def download(offset_bytes: int) -> AsyncGenerator[bytes, None]:
            return self._repository.download(release.key, file_name, offset_bytes=offset_bytes)

        for attempt in range(1, self._policy.download_attempts):
            try:
                return await self._cache.fetch(artifact, download)
            except (Unavailable, DeadlineExceeded) as error:
                log.warning("download broke; taking it up again", file=file_name, error=str(error))
                await self._clock.sleep(_FIRST_RETRY_S * attempt)
        return await self._cache.fetch(artifact, download)

    def _build(
        self,
        builder: EngineBuilder,
        graph: bytes,
        sha256: str,
        card: ModelCard,
        golden: GoldenSamples,
    ) -> Engine:
        precision = self._policy.precision_for(card)
        with self._step("compile"):
            engine = builder.build(graph, sha256=sha256, precision=precision)
            check_graph(card, engine.inputs, engine.outputs)
        try:
            with self._step("warm_up"):
                for _ in range(self._policy.warm_up_runs):
                    engine.run(golden.inputs)
            with self._step("golden"):
                computed = engine.run(golden.inputs)
        except Exception as error:
            raise mismatch("(all)", f"was not computed: {error}") from error
        check_golden(card, golden.outputs, computed, precision=engine.precision)
        return engine

    @contextmanager
    def _step(self, step: str) -> Iterator[None]:
        started_s = self._clock.monotonic_s()
        try:
            yield
        finally:
            self._meter.load_step(step, self._clock.monotonic_s() - started_s)
