"""Distinguished names (TS 32.300), root first: `SubNetwork=aimlnf,MLModelRepository=mms,…`.

Not modelled: values that would have to be escaped (TS 32.300 7.3.2); they are refused.
"""

import re
from dataclasses import dataclass

from nf_runtime.errors import InvalidArgument

_LONGEST_NAME = 500
_MOST_LEVELS = 10
_CLASS = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")


@dataclass(frozen=True, order=True)
class Name:
    """A distinguished name that is well formed.

    Attributes:
        parts: Class and identity of each level, root first.
    """

    parts: tuple[tuple[str, str], ...]

    @property
    def object_class(self) -> str:
        """Class of the object that it names."""
        return self.parts[-1][0]

    @property
    def identity(self) -> str:
        """`id` of the object within its parent."""
        return self.parts[-1][1]

    @property
    def parent(self) -> "Name | None":
        """Name of the containing object; None for a root."""
        return Name(self.parts[:-1]) if len(self.parts) > 1 else None

    @property
    def level(self) -> int:
        """1 for a root."""
        return len(self.parts)

    def child(self, object_class: str, identity: str) -> "Name":
        """Name of an object that this one contains."""
        return parse_name(f"{self},{object_class}={identity}")

    def __str__(self) -> str:
        return ",".join(f"{object_class}={identity}" for object_class, identity in self.parts)


def parse_name(text: str, *, field: str = "distinguished_name") -> Name:
    """The name that `text` spells.

    Raises:
        InvalidArgument: INVALID_FIELD; it is no distinguished name.
    """
    if not 0 < len(text) <= _LONGEST_NAME:
        raise _bad(field, f"a distinguished name of 1 to {_LONGEST_NAME} characters")
    parts = []
    for part in text.split(","):
        object_class, equals, identity = part.partition("=")
        if not (equals and _CLASS.fullmatch(object_class) and _VALUE.fullmatch(identity)):
            raise _bad(
                field,
                "Class=id pairs, root first, separated by single commas, such as "
                "SubNetwork=aimlnf,MLModelRepository=mms; an id is up to 100 letters, digits and "
                f"any of _.:- (look at {part[:100]!r})",
            )
        parts.append((object_class, identity))
    if len(parts) > _MOST_LEVELS:
        raise _bad(field, f"at most {_MOST_LEVELS} levels deep")
    return Name(tuple(parts))


def _bad(field: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{field} must be {wanted}", reason="INVALID_FIELD", field=field)
