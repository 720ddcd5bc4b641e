"""The alarm list (TS 28.111): alarms are raised, changed, acknowledged and cleared.

A record stays until it is both cleared and acknowledged; of more than `MOST_RECORDS`, those that
were cleared first go.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nf_runtime.errors import FailedPrecondition, NotFound
from nf_runtime.events.catalogue import Alarm
from oam.nrm.names import Name, parse_name
from oam.nrm.objects import Moi, Tree
from oam.nrm.values import wrong

QUALITY_OF_SERVICE = "QUALITY_OF_SERVICE_ALARM"
SECURITY = "SECURITY_SERVICE_OR_MECHANISM_VIOLATION"
CLEARED = "CLEARED"
MOST_RECORDS = 1000
_LONGEST_USER = 100
_CHANGEABLE = ("perceivedSeverity", "specificProblem", "additionalInformation")


@dataclass(frozen=True)
class Condition:
    """What an alarm tells.

    Attributes:
        alarm_id: The same for the same condition of the same object.
        object_instance: The object that it is about.
        alarm_type: One of TS 28.111.
        probable_cause: In capitals.
        specific_problem: One sentence.
        perceived_severity: One of TS 28.111, not CLEARED.
        security: securityAlarmDetector, serviceUser and serviceProvider of a security alarm.
        additional: Anything else, by name.
    """

    alarm_id: str
    object_instance: str
    alarm_type: str
    probable_cause: str
    specific_problem: str
    perceived_severity: str = "MAJOR"
    security: Mapping[str, str] = field(default_factory=dict)
    additional: Mapping[str, Any] = field(default_factory=dict)


def alarm_list_name(object_instance: str) -> Name:
    """The alarm list of the sub-network that the object is in."""
    root = Name(parse_name(object_instance).parts[:1])
    return root.child("AlarmList", "1")


def raise_alarm(tree: Tree, condition: Condition, *, subject: str) -> None:
    """The condition holds: a new alarm, a changed one, or nothing new."""
    name = alarm_list_name(condition.object_instance)
    records = _records(tree.find(name))
    now = tree.now.isoformat()
    told: dict[str, Any] = {
        "objectInstance": condition.object_instance,
        "alarmType": condition.alarm_type,
        "probableCause": condition.probable_cause,
        "specificProblem": condition.specific_problem,
        "perceivedSeverity": condition.perceived_severity,
        **condition.security,
    }
    if condition.additional:
        told["additionalInformation"] = dict(condition.additional)
    before = records.get(condition.alarm_id)
    if before is None or before["perceivedSeverity"] == CLEARED:
        record = {**told, "alarmRaisedTime": now, "ackState": "UNACKNOWLEDGED"}
    elif all(before.get(each) == told.get(each) for each in _CHANGEABLE):
        return
    else:
        record = {**before, **told, "alarmChangedTime": now}
    records.pop(condition.alarm_id, None)
    records[condition.alarm_id] = record
    _write(tree, name, records)
    _tell(tree, condition.alarm_id, record, subject)


def clear_alarm(tree: Tree, alarm_id: str, object_instance: str, *, subject: str) -> None:
    """The condition is over; nothing happens if there is no such alarm."""
    name = alarm_list_name(object_instance)
    records = _records(tree.find(name))
    before = records.get(alarm_id)
    if before is None or before["perceivedSeverity"] == CLEARED:
        return
    record = {**before, "perceivedSeverity": CLEARED, "alarmClearedTime": tree.now.isoformat()}
    records[alarm_id] = record
    if record["ackState"] == "ACKNOWLEDGED":
        del records[alarm_id]
    _write(tree, name, records)
    _tell(tree, alarm_id, record, subject)


def acknowledge(tree: Tree, alarm_id: str, user_id: str, *, withdraw: bool = False) -> Moi:
    """An operator has seen the alarm, or takes that back; the alarm list after that.

    Raises:
        InvalidArgument: INVALID_FIELD; nobody is named.
        NotFound: RESOURCE_NOT_FOUND.
        FailedPrecondition: STATE_FORBIDS; it is so already.
    """
    if not (0 < len(user_id) <= _LONGEST_USER and user_id.isprintable()):
        raise wrong("user_id", f"1 to {_LONGEST_USER} printable characters: who acknowledges")
    for alarm_list in tree.of_class("AlarmList"):
        records = _records(alarm_list)
        if alarm_id not in records:
            continue
        record = dict(records[alarm_id])
        state = "UNACKNOWLEDGED" if withdraw else "ACKNOWLEDGED"
        if record["ackState"] == state:
            raise FailedPrecondition(
                f"alarm {alarm_id} is {state} already",
                reason="STATE_FORBIDS",
                state=state,
                wanted=state,
            )
        record |= {"ackState": state, "ackUserId": user_id, "ackTime": tree.now.isoformat()}
        records[alarm_id] = record
        if record["perceivedSeverity"] == CLEARED and not withdraw:
            del records[alarm_id]
        _write(tree, alarm_list.name, records)
        _tell(tree, alarm_id, record, "alarm")
        found = tree.find(alarm_list.name)
        assert found is not None  # noqa: S101 - it has just been written
        return found
    raise NotFound(
        f"there is no alarm {alarm_id}; read the alarm list",
        reason="RESOURCE_NOT_FOUND",
        resource=alarm_id,
    )


def _records(alarm_list: Moi | None) -> dict[str, Any]:
    return {} if alarm_list is None else dict(alarm_list.attributes.get("alarmRecords", {}))


def _write(tree: Tree, name: Name, records: dict[str, Any]) -> None:
    excess = len(records) - MOST_RECORDS
    if excess > 0:
        cleared = [key for key, each in records.items() if each["perceivedSeverity"] == CLEARED]
        for key in cleared[:excess]:
            del records[key]
    tree.put(
        name,
        {
            "administrativeState": "UNLOCKED",
            "operationalState": "ENABLED",
            "alarmRecords": records,
            "numOfAlarmRecords": len(records),
            "lastModification": tree.now.isoformat(),
        },
    )


def _tell(tree: Tree, alarm_id: str, record: Mapping[str, Any], subject: str) -> None:
    data = Alarm(
        alarm_id=alarm_id,
        alarm_type=record["alarmType"],
        perceived_severity=record["perceivedSeverity"],
        probable_cause=record["probableCause"],
        specific_problem=record["specificProblem"],
        object_instance=record["objectInstance"],
        ack_state=record["ackState"],
    )
    event_id = f"alarm/{alarm_id}/{data.perceived_severity}/{data.ack_state}/{tree.now.isoformat()}"
    tree.publish(data, event_id=event_id, subject=subject)
