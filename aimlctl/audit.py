"""The OAM's record as the operator verifies it: all of it, against heads kept in several places."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from aimlctl.output import CommandError
from aimlctl.paging import PAGE_SIZE
from aimlctl.peers import Peers
from aimlnf.oam.v1 import lifecycle_service_pb2 as service
from oam.audit import Head, Verification, verify
from oam.messages import step_from_message
from oam.record import RecordedStep

HEAD_FILE = "audit-head.json"


def verify_record(peers: Peers, head_file: Path, *, expected: Head | None) -> Verification:
    """What comes of checking the whole record.

    It is held against the head that the OAM keeps beside it, the one of the last verification from
    here, and the one that the caller has from elsewhere. A record that is whole leaves its head in
    `head_file` for the next time.

    Raises:
        CommandError: `head_file` cannot be read.
    """
    request = service.ListLifecycleStepsRequest(page_size=PAGE_SIZE)
    first = peers.oam.ListLifecycleSteps(request)
    kept = {"the OAM": Head(first.head_sequence, first.head_digest)}
    if (before := _read(head_file)) is not None:
        kept[str(head_file)] = before
    if expected is not None:
        kept["the head given"] = expected
    found = verify(_entries(peers, first), kept)
    if not found.faults:
        _write(head_file, found.head)
    return found


def head_given(text: str) -> Head | None:
    """The head that was given as SEQUENCE:DIGEST; None for an empty text.

    Raises:
        CommandError: it is no such thing.
    """
    if not text:
        return None
    sequence, _, digest = text.partition(":")
    if not (sequence.isascii() and sequence.isdigit() and digest):
        raise CommandError(f"--head is {text!r}; write SEQUENCE:DIGEST as 'audit' prints it")
    return Head(int(sequence), digest.lower())


def _entries(peers: Peers, page: service.ListLifecycleStepsResponse) -> Iterator[RecordedStep]:
    while True:
        yield from map(step_from_message, page.steps)
        if len(page.steps) < PAGE_SIZE:
            return
        request = service.ListLifecycleStepsRequest(
            page_size=PAGE_SIZE, after_sequence=page.steps[-1].sequence
        )
        page = peers.oam.ListLifecycleSteps(request)


def _read(head_file: Path) -> Head | None:
    if not head_file.exists():
        return None
    try:
        content = json.loads(head_file.read_text(encoding="utf-8"))
        return Head(int(content["sequence"]), str(content["digest"]))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CommandError(
            f"{head_file} holds no head of a record ({error}); find out who changed it, and remove "
            "it to start anew"
        ) from error


def _write(head_file: Path, head: Head) -> None:
    unfinished = head_file.with_suffix(".tmp")
    unfinished.write_text(json.dumps(asdict(head)) + "\n", encoding="utf-8")
    unfinished.replace(head_file)
