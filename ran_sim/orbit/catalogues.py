"""Files of element sets, whatever their format: two-line, three-line, OMM."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.elements import ElementSet, parse_catalogue
from ran_sim.orbit.omm import element_set, read_csv, read_json, read_kvn, read_xml

_KVN_START = re.compile(r"\s*(?:CCSDS_OMM_VERS|COMMENT|[A-Z_]+)\s*=")


def read_catalogue_file(path: Path) -> list[ElementSet]:
    """The element sets of a file.

    Raises:
        InvalidArgument: it cannot be read, holds no sets, or one of them is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise InvalidArgument(
            f"The element file {path} cannot be read: {words}.",
            reason="ELEMENTS_UNUSABLE",
            field="tle",
        ) from error
    return read_catalogue(text)


def read_catalogue(text: str) -> list[ElementSet]:
    """The element sets of a text in its order; the format is told by how it begins.

    Raises:
        InvalidArgument: it holds no sets, or one of them is wrong; the message names the line or
            the keyword.
    """
    reader = _omm_reader(text)
    found = parse_catalogue(text) if reader is None else [element_set(m) for m in reader(text)]
    if not found:
        raise InvalidArgument(
            "The element file holds no element sets; give two-line sets or an OMM in JSON, XML, "
            "KVN or CSV.",
            reason="ELEMENTS_UNUSABLE",
            field="tle",
        )
    return found


def _omm_reader(text: str) -> Callable[[str], Iterator[Mapping[str, str]]] | None:
    start = text.lstrip()
    first_line = start.split("\n", 1)[0]
    if start.startswith(("{", "[")):
        return read_json
    if start.startswith("<"):
        return read_xml
    if _KVN_START.match(start):
        return read_kvn
    if "MEAN_MOTION" in first_line.upper() and "," in first_line:
        return read_csv
    return None
