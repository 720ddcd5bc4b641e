"""Managed object instances and the tree that they form."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from nf_runtime.errors import Aborted, NotFound
from nf_runtime.events.catalogue import EventData
from oam.nrm.names import Name

T = TypeVar("T")


@dataclass(frozen=True)
class Moi:
    """A managed object instance.

    Attributes:
        name: Its distinguished name.
        attributes: As the specification spells them; those without a value are not there.
        notes: What the OAM has to remember of it beside its attributes; never shown.
        revision: Counts its changes, from 1.
        create_time: Wall-clock UTC.
        update_time: Wall-clock UTC.
    """

    name: Name
    attributes: Mapping[str, Any]
    notes: Mapping[str, Any]
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        """Changes with each change of its attributes."""
        return str(self.revision)

    def check_etag(self, etag: str) -> None:
        """Refuse a change that was made up from another revision; an empty etag fits all.

        Raises:
            Aborted: ETAG_MISMATCH.
        """
        if etag and etag != self.etag:
            raise Aborted(
                f"{self.name} has changed since you read it; read it again and repeat",
                reason="ETAG_MISMATCH",
                resource=str(self.name),
                etag=self.etag,
            )


class Tree(Protocol):
    """All managed objects, within one transaction.

    Attributes:
        now: Time of the transaction, wall-clock UTC.
    """

    now: datetime

    def find(self, name: Name | str) -> Moi | None:
        """One object."""
        ...

    def below(self, base: Name, first: int, last: int | None) -> Sequence[Moi]:
        """Objects from `first` to `last` levels below `base` (0: itself), parents first."""
        ...

    def of_class(self, *object_classes: str) -> Sequence[Moi]:
        """Every object of these classes, oldest first."""
        ...

    def open_work(self) -> Sequence[Moi]:
        """Requests and processes that have not ended, oldest first."""
        ...

    def referring_to(self, name: Name) -> Sequence[Moi]:
        """Objects that have this name as a value somewhere."""
        ...

    def of_request(self, request_id: str) -> Moi | None:
        """The object that this consumer's call created."""
        ...

    def put(
        self,
        name: Name,
        changes: Mapping[str, Any],
        notes: Mapping[str, Any] | None = None,
        *,
        request_id: str = "",
    ) -> Moi:
        """Create the object or change these attributes of it; None takes one away.

        Notes are merged in the same way. Its consumers are told, unless only notes change.
        """
        ...

    def remove(self, name: Name) -> None:
        """Delete an object that is there."""
        ...

    def publish(self, data: EventData, *, event_id: str, subject: str) -> None:
        """Tell an event once the transaction is committed."""
        ...


class ObjectStore(Protocol):
    """Keeps the tree."""

    async def transact(self, work: Callable[[Tree], T]) -> T:
        """What `work` returns, once everything it did is committed; an error undoes it all."""
        ...

    def changed(self, reader: str) -> asyncio.Event:
        """Set after each change that the reader, WORK or INFERENCE, has to act on; it clears it."""
        ...


# Who waits for changes: of requests and processes, and of the inference function.
WORK, INFERENCE = "work", "inference"


def existing(tree: Tree, name: Name | str) -> Moi:
    """The object.

    Raises:
        NotFound: RESOURCE_NOT_FOUND.
    """
    found = tree.find(name)
    if found is None:
        raise NotFound(
            f"there is no managed object {name}; list those of its container",
            reason="RESOURCE_NOT_FOUND",
            resource=str(name),
        )
    return found
