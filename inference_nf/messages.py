"""Domain objects and the messages of `aimlnf.inference.v1`, both ways."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.inference.v1 import inference_pb2 as pb
from aimlnf.ransim.v1 import radio_pb2
from inference_nf.answers import Report
from inference_nf.comparison import Comparison
from inference_nf.decisions import (
    Decision,
    FallbackMethod,
    FallbackReason,
    RadioSnapshot,
    Source,
)
from inference_nf.preparing import ServingModel
from inference_nf.releases import EngineKind, LoadFailure, Precision
from nf_runtime.clock import NANOSECONDS_PER_S
from nf_runtime.errors import InvalidArgument
from nf_runtime.wire import allocation_to_message, context_from_message

MAX_ID_CHARACTERS = 200

_ENGINES: dict[str, "pb.Engine.ValueType"] = {
    "": pb.ENGINE_UNSPECIFIED,
    EngineKind.ONNXRUNTIME: pb.ENGINE_ONNXRUNTIME,
    EngineKind.TENSORRT: pb.ENGINE_TENSORRT,
}
_SOURCES: dict[str, "pb.DecisionSource.ValueType"] = {
    Source.MODEL: pb.DECISION_SOURCE_MODEL,
    Source.FALLBACK: pb.DECISION_SOURCE_FALLBACK,
}
_PRECISIONS: dict[str, "pb.Precision.ValueType"] = {
    "": pb.PRECISION_UNSPECIFIED,
    Precision.FP32: pb.PRECISION_FP32,
    Precision.FP16: pb.PRECISION_FP16,
}
_FALLBACK_METHODS: dict[str, "pb.FallbackMethod.ValueType"] = {
    "": pb.FALLBACK_METHOD_UNSPECIFIED,
    FallbackMethod.LOCAL_SEARCH: pb.FALLBACK_METHOD_LOCAL_SEARCH,
    FallbackMethod.CONSERVATIVE: pb.FALLBACK_METHOD_CONSERVATIVE,
}
_FALLBACK_REASONS: dict[str, "pb.FallbackReason.ValueType"] = {
    "": pb.FALLBACK_REASON_UNSPECIFIED,
    FallbackReason.NO_ACTIVE_MODEL: pb.FALLBACK_REASON_NO_ACTIVE_MODEL,
    FallbackReason.ENGINE_FAILURE: pb.FALLBACK_REASON_ENGINE_FAILURE,
    FallbackReason.LOW_RELIABILITY: pb.FALLBACK_REASON_LOW_RELIABILITY,
    FallbackReason.DEADLINE: pb.FALLBACK_REASON_DEADLINE,
}


def snapshot_from_message(message: radio_pb2.RadioContext) -> RadioSnapshot:
    """The radio state that the message describes.

    Raises:
        InvalidArgument: INVALID_TENSOR, TENSOR_NOT_FINITE or INVALID_FIELD.
    """
    for field in ("context_id", "satellite_id"):
        if len(getattr(message, field)) > MAX_ID_CHARACTERS:
            raise InvalidArgument(
                f"context.{field} has more than {MAX_ID_CHARACTERS} characters",
                reason="INVALID_FIELD",
                field=f"context.{field}",
            )
    if message.carrier_quota < 1:
        raise InvalidArgument(
            f"context.carrier_quota is {message.carrier_quota}; at least 1 ESIM fits on a carrier",
            reason="INVALID_FIELD",
            field="context.carrier_quota",
        )
    return RadioSnapshot(
        context_id=message.context_id,
        satellite_id=message.satellite_id,
        carrier_quota=message.carrier_quota,
        context=context_from_message(message),
    )


def engine_kind_of(engine: int) -> EngineKind | None:
    """The engine that a request asks for; None: as configured.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    for name, number in _ENGINES.items():
        if number == engine:
            return EngineKind(name) if name else None
    raise InvalidArgument(
        f"engine {engine} is unknown; there are {', '.join(EngineKind)}",
        reason="INVALID_FIELD",
        field="engine",
    )


