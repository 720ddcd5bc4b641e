"""IOCs around those of TS 28.105: containers, monitors, alarms, performance, and NTN.

Not modelled: attributes of these classes that nothing in this project fills.
"""

from oam.nrm.classes import Access, Attribute, ManagedClass, Operation
from oam.nrm.data_types import (
    ADMINISTRATIVE_STATE,
    EPHEMERIS,
    OPERATIONAL_STATE,
    THRESHOLD_INFO,
)
from oam.nrm.values import Choice, Document, ListOf, Record, Reference, Text, Time, Whole

_PRODUCER = Access.PRODUCER
_ALL = frozenset(Operation)
_CONTAINERS = ("SubNetwork", "ManagedElement")
_FUNCTIONS = (
    *("MLTrainingFunction", "MLTestingFunction", "AIMLInferenceEmulationFunction"),
    *("AIMLInferenceFunction", "MLUpdateFunction"),
)
_EVERYTHING = (*_CONTAINERS, *_FUNCTIONS)
_STATES = {
    "administrativeState": Attribute(ADMINISTRATIVE_STATE, default="UNLOCKED"),
    "operationalState": Attribute(OPERATIONAL_STATE, _PRODUCER),
}
_WATCHED = Attribute(ListOf(Reference()), acyclic=True)
_METRICS = ListOf(Text(100), least=1, most=50)

GENERIC_CLASSES = (
    ManagedClass("SubNetwork", "TS 28.622", (), {"userLabel": Attribute(Text())}),
    ManagedClass("ManagedElement", "TS 28.622", ("SubNetwork",), {"userLabel": Attribute(Text())}),
    ManagedClass(
        "VsDataContainer",
        "TS 28.622",
        (
            *("MLTrainingProcess", "MLUpdateRequest", "MLModel", "AIMLInferenceFunction"),
            "PerfMetricJob",
        ),
        {
            "vsDataType": Attribute(Text(), _PRODUCER),
            "vsDataFormatVersion": Attribute(Text(), _PRODUCER),
            "vsData": Attribute(Document(), _PRODUCER),
        },
    ),
    ManagedClass(
        "ThresholdMonitor",
        "TS 28.622",
        _EVERYTHING,
        {
            **_STATES,
            "thresholdInfoList": Attribute(ListOf(THRESHOLD_INFO, least=1, most=20), required=True),
            "monitorGranularityPeriod": Attribute(Whole(1, 86_400), required=True),
            "objectInstances": _WATCHED,
        },
        _ALL,
    ),
    ManagedClass(
        "PerfMetricJob",
        "TS 28.622",
        _EVERYTHING,
        {
            **_STATES,
            "jobId": Attribute(Text()),
            "performanceMetrics": Attribute(_METRICS, required=True),
            "granularityPeriod": Attribute(Whole(1, 86_400), required=True),
            "objectInstances": _WATCHED,
            "reportingCtrl": Attribute(
                Record({"fileReportingPeriod": Whole(1), "streamTarget": Text()})
            ),
        },
        _ALL,
    ),
    ManagedClass(
        "AlarmList",
        "TS 28.111",
        _CONTAINERS,
        {
            **_STATES,
            "numOfAlarmRecords": Attribute(Whole(0), _PRODUCER),
            "lastModification": Attribute(Time(), _PRODUCER),
            "alarmRecords": Attribute(Document(), _PRODUCER),
        },
    ),
    ManagedClass(
        "NTNFunction",
        "TS 28.541",
        _CONTAINERS,
        {
            "nTNpLMNInfoList": Attribute(ListOf(Document()), _PRODUCER),
            "nTNTAClist": Attribute(ListOf(Whole(0)), _PRODUCER),
        },
    ),
    ManagedClass(
        "EphemerisInfoSet",
        "TS 28.541",
        ("NTNFunction",),
        {"ephemerisInfos": Attribute(ListOf(EPHEMERIS), _PRODUCER)},
    ),
    ManagedClass("GNBDUFunction", "TS 28.541", ("ManagedElement",)),
    ManagedClass("NRSectorCarrier", "TS 28.541", ("GNBDUFunction",)),
    ManagedClass("CommonBeamformingFunction", "TS 28.541", ("NRSectorCarrier",)),
    ManagedClass(
        "Beam",
        "TS 28.541",
        ("CommonBeamformingFunction",),
        {
            "beamIndex": Attribute(Whole(0), _PRODUCER),
            "beamType": Attribute(Choice(("SSB_BEAM",)), _PRODUCER),
            # In tenths of a degree, all of them.
            "beamAzimuth": Attribute(Whole(-1800, 1800), _PRODUCER),
            "beamTilt": Attribute(Whole(-900, 900), _PRODUCER),
            "beamHorizWidth": Attribute(Whole(0, 3599), _PRODUCER),
            "beamVertWidth": Attribute(Whole(0, 1800), _PRODUCER),
        },
    ),
)
