"""Procedures that run a model: decide for a radio context, or infer as the protocol asks."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import structlog

from inference_nf.batching import Batcher
from inference_nf.decisions import (
    Decision,
    FallbackReason,
    RadioSnapshot,
    Source,
    check_room,
    feeds_for,
    model_decision,
)
from inference_nf.falling_back import RESERVE_S, FallingBack
from inference_nf.loading import Models
from inference_nf.ports import Meter
from inference_nf.preparing import ServingModel
from inference_nf.shadowing import Shadowing
from nf_runtime.clock import Clock
from nf_runtime.errors import DeadlineExceeded, Internal, NfError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Request:
    """One context to decide for, under the id that also seeds the model's noise."""

    snapshot: RadioSnapshot
    decision_id: str


class Deciding:
    """Decides with the active model, or without one, and says which.

    Args:
        models: What is in memory.
        runs: Runs engines.
        falling_back: Decides without a model.
        shadowing: Lets a candidate decide too.
        meter: Where decisions are counted.
        clock: For deadlines.
        min_reliability: Below it a model's decision is not applied; 0 applies every one.
    """

    def __init__(
        self,
        models: Models,
        *,
        runs: Batcher,
        falling_back: FallingBack,
        shadowing: Shadowing,
        meter: Meter,
        clock: Clock,
        min_reliability: float = 0.0,
    ) -> None:
        self._models = models
        self._runs = runs
        self._falling_back = falling_back
        self._shadowing = shadowing
        self._meter = meter
        self._clock = clock
        self._min_reliability = min_reliability

    async def decide(
        self,
        snapshot: RadioSnapshot,
        *,
        decision_id: str,
        urgent: bool = False,
        deadline_s: float | None = None,
    ) -> Decision:
        """A decision that can be applied.

        Args:
            snapshot: The radio state.
            decision_id: Its identity, and the seed of the model's noise.
            urgent: Not turned away by a full queue, and run alone.
            deadline_s: Monotonic time by which it must be there; what the model would miss, the
                fallback meets.

        Raises:
            InvalidArgument: The context is none that the active model, or any decision, can be
                made from.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        check_room(snapshot)
        model = self._models.active
        if model is None:
            decision = await self._without(
                snapshot, decision_id, FallbackReason.NO_ACTIVE_MODEL, deadline_s
            )
        else:
            decision = await self._decide_by(
                model, snapshot, decision_id, urgent=urgent, deadline_s=deadline_s
            )
        self._meter.decided(decision)
        if decision.source is Source.MODEL:
            self._shadowing.consider(snapshot, decision)
        return decision

    async def decide_all(
        self, requests: Sequence[Request], *, deadline_s: float | None = None
    ) -> list[Decision]:
        """A decision for each, in order; the model takes them in as few runs as it can.

        Raises:
            InvalidArgument: One of them cannot be decided.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        made = await asyncio.gather(
            *(
                self.decide(r.snapshot, decision_id=r.decision_id, deadline_s=deadline_s)
                for r in requests
            ),
            return_exceptions=True,
        )
        decisions = []
        for each in made:
            if isinstance(each, BaseException):
                raise each
            decisions.append(each)
        return decisions

    async def infer(
        self,
        model: ServingModel,
        feeds: Mapping[str, npt.NDArray[Any]],
        *,
        deadline_s: float | None = None,
    ) -> dict[str, npt.NDArray[Any]]:
        """Every output of a model in memory for these inputs, by name.

        Raises:
            Internal: The engine failed; the log says how.
            ResourceExhausted: QUOTA_EXCEEDED.
            DeadlineExceeded: DEADLINE_EXCEEDED, before the engine began.
        """
        try:
            run = await self._runs.run(model.engine, feeds, deadline_s=deadline_s)
        except NfError:
            raise
        except Exception as error:
            log.exception("engine failed", model=str(model.key), engine=model.engine.kind)
            raise Internal(
                f"the engine failed on {model.key}; the log says how", reason="INTERNAL"
            ) from error
        return run.outputs

    async def _decide_by(
        self,
        model: ServingModel,
        snapshot: RadioSnapshot,
        decision_id: str,
        *,
        urgent: bool,
        deadline_s: float | None,
    ) -> Decision:
        feeds = feeds_for(model.card.inputs, snapshot.context, decision_id=decision_id)
        left_s = None
        if deadline_s is not None:
            left_s = deadline_s - self._clock.monotonic_s() - RESERVE_S
            if self._runs.expected_s(model.engine) > left_s:
                self._runs.passed_over(model.engine)
                return await self._without(
                    snapshot, decision_id, FallbackReason.DEADLINE, deadline_s
                )
        try:
            async with asyncio.timeout(left_s):
                run = await self._runs.run(model.engine, feeds, alone=urgent, deadline_s=deadline_s)
            decision = model_decision(
                run.outputs,
                snapshot,
                decision_id=decision_id,
                model=model.key,
                engine=model.engine.kind,
                precision=model.engine.precision,
                artifact_sha256=model.artifact_sha256,
                inference_s=run.inference_s,
            )
        except (TimeoutError, DeadlineExceeded):
            return await self._without(snapshot, decision_id, FallbackReason.DEADLINE, deadline_s)
        except NfError:
            raise
        except Exception:  # an engine may raise anything; the terminals still need an answer
            log.exception(
                "engine failed; the fallback decides",
                model=str(model.key),
                engine=model.engine.kind,
                decision_id=decision_id,
            )
            return await self._without(
                snapshot, decision_id, FallbackReason.ENGINE_FAILURE, deadline_s
            )
        if decision.reliability < self._min_reliability:
            return await self._without(
                snapshot, decision_id, FallbackReason.LOW_RELIABILITY, deadline_s, decision
            )
        return decision

    async def _without(
        self,
        snapshot: RadioSnapshot,
        decision_id: str,
        reason: FallbackReason,
        deadline_s: float | None,
        instead_of: Decision | None = None,
    ) -> Decision:
        return await self._falling_back.decide(
            snapshot,
            decision_id=decision_id,
            reason=reason,
            deadline_s=deadline_s,
            instead_of=instead_of,
        )
