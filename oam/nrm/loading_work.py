"""MLModelLoadingProcess: only what passed its last test, and is not held back, is loaded."""

from collections.abc import AsyncIterator

from oam.adaptation_events import one_line
from oam.nrm.activation import last_test, why_held_back
from oam.nrm.objects import Moi, ObjectStore
from oam.nrm.outcomes import Failed, Finished, Outcome
from oam.nrm.work import ACTOR, Defaults, model_of_part
from oam.nrm.work_objects import Part
from oam.ports import InferenceFunction, ModelRepository, VersionState


class LoadingWork:
    """The work of an MLModelLoadingProcess.

    Args:
        store: The managed objects.
        repository: Knows what was tested and approved.
        inference: Loads.
        defaults: Whether a tested version is approved by being asked for.
    """

    def __init__(
        self,
        store: ObjectStore,
        repository: ModelRepository,
        inference: InferenceFunction,
        defaults: Defaults,
    ) -> None:
        self._store = store
        self._repository = repository
        self._inference = inference
        self._defaults = defaults

    async def perform(self, part: Part, request: Moi | None) -> AsyncIterator[Outcome]:  # noqa: ARG002
        """A model that is ready."""
        model = part.notes["model"]
        name, version = await model_of_part(self._store, part)
        held_back = await self._store.transact(lambda tree: why_held_back(tree, model))
        if held_back:
            yield Failed(one_line(f"{model} is held back: {held_back}; train another version"))
            return
        state = (await self._repository.version(name, version)).state
        failed = await self._store.transact(lambda tree: last_test(tree, model)) == "FAILED"
        if failed or state not in (VersionState.TESTED, VersionState.APPROVED):
            yield Failed(f"{model} did not pass its last test (it is {state}); test it first")
            return
        if state is VersionState.TESTED:
            if not self._defaults.approves_automatically:
                yield Failed(f"{model} is not approved; have an operator approve it first")
                return
            reason = f"it passed its test, and {part.owner} asks for it"
            await self._repository.approve(name, version, actor=ACTOR, reason=reason)
        loaded = await self._inference.load(name, version)
        yield Finished(
            attributes={"loadedMLModelRef": model},
            info=one_line(f"ready on {loaded.engine} in {loaded.load_s:.1f} s"),
            loaded_model=model,
        )

    async def suspend(self, part: Part, request: Moi | None) -> None:
        """A model that comes to be loaded meanwhile is listed on resumption only."""

    async def cancel(self, part: Part, request: Moi | None) -> None:
        """A model that comes to be loaded all the same is not listed, so it cannot infer."""
