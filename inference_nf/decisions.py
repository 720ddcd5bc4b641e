"""A decision: what it is made from, what a model must be fed and what its answer must hold."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from inference_nf.fallback import conservative_allocation
from inference_nf.model_card import CONFIDENCE, STANDARD_NORMAL, TensorSpec
from inference_nf.releases import EngineKind, ModelKey, Precision
from nf_runtime.errors import InvalidArgument
from radio_math.context import Allocation, ContextError, RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate

Tensors = Mapping[str, npt.NDArray[Any]]

CONTEXT_TENSORS = tuple(field.name for field in fields(RadioContext))
# Powers are a softmax in single precision: their sum is good to some 1e-6. The radio network allows
# as much as this.
_BUDGET_TOLERANCE = 1e-4


class Source(StrEnum):
    """Where a decision came from."""

    MODEL = "model"
    FALLBACK = "fallback"


class FallbackReason(StrEnum):
    """Why the fallback decided."""

    NO_ACTIVE_MODEL = "no_active_model"
    ENGINE_FAILURE = "engine_failure"
    LOW_RELIABILITY = "low_reliability"
    DEADLINE = "deadline"


class FallbackMethod(StrEnum):
    """How the fallback decides."""

    LOCAL_SEARCH = "local_search"
    CONSERVATIVE = "conservative"


class UnusableAnswerError(ValueError):
    """What a model answered cannot be applied; the sentence says why."""


@dataclass(frozen=True)
class RadioSnapshot:
    """The radio state that a decision is made from.

    Attributes:
        context_id: Its identity within the run.
        satellite_id: The serving satellite.
        carrier_quota: At most this many ESIMs may share a carrier.
        context: The estimate, unbatched, checked.
    """

    context_id: str
    satellite_id: str
    carrier_quota: int
    context: RadioContext


@dataclass(frozen=True)
class Decision:
    """A joint beamforming, carrier and power decision.

    `predicted_rate_bps_hz` is the sum secrecy rate expected on the estimate. What follows
    `fallback_method` describes the model that decided, or the one whose reliability was too low;
    without one it says nothing. `confidence` is how likely the decision is within 5 % of the best,
    in [0, 1], of models that say so. `inference_s` is the wall-clock time of the engine.
    """

    decision_id: str
    context_id: str
    allocation: Allocation
    source: Source
    predicted_rate_bps_hz: float
    fallback_reason: FallbackReason | None = None
    fallback_method: FallbackMethod | None = None
    model: ModelKey | None = None
    engine: EngineKind | None = None
    precision: Precision | None = None
    artifact_sha256: str = ""
    reliability: float = 0.0
    confidence: float | None = None
    inference_s: float = 0.0


def feeds_for(
    inputs: Sequence[TensorSpec], context: RadioContext, *, decision_id: str
) -> dict[str, npt.NDArray[Any]]:
    """What a model with these inputs is fed for one context: a batch of one.

    Inputs of kind ``standard_normal`` are drawn from a generator seeded with the SHA-256 of
    `decision_id`, in the order of `inputs`: a repeated decision is the same decision.

    Raises:
        InvalidArgument: INVALID_TENSOR when the context has another shape than the model takes.
    """
    seed = int.from_bytes(hashlib.sha256(decision_id.encode()).digest(), "big")
    rng = np.random.default_rng(seed)
    feeds: dict[str, npt.NDArray[Any]] = {}
    for spec in inputs:
        if spec.kind == STANDARD_NORMAL:
            shape = tuple(1 if length is None else length for length in spec.shape)
            feeds[spec.name] = rng.standard_normal(shape).astype(spec.dtype)
            continue
        array = np.asarray(getattr(context, spec.name), dtype=spec.dtype)[None]
        if not spec.accepts(array.shape):
            raise InvalidArgument(
                f"tensor {spec.name} has shape {list(array.shape[1:])}; "
                f"the active model takes {list(spec.shape[1:])}",
                reason="INVALID_TENSOR",
                tensor=spec.name,
            )
        feeds[spec.name] = array
    return feeds


def allocation_of(outputs: Tensors, snapshot: RadioSnapshot) -> Allocation:
    """The allocation that a model's outputs, a batch of one, stand for.

    Raises:
        UnusableAnswerError: It breaks a shape, the budget, the quota or the beamformer grid.
    """
    context = snapshot.context
    esims, grid_points = context.gain_per_w.shape
    for name in ("carrier", "power_w", "beamformer_index"):
        if outputs[name].shape != (1, esims):
            raise UnusableAnswerError(
                f"{name} has shape {list(outputs[name].shape)}, not [1, {esims}]"
            )
    allocation = Allocation(
        carrier=outputs["carrier"][0].astype(np.int64),
        power_w=outputs["power_w"][0].astype(np.float64),
        beamformer_index=outputs["beamformer_index"][0].astype(np.float64),
    )
    if not (np.isfinite(allocation.power_w) & np.isfinite(allocation.beamformer_index)).all():
        raise UnusableAnswerError("power_w or beamformer_index is not finite")
    budget_w = float(context.power_budget_w)
    total_w = float(allocation.power_w.sum())
    if (allocation.power_w < 0).any() or total_w > budget_w * (1 + _BUDGET_TOLERANCE):
        raise UnusableAnswerError(f"powers add up to {total_w:.6g} W of {budget_w:.6g} W")
    if not quota_respected(allocation, snapshot.carrier_quota, len(context.carrier_noise)):
        raise UnusableAnswerError(f"carriers {allocation.carrier.tolist()} break the quota")
    index = allocation.beamformer_index
    if (index < 0).any() or (index > grid_points - 1).any():
        raise UnusableAnswerError("a beamformer index lies off the grid")
    return allocation


def scalar_of(outputs: Tensors, name: str) -> float:
    """The one value of output `name` of a batch of one.

    Raises:
        UnusableAnswerError: There are more, or it is not finite.
    """
    values = outputs[name]
    if values.size != 1 or not np.isfinite(values).all():
        raise UnusableAnswerError(f"{name} is not one finite number")
    return float(values.reshape(()))


def model_decision(
    outputs: Tensors,
    snapshot: RadioSnapshot,
    *,
    decision_id: str,
    model: ModelKey,
    engine: EngineKind,
    precision: Precision,
    artifact_sha256: str,
    inference_s: float,
) -> Decision:
    """The decision that a model's outputs stand for.

    Raises:
        UnusableAnswerError: They cannot be applied.
    """
    confidence = _share_of(outputs, CONFIDENCE) if CONFIDENCE in outputs else None
    return Decision(
        decision_id=decision_id,
        context_id=snapshot.context_id,
        allocation=allocation_of(outputs, snapshot),
        source=Source.MODEL,
        predicted_rate_bps_hz=scalar_of(outputs, "predicted_rate_bps_hz"),
        model=model,
        engine=engine,
        precision=precision,
        artifact_sha256=artifact_sha256,
        reliability=_share_of(outputs, "reliability"),
        confidence=confidence,
        inference_s=inference_s,
    )


def check_room(snapshot: RadioSnapshot) -> None:
    """Returns when the quota leaves room for every ESIM: otherwise nobody can decide.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    _conservative(snapshot)


def fallback_decision(
    snapshot: RadioSnapshot, *, decision_id: str, reason: FallbackReason
) -> Decision:
    """The conservative decision, labelled as such.

    Raises:
        InvalidArgument: INVALID_FIELD when no allocation fits the quota.
    """
    allocation = _conservative(snapshot)
    return Decision(
        decision_id=decision_id,
        context_id=snapshot.context_id,
        allocation=allocation,
        source=Source.FALLBACK,
        predicted_rate_bps_hz=float(sum_secrecy_rate(snapshot.context, allocation)),
        fallback_reason=reason,
        fallback_method=FallbackMethod.CONSERVATIVE,
    )


def _conservative(snapshot: RadioSnapshot) -> Allocation:
    try:
        return conservative_allocation(snapshot.context, snapshot.carrier_quota)
    except ContextError as error:
        raise InvalidArgument(
            str(error), reason="INVALID_FIELD", field="context.carrier_quota"
        ) from error


def _share_of(outputs: Tensors, name: str) -> float:
    return min(max(scalar_of(outputs, name), 0.0), 1.0)
