"""Orbit Mean-Elements Messages (OMM): element sets as JSON, XML, KVN or CSV.

CelesTrak and Space-Track publish them beside two-line sets; they have room for catalogue numbers
of more than five digits.

Source: CCSDS 502.0-B.
"""

import csv
import datetime as dt
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from sgp4.exporter import export_tle

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.elements import LARGEST_LINE_NUMBER, ElementSet, MeanElements, sgp4_record

_KVN_LINE = re.compile(r"([A-Z][A-Z0-9_]*)\s*=\s*(.*?)\s*(?:\[[^\]]*\])?")
_KVN_START = "CCSDS_OMM_VERS"
_SGP4_THEORIES = frozenset({"", "SGP", "SGP4", "SGP/SGP4"})
_SGP4_EPHEMERIS_TYPES = frozenset({"", "0", "2", "3"})
_DESIGNATOR = re.compile(r"[0-9]{2}([0-9]{2})-([0-9]{3}[A-Z]{1,3})")
_DAY_OF_YEAR = re.compile(r"(\d{4})-(\d{3})T(.*)")


def read_json(text: str) -> Iterator[Mapping[str, str]]:
    """The messages of a JSON list, or of one JSON object.

    Raises:
        InvalidArgument: the text is no JSON, or holds no messages.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unusable(f"is no JSON: {error}") from error
    for fields in document if isinstance(document, list) else [document]:
        if not isinstance(fields, dict):
            raise _unusable("should be a list of objects, one for each satellite")
        yield {
            str(key).upper(): "" if value is None else str(value) for key, value in fields.items()
        }


def read_xml(text: str) -> Iterator[Mapping[str, str]]:
    """The messages of an XML document, each a `segment` of an `omm`.

    Raises:
        InvalidArgument: the text is no XML.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _unusable("declares XML entities, which no OMM needs; remove them")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without entities, so nothing can expand
    except ET.ParseError as error:
        raise _unusable(f"is no XML: {error}") from error
    for segment in root.iter("segment"):
        yield {
            element.tag: (element.text or "").strip()
            for element in segment.iter()
            if len(element) == 0
        }


def read_kvn(text: str) -> Iterator[Mapping[str, str]]:
    """The messages of a text of `KEYWORD = value` lines.

    Raises:
        InvalidArgument: a line is neither that nor a comment.
    """
    fields: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("COMMENT"):
            continue
        found = _KVN_LINE.fullmatch(line)
        if found is None:
            raise _unusable(f"has a line {number} that is no KEYWORD = value: {line[:40]!r}")
        if found[1] == _KVN_START and fields:
            yield fields
            fields = {}
        fields[found[1]] = found[2]
    if fields:
        yield fields


def read_csv(text: str) -> Iterator[Mapping[str, str]]:
    """The messages of a CSV file with a header of keywords.

    Raises:
        InvalidArgument: the text is no CSV.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except csv.Error as error:
        raise _unusable(f"is no CSV: {error}") from error
    for row in rows:
        yield {str(key).upper(): value or "" for key, value in row.items() if key is not None}


def element_set(fields: Mapping[str, str]) -> ElementSet:
    """The element set of one message.

    Raises:
        InvalidArgument: a keyword is missing or its value is wrong; the message names it.
    """
    number = _catalogue_number(fields)
    message = _Message(fields, fields.get("OBJECT_NAME", "").strip() or f"NORAD {number}")
    message.check_choice("MEAN_ELEMENT_THEORY", _SGP4_THEORIES)
    message.check_choice("EPHEMERIS_TYPE", _SGP4_EPHEMERIS_TYPES)
    message.check_choice("REF_FRAME", frozenset({"", "TEME"}))
    message.check_choice("TIME_SYSTEM", frozenset({"", "UTC"}))
    mean = MeanElements(
        inclination_deg=message.number("INCLINATION", 0.0, 180.0),
        ascending_node_deg=message.number("RA_OF_ASC_NODE", -360.0, 360.0),
        eccentricity=message.number("ECCENTRICITY", 0.0, 0.999_999_9),
        perigee_deg=message.number("ARG_OF_PERICENTER", -360.0, 360.0),
        mean_anomaly_deg=message.number("MEAN_ANOMALY", -360.0, 360.0),
        mean_motion_rev_day=message.number("MEAN_MOTION", 0.01, 18.0),
        drag_per_earth_radius=message.number("BSTAR", -10.0, 10.0),
        mean_motion_dot_rev_day2=message.number("MEAN_MOTION_DOT", -10.0, 10.0, "0"),
        mean_motion_ddot_rev_day3=message.number("MEAN_MOTION_DDOT", -10.0, 10.0, "0"),
    )
    return set_of_mean_elements(
        number, message.name, message.epoch(), mean, fields.get("OBJECT_ID", "")
    )


def set_of_mean_elements(
    number: int, name: str, epoch: dt.datetime, mean: MeanElements, object_id: str = ""
) -> ElementSet:
    """The element set of unrounded elements, with lines where its number fits into them."""
    line1 = line2 = ""
    if number <= LARGEST_LINE_NUMBER:
        record = sgp4_record(number, epoch, mean)
        record.classification = "U"
        # A designator of another form has no place in the columns, and SGP4 no use for it.
        found = _DESIGNATOR.fullmatch(object_id.strip())
        record.intldesg = found[1] + found[2] if found else ""
        record.elnum = 999
        record.revnum = 0
        line1, line2 = export_tle(record)
    return ElementSet(str(number), name, epoch, line1, line2, mean)


def _catalogue_number(fields: Mapping[str, str]) -> int:
    text = fields.get("NORAD_CAT_ID", "").strip()
    if not re.fullmatch(r"\d{1,9}", text):
        raise _unusable(
            f"has a NORAD_CAT_ID {text[:20]!r} for {fields.get('OBJECT_NAME', 'an object')[:40]}; "
            "it should be a number of at most nine digits"
        )
    return int(text)


@dataclass(frozen=True)
class _Message:
    """The keywords of one satellite, read with errors that name it."""

    fields: Mapping[str, str]
    name: str

    def number(self, key: str, minimum: float, maximum: float, default: str = "") -> float:
        text = self._text(key) or default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:
            raise self._wrong(key, f"it should be a number from {minimum:g} to {maximum:g}")
        return value

    def check_choice(self, key: str, allowed: frozenset[str]) -> None:
        if self._text(key).upper() not in allowed:
            raise self._wrong(
                key, "only mean elements of SGP4 in TEME and UTC can be propagated here"
            )

    def epoch(self) -> dt.datetime:
        text = self._text("EPOCH")
        by_day = _DAY_OF_YEAR.fullmatch(text)
        try:
            if by_day:
                since_new_year = dt.timedelta(days=int(by_day[2]) - 1)
                found = dt.datetime.fromisoformat(f"{by_day[1]}-01-01T{by_day[3]}")
                found += since_new_year
            else:
                found = dt.datetime.fromisoformat(text)
        except (ValueError, OverflowError) as error:
            raise self._wrong("EPOCH", "it should read like 2025-09-22T22:46:00.123456") from error
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)

    def _text(self, key: str) -> str:
        return self.fields.get(key, "").strip()

    def _wrong(self, key: str, what: str) -> InvalidArgument:
        return _unusable(f"has {key} {self._text(key)[:40]!r} for {self.name[:40]}; {what}")


def _unusable(what: str) -> InvalidArgument:
    return InvalidArgument(f"The element file {what}.", reason="ELEMENTS_UNUSABLE", field="tle")
