"""The tables of the standards, as data. Each file says in `source` where its numbers come from."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@cache
def standard_table(name: str) -> Mapping[str, Any]:
    """A table by the name of its file without `.json`, such as `tr38811`; callers never change it.

    Raises:
        FileNotFoundError: no such table comes with the package.
    """
    text = (files(__package__) / f"{name}.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text))
