"""What a class of managed objects is: attributes, parents, and what consumers may do with it.

The registry itself is in `oam.nrm.registry`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from nf_runtime.errors import FailedPrecondition, InvalidArgument
from oam.nrm.names import Name
from oam.nrm.values import Kind, wrong


class Access(StrEnum):
    """Who writes an attribute."""

    CONSUMER = "CONSUMER"  # at creation and later
    CREATION = "CREATION"  # the consumer, at creation only
    PRODUCER = "PRODUCER"  # read-only for consumers


class Operation(StrEnum):
    """What a consumer may do besides reading (requirements of TS 28.105 8.1)."""

    CREATE = "CREATE"
    MODIFY = "MODIFY"
    DELETE = "DELETE"


class Role(StrEnum):
    """What a class is in the life of a piece of work; see `oam.nrm.work_states`."""

    OBJECT = "OBJECT"
    REQUEST = "REQUEST"
    PROCESS = "PROCESS"
    REPORT = "REPORT"


@dataclass(frozen=True)
class Attribute:
    """One attribute of a class.

    Attributes:
        kind: What its values look like.
        access: Who writes it.
        required: Whether a consumer has to give it at creation.
        acyclic: Whether following it may never lead back to where one started.
        default: What it is when a consumer creates the object without it.
    """

    kind: Kind
    access: Access = Access.CONSUMER
    required: bool = False
    acyclic: bool = False
    default: Any = None


@dataclass(frozen=True)
class ManagedClass:
    """One IOC.

    Attributes:
        name: As the specification spells it.
        source: Specification and clause.
        parents: Classes that may contain it; none for a root.
        attributes: By name.
        operations: What consumers may do.
        role: What it is in the life of a piece of work.
        exclusive: Attributes of which an object has at most one.
        needs_one: Whether it has exactly one of them.
    """

    name: str
    source: str
    parents: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    operations: frozenset[Operation] = frozenset()
    role: Role = Role.OBJECT
    exclusive: tuple[str, ...] = ()
    needs_one: bool = False

    def check_place(self, name: Name) -> None:
        """Refuse a name that puts the object where its class may not be.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        parent = name.parent
        if (parent.object_class if parent else "") not in (self.parents or ("",)):
            wanted = f"inside {' or '.join(self.parents)}" if self.parents else "a root"
            raise wrong("distinguished_name", f"{wanted} for an object of class {self.name}")

    def created(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes of an object that a consumer creates with these.

        Raises:
            FailedPrecondition: NOT_SUPPORTED; consumers do not create objects of this class.
            InvalidArgument: INVALID_FIELD.
        """
        self._check_operation(Operation.CREATE)
        given = {name: value for name, value in attributes.items() if value is not None}
        for name in given:
            if self._attribute(name).access is Access.PRODUCER:
                raise _read_only(self.name, name)
        for name, attribute in self.attributes.items():
            if attribute.required and given.get(name) in (None, []):
                raise wrong(name, f"given at the creation of a {self.name}")
        defaults = {
            name: attribute.default
            for name, attribute in self.attributes.items()
            if attribute.default is not None
        }
        accepted = defaults | self.accepted(given)
        self._check_exclusive(accepted)
        return accepted

    def modified(self, before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """What a consumer's merge patch changes: name to new value, None for what is taken away.

        Raises:
            FailedPrecondition: NOT_SUPPORTED; consumers do not modify objects of this class.
            InvalidArgument: INVALID_FIELD.
        """
        self._check_operation(Operation.MODIFY)
        accepted: dict[str, Any] = {}
        for name, value in changes.items():
            attribute = self._attribute(name)
            new = None if value is None else attribute.kind.accept(value, name)
            if new == before.get(name):
                continue  # a consumer may send back what it has read
            if attribute.access is not Access.CONSUMER:
                raise _read_only(self.name, name)
            if new is None and (attribute.required or attribute.default is not None):
                raise wrong(name, f"kept: a {self.name} has always one")
            accepted[name] = new
        after = {name: value for name, value in {**before, **accepted}.items() if value is not None}
        self._check_exclusive(after)
        return accepted

    def check_deletable(self) -> None:
        """Refuse a consumer's deletion of what is not the consumer's.

        Raises:
            FailedPrecondition: NOT_SUPPORTED.
        """
        self._check_operation(Operation.DELETE)

    def accepted(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The same in their stored form, whoever writes them.

        Raises:
            InvalidArgument: INVALID_FIELD.
        """
        return {
            name: self._attribute(name).kind.accept(value, name)
            for name, value in attributes.items()
        }

    def references(self, attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Attribute and distinguished name of every object that has to exist."""
        for name, value in attributes.items():
            if value is not None:
                for reference in self.attributes[name].kind.references(value):
                    yield name, reference

    def _attribute(self, name: str) -> Attribute:
        attribute = self.attributes.get(name)
        if attribute is None:
            raise wrong(
                name, f"left out: a {self.name} has {', '.join(self.attributes) or 'no attributes'}"
            )
        return attribute

    def _check_operation(self, operation: Operation) -> None:
        if operation not in self.operations:
            raise FailedPrecondition(
                f"consumers cannot {operation.lower()} a {self.name}; "
                f"{_POSSIBLE if not self.operations else 'they can ' + _listed(self.operations)}",
                reason="NOT_SUPPORTED",
                object_class=self.name,
                operation=operation,
            )

    def _check_exclusive(self, attributes: Mapping[str, Any]) -> None:
        given = [name for name in self.exclusive if name in attributes]
        if len(given) > 1:
            raise wrong(given[1], f"left out, since {given[0]} is given: one excludes the other")
        if self.needs_one and not given:
            raise wrong(self.exclusive[0], f"given, or {' or '.join(self.exclusive[1:])}")


_POSSIBLE = "its producer keeps it, and they can only read it"


def _listed(operations: frozenset[Operation]) -> str:
    return " and ".join(sorted(operation.lower() for operation in operations)) + " it"


def _read_only(object_class: str, name: str) -> InvalidArgument:
    return InvalidArgument(
        f"{name} of a {object_class} is read-only; leave it out",
        reason="INVALID_FIELD",
        field=name,
    )
