"""The record is a chain: whoever changes it shows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.oam_samples import NOW

from oam.audit import EMPTY, GENESIS, Head, chained, digest_of, head_of, verify
from oam.record import RecordedStep, Step, StepKind

STEP = Step(
    StepKind.DEGRADED, "", "gan-gdm", 3, "rule:threshold-monitor", "Rain — 4 dB.", "DN=1", {"x": 1}
)
# As `sha256sum` has it of the JSON written by hand.
DIGEST = "305cbdc3f8a5f89d95bf8602d663bdb957e510e847e4ea84507cd08b05ef91ad"
STEPS = st.builds(
    Step,
    kind=st.sampled_from(StepKind),
    adaptation_id=st.text(max_size=5),
    model_name=st.just("gan-gdm"),
    version=st.integers(0, 9),
    initiator=st.text(max_size=5),
    detail=st.text(max_size=20),
    object_ref=st.just("DN=1"),
    figures=st.dictionaries(st.text(max_size=5), st.floats(), max_size=3),
)


def record_of(steps: Sequence[Step]) -> list[RecordedStep]:
    """The steps as a chain, a second apart."""
    record: list[RecordedStep] = []
    for number, step in enumerate(steps):
        head = head_of(record[-1]) if record else EMPTY
        record.append(chained(head, step, NOW + timedelta(seconds=number)))
    return record


def test_digest_is_fixed_for_ever() -> None:
    """A digest that was written once is computed again by every later release."""
    assert digest_of(GENESIS, 1, STEP, NOW) == DIGEST
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))
    assert digest_of(GENESIS, 1, STEP, elsewhere) == DIGEST


@given(st.lists(STEPS, max_size=8))
def test_untouched_record_is_whole(steps: list[Step]) -> None:
    """Its head is the last entry's, and every earlier head lies on it."""
    record = record_of(steps)
    kept = {str(each.sequence): head_of(each) for each in record} | {"none": EMPTY}
    found = verify(record, kept)
    assert found.faults == ()
    assert found.head == (head_of(record[-1]) if record else EMPTY)


@given(st.lists(STEPS, min_size=3, max_size=8, unique_by=repr), st.data())
def test_every_change_shows(steps: list[Step], data: st.DataObject) -> None:
    """An entry that is edited, removed, moved, or put in; the tail that is cut off."""
    record = record_of(steps)
    kept = {"the OAM": head_of(record[-1])}
    place = data.draw(st.integers(0, len(record) - 1), label="place")
    victim = record[place]
    other = data.draw(st.sampled_from([each for each in range(len(record)) if each != place]))
    change = data.draw(
        st.sampled_from(["edit", "time", "delete", "swap", "renumber", "repeat", "truncate"])
    )
    match change:
        case "edit":
            edited = replace(victim.step, detail=f"{victim.step.detail}!")
            record[place] = replace(victim, step=edited)
        case "time":
            record[place] = replace(victim, step_time=victim.step_time + timedelta(seconds=1))
        case "delete":
            del record[place]
        case "swap":
            record[place], record[other] = record[other], record[place]
        case "renumber":
            left = [each for each in record if each is not victim]
            record = [replace(each, sequence=n) for n, each in enumerate(left, start=1)]
        case "repeat":
            record.insert(place, victim)
        case "truncate":
            record = record[:place]
    assert verify(record, kept).faults


def test_record_written_anew_shows_against_a_head_kept_elsewhere() -> None:
    """Whole in itself and of the same length, but not what the operator has seen."""
    true = record_of([STEP] * 4)
    anew = record_of([replace(STEP, detail="Clear sky.")] * 4)
    assert verify(anew, {"the OAM": head_of(anew[-1])}).faults == ()
    (fault,) = verify(anew, {"the operator": head_of(true[2])}).faults
    assert "entry 3 is not the one that the operator knows" in fault


def test_tail_that_was_cut_off_is_told_as_such() -> None:
    """Also where the head beside the record was cut back with it."""
    record = record_of([STEP] * 4)
    (fault,) = verify(record[:2], {"the operator": head_of(record[3])}).faults
    assert "ends with entry 2, but the operator knows of entry 4" in fault
    assert verify([], {"the operator": Head(1, "ab")}).faults


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_figure_that_is_no_number_is_left_out(value: float) -> None:
    """JSON could not tell it."""
    assert dict(replace(STEP, figures={"loss": value, "ratio": 0.9}).figures) == {"ratio": 0.9}


def test_time_is_told_to_the_microsecond() -> None:
    """Databases keep as much, no more."""
    later = datetime.fromisoformat("2026-03-01T12:00:00.000001+00:00")
    assert digest_of(GENESIS, 1, STEP, later) != DIGEST
