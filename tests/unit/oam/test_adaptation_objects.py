"""Managed objects as a projection of an adaptation."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oam_samples import HAPPY, NAMING, NOW, at_stage, reference, started

from oam import adaptation_events as events
from oam.adaptation_objects import inference_function_object, objects_of
from oam.adaptations import Adaptation, advance
from oam.managed_objects import (
    AIMLInferenceFunction,
    Attributes,
    ManagedObject,
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
)
from oam.transitions import TRANSITIONS, AdaptationKind, Stage

# From where a request may go where, through transitions of the table of TS 28.105's flags. None: it
# is created.
_MAY_BECOME: dict[RequestStatus | None, set[RequestStatus]] = {
    None: set(RequestStatus),
    RequestStatus.NOT_STARTED: set(RequestStatus),
    RequestStatus.IN_PROGRESS: set(RequestStatus) - {RequestStatus.NOT_STARTED},
    RequestStatus.FINISHED: {RequestStatus.FINISHED},
    RequestStatus.CANCELLED: {RequestStatus.CANCELLED},
}

_EVENTS = (
    *HAPPY.values(),
    events.TestNotPassed(),
    events.ApprovalDenied("operator:ada", "no"),
    events.Refused("no"),
)


def found(adaptation: Adaptation, kind: type[Attributes]) -> Attributes | None:
    """The adaptation's object of a class, if it has made one."""
    objects = {type(each.attributes): each.attributes for each in objects_of(adaptation, NAMING)}
    return objects.get(kind)


def request_status(managed_object: ManagedObject) -> RequestStatus | None:
    """Where it is a request, its status."""
    return getattr(managed_object.attributes, "request_status", None)


@given(st.sampled_from(AdaptationKind), st.data())
def test_objects_follow_the_request_table_on_every_path(
    kind: AdaptationKind, data: st.DataObject
) -> None:
    """No object vanishes, no request leaves its table, and at the end nothing is open."""
    adaptation = started(kind)
    before = {each.distinguished_name: each for each in objects_of(adaptation, NAMING)}
    while adaptation.in_progress:
        fitting = [event for event in _EVENTS if (adaptation.stage, type(event)) in TRANSITIONS]
        adaptation = advance(adaptation, data.draw(st.sampled_from(fitting)), NOW)
        after = {each.distinguished_name: each for each in objects_of(adaptation, NAMING)}
        assert before.keys() <= after.keys()
        for name, managed_object in after.items():
            status = request_status(managed_object)
            earlier = before.get(name)
            if status is not None:
                assert status in _MAY_BECOME[request_status(earlier) if earlier else None]
        before = after
    for managed_object in before.values():
        assert request_status(managed_object) in (
            None,
            RequestStatus.FINISHED,
            RequestStatus.CANCELLED,
        )
        process = getattr(managed_object.attributes, "progress_status", None)
        assert process is None or process.status not in (
            ProcessStatus.NOT_STARTED,
            ProcessStatus.RUNNING,
        )


@given(st.sampled_from(AdaptationKind), st.data())
def test_every_reference_inside_an_adaptation_leads_somewhere(
    kind: AdaptationKind, data: st.DataObject
) -> None:
    """References to requests, processes and reports name objects that exist."""
    adaptation = started(kind)
    for _ in range(data.draw(st.integers(0, 14))):
        fitting = [event for event in _EVENTS if (adaptation.stage, type(event)) in TRANSITIONS]
        if fitting:
            adaptation = advance(adaptation, data.draw(st.sampled_from(fitting)), NOW)
    objects = objects_of(adaptation, NAMING)
    names = {each.distinguished_name for each in objects}
    for managed_object in objects:
        for field, value in vars(managed_object.attributes).items():
            is_ours = any(part in field for part in ("request_ref", "process_ref", "report_ref"))
            for reference_ in value if isinstance(value, tuple) else (value,):
                if is_ours and reference_:
                    assert reference_ in names, field


def test_names_are_contained_by_their_functions() -> None:
    """As TS 28.105 Annex A contains them, all under one managed element."""
    names = [each.distinguished_name for each in objects_of(at_stage(Stage.DONE), NAMING)]
    element = "SubNetwork=aimlnf,ManagedElement=ground-station"
    assert names == [
        f"{element},MLUpdateFunction=oam,MLUpdateRequest=a1",
        f"{element},MLUpdateFunction=oam,MLUpdateProcess=a1",
        f"{element},MLTrainingFunction=mtlf,MLTrainingRequest=a1",
        f"{element},MLTrainingFunction=mtlf,MLTrainingProcess=a1",
        f"{element},MLTrainingFunction=mtlf,MLTrainingReport=a1",
        f"{element},MLTestingFunction=mtlf,MLTestingRequest=a1",
        f"{element},MLTestingFunction=mtlf,MLTestingReport=a1",
        f"{element},AIMLInferenceFunction=inference_nf,MLModelLoadingRequest=a1",
        f"{element},AIMLInferenceFunction=inference_nf,MLModelLoadingProcess=a1",
    ]


