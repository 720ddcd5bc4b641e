"""Procedures that run a model: decide for a radio context, or infer as the protocol asks."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import structlog

from inference_nf.decisions import (
    Decision,
    FallbackReason,
    RadioSnapshot,
    fallback_decision,
    feeds_for,
    model_decision,
)
from inference_nf.loading import Models, ServingModel
from inference_nf.ports import Engine, Meter, Worker
from nf_runtime.clock import Clock
from nf_runtime.errors import Internal, NfError

log = structlog.get_logger(__name__)


class Deciding:
    """Decides with the active model, or without one, and says which.

    Args:
        models: What is in memory.
        worker: The threads that run engines.
        meter: Where decisions are counted.
        clock: For the engine's time.
    """

    def __init__(self, models: Models, *, worker: Worker, meter: Meter, clock: Clock) -> None:
        self._models = models
        self._worker = worker
        self._meter = meter
        self._clock = clock

    async def decide(
        self, snapshot: RadioSnapshot, *, decision_id: str, urgent: bool = False
    ) -> Decision:
        """A decision that can be applied; `urgent` ones are not turned away by a full queue.

        Raises:
            InvalidArgument: The context is none that the active model, or any decision, can be
                made from.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        model = self._models.active
        if model is None:
            reason = FallbackReason.NO_ACTIVE_MODEL
            decision = fallback_decision(snapshot, decision_id=decision_id, reason=reason)
        else:
            decision = await self._decide_by(model, snapshot, decision_id, urgent=urgent)
        self._meter.decided(decision)
        return decision

    async def infer(
        self, model: ServingModel, feeds: Mapping[str, npt.NDArray[Any]]
    ) -> dict[str, npt.NDArray[Any]]:
        """Every output of a model in memory for these inputs, by name.

        Raises:
            Internal: The engine failed; the log says how.
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        try:
            outputs, _ = await self._run(model.engine, feeds, urgent=False)
        except NfError:
            raise
        except Exception as error:
            log.exception("engine failed", model=str(model.key), engine=model.engine.kind)
            raise Internal(
                f"the engine failed on {model.key}; the log says how", reason="INTERNAL"
            ) from error
        return outputs

    async def _decide_by(
        self, model: ServingModel, snapshot: RadioSnapshot, decision_id: str, *, urgent: bool
    ) -> Decision:
        feeds = feeds_for(model.card.inputs, snapshot.context, decision_id=decision_id)
        try:
            outputs, inference_s = await self._run(model.engine, feeds, urgent=urgent)
            return model_decision(
                outputs,
                snapshot,
                decision_id=decision_id,
                model=model.key,
                engine=model.engine.kind,
                inference_s=inference_s,
            )
        except NfError:
            raise
        except Exception:  # an engine may raise anything; the terminals still need an answer
            log.exception(
                "engine failed; the fallback decides",
                model=str(model.key),
                engine=model.engine.kind,
                decision_id=decision_id,
            )
            reason = FallbackReason.ENGINE_FAILURE
            return fallback_decision(snapshot, decision_id=decision_id, reason=reason)

    async def _run(
        self, engine: Engine, feeds: Mapping[str, npt.NDArray[Any]], *, urgent: bool
    ) -> tuple[dict[str, npt.NDArray[Any]], float]:
        def timed() -> tuple[dict[str, npt.NDArray[Any]], float]:
            started_s = self._clock.monotonic_s()
            outputs = engine.run(feeds)
            return outputs, self._clock.monotonic_s() - started_s

        return await self._worker.run(timed, urgent=urgent)
