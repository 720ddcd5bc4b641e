"""The record as a chain: each entry's digest covers the entry and the digest before it.

Whoever changes, removes, adds or moves an entry has to change every digest behind it. Whoever cuts
off the tail leaves a whole chain: that shows against a head that was kept elsewhere, as the
database keeps one in another table and `aimlctl lifecycle audit --verify` one at the operator's.

The serialisation is fixed for ever: UTF-8 JSON of the fields below with sorted keys and no
blanks; numbers as Python and ECMAScript write them, times in UTC with microseconds.

Not modelled: signatures. Whoever can write the database and all kept heads can write another
history.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from oam.record import RecordedStep, Step

GENESIS = "0" * 64


@dataclass(frozen=True)
class Head:
    """The last entry of a chain; sequence 0: an empty one."""

    sequence: int = 0
    digest: str = GENESIS


EMPTY = Head()


@dataclass(frozen=True)
class Verification:
    """What came of checking a chain: how far it goes, and what is wrong, one sentence each."""

    head: Head
    faults: tuple[str, ...]


def digest_of(previous: str, sequence: int, step: Step, step_time: datetime) -> str:
    """SHA-256 in hexadecimal of an entry and of the digest before it."""
    content = {
        "previous": previous,
        "sequence": sequence,
        "kind": str(step.kind),
        "adaptation_id": step.adaptation_id,
        "model_name": step.model_name,
        "version": step.version,
        "initiator": step.initiator,
        "detail": step.detail,
        "object_ref": step.object_ref,
        "figures": dict(step.figures),
        "step_time": step_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def chained(head: Head, step: Step, step_time: datetime) -> RecordedStep:
    """The entry that follows `head`."""
    sequence = head.sequence + 1
    digest = digest_of(head.digest, sequence, step, step_time)
    return RecordedStep(sequence, step, step_time, digest)


def head_of(recorded: RecordedStep) -> Head:
    """The head of a chain that ends with this entry."""
    return Head(recorded.sequence, recorded.digest)


def verify(record: Iterable[RecordedStep], kept: Mapping[str, Head]) -> Verification:
    """Check a whole record, oldest first, against its digests and the heads that were kept.

    Args:
        record: All entries, from the first.
        kept: Heads by where they were kept; each must lie on the chain.
    """
    faults: list[str] = []
    head, on_chain = EMPTY, {0: GENESIS}
    for recorded in record:
        if recorded.sequence != head.sequence + 1:
            faults.append(
                f"after entry {head.sequence} comes entry {recorded.sequence}: "
                "what was between them is gone, or the order was changed"
            )
        digest = digest_of(head.digest, recorded.sequence, recorded.step, recorded.step_time)
        if digest != recorded.digest:
            faults.append(
                f"entry {recorded.sequence} is not what was recorded, or does not follow "
                f"entry {head.sequence}"
            )
        head = head_of(recorded)
        on_chain[head.sequence] = head.digest
    for where, anchor in kept.items():
        if anchor.sequence > head.sequence:
            faults.append(
                f"the record ends with entry {head.sequence}, but {where} knows of entry "
                f"{anchor.sequence}: its tail was cut off"
            )
        elif on_chain.get(anchor.sequence) != anchor.digest:
            faults.append(
                f"entry {anchor.sequence} is not the one that {where} knows: the record was "
                "written anew"
            )
    return Verification(head, tuple(faults))
