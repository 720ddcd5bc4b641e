"""Element sets as Orbit Mean-Elements Messages."""

import csv
import io
import json
import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import element_set as two_line_set

from nf_runtime.errors import InvalidArgument
from ran_sim.orbit.catalogues import read_catalogue
from ran_sim.orbit.elements import find_element_set, parse_element_set
from ran_sim.orbit.omm import element_set
from ran_sim.orbit.propagation import Propagator

# The elements of the two lines in support.passes, keyword by keyword.
MESSAGE = {
    "OBJECT_NAME": "STARLINK-2449",
    "OBJECT_ID": "2021-027W",
    "EPOCH": "2022-09-14T08:28:03.250560",
    "MEAN_MOTION": "15.06396898",
    "ECCENTRICITY": "0.0001354",
    "INCLINATION": "53.0556",
    "RA_OF_ASC_NODE": "128.5280",
    "ARG_OF_PERICENTER": "62.5461",
    "MEAN_ANOMALY": "297.5665",
    "EPHEMERIS_TYPE": "0",
    "NORAD_CAT_ID": "48112",
    "BSTAR": "-0.000066644",
    "MEAN_MOTION_DOT": "-0.00001274",
    "MEAN_MOTION_DDOT": "0",
}
METADATA = ("OBJECT_NAME", "OBJECT_ID")


def as_json() -> str:
    """As CelesTrak writes it: numbers as numbers."""
    texts = {*METADATA, "EPOCH"}
    return json.dumps([{k: v if k in texts else json.loads(v) for k, v in MESSAGE.items()}])


def as_csv() -> str:
    """A header and a line."""
    file = io.StringIO()
    writer = csv.DictWriter(file, list(MESSAGE))
    writer.writeheader()
    writer.writerow(MESSAGE)
    return file.getvalue()


def as_kvn() -> str:
    """Keyword = value, with a comment and units."""
    lines = [f"{key} = {value}" for key, value in MESSAGE.items()]
    head = ["CCSDS_OMM_VERS = 2.0", "COMMENT made by hand", "REF_FRAME = TEME", "TIME_SYSTEM = UTC"]
    return "\n".join([*head, *lines]).replace("53.0556", "53.0556 [deg]")


def as_xml() -> str:
    """The nesting of the standard."""
    root = ET.Element("ndm")
    body = ET.SubElement(ET.SubElement(root, "omm"), "body")
    segment = ET.SubElement(body, "segment")
    metadata, data = ET.SubElement(segment, "metadata"), ET.SubElement(segment, "data")
    mean = ET.SubElement(data, "meanElements")
    for key, value in MESSAGE.items():
        ET.SubElement(metadata if key in METADATA else mean, key).text = value
    return ET.tostring(root, encoding="unicode")


@pytest.mark.parametrize("text", [as_json(), as_csv(), as_kvn(), as_xml()])
def test_every_format_gives_the_orbit_of_the_two_lines(text: str) -> None:
    """The four formats put the satellite within 2 cm of where its two-line set does."""
    (found,) = read_catalogue(text)
    assert (found.satellite_id, found.name) == ("48112", "STARLINK-2449")
    expected = two_line_set()
    offsets_s = np.arange(0.0, 6000.0, 500.0)
    ours = Propagator(found).ephemeris(expected.epoch, offsets_s).position_m
    theirs = Propagator(expected).ephemeris(expected.epoch, offsets_s).position_m
    # The two epochs are printed to 0.5 microseconds and 0.4 ms of a day's fraction.
    assert np.abs(ours - theirs).max() < 0.02


def test_the_lines_of_a_message_are_its_two_line_set() -> None:
    """They are rounded to the columns, and read back as the same satellite."""
    found = element_set(MESSAGE)
    again = parse_element_set(found.line1, found.line2, found.name)
    assert again.satellite_id == "48112"
    assert found.line2[8:63] == two_line_set().line2[8:63]
    assert abs((again.epoch - found.epoch).total_seconds()) < 1e-3


