"""Data types that several classes share (TS 28.105 7.4, TS 28.623)."""

from oam.nrm.values import (
    Choice,
    Document,
    Flag,
    ListOf,
    Number,
    Record,
    Reference,
    Text,
    Time,
    Whole,
)

MODEL_REF = Reference(("MLModel",))
MODEL_REFS = ListOf(MODEL_REF)
GROUP_REF = Reference(("MLModelCoordinationGroup",))
ANY_REFS = ListOf(Reference())

# Functions of other managers are named without being managed here.
FOREIGN_REFS = ListOf(Reference(must_exist=False))

REQUEST_STATUS = Choice(
    ("NOT_STARTED", "IN_PROGRESS", "SUSPENDED", "FINISHED", "CANCELLED", "CANCELLING")
)
PROCESS_STATUS = Choice(
    (
        *("NOT_STARTED", "RUNNING", "SUSPENDED", "CANCELLING"),
        *("FINISHED", "FINSHED", "FAILED", "PARTIALLY_FAILED", "CANCELLED"),
    )
)
TRAINING_TYPE = Choice(
    ("INITIAL_TRAINING", "PRE_SPECIALISED_TRAINING", "RE_TRAINING", "FINE_TUNING")
)
ADMINISTRATIVE_STATE = Choice(("LOCKED", "UNLOCKED"))
OPERATIONAL_STATE = Choice(("ENABLED", "DISABLED"))

MODEL_PERFORMANCE = Record(
    {
        "inferenceOutputName": Text(),
        "performanceMetric": Text(100),
        "performanceScore": Number(),
        "decisionConfidenceScore": Number(0, 1),
    },
    required=("performanceMetric", "performanceScore"),
)
MODEL_PERFORMANCES = ListOf(MODEL_PERFORMANCE)

PROCESS_MONITOR = Record(
    {
        "status": PROCESS_STATUS,
        "progressPercentage": Whole(0, 100),
        "progressStateInfo": Text(500),
        "resultStateInfo": Text(600),
    },
    required=("status",),
)

CONTEXT = Record({"inferenceModelRef": MODEL_REFS, "dataProviderRef": FOREIGN_REFS})

TIME_WINDOW = Record({"startTime": Time(), "endTime": Time()})

GEO_AREA = Record(
    {
        "convexGeoPolygon": ListOf(
            Record(
                {
                    "latitude": Number(-90, 90),
                    "longitude": Number(-180, 180),
                    "altitude": Number(),
                },
                required=("latitude", "longitude"),
            ),
            least=3,
        )
    },
    required=("convexGeoPolygon",),
)

ACTIVATION_SCOPE = Record(
    {
        "dNList": ListOf(Reference(must_exist=False), least=1),
        "timeWindow": ListOf(TIME_WINDOW, least=1),
        "geoPolygon": ListOf(GEO_AREA, least=1),
    },
    exactly_one=("dNList", "timeWindow", "geoPolygon"),
)

THRESHOLD_INFO = Record(
    {
        "performanceMetrics": ListOf(Text(100), least=1, most=20),
        "thresholdDirection": Choice(("UP", "DOWN", "UP_AND_DOWN")),
        "thresholdValue": Number(),
        "hysteresis": Number(0),
    },
    required=("performanceMetrics", "thresholdDirection", "thresholdValue"),
)

MANAGEMENT_POLICY = Record(
    {
        "thresholdList": ListOf(THRESHOLD_INFO, least=1, most=20),
        "managedActivationScope": ACTIVATION_SCOPE,
    }
)

CAPABILITY_REPORT = Record(
    {
        "availMLCapabilityReportID": Text(),
        "mLCapabilityVersionId": ListOf(Text()),
        "expectedPerformanceGains": MODEL_PERFORMANCES,
        "mLModelRef": MODEL_REFS,
    }
)

CAPABILITY_INFO = Record(
    {"aIMLInferenceName": Text(), "capabilityName": Text(), "mLCapabilityParameters": Document()}
)

PERFORMANCE_INDICATOR = Record(
    {
        "performanceIndicatorName": Text(100),
        "isSupportedForTraining": Flag(),
        "isSupportedForTesting": Flag(),
    },
    required=("performanceIndicatorName",),
)

INFERENCE_OUTPUT = Record(
    {
        "inferenceOutputId": ListOf(Text()),
        "aIMLInferenceName": Text(),
        "inferenceOutputTime": ListOf(Time()),
        "inferencePerformance": MODEL_PERFORMANCE,
        "outputResult": Document(),
    }
)

# Octets of a position in steps of 1.3 m and of a velocity in steps of 0.06 m/s (TS 38.331
# PositionVelocity-r17), signed as there: TS 28.541 (Rel-19 YAML) allows no negative position.
_POSITION, _VELOCITY = Whole(-(2**25), 2**25 - 1), Whole(-(2**17), 2**17 - 1)
EPHEMERIS = Record(
    {
        "satelliteId": Text(pattern="[0-9]{5}"),
        "epochTime": Time(),
        "positionVelocity": Record(
            {
                **dict.fromkeys(("positionX", "positionY", "positionZ"), _POSITION),
                **dict.fromkeys(("velocityVX", "velocityVY", "velocityVZ"), _VELOCITY),
            }
        ),
    },
    required=("satelliteId", "epochTime", "positionVelocity"),
)
