"""The domain on the wire."""

import dataclasses
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from support.oam_samples import MODEL, NAMING, NOW, POLICY, at_stage, reference

from aimlnf.nwdaf.v1.model_training_service_pb2 import ScenarioProfile
from aimlnf.oam.v1 import lifecycle_pb2, managed_object_pb2
from oam.adaptation_objects import objects_of
from oam.lifecycles import Lifecycle
from oam.managed_objects import (
    CLASSES,
    Attributes,
    ModelPerformance,
    ProcessMonitor,
    ProcessStatus,
    RequestStatus,
    StoredObject,
)
from oam.messages import (
    ATTRIBUTES,
    adaptation_message,
    lifecycle_message,
    object_message,
    step_from_message,
    step_message,
    wish_from_message,
)
from oam.monitoring import Sample, Watch
from oam.record import RecordedStep, Step, StepKind
from oam.training_orders import Profile, TrainingWish
from oam.transitions import AdaptationKind, AdaptationState, Stage


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
def test_every_class_has_the_fields_of_its_message(kind: type[Attributes]) -> None:
    """Nothing of a managed object is lost on the wire, and nothing is invented."""
    message = managed_object_pb2.ManagedObject.DESCRIPTOR.fields_by_name[ATTRIBUTES[kind]]
    assert message.message_type is not None
    assert message.message_type.name == kind.__name__
    assert set(message.message_type.fields_by_name) == {
        field.name for field in dataclasses.fields(kind)
    }


@pytest.mark.parametrize(
    ("values", "enum", "prefix"),
    [
        (AdaptationKind, lifecycle_pb2.AdaptationKind, "ADAPTATION_KIND_"),
        (AdaptationState, lifecycle_pb2.AdaptationState, "ADAPTATION_STATE_"),
        (StepKind, lifecycle_pb2.StepKind, "STEP_KIND_"),
        (RequestStatus, managed_object_pb2.RequestStatus, "REQUEST_STATUS_"),
        (ProcessStatus, managed_object_pb2.ProcessStatus, "PROCESS_STATUS_"),
    ],
)
def test_enumerations_are_those_of_the_wire(values: type, enum: object, prefix: str) -> None:
    """Every value has its number, and every number but 0 its value."""
    names = {f"{prefix}{value.name}" for value in values} | {f"{prefix}UNSPECIFIED"}
    assert names == set(enum.keys())  # type: ignore[attr-defined]


def test_objects_of_a_completed_adaptation_travel_whole() -> None:
    """Nested monitors, lists and statuses included."""
    messages = {
        stored.attributes.__class__.__name__: object_message(StoredObject(stored, NOW, NOW))
        for stored in objects_of(at_stage(Stage.DONE), NAMING)
    }
    assert len(messages) == 9
    process = messages["MLTrainingProcess"].ml_training_process
    assert process.progress_status.status == managed_object_pb2.PROCESS_STATUS_FINISHED
    assert process.progress_status.progress_percent == 100.0
    report = messages["MLTrainingReport"].ml_training_report
    assert report.model_performance_training[0].performance_metric == "ratio_to_exhaustive"
    request = messages["MLUpdateRequest"].ml_update_request
    assert request.request_status == managed_object_pb2.REQUEST_STATUS_FINISHED
    assert list(request.ml_model_ref_list) == [
        reference(1).distinguished_name,
        reference(2).distinguished_name,
    ]


def test_small_records_have_the_fields_of_their_messages() -> None:
    """Those that are only found inside others."""
    for kind in (ProcessMonitor, ModelPerformance):
        message = getattr(managed_object_pb2, kind.__name__)
        assert set(message.DESCRIPTOR.fields_by_name) == {
            field.name for field in dataclasses.fields(kind)
        }


def test_wish_distinguishes_unset_from_zero() -> None:
    """A rain probability of 0 is a wish; an unset one is not."""
    order = lifecycle_pb2.TrainingOrder(
        profile=ScenarioProfile(name="pass", rain_probability=0.0, power_budget_dbw=[5.0]),
        time_budget=Duration(seconds=3, nanos=500_000_000),
    )
    assert wish_from_message(order) == TrainingWish(
        Profile("pass", rain_probability=0.0, power_budget_dbw=(5.0,)), time_budget_s=3.5
    )
    assert wish_from_message(lifecycle_pb2.TrainingOrder()) == TrainingWish()


def test_adaptation_in_full() -> None:
    """Everything that the API promises of it."""
    message = adaptation_message(at_stage(Stage.LOAD), POLICY.approvals)
    assert message.kind == lifecycle_pb2.ADAPTATION_KIND_RETRAIN
    assert message.state == lifecycle_pb2.ADAPTATION_STATE_LOADING
    assert (message.from_version, message.to_version) == (1, 2)
    assert message.create_time.ToDatetime(tzinfo=NOW.tzinfo) == NOW
    assert message.update_time.ToDatetime(tzinfo=NOW.tzinfo) > NOW


def test_lifecycle_with_and_without_an_adaptation() -> None:
    """`current_adaptation` is unset when there is none."""
    watch = Watch(
        model=reference(1),
        samples=(Sample(by_model=True, reliability=0.25, gain_bps_hz=1.5),),
        decision_count=1,
    )
    idle = Lifecycle(MODEL, active=reference(1), previous=reference(7), watch=watch)
    message = lifecycle_message(idle, POLICY)
    assert not message.HasField("current_adaptation")
    assert (message.active_version, message.previous_version) == (1, 7)
    seen = {each.performance_metric: each for each in message.monitored_quantities}
    assert seen["LATENT_RELIABILITY"].value == 0.25
    assert seen["SECRECY_GAIN"].value == 1.5
    assert seen["DECISION_FAILURE_RATIO"].window_count == 1
    busy = dataclasses.replace(idle, current=at_stage(Stage.LOAD))
    assert lifecycle_message(busy, POLICY).current_adaptation.adaptation_id == "a1"


def test_step_in_full() -> None:
    """Position and time included."""
    step = Step(
        StepKind.LOADED, "a1", MODEL, 2, "operator:ada", "It was loaded.", "DN=1", {"load_s": 0.8}
    )
    message = step_message(RecordedStep(5, step, NOW + timedelta(seconds=1), "ab12"))
    assert (message.sequence, message.kind) == (5, lifecycle_pb2.STEP_KIND_LOADED)
    assert (message.detail, message.object_ref) == ("It was loaded.", "DN=1")
    assert (dict(message.figures), message.digest) == ({"load_s": 0.8}, "ab12")
    assert step_from_message(message) == RecordedStep(5, step, NOW + timedelta(seconds=1), "ab12")