def test_a_number_of_six_digits_fits_no_line() -> None:
    """Such a satellite is propagated all the same, from its unrounded elements."""
    found = element_set(MESSAGE | {"NORAD_CAT_ID": "799500123"})
    assert (found.line1, found.line2) == ("", "")
    assert find_element_set([found], "799500123") is found
    assert np.isfinite(Propagator(found).ephemeris(found.epoch, 0.0).position_m).all()


def test_an_alpha_5_number_is_found_by_its_digits() -> None:
    """100123 and A0123 are the same satellite."""
    found = element_set(MESSAGE | {"NORAD_CAT_ID": "100123"})
    assert found.line1[2:7] == "A0123"
    again = parse_element_set(found.line1, found.line2)
    assert find_element_set([again], "100123") is again
    assert find_element_set([again], "A0123") is again


def test_many_messages_in_one_file() -> None:
    """KVN messages begin with their version, JSON ones are a list."""
    other = as_kvn().replace("48112", "48113")
    assert [e.satellite_id for e in read_catalogue(as_kvn() + "\n" + other)] == ["48112", "48113"]
    both = [MESSAGE, MESSAGE | {"NORAD_CAT_ID": "48113"}]
    assert [e.satellite_id for e in read_catalogue(json.dumps(both))] == ["48112", "48113"]


def test_the_day_of_the_year_is_an_epoch_too() -> None:
    """CCSDS allows both ways of writing a date."""
    found = element_set(MESSAGE | {"EPOCH": "2022-257T08:28:03.250560Z"})
    assert found.epoch == element_set(MESSAGE).epoch


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"NORAD_CAT_ID": "x"}, "NORAD_CAT_ID 'x'"),
        ({"MEAN_MOTION": ""}, "MEAN_MOTION '' for STARLINK-2449"),
        ({"ECCENTRICITY": "1.2"}, "ECCENTRICITY '1.2'"),
        ({"INCLINATION": "nan"}, "INCLINATION 'nan'"),
        ({"EPOCH": "yesterday"}, "EPOCH 'yesterday'"),
        ({"REF_FRAME": "EME2000"}, "REF_FRAME 'EME2000'"),
        ({"TIME_SYSTEM": "TAI"}, "TIME_SYSTEM 'TAI'"),
        ({"EPHEMERIS_TYPE": "4"}, "EPHEMERIS_TYPE '4'"),
        ({"MEAN_ELEMENT_THEORY": "DSST"}, "MEAN_ELEMENT_THEORY 'DSST'"),
    ],
)
def test_a_bad_keyword_is_named(changes: dict[str, str], words: str) -> None:
    """The sentence holds the keyword and what stands there."""
    with pytest.raises(InvalidArgument, match=words):
        element_set(MESSAGE | changes)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "list of objects"),
        ("{", "is no JSON"),
        ("<omm", "is no XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><omm/>', "XML entities"),
        ("<omm/>", "holds no element sets"),
        ("CCSDS_OMM_VERS = 2.0\nnonsense", "line 2"),
        ("", "holds no element sets"),
    ],
)
def test_a_bad_file_is_named(text: str, words: str) -> None:
    """Whatever the format, one sentence says what is wrong."""
    with pytest.raises(InvalidArgument, match=words):
        read_catalogue(text)


@given(st.text(max_size=200), st.sampled_from(["{", "[", "<", "A = ", "OBJECT_NAME,MEAN_MOTION\n"]))
def test_any_text_is_read_or_refused(text: str, start: str) -> None:
    """Nothing but InvalidArgument comes out of a file that is none."""
    with pytest.raises(InvalidArgument):
        read_catalogue(start + text)


@given(st.sampled_from(sorted(MESSAGE)), st.text(max_size=12))
def test_any_value_is_read_or_refused(key: str, value: str) -> None:
    """A message with one odd value is refused, or still has finite elements."""
    try:
        found = element_set(MESSAGE | {key: value})
    except InvalidArgument:
        return
    assert found.mean is not None
    assert all(math.isfinite(number) for number in vars(found.mean).values())
