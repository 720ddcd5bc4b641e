"""The gate before the inference function, kept as its AIMLInferenceFunction object says."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, NotFound, Unavailable
from oam.adaptation_events import one_line
from oam.canary import Comparison
from oam.nrm.activation import Situation, model_that_infers, scope_holds
from oam.nrm.mirror import identity_of
from oam.nrm.names import Name
from oam.nrm.objects import INFERENCE, ObjectStore, Tree, existing
from oam.ports import InferenceFunction, LoadReport

log = structlog.get_logger(__name__)

_NO_MODEL = ""


@dataclass(frozen=True)
class Standing:
    """What the gate has to do.

    Attributes:
        model: The MLModel that is to infer; empty: none may.
        is_ordered: Whether a consumer has a say in it: by deactivation, a scope, or a list whose
            first model is not the one that an adaptation put into use.
        has_scope: Whether time or place may change it.
    """

    model: str
    is_ordered: bool
    has_scope: bool


class InferenceGate:
    """The inference function, which lets a model infer only while it is activated and in scope.

    Adaptations use it in place of the function itself. What they put into use while the gate is
    closed infers as soon as it opens.

    Args:
        store: The managed objects.
        inference: The function itself.
        function: Name of its object.
        situation: Time and place that scopes are judged by.
        clock: For waiting.
        period_s: How often a scope is looked at.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        inference: InferenceFunction,
        function: Name,
        situation: Callable[[], Awaitable[Situation]],
        clock: Clock,
        period_s: float,
    ) -> None:
        self._store = store
        self._inference = inference
        self._function = function
        self._situation = situation
        self._clock = clock
        self._period_s = period_s
        self._applied: str | None = None  # None: the gate has not had to do anything yet

    async def load(self, model_name: str, version: int) -> LoadReport:
        """Have the version ready; what is active stays active."""
        return await self._inference.load(model_name, version)

    async def activate(self, model_name: str, version: int) -> None:
        """Make a loaded version the one that infers, as soon as the gate is open."""
        standing = await self._standing()
        if standing.model == _NO_MODEL and standing.is_ordered:
            log.info("inference is closed", model_name=model_name, version=version)
            return
        await self._inference.activate(model_name, version)

    async def deactivate(self) -> None:
        """Let no model infer."""
        await self._inference.deactivate()

    async def compare(self, model_name: str, version: int, share: float) -> Comparison:
        """Have a loaded version decide beside the active one; what was compared so far."""
        return await self._inference.compare(model_name, version, share)

    async def stop_comparing(self) -> None:
        """End the comparison, if there is one."""
        await self._inference.stop_comparing()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the function as its object says until `stop` is set."""
        changed = self._store.changed(INFERENCE)
        stopped = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                changed.clear()
                standing = await keep_trying(
                    self._apply, what="inference_nf", clock=self._clock, stop=stop
                )
                waiting: list[asyncio.Future[Any]] = [
                    asyncio.ensure_future(changed.wait()),
                    stopped,
                ]
                if standing is not None and standing.has_scope:
                    waiting.append(asyncio.ensure_future(self._clock.sleep(self._period_s)))
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for each in waiting:
                    if each is not stopped:
                        each.cancel()
        finally:
            stopped.cancel()

    async def _apply(self) -> Standing:
        standing = await self._standing()
        if standing.model == self._applied or (self._applied is None and not standing.is_ordered):
            return standing
        refusal = ""
        try:
            if standing.model == _NO_MODEL:
                await self._inference.deactivate()
            else:
                await self._make_infer(*await self._store.transact(partial(_identity, standing)))
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            refusal = one_line(error.message)
        self._applied = standing.model
        log.info("inference gate", model=standing.model, refusal=refusal)
        await self._store.transact(partial(self._tell, standing=standing, refusal=refusal))
        return standing

    async def _make_infer(self, model_name: str, version: int) -> None:
        try:
            await self._inference.activate(model_name, version)
        except NotFound:
            # It was loaded, but the function has started anew since.
            await self._inference.load(model_name, version)
            await self._inference.activate(model_name, version)

    async def _standing(self) -> Standing:
        function = await self._store.transact(lambda tree: existing(tree, self._function))
        scope = function.attributes.get("managedActivationScope")
        model = model_that_infers(function) or _NO_MODEL
        if scope and not scope_holds(scope, await self._situation()):
            model = _NO_MODEL
        in_use = function.notes.get("in_use", [])
        ordered_model = bool(in_use) if model == _NO_MODEL else model not in in_use
        return Standing(
            model=model,
            is_ordered=ordered_model or bool(scope) or function.notes.get("held", False),
            has_scope=bool(scope),
        )

    def _tell(self, tree: Tree, *, standing: Standing, refusal: str) -> None:
        content = {"isOpen": bool(standing.model), "mLModelRef": standing.model, "error": refusal}
        tree.put(
            self._function.child("VsDataContainer", "gate"),
            {
                "vsDataType": "aimlnf:InferenceGate",
                "vsDataFormatVersion": "1",
                "vsData": {name: value for name, value in content.items() if value != ""},
            },
        )


def _identity(standing: Standing, tree: Tree) -> tuple[str, int]:
    return identity_of(existing(tree, standing.model))
