"""The OAM's record as the operator verifies it."""

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.oam_samples import NOW

from aimlctl.audit import head_given, verify_record
from aimlctl.output import CommandError
from aimlctl.paging import PAGE_SIZE
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from oam.audit import EMPTY, Head, chained, head_of
from oam.messages import step_message
from oam.record import RecordedStep, Step, StepKind


class Oam:
    """An OAM whose record somebody may have had in hand."""

    def __init__(self, entries: int) -> None:
        self.record: list[RecordedStep] = []
        self.grow(entries)

    def grow(self, entries: int) -> None:
        """So many entries more."""
        for _ in range(entries):
            step = Step(StepKind.LOADED, "a1", "gan-gdm", 2, "operator:ada", "Loaded.", "DN=1")
            last = head_of(self.record[-1]) if self.record else EMPTY
            self.record.append(chained(last, step, NOW + timedelta(seconds=last.sequence)))

    @property
    def head(self) -> Head:
        """Kept beside the record, and cut back with it by whoever knows how."""
        return head_of(self.record[-1]) if self.record else EMPTY

    def ListLifecycleSteps(self, request: Any) -> Any:  # noqa: N802 - gRPC names it
        """A page."""
        found = [each for each in self.record if each.sequence > request.after_sequence]
        return service.ListLifecycleStepsResponse(
            steps=map(step_message, found[: request.page_size]),
            head_sequence=self.head.sequence,
            head_digest=self.head.digest,
        )

    @property
    def peers(self) -> Any:
        """As commands reach it."""
        return SimpleNamespace(oam=self)


def faults(oam: Oam, head_file: Path, expected: Head | None = None) -> tuple[str, ...]:
    """What is wrong with its record."""
    return verify_record(oam.peers, head_file, expected=expected).faults


def test_whole_record_of_many_pages_leaves_its_head(tmp_path: Path) -> None:
    """The next verification starts from it, and it grows with the record."""
    oam, head_file = Oam(PAGE_SIZE + 7), tmp_path / "head.json"
    assert faults(oam, head_file) == ()
    kept = json.loads(head_file.read_text())
    assert kept == {"sequence": PAGE_SIZE + 7, "digest": oam.head.digest}
    oam.grow(3)
    assert faults(oam, head_file) == ()
    assert json.loads(head_file.read_text())["sequence"] == PAGE_SIZE + 10


def test_empty_record_is_whole(tmp_path: Path) -> None:
    """Nothing has happened yet."""
    assert faults(Oam(0), tmp_path / "head.json") == ()


def test_record_cut_back_with_its_head_shows_to_whoever_was_here(tmp_path: Path) -> None:
    """The OAM itself knows nothing of it; what was kept here is left as it was."""
    oam, head_file = Oam(5), tmp_path / "head.json"
    assert faults(oam, head_file) == ()
    before = head_file.read_text()
    oam.record = oam.record[:3]
    (fault,) = faults(oam, head_file)
    assert "its tail was cut off" in fault
    assert str(head_file) in fault
    assert head_file.read_text() == before


def test_head_from_elsewhere_is_held_against_the_record(tmp_path: Path) -> None:
    """As an auditor noted it down."""
    oam = Oam(5)
    noted = head_of(oam.record[2])
    assert faults(oam, tmp_path / "a.json", noted) == ()
    assert faults(oam, tmp_path / "b.json", Head(3, "ab" * 32))


def test_head_is_given_as_it_is_printed() -> None:
    """Anything else is refused with how to write it."""
    assert head_given("") is None
    assert head_given("12:AB") == Head(12, "ab")
    for text in ("12", "x:ab", "12:", "-1:ab"):
        with pytest.raises(CommandError, match="SEQUENCE:DIGEST"):
            head_given(text)


@pytest.mark.parametrize("content", ["", "[]", '{"sequence": 1}', "\x00"])
def test_damaged_head_file_is_told(tmp_path: Path, content: str) -> None:
    """It is not quietly replaced."""
    head_file = tmp_path / "head.json"
    head_file.write_text(content)
    with pytest.raises(CommandError, match="holds no head of a record"):
        faults(Oam(1), head_file)
