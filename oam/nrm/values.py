"""Types of attributes: what a value must look like, and how it is written down.

Each has `accept`, which gives the value as it is stored or raises InvalidArgument with
INVALID_FIELD and the `field` that is wrong, as a path such as `policyForLoading.thresholdList[0]`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from nf_runtime.errors import InvalidArgument
from oam.nrm.names import parse_name


class Kind(Protocol):
    """The type of an attribute."""

    def accept(self, value: Any, where: str) -> Any:
        """The value in its stored form."""
        ...

    def references(self, value: Any) -> Iterator[str]:
        """Distinguished names in an accepted value that must exist."""
        ...


class _Plain:
    """A type whose values refer to nothing."""

    def references(self, value: Any) -> Iterator[str]:  # noqa: ARG002 - see `Kind`
        """Nothing."""
        return iter(())


@dataclass(frozen=True)
class Text(_Plain):
    """A printable text."""

    longest: int = 400
    pattern: str | None = None

    def accept(self, value: Any, where: str) -> str:
        """The text."""
        if not isinstance(value, str) or len(value) > self.longest or not value.isprintable():
            raise wrong(where, f"a printable text of at most {self.longest} characters")
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise wrong(where, f"a text that matches {self.pattern}")
        return value


@dataclass(frozen=True)
class Flag(_Plain):
    """true or false."""

    def accept(self, value: Any, where: str) -> bool:
        """The flag."""
        if not isinstance(value, bool):
            raise wrong(where, "true or false")
        return value


@dataclass(frozen=True)
class Whole(_Plain):
    """A whole number; one that came as 3.0 is stored as 3."""

    least: int = -(2**53)
    most: int = 2**53

    def accept(self, value: Any, where: str) -> int:
        """The number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise wrong(where, "a whole number")
        if not self.least <= value <= self.most:
            raise wrong(where, f"between {self.least} and {self.most}")
        return int(value)


@dataclass(frozen=True)
class Number(_Plain):
    """A finite number."""

    least: float = -math.inf
    most: float = math.inf

    def accept(self, value: Any, where: str) -> float:
        """The number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(where, "a number")
        if not (math.isfinite(value) and self.least <= value <= self.most):
            raise wrong(where, f"finite and between {self.least:g} and {self.most:g}")
        return float(value)


@dataclass(frozen=True)
class Choice(_Plain):
    """One of a few texts."""

    values: tuple[str, ...]

    def accept(self, value: Any, where: str) -> str:
        """The text."""
        if value not in self.values or not isinstance(value, str):
            raise wrong(where, f"one of {', '.join(self.values)}")
        return value


@dataclass(frozen=True)
class Time(_Plain):
    """An instant (`DateTime` of TS 28.623), stored in UTC."""

    def accept(self, value: Any, where: str) -> str:
        """The instant as `2026-03-01T12:00:00+00:00`."""
        try:
            time = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            time = None
        if time is None or time.tzinfo is None:
            raise wrong(where, "a date-time with its zone, such as 2026-03-01T12:00:00Z")
        return time.astimezone(UTC).isoformat()


@dataclass(frozen=True)
class Reference:
    """A distinguished name of an object of one of `classes`; of any class if there are none."""

    classes: tuple[str, ...] = ()
    must_exist: bool = True

    def accept(self, value: Any, where: str) -> str:
        """The name."""
        if not isinstance(value, str):
            raise wrong(where, "a distinguished name")
        name = parse_name(value, field=where)
        if self.classes and name.object_class not in self.classes:
            raise wrong(where, f"the name of an object of class {' or '.join(self.classes)}")
        return str(name)

    def references(self, value: Any) -> Iterator[str]:
        """The name itself."""
        if self.must_exist:
            yield value


@dataclass(frozen=True)
class ListOf:
    """A list without duplicates."""

    kind: Kind
    least: int = 0
    most: int = 100

    def accept(self, value: Any, where: str) -> list[Any]:
        """The list."""
        if not isinstance(value, list | tuple) or not self.least <= len(value) <= self.most:
            raise wrong(where, f"a list of {self.least} to {self.most} values")
        accepted = [self.kind.accept(each, f"{where}[{i}]") for i, each in enumerate(value)]
        if any(each in accepted[:i] for i, each in enumerate(accepted)):
            raise wrong(where, "a list without duplicates")
        return accepted

    def references(self, value: Any) -> Iterator[str]:
        """Those of every entry."""
        for each in value:
            yield from self.kind.references(each)


@dataclass(frozen=True)
class Record:
    """A data type with named members; `exactly_one` of some of them is there."""

    members: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    exactly_one: tuple[str, ...] = ()

    def accept(self, value: Any, where: str) -> dict[str, Any]:
        """The members that are there."""
        if not isinstance(value, Mapping):
            raise wrong(where, f"an object with members of {', '.join(self.members)}")
        unknown = sorted(set(value) - set(self.members))
        if unknown:
            raise wrong(f"{where}.{unknown[0]}", f"left out: there is only {_listed(self.members)}")
        for name in self.required:
            if value.get(name) is None:
                raise wrong(f"{where}.{name}", "given")
        given = {name: each for name, each in value.items() if each is not None}
        if self.exactly_one and sum(name in given for name in self.exactly_one) != 1:
            raise wrong(where, f"an object with exactly one of {_listed(self.exactly_one)}")
        return {
            name: self.members[name].accept(each, f"{where}.{name}") for name, each in given.items()
        }

    def references(self, value: Any) -> Iterator[str]:
        """Those of every member."""
        for name, each in value.items():
            yield from self.members[name].references(each)


@dataclass(frozen=True)
class Document(_Plain):
    """Any JSON object (`AttributeNameValuePairSet`, `vsData`); only its producer writes it."""

    def accept(self, value: Any, where: str) -> dict[str, Any]:
        """The object."""
        if not isinstance(value, Mapping):
            raise wrong(where, "a JSON object")
        return dict(value)


def wrong(where: str, wanted: str) -> InvalidArgument:
    """The error of a value that is not what its attribute asks for."""
    return InvalidArgument(f"{where} must be {wanted}", reason="INVALID_FIELD", field=where)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