def loaded_model_message(model: ServingModel, *, active: bool, group: str) -> pb.LoadedModel:
    """A version in memory, and the coordination group that it was loaded with."""
    ready_time = Timestamp()
    ready_time.FromDatetime(model.ready_time)
    state = pb.LOADED_MODEL_STATE_ACTIVE if active else pb.LOADED_MODEL_STATE_READY
    return pb.LoadedModel(
        model_name=model.key.name,
        version=model.key.version,
        state=state,
        engine=_ENGINES[model.engine.kind],
        engine_version=model.engine.version,
        artifact_sha256=model.artifact_sha256,
        load_time=_duration(round(model.load_time_s * NANOSECONDS_PER_S)),
        ready_time=ready_time,
        precision=_PRECISIONS[model.engine.precision],
        coordination_group=group,
    )


def load_failure_message(failure: LoadFailure) -> pb.LoadFailure:
    """A version that could not be loaded, and why."""
    return pb.LoadFailure(
        model_name=failure.name,
        selector=str(failure.selector),
        reason=failure.reason,
        message=failure.message,
    )


def shadow_message(comparison: Comparison | None) -> pb.Shadow | None:
    """What a candidate did beside the active model; means are 0 before the first pair."""
    if comparison is None:
        return None
    pairs = max(1, comparison.compared)
    return pb.Shadow(
        model_name=comparison.key.name,
        version=comparison.key.version,
        share=comparison.share,
        compared_count=comparison.compared,
        better_count=comparison.better,
        same_carriers_count=comparison.same_carriers,
        failed_count=comparison.failed,
        skipped_count=comparison.skipped,
        active_mean_rate_bps_hz=comparison.active_rate_bps_hz / pairs,
        candidate_mean_rate_bps_hz=comparison.candidate_rate_bps_hz / pairs,
        candidate_mean_reliability=comparison.candidate_reliability / pairs,
    )


def decision_message(decision: Decision) -> pb.Decision:
    """A decision with its allocation."""
    return pb.Decision(
        decision_id=decision.decision_id,
        context_id=decision.context_id,
        allocation=allocation_to_message(decision.allocation),
        source=_SOURCES[decision.source],
        fallback_reason=_FALLBACK_REASONS[decision.fallback_reason or ""],
        model_name=decision.model.name if decision.model else "",
        model_version=decision.model.version if decision.model else 0,
        engine=_ENGINES[decision.engine or ""],
        predicted_rate_bps_hz=decision.predicted_rate_bps_hz,
        reliability=decision.reliability,
        inference_time=_duration(round(decision.inference_s * NANOSECONDS_PER_S)),
        precision=_PRECISIONS[decision.precision or ""],
        artifact_sha256=decision.artifact_sha256,
        confidence=decision.confidence,
        fallback_method=_FALLBACK_METHODS[decision.fallback_method or ""],
    )


def report_message(report: Report) -> pb.InferenceReport:
    """A report; its decision has no allocation any more."""
    apply_time = Timestamp()
    apply_time.FromNanoseconds(report.applied_at_ns)
    return pb.InferenceReport(
        sequence=report.sequence,
        decision=pb.Decision(
            decision_id=report.decision_id,
            context_id=report.context_id,
            source=_SOURCES[report.source],
            fallback_reason=_FALLBACK_REASONS[report.fallback_reason],
            model_name=report.model_name,
            model_version=report.model_version,
            engine=_ENGINES[report.engine],
            predicted_rate_bps_hz=report.predicted_rate_bps_hz,
            reliability=report.reliability,
            inference_time=_duration(report.inference_ns),
            precision=_PRECISIONS[report.precision],
            artifact_sha256=report.artifact_sha256,
            confidence=report.confidence,
            fallback_method=_FALLBACK_METHODS[report.fallback_method],
        ),
        outcome=radio_pb2.Outcome(
            decision_id=report.decision_id,
            context_id=report.context_id,
            run_id=report.run_id,
            trigger_id=report.trigger_id,
            sim_offset=_duration(round(report.sim_offset_s * NANOSECONDS_PER_S)),
            before_bps_hz=report.before_bps_hz,
            after_bps_hz=report.after_bps_hz,
        ),
        trigger_type=report.trigger_type,
        trigger_to_applied=_duration(report.trigger_to_applied_ns),
        apply_time=apply_time,
    )


def _duration(nanoseconds: int) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(nanoseconds)
    return duration
