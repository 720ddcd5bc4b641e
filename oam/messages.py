"""The domain on the wire: one function per message."""

import dataclasses
from datetime import UTC, datetime
from typing import Any, Literal

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from aimlnf.nwdaf.v1 import model_training_service_pb2
from aimlnf.oam.v1 import lifecycle_pb2, managed_object_pb2
from oam.adaptations import Adaptation
from oam.approvals import ApprovalPolicy
from oam.lifecycles import Lifecycle, Policy
from oam.managed_objects import (
    AIMLInferenceFunction,
    Attributes,
    MLModelLoadingProcess,
    MLModelLoadingRequest,
    MLTestingReport,
    MLTestingRequest,
    MLTrainingProcess,
    MLTrainingReport,
    MLTrainingRequest,
    MLUpdateProcess,
    MLUpdateRequest,
    ProcessStatus,
    RequestStatus,
    StoredObject,
)
from oam.monitoring import quantities
from oam.record import RecordedStep, Step, StepKind
from oam.training_orders import Profile, TrainingWish

_OPTIONAL: tuple[
    Literal["rain_probability", "rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km"], ...
] = ("rain_probability", "rain_mean_db", "shadowing_sigma_db", "eavesdropper_min_km")

_REQUEST_STATUS = managed_object_pb2.RequestStatus
_PROCESS_STATUS = managed_object_pb2.ProcessStatus

# Which member of `ManagedObject.attributes` holds which class.
ATTRIBUTES: dict[type[Attributes], str] = {
    MLTrainingRequest: "ml_training_request",
    MLTrainingProcess: "ml_training_process",
    MLTrainingReport: "ml_training_report",
    MLTestingRequest: "ml_testing_request",
    MLTestingReport: "ml_testing_report",
    MLModelLoadingRequest: "ml_model_loading_request",
    MLModelLoadingProcess: "ml_model_loading_process",
    AIMLInferenceFunction: "aiml_inference_function",
    MLUpdateRequest: "ml_update_request",
    MLUpdateProcess: "ml_update_process",
}


def wish_from_message(order: lifecycle_pb2.TrainingOrder) -> TrainingWish:
    """What the operator asked for; what is unset or 0 is left to the OAM."""
    return TrainingWish(
        profile=_profile(order.profile) if order.HasField("profile") else None,
        time_budget_s=(
            order.time_budget.ToNanoseconds() / 1e9 if order.HasField("time_budget") else None
        ),
        seed=order.seed or None,
    )


def adaptation_message(
    adaptation: Adaptation, approvals: ApprovalPolicy
) -> lifecycle_pb2.Adaptation:
    """One adaptation; the policy knows when a step that waits is decided without a person."""
    message = lifecycle_pb2.Adaptation(
        adaptation_id=adaptation.adaptation_id,
        kind=lifecycle_pb2.AdaptationKind.Value(f"ADAPTATION_KIND_{adaptation.kind}"),
        state=lifecycle_pb2.AdaptationState.Value(f"ADAPTATION_STATE_{adaptation.state}"),
        model_name=adaptation.model_name,
        from_version=adaptation.from_model.version,
        to_version=adaptation.to_model.version,
        initiator=adaptation.initiator,
        cause=adaptation.cause,
        progress_percent=adaptation.progress_percent,
        failure=adaptation.failure,
        create_time=_timestamp(adaptation.create_time),
        update_time=_timestamp(adaptation.update_time),
        approvals=[
            lifecycle_pb2.Approval(
                step=approval.step,
                approver=approval.approver,
                reason=approval.reason,
                time=_timestamp(approval.time),
            )
            for approval in adaptation.approvals
        ],
    )
    if adaptation.comparison is not None:
        message.comparison.SetInParent()
        _fill(message.comparison, adaptation.comparison)
    if adaptation.approval_step is not None:
        message.approval_step = adaptation.approval_step
        deadline = approvals.deadline(adaptation.stage_time)
        if deadline is not None:
            message.approval_deadline.FromDatetime(deadline)
    return message


