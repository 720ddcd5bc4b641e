"""Every managed object, as it is rendered, is valid by 3GPP's own schemas of Rel-19."""

from typing import Any

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.memory_tree import MemoryObjectStore
from fakes.oam.peers import FakePeers
from support.nrm_consumer import (
    ELEMENT,
    FUNCTION,
    LOADING,
    NAME,
    TESTING,
    TRAINING,
    UPDATE,
    Consumer,
    attributes_of,
    model,
)
from support.ran_events import decision, eavesdropper, message
from support.specification_schemas import FILES, validator

from nf_runtime.clock import SystemClock
from oam.nrm.ml_classes import ML_CLASSES
from oam.nrm.names import parse_name
from oam.nrm.radio import RadioFollower, RadioKpi, RadioRun
from oam.nrm.radio_geometry import Sight
from oam.nrm.samples import Samples

# Nothing is emulated here, and the fake repository has no group.
NOT_MADE = {"AIMLInferenceEmulationFunction", "MLModelCoordinationGroup"}


def check(name: str, attributes: dict[str, Any]) -> str:
    """The class of an object that is valid by its schema."""
    parsed = parse_name(name)
    rendered = {
        "id": parsed.identity,
        "objectClass": parsed.object_class,
        "objectInstance": name,
        "attributes": attributes,
    }
    errors = list(validator(parsed.object_class).iter_errors(rendered))
    assert errors == [], f"{name}: {[error.message for error in errors]}"
    return parsed.object_class


async def test_objects_of_a_whole_lifecycle_are_valid(
    consumer: Consumer, peers: FakePeers, broker: MemoryBroker
) -> None:
    """Training, test, loading, update, monitor, policy, job, group and a security alarm."""
    validator("MLModel")  # skips here where the schemas are not
    peers.put_in_use()
    await consumer.create(
        TRAINING,
        aIMLInferenceName=NAME,
        performanceRequirements=[
            {"performanceMetric": "ratio_to_exhaustive", "performanceScore": 0.9}
        ],
    )
    await consumer.ended(TRAINING)
    await consumer.create(TESTING, mLModelRef=model(2))
    await consumer.ended(TESTING)
    await consumer.create(LOADING, mLModelToLoadRef=model(2))
    await consumer.ended(LOADING)
    await consumer.modify(
        FUNCTION,
        activationStatus="ACTIVATED",
        managedActivationScope={"timeWindow": [{"startTime": "2020-01-01T00:00:00Z"}]},
    )
    await consumer.until(f"{FUNCTION},VsDataContainer=gate", lambda moi: moi["vsData"]["isOpen"])
    deadline = {"endTime": "2999-01-01T00:00:00Z"}
    await consumer.create(UPDATE, mLModelRefList=[model(2)], updateTimeDeadline=deadline)
    await consumer.ended(UPDATE)
    info = {
        "performanceMetrics": ["OOD_RATE"],
        "thresholdDirection": "UP",
        "thresholdValue": 1,
        "hysteresis": 0,
    }
    await consumer.create(
        f"{FUNCTION},ThresholdMonitor=m", thresholdInfoList=[info], monitorGranularityPeriod=1
    )
    await consumer.create(
        f"{FUNCTION},MLModelLoadingPolicy=p",
        policyForLoading={"thresholdList": [info]},
        mLModelRef=[model(2)],
    )
    await consumer.create(
        f"{FUNCTION},PerfMetricJob=j", performanceMetrics=["OOD_RATE"], granularityPeriod=1
    )
    broker.append(message(eavesdropper(), "e1"))
    made = decision(model_name="gan-gdm", model_version=2, after_bps_hz=5.0)
    broker.append(message(made, "d1"))
    await consumer.until(f"{FUNCTION},AIMLInferenceReport=2", bool)
    alarms = await consumer.until(
        "SubNetwork=aimlnf,AlarmList=1", lambda moi: bool(moi["numOfAlarmRecords"])
    )
    ((alarm_id, record),) = alarms["alarmRecords"].items()
    assert record["alarmType"] == "SECURITY_SERVICE_OR_MECHANISM_VIOLATION"
    assert record["securityAlarmDetector"]
    assert alarm_id.startswith("eavesdropper/")
    seen = {
        check(moi.distinguished_name, attributes_of(moi))
        for moi in await consumer.select("SubNetwork=aimlnf")
        if moi.object_class not in ("SubNetwork", "ManagedElement")
    }
    of_28_105 = {each.name for each in ML_CLASSES}
    assert of_28_105 - seen == NOT_MADE
    assert {"AlarmList", "ThresholdMonitor", "PerfMetricJob", "VsDataContainer"} < seen


def test_objects_of_the_simulator_are_valid() -> None:
    """NTNFunction, EphemerisInfoSet and Beams."""
    validator("NTNFunction")
    store = MemoryObjectStore()
    name = parse_name(f"{ELEMENT},NTNFunction=1")
    follower = RadioFollower(
        store=store,
        radio=None,  # type: ignore[arg-type]  # it is not asked
        samples=Samples("f", "r"),
        ntn_function=name,
        clock=SystemClock(),
        period_s=1.0,
        eavesdropper_hold_s=1.0,
    )
    run = RadioRun("r", store.tree.now, 0.0, -48.1, 11.6, 150e3, "adaptive_aperture", True)  # noqa: FBT003
    beams = [str(number) for number in range(1, 9)]
    before, after = (
        RadioKpi("733", Sight(100.0 + at_s, 40.0, 8e5, at_s), beams, []) for at_s in (0.0, 1.0)
    )
    follower._write(store.tree, run=run, before=before, kpi=after)
    seen = {
        check(name, dict(moi.attributes))
        for name, moi in store.tree.mois.items()
        if moi.name.object_class in FILES
    }
    assert seen == {"NTNFunction", "EphemerisInfoSet", "Beam", "CommonBeamformingFunction"}
    (ephemeris,) = store.tree.mois[f"{name},EphemerisInfoSet=1"].attributes["ephemerisInfos"]
    assert ephemeris["satelliteId"] == "00733"


@pytest.mark.parametrize("kind", ML_CLASSES, ids=lambda kind: kind.name)
def test_attributes_are_those_of_the_schema(kind: object) -> None:
    """No attribute of the registry is unknown to 3GPP, but those that v19.5 has added since."""
    added = {"mLTrainingType", "mLModelCoordinationGroupRef"}
    schema = validator(kind.name)  # type: ignore[attr-defined]
    known = _properties(schema, schema.schema, set())
    unknown = set(kind.attributes) - known - added  # type: ignore[attr-defined]
    assert unknown == set()


def _properties(schema: Any, part: Any, seen: set[str]) -> set[str]:
    """Names of properties anywhere in a schema, references within its own attributes followed."""
    found: set[str] = set()
    if isinstance(part, list):
        return found.union(*(_properties(schema, each, seen) for each in part))
    if not isinstance(part, dict):
        return found
    reference = part.get("$ref")
    if reference is not None and reference not in seen:
        seen.add(reference)
        resolved = schema._resolver.lookup(reference)
        below = schema.evolve(schema=resolved.contents, _resolver=resolved.resolver)
        found |= _properties(below, resolved.contents, seen)
    for key, value in part.items():
        if key == "properties":
            found |= set(value)
        found |= _properties(schema, value, seen)
    return found
