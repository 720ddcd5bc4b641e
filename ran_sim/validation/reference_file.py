"""Reference numbers as JSON, read with errors that say which field of which row is wrong."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from nf_runtime.errors import InvalidArgument

_NUMBER = r"(?P<number>[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class Entry:
    """A value of the file and where it stands, such as `geometry.rows[3]`.

    Every reading method raises InvalidArgument, in one sentence that names the place, where the
    value is not what it should be.
    """

    value: Any
    where: str

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, Mapping) and self.value.get(key) is not None

    def entry(self, key: str) -> "Entry":
        """The value of a key."""
        if not isinstance(self.value, Mapping):
            raise self.wrong("should be an object with named values")
        if key not in self.value:
            raise InvalidArgument(
                f"The reference file lacks the field {key} in {self.where}; add it.",
                reason="INVALID_FIELD",
                field=f"{self.where}.{key}",
            )
        return Entry(self.value[key], f"{self.where}.{key}")

    def entries(self) -> Iterator[tuple[str, "Entry"]]:
        """Every key of an object with its value."""
        if not isinstance(self.value, Mapping):
            raise self.wrong("should be an object with named values")
        for key in self.value:
            yield key, self.entry(key)

    @property
    def is_text(self) -> bool:
        """Whether this is a text: among numbers, what they mean or where they are from."""
        return isinstance(self.value, str)

    def numbered_entries(self) -> Iterator[tuple[float, "Entry"]]:
        """Every key of an object whose keys are numbers, such as `{"20": 0.48}`, with its value."""
        for key, found in self.entries():
            try:
                number = float(key)
            except ValueError:
                raise found.wrong("should stand under a key that is a number") from None
            yield number, found

    def rows(self, key: str) -> Iterator["Entry"]:
        """The elements of the list under a key."""
        return self.entry(key).items()

    def items(self) -> Iterator["Entry"]:
        """The elements of a list."""
        if not isinstance(self.value, list):
            raise self.wrong("should be a list")
        for position, value in enumerate(self.value):
            yield Entry(value, f"{self.where}[{position}]")

    def number(self, key: str = "") -> float:
        """A finite number: the value of a key, or with no key this one itself."""
        found = self.entry(key) if key else self
        is_number = isinstance(found.value, int | float) and not isinstance(found.value, bool)
        if not is_number or not math.isfinite(found.value):
            raise found.wrong("should be a finite number")
        return float(found.value)

    def optional_number(self, key: str) -> float | None:
        """The number of a key; None where the key is missing or null."""
        return self.number(key) if key in self else None

    def numbers(self, key: str = "", *, length: int | None = None) -> list[float]:
        """A list of finite numbers, of a length where one is given."""
        found = self.entry(key) if key else self
        values = [item.number() for item in found.items()]
        if length is not None and len(values) != length:
            raise found.wrong(f"should hold {length} numbers")
        return values

    def text(self, key: str = "") -> str:
        """A string: the value of a key, or with no key this one itself."""
        found = self.entry(key) if key else self
        if not isinstance(found.value, str):
            raise found.wrong("should be a text")
        return found.value

    def tolerance(self, key: str, unit: str, *, default: float, label: str = "") -> float:
        """The tolerance that the text or number under a key states in a unit.

        `"FSPL 0.05 dB, CNR 0.15 dB"` holds 0.15 for the unit dB and the label CNR. Where the key is
        missing, or its text states no such tolerance, `default` is returned.
        """
        if key not in self:
            return default
        stated = self.entry(key).value
        if not isinstance(stated, str):
            return self.number(key)
        found = re.search(rf"{re.escape(label)}.*?{_NUMBER}\s*{re.escape(unit)}(?![\w/])", stated)
        return float(found["number"]) if found else default

    def wrong(self, what: str) -> InvalidArgument:
        """The error that says what this value should be."""
        return InvalidArgument(
            f"{self.where} of the reference file {what}; it is {str(self.value)[:60]!r}.",
            reason="INVALID_FIELD",
            field=self.where,
        )


@dataclass(frozen=True)
class Reference:
    """A reference file.

    Attributes:
        name: what it is called in messages.
        sections: its sections by name.
    """

    name: str
    sections: Mapping[str, Any]

    def section(self, name: str) -> Entry:
        """A section.

        Raises:
            InvalidArgument: the file does not have it.
        """
        if name not in self.sections:
            raise InvalidArgument(
                f"The reference file {self.name} has no section {name}, which another section "
                "needs; add it.",
                reason="INVALID_FIELD",
                field=name,
            )
        return Entry(self.sections[name], name)


def bundled_reference() -> Reference:
    """The reference file that comes with the simulator."""
    text = resources.files("ran_sim.validation").joinpath("reference.json").read_text("utf-8")
    return parse_reference(text, "of the package")


def read_reference(path: Path) -> Reference:
    """The reference file of a path.

    Raises:
        InvalidArgument: it cannot be read, is no JSON, or holds no sections.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise _unreadable(path, f"cannot be read: {words}") from error
    return parse_reference(text, str(path))


def parse_reference(text: str, name: str) -> Reference:
    """The reference file of a JSON text.

    Raises:
        InvalidArgument: the text is no JSON, or holds no sections.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, f"is no JSON: {error}") from error
    if not isinstance(document, dict) or not document:
        raise _unreadable(name, "holds no sections; it should be one object with a key for each")
    return Reference(name=name, sections=document)


def _unreadable(name: object, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"The reference file {name} {what}.", reason="INVALID_FIELD", field="reference"
    )
