"""The managed objects of an adaptation: what TS 28.105 would show of it, at any moment.

They are a projection: the same adaptation always gives the same objects, so they can never
contradict it.
"""

from collections.abc import Mapping

from oam.adaptation_events import ModelReference
from oam.adaptations import Adaptation
from oam.managed_objects import (
    AIMLInferenceFunction,
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
    ModelPerformance,
    Naming,
    ProcessMonitor,
    ProcessStatus,
    RequestStatus,
)
from oam.training_orders import TrainingType
from oam.transitions import AdaptationKind, AdaptationState, Stage

# What the models of this project decide, `aIMLInferenceName`, as the MTLF registers them.
INFERENCE_NAME = "NTN_SECURE_BEAMFORMING"

_PATH = tuple(stage for stage in Stage if stage not in (Stage.RESTORE, Stage.WITHDRAW))
_DECIDED_BY_PERSONS = (Stage.AWAIT_START, Stage.AWAIT_APPROVAL, Stage.AWAIT_ACTIVATION)
_FINAL = {
    AdaptationState.COMPLETED: ProcessStatus.FINISHED,
    AdaptationState.FAILED: ProcessStatus.FAILED,
    AdaptationState.REJECTED: ProcessStatus.FAILED,
}


def objects_of(adaptation: Adaptation, naming: Naming) -> tuple[ManagedObject, ...]:
    """Every managed object that the adaptation has made so far, parents before children."""
    named = _Objects(adaptation, naming)
    return (
        *named.update(),
        *(() if adaptation.kind is AdaptationKind.ROLLBACK else named.training()),
        *named.testing(),
        *named.loading(),
    )


def inference_function_object(
    active: ModelReference, current: Adaptation | None, naming: Naming
) -> ManagedObject:
    """The inference function: what decides, and what may decide as soon as it is activated."""
    models = [active.distinguished_name] if active.version else []
    if current is not None and current.ended_as is None and _has_reached(current, Stage.ACTIVATE):
        models.append(current.to_model.distinguished_name)
    return ManagedObject(
        naming.inference_function,
        AIMLInferenceFunction(
            activation_status="ACTIVATED" if active.version else "DEACTIVATED",
            ml_model_ref_list=tuple(dict.fromkeys(models)),
        ),
    )


