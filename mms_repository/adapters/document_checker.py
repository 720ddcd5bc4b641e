"""Looks into JSON and YAML documents: data only, of bounded size and depth."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import yaml

from mms_repository.manifests import ContentError

_MAX_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 64


def check_json(path: Path) -> None:
    """Returns if the file is one JSON document (RFC 8259), no key of an object twice.

    Raises:
        ContentError: Otherwise.
    """
    try:
        json.loads(_text(path), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise ContentError("it is nested too deep") from error
    except ValueError as error:
        raise ContentError(f"it is no JSON: {error}") from error


def check_yaml(path: Path) -> None:
    """Returns if the file is one YAML document without tags and aliases.

    A tag can name code, and a few aliases can stand for gigabytes (a "billion laughs").

    Raises:
        ContentError: Otherwise.
    """
    text = _text(path)
    # Made of libyaml where there is one; it is tens of times quicker.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml.parse(text, Loader=loader))
        yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, ContentError):
            raise
        raise ContentError(f"it is no YAML: {' '.join(str(error).split())}") from error


def _check_events(events: Iterable[yaml.Event]) -> None:
    # Before anything is built of them.
    depth = documents = 0
    for event in events:
        if isinstance(event, yaml.AliasEvent):
            raise ContentError("it has aliases; write the values out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ContentError(f"it has the tag {tag}; write plain values")
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ContentError("it is nested too deep")
    if documents != 1:
        raise ContentError(f"it holds {documents} documents; one is expected")


def _text(path: Path) -> str:
    if path.stat().st_size > _MAX_BYTES:
        raise ContentError(f"it has more than {_MAX_BYTES} bytes")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContentError(f"it is no UTF-8: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise ValueError("a key comes twice in one object")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