def lifecycle_message(lifecycle: Lifecycle, policy: Policy) -> lifecycle_pb2.Lifecycle:
    """Where a model stands."""
    message = lifecycle_pb2.Lifecycle(
        model_name=lifecycle.model_name,
        active_version=lifecycle.active.version,
        previous_version=lifecycle.previous.version,
        monitored_quantities=[
            lifecycle_pb2.MonitoredQuantity(
                performance_metric=quantity.metric,
                value=quantity.value,
                threshold=quantity.threshold,
                hysteresis=quantity.hysteresis,
                breached=quantity.breached,
                window_count=quantity.window_count,
            )
            for quantity in quantities(lifecycle.watch, policy.monitoring)
        ],
    )
    if lifecycle.current is not None:
        message.current_adaptation.CopyFrom(adaptation_message(lifecycle.current, policy.approvals))
    return message


def step_message(recorded: RecordedStep) -> lifecycle_pb2.LifecycleStep:
    """One entry of the record."""
    step = recorded.step
    return lifecycle_pb2.LifecycleStep(
        sequence=recorded.sequence,
        kind=lifecycle_pb2.StepKind.Value(f"STEP_KIND_{step.kind}"),
        adaptation_id=step.adaptation_id,
        model_name=step.model_name,
        version=step.version,
        initiator=step.initiator,
        detail=step.detail,
        object_ref=step.object_ref,
        step_time=_timestamp(recorded.step_time),
        figures=step.figures,
        digest=recorded.digest,
    )


def step_from_message(message: lifecycle_pb2.LifecycleStep) -> RecordedStep:
    """The entry that was sent, as whoever verifies the record needs it."""
    kind = lifecycle_pb2.StepKind.Name(message.kind).removeprefix("STEP_KIND_")
    step = Step(
        kind=StepKind(kind),
        adaptation_id=message.adaptation_id,
        model_name=message.model_name,
        version=message.version,
        initiator=message.initiator,
        detail=message.detail,
        object_ref=message.object_ref,
        figures=dict(message.figures),
    )
    step_time = message.step_time.ToDatetime(tzinfo=UTC)
    return RecordedStep(message.sequence, step, step_time, message.digest)


def object_message(stored: StoredObject) -> managed_object_pb2.ManagedObject:
    """One managed object."""
    managed_object = stored.managed_object
    message = managed_object_pb2.ManagedObject(
        distinguished_name=managed_object.distinguished_name,
        create_time=_timestamp(stored.create_time),
        update_time=_timestamp(stored.update_time),
    )
    attributes = getattr(message, ATTRIBUTES[type(managed_object.attributes)])
    attributes.SetInParent()
    _fill(attributes, managed_object.attributes)
    return message


def _fill(message: Message, record: Any) -> None:
    """Copy a dataclass into the message that has the same field names."""
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if isinstance(value, tuple):
            _fill_repeated(getattr(message, field.name), value)
        elif dataclasses.is_dataclass(value):
            _fill(getattr(message, field.name), value)
        elif isinstance(value, RequestStatus):
            setattr(message, field.name, _REQUEST_STATUS.Value(f"REQUEST_STATUS_{value}"))
        elif isinstance(value, ProcessStatus):
            setattr(message, field.name, _PROCESS_STATUS.Value(f"PROCESS_STATUS_{value}"))
        else:
            setattr(message, field.name, value)


def _fill_repeated(repeated: Any, values: tuple[Any, ...]) -> None:
    for value in values:
        if dataclasses.is_dataclass(value):
            _fill(repeated.add(), value)
        else:
            repeated.append(value)


def _profile(message: model_training_service_pb2.ScenarioProfile) -> Profile:
    optional = {
        name: getattr(message, name) if message.HasField(name) else None for name in _OPTIONAL
    }
    return Profile(name=message.name, power_budget_dbw=tuple(message.power_budget_dbw), **optional)


def _timestamp(time: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message
