"""Scope and filter of getMOIAttributes (TS 28.532 12.1.1).

A filter is one condition, or several joined by `and`: `requestStatus == "FINISHED"`,
`progressStatus.progressPercentage >= 50 and mLModelRef != "…"`.

Not modelled: the expression languages of the specification (JEX, XPath), of which this is the part
that compares attributes with constants.
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from oam.nrm.names import Name
from oam.nrm.objects import Moi, Tree, existing
from oam.nrm.values import wrong

MOST_LEVELS = 10
_LONGEST_FILTER = 1000
_CONDITION = re.compile(
    r"\s*(?P<path>[A-Za-z][A-Za-z0-9]*(?:\.[A-Za-z][A-Za-z0-9]*)*)\s*"
    r"(?P<operator>==|!=|<=|>=|<|>)\s*"
    r'(?P<value>"[^"\\\x00-\x1f]*"|true|false|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)'
    r"\s*(?P<more>and\s|$)"
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class ScopeType(StrEnum):
    """`scopeType`: how deep below the base object."""

    BASE_ONLY = "BASE_ONLY"
    BASE_ALL = "BASE_ALL"  # and everything that it contains
    BASE_NTH_LEVEL = "BASE_NTH_LEVEL"  # only what is `scopeLevel` levels below
    BASE_SUBTREE = "BASE_SUBTREE"  # down to `scopeLevel` levels below


@dataclass(frozen=True)
class Condition:
    """One comparison of an attribute, or a member of it, with a constant."""

    path: tuple[str, ...]
    operator: str
    value: Any

    def holds(self, attributes: Mapping[str, Any]) -> bool:
        """Whether it holds; of an attribute that is not there, only `!=` does."""
        found: Any = attributes
        for step in self.path:
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is None or isinstance(found, bool) is not isinstance(self.value, bool):
            return self.operator == "!="
        if isinstance(found, list):
            return (self.value in found) is (self.operator == "==")
        if isinstance(found, str) is not isinstance(self.value, str):
            return self.operator == "!="
        return _OPERATORS[self.operator](found, self.value)


def parse_filter(text: str) -> tuple[Condition, ...]:
    """The conditions of a filter; none for an empty one.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    if len(text) > _LONGEST_FILTER:
        raise wrong("filter", f"at most {_LONGEST_FILTER} characters long")
    conditions: list[Condition] = []
    at = 0
    more = bool(text.strip())
    while more:
        match = _CONDITION.match(text, at)
        if match is None:
            raise wrong(
                "filter",
                'conditions such as requestStatus == "FINISHED", joined by `and` '
                f"(look at {text[at : at + 40]!r})",
            )
        value = json.loads(match["value"])
        conditions.append(Condition(tuple(match["path"].split(".")), match["operator"], value))
        at, more = match.end(), bool(match["more"])
    return tuple(conditions)


def levels(scope: ScopeType, level: int) -> tuple[int, int | None]:
    """First and last level below the base; None: all.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    needs_level = scope in (ScopeType.BASE_NTH_LEVEL, ScopeType.BASE_SUBTREE)
    if level and not needs_level:
        raise wrong("scope_level", f"0 for {scope}")
    if not 0 <= level <= MOST_LEVELS:
        raise wrong("scope_level", f"0 to {MOST_LEVELS}")
    if scope is ScopeType.BASE_NTH_LEVEL:
        return level, level
    return 0, level if scope is not ScopeType.BASE_ALL else None


def select(
    tree: Tree,
    base: Name,
    scope: ScopeType = ScopeType.BASE_ONLY,
    level: int = 0,
    conditions: tuple[Condition, ...] = (),
) -> list[Moi]:
    """The objects of a scope for which all conditions hold, parents first.

    Raises:
        NotFound: RESOURCE_NOT_FOUND; there is no base object.
        InvalidArgument: INVALID_FIELD.
    """
    first, last = levels(scope, level)
    existing(tree, base)
    return [
        moi
        for moi in tree.below(base, first, last)
        if all(condition.holds(moi.attributes) for condition in conditions)
    ]
