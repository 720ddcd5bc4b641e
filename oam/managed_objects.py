"""Managed objects of TS 28.105: their attributes and their names.

Attribute names are the specification's in snake case, as on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RequestStatus(StrEnum):
    """`requestStatus` of Rel-19. There is no FAILED: a failure is told by the process.

    Not modelled: suspension, and cancellation by the consumer. A request that was given up before
    it was worked on is CANCELLED.
    """

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUSPENDED = "SUSPENDED"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"
    CANCELLING = "CANCELLING"


class ProcessStatus(StrEnum):
    """`status` of ProcessMonitor (TS 28.623), with FINISHED in its right spelling."""

    NOT_STARTED = "NOT_STARTED"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    CANCELLING = "CANCELLING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class ProcessMonitor:
    """ProcessMonitor (TS 28.622 4.3)."""

    status: ProcessStatus
    progress_percent: float = 0.0
    progress_state_info: str = ""
    result_state_info: str = ""


@dataclass(frozen=True)
class ModelPerformance:
    """ModelPerformance (TS 28.105 7.4)."""

    inference_output_name: str
    performance_metric: str
    performance_score: float


@dataclass(frozen=True)
class MLTrainingRequest:
    """MLTrainingRequest (TS 28.105 7.3a.1.2.2)."""

    aiml_inference_name: str
    training_request_source: str
    request_status: RequestStatus
    ml_model_ref: str
    ml_training_type: str
    expected_runtime_context: str


@dataclass(frozen=True)
class MLTrainingProcess:
    """MLTrainingProcess (TS 28.105 7.3a.1.2.4)."""

    progress_status: ProcessMonitor
    training_request_ref: str
    training_report_ref: str
    ml_model_generated_ref: str
    training_job_id: str


@dataclass(frozen=True)
class MLTrainingReport:
    """MLTrainingReport (TS 28.105 7.3a.1.2.3)."""

    model_performance_training: tuple[ModelPerformance, ...]
    training_process_ref: str
    last_training_ref: str
    ml_model_generated_ref: str


@dataclass(frozen=True)
class MLTestingRequest:
    """MLTestingRequest (TS 28.105 7.3a.1b.2)."""

    request_status: RequestStatus
    ml_model_ref: str


@dataclass(frozen=True)
class MLTestingReport:
    """MLTestingReport (TS 28.105 7.3a.1b.2)."""

    model_performance_testing: tuple[ModelPerformance, ...]
    ml_testing_result: str
    testing_request_ref: str


@dataclass(frozen=True)
class MLModelLoadingRequest:
    """MLModelLoadingRequest (TS 28.105 7.3a.3.2.1)."""

    request_status: RequestStatus
    ml_model_to_load_ref: str


@dataclass(frozen=True)
class MLModelLoadingProcess:
    """MLModelLoadingProcess (TS 28.105 7.3a.3.2.3)."""

    progress_status: ProcessMonitor
    ml_model_loading_request_ref: str
    loaded_ml_model_ref: str


@dataclass(frozen=True)
class AIMLInferenceFunction:
    """AIMLInferenceFunction (TS 28.105 7.3a.4)."""

    activation_status: str
    ml_model_ref_list: tuple[str, ...] = ()


@dataclass(frozen=True)
class MLUpdateRequest:
    """MLUpdateRequest (TS 28.105 7.3a.5)."""

    request_status: RequestStatus
    ml_model_ref_list: tuple[str, ...]
    cause: str


@dataclass(frozen=True)
class MLUpdateProcess:
    """MLUpdateProcess (TS 28.105 7.3a.5)."""

    progress_status: ProcessMonitor
    ml_update_request_ref_list: tuple[str, ...]
    ml_model_ref_list: tuple[str, ...]


Attributes = (
    MLTrainingRequest
    | MLTrainingProcess
    | MLTrainingReport
    | MLTestingRequest
    | MLTestingReport
    | MLModelLoadingRequest
    | MLModelLoadingProcess
    | AIMLInferenceFunction
    | MLUpdateRequest
    | MLUpdateProcess
)

CLASSES: Mapping[str, type[Attributes]] = {
    kind.__name__: kind
    for kind in (
        MLTrainingRequest,
        MLTrainingProcess,
        MLTrainingReport,
        MLTestingRequest,
        MLTestingReport,
        MLModelLoadingRequest,
        MLModelLoadingProcess,
        AIMLInferenceFunction,
        MLUpdateRequest,
        MLUpdateProcess,
    )
}


@dataclass(frozen=True)
class ManagedObject:
    """A managed object instance; who stores it knows when it was made and changed."""

    distinguished_name: str
    attributes: Attributes

    @property
    def object_class(self) -> str:
        """Name of its class."""
        return type(self.attributes).__name__


@dataclass(frozen=True)
class StoredObject:
    """A managed object with its times, wall-clock UTC."""

    managed_object: ManagedObject
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True)
class Naming:
    """Distinguished names (TS 32.300), name-contained by their function as TS 28.105 Annex A asks.

    One adaptation makes at most one object of each class, so all of them carry its id.
    """

    sub_network: str
    managed_element: str
    inference_function_id: str
    _containers: Mapping[type[Attributes], str] = field(
        init=False,
        repr=False,
        default_factory=lambda: {
            MLTrainingRequest: "MLTrainingFunction=mtlf",
            MLTrainingProcess: "MLTrainingFunction=mtlf",
            MLTrainingReport: "MLTrainingFunction=mtlf",
            MLTestingRequest: "MLTestingFunction=mtlf",
            MLTestingReport: "MLTestingFunction=mtlf",
            MLUpdateRequest: "MLUpdateFunction=oam",
            MLUpdateProcess: "MLUpdateFunction=oam",
        },
    )

    @property
    def managed_element_name(self) -> str:
        """Name of the element that contains the functions."""
        return f"SubNetwork={self.sub_network},ManagedElement={self.managed_element}"

    @property
    def inference_function(self) -> str:
        """Name of the inference function, which contains the loading objects."""
        return f"{self.managed_element_name},AIMLInferenceFunction={self.inference_function_id}"

    def of(self, kind: type[Attributes], adaptation_id: str) -> str:
        """Name of the object of class `kind` that belongs to the adaptation."""
        inside = self._containers.get(kind)
        container = (
            self.inference_function if inside is None else f"{self.managed_element_name},{inside}"
        )
        return f"{container},{kind.__name__}={adaptation_id}"
