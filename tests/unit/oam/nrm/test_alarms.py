"""The alarm list: raised, changed, acknowledged, cleared, and gone when both."""

from datetime import timedelta

import pytest
from fakes.oam.memory_tree import FUNCTION, ROOT, MemoryTree, functions_tree
from support.ran_events import eavesdropper

from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from nf_runtime.events.catalogue import Alarm
from oam.nrm.alarms import MOST_RECORDS, Condition, acknowledge, clear_alarm, raise_alarm
from oam.nrm.names import parse_name
from oam.nrm.network_events import NetworkEvents


def condition(problem: str = "It is slow.", alarm_id: str = "a") -> Condition:
    """Something that is wrong with the inference function."""
    return Condition(alarm_id, FUNCTION, "QUALITY_OF_SERVICE_ALARM", "THRESHOLD_CROSSED", problem)


def records(tree: MemoryTree) -> dict[str, dict[str, object]]:
    """Of the alarm list."""
    moi = tree.find(f"{ROOT},AlarmList=1")
    assert moi is not None
    assert moi.attributes["numOfAlarmRecords"] == len(moi.attributes["alarmRecords"])
    return dict(moi.attributes["alarmRecords"])


def told(tree: MemoryTree) -> list[tuple[str, str]]:
    """Severity and acknowledgement of each alarm event."""
    return [
        (each.perceived_severity, each.ack_state) for each in tree.told if isinstance(each, Alarm)
    ]


def test_alarm_is_raised_once_and_changed() -> None:
    """The same condition again tells nothing; another text of it changes the record."""
    tree = functions_tree()
    raise_alarm(tree, condition(), subject="s")
    raised = records(tree)["a"]
    raise_alarm(tree, condition(), subject="s")
    assert records(tree)["a"] == raised
    tree.now += timedelta(seconds=5)
    raise_alarm(tree, condition("It is very slow."), subject="s")
    changed = records(tree)["a"]
    assert changed["alarmRaisedTime"] == raised["alarmRaisedTime"]
    assert changed["alarmChangedTime"] == tree.now.isoformat()
    assert changed["specificProblem"] == "It is very slow."
    assert told(tree) == [("MAJOR", "UNACKNOWLEDGED")] * 2


@pytest.mark.parametrize("acknowledged_first", [True, False])
def test_alarm_goes_when_it_is_cleared_and_acknowledged(*, acknowledged_first: bool) -> None:
    """In either order; until then its record stays."""
    tree = functions_tree()
    raise_alarm(tree, condition(), subject="s")
    if acknowledged_first:
        acknowledge(tree, "a", "ada")
        assert records(tree)["a"]["ackUserId"] == "ada"
        clear_alarm(tree, "a", FUNCTION, subject="s")
    else:
        clear_alarm(tree, "a", FUNCTION, subject="s")
        assert records(tree)["a"]["perceivedSeverity"] == "CLEARED"
        clear_alarm(tree, "a", FUNCTION, subject="s")
        acknowledge(tree, "a", "ada")
    assert records(tree) == {}
    assert len(told(tree)) == 3


def test_cleared_alarm_is_raised_anew() -> None:
    """With a new time, unacknowledged."""
    tree = functions_tree()
    raise_alarm(tree, condition(), subject="s")
    clear_alarm(tree, "a", FUNCTION, subject="s")
    tree.now += timedelta(seconds=5)
    raise_alarm(tree, condition(), subject="s")
    record = records(tree)["a"]
    assert (record["perceivedSeverity"], record["ackState"]) == ("MAJOR", "UNACKNOWLEDGED")
    assert record["alarmRaisedTime"] == tree.now.isoformat()


def test_bad_acknowledgements_change_nothing() -> None:
    """Of what is not there, by nobody, twice, or taken back before it was given."""
    tree = functions_tree()
    raise_alarm(tree, condition(), subject="s")
    before = records(tree)
    with pytest.raises(NotFound):
        acknowledge(tree, "b", "ada")
    for nobody in ("", "a\nb", "x" * 101):
        with pytest.raises(InvalidArgument):
            acknowledge(tree, "a", nobody)
    with pytest.raises(FailedPrecondition):
        acknowledge(tree, "a", "ada", withdraw=True)
    assert records(tree) == before
    acknowledge(tree, "a", "ada")
    with pytest.raises(FailedPrecondition):
        acknowledge(tree, "a", "bob")
    acknowledge(tree, "a", "bob", withdraw=True)
    assert records(tree)["a"]["ackState"] == "UNACKNOWLEDGED"


def test_list_is_bounded_by_what_was_cleared_first() -> None:
    """No active alarm is lost."""
    tree = functions_tree()
    for number in range(MOST_RECORDS + 3):
        raise_alarm(tree, condition(alarm_id=f"a{number}"), subject="s")
        if number < 5:
            clear_alarm(tree, f"a{number}", FUNCTION, subject="s")
    kept = records(tree)
    assert len(kept) == MOST_RECORDS
    assert "a2" not in kept
    assert "a3" in kept


async def test_eavesdropper_is_a_security_alarm() -> None:
    """With the members that TS 28.111 asks of one, about the NTN function."""
    events = NetworkEvents(
        None,  # type: ignore[arg-type]  # the inbox is not asked
        refresh=None,  # type: ignore[arg-type]
        ntn_function=parse_name(f"{ROOT},NTNFunction=1"),
        residual_doppler=lambda _: None,
    )
    found = events.condition(eavesdropper())
    assert found.alarm_type == "SECURITY_SERVICE_OR_MECHANISM_VIOLATION"
    assert set(found.security) == {"securityAlarmDetector", "serviceUser", "serviceProvider"}
    assert found.object_instance == f"{ROOT},NTNFunction=1"
