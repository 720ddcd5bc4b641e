"""The stages in which a version that passed its test comes into use, or is withdrawn."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, NfError, NotFound, Unavailable
from oam.adaptation_events import (
    NO_MODEL,
    Activated,
    CanaryFailed,
    CanaryPassed,
    Event,
    Loaded,
    ModelReference,
    Progressed,
    Promoted,
    Refused,
    Restored,
    VersionApproved,
    Withdrawn,
    one_line,
)
from oam.adaptations import Adaptation
from oam.canary import CanaryPolicy, Comparison, verdict
from oam.in_use import CANDIDATE, CHAMPION, PREVIOUS
from oam.making_stages import Performers, unless
from oam.ports import InferenceFunction, ModelRepository, VersionState
from oam.transitions import Stage

_CANARY_LOOK_S = 0.5


class UsingStages:
    """From APPROVE to PROMOTE, and the ways back.

    Args:
        repository: The model repository.
        inference: The inference function.
        canary: How a candidate is compared with the champion.
        clock: For waiting.
    """

    def __init__(
        self,
        *,
        repository: ModelRepository,
        inference: InferenceFunction,
        canary: CanaryPolicy,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._inference = inference
        self._canary = canary
        self._clock = clock
        self.by_stage: Performers = {
            Stage.APPROVE: self._approve,
            Stage.LOAD: self._load,
            Stage.CANARY: self._compare,
            Stage.ACTIVATE: self._activate,
            Stage.PROMOTE: self._promote,
            Stage.RESTORE: self._restore,
            Stage.WITHDRAW: self._withdraw,
        }

    async def _approve(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        name, version = adaptation.model_name, adaptation.to_model.version
        who = {"actor": adaptation.approver, "reason": adaptation.approval_reason}
        if (await self._repository.version(name, version)).state is not VersionState.APPROVED:
            approving = self._repository.approve(name, version, **who)
            await unless(VersionState.APPROVED, approving, self._repository, name, version)
        await self._point(adaptation, CANDIDATE)
        yield VersionApproved()

    async def _load(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        loaded = await self._inference.load(adaptation.model_name, adaptation.to_model.version)
        yield Loaded(loaded.engine, loaded.load_s)

    async def _compare(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        policy, told, terms = self._canary, 0, adaptation.terms
        patience_end = adaptation.stage_time + timedelta(seconds=policy.patience_s)
        while True:
            seen = await self._comparison(adaptation)
            if seen.tried_count >= policy.decisions or self._clock.now() >= patience_end:
                break
            if terms.is_over(self._clock.now()):
                await self._inference.stop_comparing()
                yield Refused(terms.deadline_text)
                return
            if seen.tried_count != told:
                told = seen.tried_count
                yield Progressed(100.0 * told / policy.decisions, "COMPARING")
            await self._clock.sleep(_CANARY_LOOK_S)
        found = verdict(seen, policy)
        if not found.passed:
            await self._inference.stop_comparing()
        outcome = CanaryPassed if found.passed else CanaryFailed
        yield outcome(seen, found.reason)

    async def _comparison(self, adaptation: Adaptation) -> Comparison:
        name, version = adaptation.model_name, adaptation.to_model.version
        try:
            return await self._inference.compare(name, version, self._canary.share)
        except NotFound:
            # It was loaded, but the function has started anew since, and compares from nothing.
            await self._inference.load(name, version)
            return await self._inference.compare(name, version, self._canary.share)

    async def _activate(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        await self._make_decide(adaptation.model_name, adaptation.to_model.version)
        yield Activated()

    async def _promote(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        aliases = await self._point(adaptation, CHAMPION)
        previous = aliases.get(PREVIOUS, 0)
        yield Promoted(await self._reference(adaptation, previous))

    async def _restore(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        if adaptation.from_model.version == 0:
            await self._inference.deactivate()
            yield Restored()
            return
        try:
            await self._make_decide(adaptation.model_name, adaptation.from_model.version)
        except (Unavailable, DeadlineExceeded):
            raise
        except NfError as error:
            # Neither version may decide: without a model the fallback does, and is seen to.
            await self._inference.deactivate()
            yield Refused(
                one_line(
                    f"version {adaptation.from_model.version} could not be made to decide again "
                    f"({error.reason}: {error.message}), so no model decides"
                )
            )
        else:
            yield Restored()

    async def _withdraw(self, adaptation: Adaptation) -> AsyncIterator[Event]:
        name, version = adaptation.model_name, adaptation.to_model.version
        if (await self._repository.version(name, version)).state is not VersionState.REJECTED:
            rejecting = self._repository.reject(
                name,
                version,
                actor=adaptation.approver or adaptation.initiator,
                reason=adaptation.failure,
            )
            await unless(VersionState.REJECTED, rejecting, self._repository, name, version)
        yield Withdrawn()

    async def _make_decide(self, model_name: str, version: int) -> None:
        try:
            await self._inference.activate(model_name, version)
        except NotFound:
            # It was loaded, but the function has started anew since.
            await self._inference.load(model_name, version)
            await self._inference.activate(model_name, version)

    async def _point(self, adaptation: Adaptation, alias: str) -> Mapping[str, int]:
        name, version = adaptation.model_name, adaptation.to_model.version
        aliases = await self._repository.aliases(name)
        if aliases.get(alias) == version:
            return aliases
        return await self._repository.set_alias(
            name, alias, version, actor=adaptation.initiator, reason=adaptation.cause
        )

    async def _reference(self, adaptation: Adaptation, version: int) -> ModelReference:
        for known in (NO_MODEL, adaptation.from_model):
            if known.version == version:
                return known
        return (await self._repository.version(adaptation.model_name, version)).model
