"""The sections about orbits evaluate the rows that they are given."""

import copy
from typing import Any

import pytest

from ran_sim.validation.orbit import SECTIONS
from ran_sim.validation.reference_file import Reference, bundled_reference
from ran_sim.validation.sections import SectionOutcome, validate


def outcome(name: str, content: Any) -> SectionOutcome:
    """What comes out of one section with this content."""
    (found,) = validate(Reference("file", {name: content}), SECTIONS)
    return found


def section(name: str) -> Any:
    """A copy of a bundled section."""
    return copy.deepcopy(bundled_reference().sections[name])


@pytest.mark.parametrize("name", SECTIONS)
def test_the_bundled_section_passes(name: str) -> None:
    """Every comparison of it is within its tolerance."""
    found = outcome(name, section(name))
    assert found.problem == ""
    assert [check for check in found.checks if not check.passed] == []
    assert len(found.checks) > 1


# One number of each section, moved by more than its tolerance.
SPOILED = {
    "geometry": (("rows", 3, "slant_km"), 683.2),
    "doppler": (("rows", 1, "fd_el10_Hz"), 454600.0),
    "elevation_sphere": (("cases", 1, "el"), 58.5127),
    "frames": (("cases", 0, "itrs_v_kms", 2), -4.2798),
    "sgp4": (("samples", 1, "r", 0), -9060.473_738),
    "tr38821_table_4_2_2": (("rtt_ms", "600_regen"), 12.91),
    "tle_age_error_km": (("starlink", "1.9d", 1), 600.0),
}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_wrong_number_fails(name: str) -> None:
    """A check compares with the file, not with what the code gives anyway."""
    content = section(name)
    *path, last = SPOILED[name][0]
    inner = content
    for key in path:
        inner = inner[key]
    inner[last] = SPOILED[name][1]
    found = outcome(name, content)
    assert found.problem == ""
    assert len([check for check in found.checks if not check.passed]) == 1


def test_other_elevations_altitudes_and_frequencies() -> None:
    """Rows that are in no table here: values by hand from the closed forms."""
    row = {
        "h_km": 1500.0,
        "el_deg": 90,
        "slant_km": 1500.0,
        "delay_ms": 5.0035,
        "fspl_dB": {"11.7": 177.333},
    }
    found = outcome("geometry", {"rows": [row], "tolerance": "0.01 km / 0.005 dB"})
    assert found.state == "passed"
    assert [check.tolerance for check in found.checks] == [0.01, 1e-4, 0.005]


def test_a_case_may_bring_its_own_satellite() -> None:
    """SGP4 samples with lines of their own need not be in the verification set."""
    frames, sgp4 = section("frames"), section("sgp4")
    case = frames["cases"][0]
    lines = {"line1": frames["line1"], "line2": frames["line2"]}
    minutes = (case["jd"] - 2460941.5 - 0.17900924) * 1440
    sample = {
        "sat": "44714",
        "t_min": minutes,
        "r": case["teme_r_km"],
        "v": case["teme_v_kms"],
        **lines,
    }
    found = outcome("sgp4", {"samples": [sample], "tolerance": "1e-4 km, 1e-7 km/s"})
    assert found.state == "passed"
    other = {**frames, "cases": [{**case, **lines, "name": "ALONE"}]}
    del other["line1"], other["line2"]
    assert outcome("frames", {**sgp4, **other}).state == "passed"


def test_all_33_satellites_of_the_verification_set_are_flown() -> None:
    """32 with their printed states, and the one that SGP4 refuses by its error code."""
    checks = outcome("sgp4", section("sgp4")).checks
    positions = [c for c in checks if c.name.startswith("SGP4-VER") and "position" in c.quantity]
    assert len(positions) == 32
    assert max(check.value for check in positions) < 1e-6
    assert sum(int(check.quantity.split()[4]) for check in positions) == 666
    (error,) = [check for check in checks if check.quantity == "SGP4 error code"]
    assert (error.value, error.passed) == (3.0, True)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("geometry", {"rows": [{"h_km": 600}]}, r"lacks the field el_deg in geometry.rows[0]"),
        ("doppler", {"rows": [{"h_km": "600"}]}, "doppler.rows[0].h_km"),
        ("elevation_sphere", {"cases": [{"gs": [1]}]}, "should hold 2 numbers"),
        ("frames", {"cases": [{}]}, "lacks the field line1 in frames"),
        ("sgp4", {"samples": [{"sat": "99999", "t_min": 0}]}, "Satellite 99999 is not in the"),
        ("tr38821_table_4_2_2", {"max_slant_km": {"LEO": 1}}, "an altitude in km, or GEO"),
        ("tle_age_error_km", {"starlink": {"old": [1, 2]}}, "an age in days"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(name: str, content: Any, words: str) -> None:
    """One sentence with the field and its place, and the section fails."""
    found = outcome(name, content)
    assert found.state == "failed"
    assert words in found.problem