class _Objects:
    def __init__(self, adaptation: Adaptation, naming: Naming) -> None:
        self._adaptation = adaptation
        self._name = naming

    def update(self) -> tuple[ManagedObject, ...]:
        adaptation = self._adaptation
        request_ref = self._ref(MLUpdateRequest)
        models = tuple(
            model.distinguished_name
            for model in (adaptation.from_model, adaptation.to_model)
            if model.version
        )
        done = not adaptation.in_progress
        return (
            ManagedObject(
                request_ref,
                MLUpdateRequest(
                    request_status=RequestStatus.FINISHED if done else RequestStatus.IN_PROGRESS,
                    ml_model_ref_list=models,
                    cause=adaptation.cause,
                ),
            ),
            ManagedObject(
                self._ref(MLUpdateProcess),
                MLUpdateProcess(
                    progress_status=self._update_progress(),
                    ml_update_request_ref_list=(request_ref,),
                    ml_model_ref_list=models,
                ),
            ),
        )

    def training(self) -> tuple[ManagedObject, ...]:
        adaptation = self._adaptation
        request_ref, process_ref = self._ref(MLTrainingRequest), self._ref(MLTrainingProcess)
        report_ref = self._ref(MLTrainingReport) if adaptation.to_model.version else ""
        order = adaptation.order
        retraining = order is not None and order.training_type is TrainingType.RE_TRAINING
        request = MLTrainingRequest(
            aiml_inference_name=INFERENCE_NAME,
            training_request_source=adaptation.initiator,
            request_status=self._request_status(Stage.START_TRAINING, Stage.AWAIT_TRAINING),
            ml_model_ref=adaptation.from_model.distinguished_name if retraining else "",
            ml_training_type=order.training_type if order else "",
            expected_runtime_context=order.profile.text if order else "",
        )
        objects = [ManagedObject(request_ref, request)]
        if _has_reached(adaptation, Stage.START_TRAINING):
            process = MLTrainingProcess(
                progress_status=self._progress(Stage.AWAIT_TRAINING),
                training_request_ref=request_ref,
                training_report_ref=report_ref,
                ml_model_generated_ref=adaptation.to_model.distinguished_name,
                training_job_id=adaptation.training_job_id,
            )
            objects.append(ManagedObject(process_ref, process))
        if report_ref:
            report = MLTrainingReport(
                model_performance_training=_performance(adaptation.training_metrics),
                training_process_ref=process_ref,
                last_training_ref=adaptation.last_training_ref,
                ml_model_generated_ref=adaptation.to_model.distinguished_name,
            )
            objects.append(ManagedObject(report_ref, report))
        return tuple(objects)

    def testing(self) -> tuple[ManagedObject, ...]:
        adaptation = self._adaptation
        if adaptation.kind is AdaptationKind.ROLLBACK or not adaptation.to_model.version:
            return ()
        request_ref = self._ref(MLTestingRequest)
        request = MLTestingRequest(
            request_status=self._request_status(Stage.AWAIT_TEST, Stage.RECORD_TEST),
            ml_model_ref=adaptation.to_model.distinguished_name,
        )
        objects = [ManagedObject(request_ref, request)]
        if adaptation.test_passed is not None:
            report = MLTestingReport(
                model_performance_testing=_performance(adaptation.test_metrics),
                ml_testing_result="PASSED" if adaptation.test_passed else "FAILED",
                testing_request_ref=request_ref,
            )
            objects.append(ManagedObject(self._ref(MLTestingReport), report))
        return tuple(objects)

    def loading(self) -> tuple[ManagedObject, ...]:
        adaptation = self._adaptation
        if not _has_reached(adaptation, Stage.APPROVE):
            return ()
        request_ref = self._ref(MLModelLoadingRequest)
        request = MLModelLoadingRequest(
            request_status=self._request_status(Stage.LOAD, Stage.LOAD),
            ml_model_to_load_ref=adaptation.to_model.distinguished_name,
        )
        objects = [ManagedObject(request_ref, request)]
        if _has_reached(adaptation, Stage.LOAD):
            is_loaded = _has_reached(adaptation, Stage.ACTIVATE)
            process = MLModelLoadingProcess(
                progress_status=self._progress(Stage.LOAD),
                ml_model_loading_request_ref=request_ref,
                loaded_ml_model_ref=adaptation.to_model.distinguished_name if is_loaded else "",
            )
            objects.append(ManagedObject(self._ref(MLModelLoadingProcess), process))
        return tuple(objects)

    def _ref(self, kind: type) -> str:
        return self._name.of(kind, self._adaptation.adaptation_id)

    def _request_status(self, first: Stage, last: Stage) -> RequestStatus:
        """Of a request that is worked on from stage `first` to `last`."""
        ended = self._adaptation.ended_as is not None
        position = _position(self._adaptation)
        if position < _PATH.index(first):
            return RequestStatus.CANCELLED if ended else RequestStatus.NOT_STARTED
        if position > _PATH.index(last) or ended:
            return RequestStatus.FINISHED
        return RequestStatus.IN_PROGRESS

    def _progress(self, last: Stage) -> ProcessMonitor:
        """Of a process that has begun and goes on until `last`."""
        adaptation = self._adaptation
        if _position(adaptation) > _PATH.index(last):
            return ProcessMonitor(ProcessStatus.FINISHED, 100.0)
        if adaptation.ended_as is not None:
            return ProcessMonitor(ProcessStatus.FAILED, result_state_info=adaptation.failure)
        return ProcessMonitor(
            ProcessStatus.RUNNING, adaptation.progress_percent, adaptation.progress_info
        )

    def _update_progress(self) -> ProcessMonitor:
        adaptation = self._adaptation
        status = ProcessStatus.RUNNING
        if not adaptation.in_progress:
            status = _FINAL[adaptation.state]
            if adaptation.failed_stage in _DECIDED_BY_PERSONS:
                status = ProcessStatus.CANCELLED
        return ProcessMonitor(
            status,
            100.0 * _position(adaptation) / (len(_PATH) - 1),
            adaptation.state,
            adaptation.failure,
        )


def _position(adaptation: Adaptation) -> int:
    """How far along the path to COMPLETED the adaptation has come, or came."""
    if adaptation.failed_stage is not None:
        return _PATH.index(adaptation.failed_stage)
    return _PATH.index(adaptation.stage)


def _has_reached(adaptation: Adaptation, stage: Stage) -> bool:
    return _position(adaptation) >= _PATH.index(stage)


def _performance(metrics: Mapping[str, float]) -> tuple[ModelPerformance, ...]:
    return tuple(
        ModelPerformance(INFERENCE_NAME, name, score) for name, score in sorted(metrics.items())
    )
