"""The 20 IOCs of TS 28.105 (Rel-19): phases training, testing, loading, inference and update.

Left out of the attributes are those of federated and reinforcement learning (`fLRequirement`,
`rLRequirement`, `clusteringInfo`, …): the functions of this project do neither.
"""

from oam.nrm.classes import Access, Attribute, ManagedClass, Operation, Role
from oam.nrm.data_types import (
    ACTIVATION_SCOPE,
    CAPABILITY_INFO,
    CAPABILITY_REPORT,
    CONTEXT,
    FOREIGN_REFS,
    GROUP_REF,
    INFERENCE_OUTPUT,
    MANAGEMENT_POLICY,
    MODEL_PERFORMANCES,
    MODEL_REF,
    MODEL_REFS,
    PERFORMANCE_INDICATOR,
    PROCESS_MONITOR,
    REQUEST_STATUS,
    TIME_WINDOW,
    TRAINING_TYPE,
)
from oam.nrm.values import Choice, Flag, ListOf, Number, Reference, Text, Whole

CONTAINERS = ("SubNetwork", "ManagedElement")
_NOTHING: frozenset[Operation] = frozenset()
_MODIFY = frozenset({Operation.MODIFY})
_CREATE = frozenset({Operation.CREATE, Operation.MODIFY})
_ALL = frozenset(Operation)
_PRODUCER, _CREATION = Access.PRODUCER, Access.CREATION

_FUNCTION = {"userLabel": Attribute(Text())}
_REQUEST = {
    "requestStatus": Attribute(REQUEST_STATUS, _PRODUCER, default="NOT_STARTED"),
    "cancelRequest": Attribute(Flag(), default=False),
    "suspendRequest": Attribute(Flag(), default=False),
}
_PROCESS = {
    "progressStatus": Attribute(PROCESS_MONITOR, _PRODUCER),
    "cancelProcess": Attribute(Flag(), default=False),
    "suspendProcess": Attribute(Flag(), default=False),
}
_SUBJECT = {
    "mLModelRef": Attribute(MODEL_REF),
    "mLModelCoordinationGroupRef": Attribute(GROUP_REF),
}


def _ref(*classes: str, acyclic: bool = False) -> Attribute:
    return Attribute(Reference(classes), _PRODUCER, acyclic=acyclic)


def _refs(*classes: str) -> Attribute:
    return Attribute(ListOf(Reference(classes)), _PRODUCER)