def test_completed_retraining_is_linked_from_request_to_model() -> None:
    """The request names the version it starts from, process and report the one it made."""
    done = at_stage(Stage.DONE)
    request, process = found(done, MLTrainingRequest), found(done, MLTrainingProcess)
    report = found(done, MLTrainingReport)
    assert isinstance(request, MLTrainingRequest)
    assert isinstance(process, MLTrainingProcess)
    assert isinstance(report, MLTrainingReport)
    assert request.ml_model_ref == reference(1).distinguished_name
    assert request.ml_training_type == "RE_TRAINING"
    assert "rain probability 0.60" in request.expected_runtime_context
    assert process.ml_model_generated_ref == reference(2).distinguished_name
    assert process.training_job_id == "job-1"
    assert report.model_performance_training[0].performance_score == 0.91


def test_request_waits_until_it_is_settled_what_to_train() -> None:
    """NOT_STARTED has no process yet."""
    beginning = started()
    request = found(beginning, MLTrainingRequest)
    assert isinstance(request, MLTrainingRequest)
    assert request.request_status is RequestStatus.NOT_STARTED
    assert found(beginning, MLTrainingProcess) is None


def test_failure_is_told_by_the_process() -> None:
    """The request is FINISHED, since requestStatus has no FAILED."""
    failed = advance(at_stage(Stage.AWAIT_TRAINING), events.Refused("out of memory"), NOW)
    request, process = found(failed, MLTrainingRequest), found(failed, MLTrainingProcess)
    assert isinstance(request, MLTrainingRequest)
    assert isinstance(process, MLTrainingProcess)
    assert request.request_status is RequestStatus.FINISHED
    assert process.progress_status.status is ProcessStatus.FAILED
    assert process.progress_status.result_state_info == "out of memory"
    assert found(failed, MLTestingRequest) is None


def test_request_that_never_began_is_cancelled() -> None:
    """A version that could not be approved has a loading request, but no loading process."""
    failed = advance(at_stage(Stage.APPROVE), events.Refused("not tested"), NOW)
    request = found(failed, MLModelLoadingRequest)
    assert isinstance(request, MLModelLoadingRequest)
    assert request.request_status is RequestStatus.CANCELLED
    assert found(failed, MLModelLoadingProcess) is None


def test_test_that_was_not_passed_is_reported() -> None:
    """The verdict stands in the report; the update did not reach its end."""
    tested = advance(
        at_stage(Stage.AWAIT_TEST),
        events.TestFinished(test_passed=False, test_metrics={}, required_ratio=0.8),
        NOW,
    )
    rejected = advance(tested, events.TestNotPassed(), NOW)
    report, process = found(rejected, MLTestingReport), found(rejected, MLUpdateProcess)
    assert isinstance(report, MLTestingReport)
    assert isinstance(process, MLUpdateProcess)
    assert report.ml_testing_result == "FAILED"
    assert process.progress_status.status is ProcessStatus.FAILED


def test_rejection_by_an_operator_cancels_the_update() -> None:
    """It did not fail: somebody ended it."""
    denied = advance(
        at_stage(Stage.AWAIT_APPROVAL), events.ApprovalDenied("operator:ada", "no"), NOW
    )
    process = found(advance(denied, events.Withdrawn(), NOW), MLUpdateProcess)
    assert isinstance(process, MLUpdateProcess)
    assert process.progress_status.status is ProcessStatus.CANCELLED
    assert "turned down by operator:ada" in process.progress_status.result_state_info


def test_progress_of_the_job_shows_in_the_process() -> None:
    """`progressStatus` follows the MTLF's job."""
    training = advance(
        at_stage(Stage.AWAIT_TRAINING),
        events.Progressed(35.0, "TRAINING"),
        NOW + timedelta(seconds=9),
    )
    process = found(training, MLTrainingProcess)
    assert isinstance(process, MLTrainingProcess)
    assert process.progress_status.progress_percent == 35.0
    assert process.progress_status.progress_state_info == "TRAINING"


@pytest.mark.parametrize(
    ("active", "current", "expected"),
    [
        (events.NO_MODEL, None, AIMLInferenceFunction("DEACTIVATED")),
        (
            reference(1),
            None,
            AIMLInferenceFunction("ACTIVATED", (reference(1).distinguished_name,)),
        ),
        (
            reference(1),
            at_stage(Stage.ACTIVATE),
            AIMLInferenceFunction(
                "ACTIVATED", (reference(1).distinguished_name, reference(2).distinguished_name)
            ),
        ),
        (
            reference(1),
            advance(at_stage(Stage.ACTIVATE), events.Refused("no"), NOW),
            AIMLInferenceFunction("ACTIVATED", (reference(1).distinguished_name,)),
        ),
    ],
)
def test_inference_function_lists_what_may_decide(
    active: events.ModelReference, current: Adaptation | None, expected: AIMLInferenceFunction
) -> None:
    """A loaded version joins the list before it decides and leaves it when it is withdrawn."""
    assert inference_function_object(active, current, NAMING).attributes == expected


def test_update_request_says_why() -> None:
    """The cause is kept with the request."""
    request = found(started(), MLUpdateRequest)
    assert isinstance(request, MLUpdateRequest)
    assert request.cause == "rain has set in"
