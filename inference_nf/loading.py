"""Procedures around models: load, activate, deactivate, unload, bring back after a restart.

A version serves only after every step of `inference_nf.preparing` has passed. Whatever fails leaves
the active version untouched, and is remembered with its reason.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import structlog

from inference_nf.loaded_models import ModelSet, WantedModel, not_loaded
from inference_nf.ports import ModelStore
from inference_nf.preparing import Preparing, ServingModel
from inference_nf.releases import EngineKind, LoadFailure, ModelKey
from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    NfError,
    NotFound,
    Unavailable,
)

_MOST_FAILURES = 20  # remembered

log = structlog.get_logger(__name__)


class Models:
    """The versions in memory and the one that decides.

    Args:
        preparing: Makes versions ready.
        store: Where the set is kept.
        clock: For waits.
        max_loaded: How many versions are held in memory at most.
    """

    def __init__(
        self,
        *,
        preparing: Preparing,
        store: ModelStore,
        clock: Clock,
        max_loaded: int,
    ) -> None:
        self._preparing = preparing
        self._store = store
        self._clock = clock
        self._max_loaded = max_loaded
        self._set = ModelSet()
        self._serving: Mapping[ModelKey, ServingModel] = {}
        self._failures: dict[tuple[str, int | str], LoadFailure] = {}
        self._loading = asyncio.Lock()  # one load at a time; never held by what must be quick
        self._changing = asyncio.Lock()

    @property
    def active(self) -> ServingModel | None:
        """The version that decides; take it once for each decision."""
        return None if self._set.active is None else self._serving.get(self._set.active)

    @property
    def wanted(self) -> ModelSet:
        """What is to be in memory; after a restart some of it may wait for the repository."""
        return self._set

    @property
    def serving(self) -> list[ServingModel]:
        """Every version in memory, oldest first."""
        return [self._serving[m.key] for m in self._set.models if m.key in self._serving]

    @property
    def failures(self) -> list[LoadFailure]:
        """What could not be loaded since it was asked for last, oldest first."""
        return list(self._failures.values())

    def find(self, name: str, version: int | None = None) -> ServingModel:
        """The version in memory with that name and number.

        Without a number the one that decides or is in its coordination group, else the newest.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
        """
        if version is not None:
            key = ModelKey(name, version)
            if key not in self._serving:
                raise not_loaded(key)
            return self._serving[key]
        for key in self._set.group_of(self._set.active):
            if key.name == name and key in self._serving:
                return self._serving[key]
        keys = [key for key in self._serving if key.name == name]
        if not keys:
            raise NotFound(
                f"no version of model {name} is loaded; load one first",
                reason="RESOURCE_NOT_FOUND",
                resource=name,
            )
        return self._serving[max(keys)]

    async def load(
        self, name: str, selector: int | str, engine: EngineKind | None = None
    ) -> ServingModel:
        """The version with that number or alias, in memory and ready. Idempotent.

        Raises:
            NotFound: The repository does not have it.
            FailedPrecondition: MODEL_NOT_APPROVED, ARTIFACT_REFUSED, GOLDEN_SAMPLE_MISMATCH or
                ENGINE_UNAVAILABLE.
            PermissionDenied: SIGNATURE_INVALID.
            DataLoss: DIGEST_MISMATCH.
            Unavailable: The repository does not answer.
        """
        with self._remembering(name, selector):
            model = await self._load(name, selector, engine)
        self._failures.pop((name, model.key.version), None)
        return model

    async def load_group(
        self, group: str, engine: EngineKind | None = None
    ) -> Sequence[ServingModel]:
        """All members of a coordination group, in memory and ready, or none of them. Idempotent.

        Raises:
            NotFound: The repository does not have the group.
            FailedPrecondition: As a load of one of them, or STATE_FORBIDS: there is no room.
            PermissionDenied: SIGNATURE_INVALID.
            DataLoss: DIGEST_MISMATCH.
            Unavailable: The repository does not answer.
        """
        async with self._loading:
            wanted: list[WantedModel] = []
            for key in await self._preparing.members(group):
                with self._remembering(key.name, key.version):
                    release = await self._preparing.resolve(key.name, key.version)
                wanted.append(WantedModel(release, engine, group))
            self._set.with_loaded(*wanted, most=self._max_loaded)  # nothing is done in vain
            ready: list[ServingModel] = []
            for each in wanted:
                with self._remembering(each.key.name, each.key.version):
                    ready.append(await self._ready(each, self._clock.monotonic_s()))
            await self._change(
                lambda models: models.with_loaded(*wanted, most=self._max_loaded), arriving=ready
            )
        log.info("coordination group ready", group=group, members=[str(m.key) for m in ready])
        return ready

    async def activate(self, key: ModelKey) -> ServingModel:
        """Let a loaded version decide from the next decision on. Idempotent.

        Raises:
            NotFound: RESOURCE_NOT_FOUND when it is not in memory.
        """
        model = self.find(key.name, key.version)
        await self._change(lambda models: models.with_active(key))
        log.info("model activated", model_name=key.name, model_version=key.version)
        return model

    async def rollback(self) -> ServingModel:
        """Let the version decide that decided before the active one. Needs nothing but memory.

        With it, all of its coordination group is in force again.

        Raises:
            FailedPrecondition: NO_PREVIOUS_VERSION in memory, with all of its group.
        """
        previous = self._set.previous
        if previous is None or not self._set.group_of(previous) <= self._serving.keys():
            raise FailedPrecondition(
                "no version that decided before is in memory; load and activate one by its number",
                reason="NO_PREVIOUS_VERSION",
            )
        return await self.activate(previous)

    async def deactivate(self) -> None:
        """Let no model decide from the next decision on. Idempotent."""
        await self._change(ModelSet.without_active)
        log.warning("no model is active; the fallback decides")

    async def unload(self, key: ModelKey) -> None:
        """Free a version that does not decide.

        Raises:
            NotFound: RESOURCE_NOT_FOUND.
            FailedPrecondition: STATE_FORBIDS when it decides.
        """
        await self._change(lambda models: models.without(key))
        log.info("model unloaded", model_name=key.name, model_version=key.version)

    async def unload_all(self, name: str) -> None:
        """Free every version of a model, or none of them while one decides.

        Raises:
            NotFound: RESOURCE_NOT_FOUND when none is in memory.
            FailedPrecondition: STATE_FORBIDS while one of them decides.
        """
        self.find(name)
        await self._change(lambda models: models.without_name(name))
        log.info("model unloaded", model_name=name)

    async def restore(self) -> list[WantedModel]:
        """Bring back what was loaded when the process ended, the active version first.

        Files come from the cache. Returns the versions that need the repository, which does not
        answer; `restore_rest` waits for it. A version that fails a check is given up, loudly.
        """
        self._set = await self._store.model_set()
        waiting = []
        for wanted in sorted(self._set.models, key=lambda m: m.key != self._set.active):
            try:
                await self._restore(wanted)
            except (Unavailable, DeadlineExceeded) as error:
                log.warning(
                    "model needs the repository, which does not answer",
                    model=str(wanted.key),
                    error=str(error),
                )
                waiting.append(wanted)
        return waiting

    async def restore_rest(self, waiting: list[WantedModel], stop: asyncio.Event) -> None:
        """Bring back what `restore` could not, once the repository answers."""
        for wanted in waiting:
            await keep_trying(
                partial(self._restore, wanted), what="mms_repository", clock=self._clock, stop=stop
            )

    async def _load(
        self, name: str, selector: int | str, engine: EngineKind | None
    ) -> ServingModel:
        started_s = self._clock.monotonic_s()
        async with self._loading:
            if isinstance(selector, int):
                there = self._serving.get(ModelKey(name, selector))
                if there is not None and engine in (None, there.engine.kind):
                    return there
            release = await self._preparing.resolve(name, selector)
            there = self._serving.get(release.key)
            if there is not None and engine in (None, there.engine.kind):
                return there
            known = self._set.find(release.key)
            wanted = WantedModel(release, engine, "" if known is None else known.group)
            model = await self._ready(wanted, started_s)
            await self._change(
                lambda models: models.with_loaded(wanted, most=self._max_loaded),
                arriving=[model],
            )
        return model

    async def _ready(self, wanted: WantedModel, started_s: float) -> ServingModel:
        there = self._serving.get(wanted.key)
        if there is not None and wanted.engine in (None, there.engine.kind):
            return there
        model = await self._preparing.prepared(wanted, started_s=started_s)
        log.info(
            "model ready",
            model_name=model.key.name,
            model_version=model.key.version,
            engine=model.engine.kind,
            precision=model.engine.precision,
            artifact_sha256=model.artifact_sha256,
            load_time_s=round(model.load_time_s, 3),
        )
        return model

    @contextmanager
    def _remembering(self, name: str, selector: int | str) -> Iterator[None]:
        """Keep what fails within it; what succeeds is forgotten."""
        self._failures.pop((name, selector), None)
        try:
            yield
        except NfError as error:
            self._failures[name, selector] = LoadFailure(name, selector, error.reason, str(error))
            while len(self._failures) > _MOST_FAILURES:
                del self._failures[next(iter(self._failures))]
            raise

    async def _restore(self, wanted: WantedModel) -> None:
        if self._set.find(wanted.key) != wanted or wanted.key in self._serving:
            return  # unloaded or loaded anew meanwhile
        try:
            model = await self._preparing.prepared(wanted, started_s=self._clock.monotonic_s())
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            log.error(  # noqa: TRY400 - the reason says it all
                "model cannot be brought back",
                model=str(wanted.key),
                was_active=wanted.key == self._set.active,
                reason=error.reason,
                error=str(error),
            )
            # Only in memory: what is stored is back once the cause, a setting perhaps, is mended.
            async with self._changing:
                self._set = self._set.without_failed(wanted.key)
                self._serving = self._of(self._set, self._serving)
            return
        async with self._changing:
            if self._set.find(wanted.key) == wanted:
                self._serving = {**self._serving, wanted.key: model}
        log.info("model brought back", model=str(wanted.key), active=wanted.key == self._set.active)

    async def _change(
        self, change: Callable[[ModelSet], ModelSet], *, arriving: Sequence[ServingModel] = ()
    ) -> None:
        # A caller that gives up must not leave the stored set and the one in force different.
        await asyncio.shield(asyncio.ensure_future(self._change_now(change, arriving)))

    async def _change_now(
        self, change: Callable[[ModelSet], ModelSet], arriving: Sequence[ServingModel]
    ) -> None:
        async with self._changing:
            models = change(self._set)
            if models != self._set:
                await self._store.save_model_set(models)
            there = {**self._serving, **{model.key: model for model in arriving}}
            self._serving = self._of(models, there)
            self._set = models

    @staticmethod
    def _of(
        models: ModelSet, there: Mapping[ModelKey, ServingModel]
    ) -> Mapping[ModelKey, ServingModel]:
        return {m.key: there[m.key] for m in models.models if m.key in there}