ML_CLASSES = (
    ManagedClass("MLModelRepository", "TS 28.105 7.2a.2.2", CONTAINERS),
    ManagedClass(
        "MLModel",
        "TS 28.105 7.2a.2.1",
        ("MLModelRepository", "AIMLInferenceFunction"),
        {
            "mLModelId": Attribute(Text(), _PRODUCER),
            "aIMLInferenceName": Attribute(Text(), _PRODUCER),
            "mLModelVersion": Attribute(Text(), _PRODUCER),
            "mLTrainingType": Attribute(TRAINING_TYPE, _PRODUCER),
            "expectedRunTimeContext": Attribute(CONTEXT, _PRODUCER),
            "trainingContext": Attribute(CONTEXT, _PRODUCER),
            "runTimeContext": Attribute(CONTEXT, _PRODUCER),
            "supportedPerformanceIndicators": Attribute(PERFORMANCE_INDICATOR, _PRODUCER),
            "mLCapabilitiesInfoList": Attribute(ListOf(CAPABILITY_INFO), _PRODUCER),
            "retrainingEventsMonitorRef": Attribute(Reference(("ThresholdMonitor",))),
            "sourceTrainedMLModelRef": _ref("MLModel", acyclic=True),
            "aIMLInferenceReportRefList": _refs("AIMLInferenceReport"),
            "usedByFunctionRefList": Attribute(FOREIGN_REFS, _PRODUCER),
        },
        _MODIFY,
    ),
    ManagedClass(
        "MLModelCoordinationGroup",
        "TS 28.105 7.2a.2.3",
        ("MLModelRepository",),
        {"memberMLModelRefList": Attribute(ListOf(MODEL_REF, least=2), _PRODUCER)},
    ),
    ManagedClass(
        "MLTrainingFunction",
        "TS 28.105 7.3a.1.2.1",
        CONTAINERS,
        {
            **_FUNCTION,
            "mLModelRepositoryRef": _ref("MLModelRepository"),
            "mLTrainingType": Attribute(ListOf(TRAINING_TYPE), _PRODUCER),
        },
    ),
    ManagedClass(
        "MLTrainingRequest",
        "TS 28.105 7.3a.1.2.2",
        ("MLTrainingFunction",),
        {
            "aIMLInferenceName": Attribute(Text(), required=True),
            "candidateTrainingDataSource": Attribute(ListOf(Text())),
            "trainingDataQualityScore": Attribute(Number(0, 1)),
            # A name of TS 28.623 Dn; who has none in this network is named as it calls itself.
            "trainingRequestSource": Attribute(Text()),
            "expectedRuntimeContext": Attribute(CONTEXT),
            "performanceRequirements": Attribute(MODEL_PERFORMANCES),
            "mLTrainingType": Attribute(TRAINING_TYPE),
            **_REQUEST,
            **_SUBJECT,
        },
        _CREATE,
        Role.REQUEST,
        exclusive=tuple(_SUBJECT),  # neither for an initial training
    ),
    ManagedClass(
        "MLTrainingProcess",
        "TS 28.105 7.3a.1.2.4",
        ("MLTrainingFunction",),
        {
            "priority": Attribute(Whole(0, 100)),
            "terminationConditions": Attribute(Text(), _PRODUCER),
            **_PROCESS,
            "trainingRequestRef": _refs("MLTrainingRequest"),
            "trainingReportRef": _ref("MLTrainingReport"),
            "mLModelGeneratedRef": _ref("MLModel"),
            "mLModelRef": _ref("MLModel"),
            "mLModelCoordinationGroupRef": Attribute(GROUP_REF, _PRODUCER),
        },
        _MODIFY,
        Role.PROCESS,
    ),
    ManagedClass(
        "MLTrainingReport",
        "TS 28.105 7.3a.1.2.3",
        ("MLTrainingFunction",),
        {
            "usedConsumerTrainingData": Attribute(ListOf(Text()), _PRODUCER),
            "modelConfidenceIndication": Attribute(Whole(0, 100), _PRODUCER),
            "modelPerformanceTraining": Attribute(MODEL_PERFORMANCES, _PRODUCER),
            "modelPerformanceValidation": Attribute(MODEL_PERFORMANCES, _PRODUCER),
            "dataRatioTrainingAndValidation": Attribute(Whole(0, 100), _PRODUCER),
            "areNewTrainingDataUsed": Attribute(Flag(), _PRODUCER),
            "trainingProcessRef": _ref("MLTrainingProcess"),
            "lastTrainingRef": _ref("MLTrainingReport", acyclic=True),
            "mLModelGeneratedRef": _ref("MLModel"),
            "mLModelCoordinationGroupGeneratedRef": Attribute(GROUP_REF, _PRODUCER),
        },
        role=Role.REPORT,
    ),
    ManagedClass(
        "MLTestingFunction",
        "TS 28.105 7.3a.1b.2",
        CONTAINERS,
        {**_FUNCTION, "mLModelRef": Attribute(MODEL_REFS, _PRODUCER)},
    ),
    ManagedClass(
        "MLTestingRequest",
        "TS 28.105 7.3a.1b.2",
        ("MLTestingFunction", "MLTrainingFunction"),
        {**_REQUEST, **_SUBJECT},
        _CREATE,
        Role.REQUEST,
        exclusive=tuple(_SUBJECT),
        needs_one=True,
    ),
    ManagedClass(
        "MLTestingReport",
        "TS 28.105 7.3a.1b.2",
        ("MLTestingFunction", "MLTrainingFunction"),
        {
            "modelPerformanceTesting": Attribute(MODEL_PERFORMANCES, _PRODUCER),
            "mLTestingResult": Attribute(Choice(("PASSED", "FAILED")), _PRODUCER),
            "testingRequestRef": _ref("MLTestingRequest"),
        },
        role=Role.REPORT,
    ),
    ManagedClass(
        "AIMLInferenceEmulationFunction", "TS 28.105 7.3a.2.2.1", CONTAINERS, {**_FUNCTION}
    ),
    ManagedClass(
        "MLModelLoadingRequest",
        "TS 28.105 7.3a.3.2.1",
        ("AIMLInferenceFunction",),
        {**_REQUEST, "mLModelToLoadRef": Attribute(MODEL_REF, required=True)},
        _CREATE,
        Role.REQUEST,
    ),
    ManagedClass(
        "MLModelLoadingPolicy",
        "TS 28.105 7.3a.3.2.2",
        ("AIMLInferenceFunction",),
        {
            "aIMLInferenceName": Attribute(Text()),
            "policyForLoading": Attribute(MANAGEMENT_POLICY, required=True),
            "mLModelRef": Attribute(ListOf(MODEL_REF, least=1), required=True),
        },
        _ALL,
    ),
    ManagedClass(
        "MLModelLoadingProcess",
        "TS 28.105 7.3a.3.2.3",
        ("AIMLInferenceFunction",),
        {
            **_PROCESS,
            "mLModelLoadingRequestRef": _ref("MLModelLoadingRequest"),
            "mLModelLoadingPolicyRef": _ref("MLModelLoadingPolicy"),
            "loadedMLModelRef": _ref("MLModel"),
        },
        _MODIFY,
        Role.PROCESS,
    ),
    ManagedClass(
        "AIMLInferenceFunction",
        "TS 28.105 7.3a.4",
        CONTAINERS,
        {
            **_FUNCTION,
            "activationStatus": Attribute(Choice(("ACTIVATED", "DEACTIVATED"))),
            "managedActivationScope": Attribute(ACTIVATION_SCOPE),
            "usedByFunctionRefList": Attribute(FOREIGN_REFS, _PRODUCER),
            "mLModelRefList": Attribute(MODEL_REFS),
        },
        _MODIFY,
    ),
    ManagedClass(
        "AIMLInferenceReport",
        "TS 28.105 7.3a.4",
        ("AIMLInferenceFunction", "AIMLInferenceEmulationFunction"),
        {
            "inferenceOutputs": Attribute(ListOf(INFERENCE_OUTPUT, least=1), _PRODUCER),
            "mLModelRefList": Attribute(MODEL_REFS, _PRODUCER),
        },
        role=Role.REPORT,
    ),
    ManagedClass(
        "MLUpdateFunction",
        "TS 28.105",
        CONTAINERS,
        {
            **_FUNCTION,
            "availMLCapabilityReport": Attribute(CAPABILITY_REPORT, _PRODUCER),
            "mLModelRef": Attribute(MODEL_REFS, _PRODUCER),
        },
    ),
    ManagedClass(
        "MLUpdateRequest",
        "TS 28.105",
        ("MLUpdateFunction",),
        {
            "performanceGainThreshold": Attribute(MODEL_PERFORMANCES),
            "newCapabilityVersionId": Attribute(ListOf(Text())),
            "updateTimeDeadline": Attribute(TIME_WINDOW),
            "mLUpdateReportingPeriod": Attribute(TIME_WINDOW),
            **_REQUEST,
            "mLUpdateProcessRef": _ref("MLUpdateProcess"),
            "mLModelRefList": Attribute(MODEL_REFS, _CREATION, required=True),
        },
        _CREATE,
        Role.REQUEST,
    ),
    ManagedClass(
        "MLUpdateProcess",
        "TS 28.105",
        ("MLUpdateFunction",),
        {
            **_PROCESS,
            "mLModelRefList": Attribute(MODEL_REFS, _PRODUCER),
            "mLUpdateRequestRefList": _refs("MLUpdateRequest"),
            "mLUpdateReportRef": _ref("MLUpdateReport"),
        },
        _MODIFY,
        Role.PROCESS,
    ),
    ManagedClass(
        "MLUpdateReport",
        "TS 28.105",
        ("MLUpdateFunction",),
        {
            "updatedMLCapability": Attribute(CAPABILITY_REPORT, _PRODUCER),
            "mLModelRefList": Attribute(MODEL_REFS, _PRODUCER),
            "mLUpdateProcessRef": _ref("MLUpdateProcess"),
        },
        role=Role.REPORT,
    ),
)
