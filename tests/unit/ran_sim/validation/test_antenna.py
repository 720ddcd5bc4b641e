"""Antennas against reference numbers."""

from typing import Any

import pytest
from support.reference_sections import checked

from nf_runtime.errors import InvalidArgument
from ran_sim.validation.antenna import SECTIONS
from ran_sim.validation.reference_file import bundled_reference


@pytest.mark.parametrize("name", list(SECTIONS))
def test_the_bundled_numbers_pass(name: str) -> None:
    """Every row of the file that comes with the simulator."""
    checks = checked(name, bundled_reference().sections[name])
    assert len(checks) > 5
    assert [check for check in checks if not check.passed] == []


def test_apertures_that_nobody_listed_are_evaluated() -> None:
    """Another radius at another frequency, against values worked out by hand."""
    # ka = 2 pi f a / c = 41.92: beamwidth 2 asin(1.61370 / ka), null asin(3.83171 / ka).
    section = {
        "cases": [
            {
                "aperture_radius_m": 1.0,
                "f_GHz": 2.0,
                "hpbw_deg": 4.4127,
                "null1_deg": 5.2446,
                "rel_dB": {"2.20635": -3.0},
            }
        ]
    }
    checks = checked("antenna_bessel", section)
    assert [check.quantity for check in checks] == [
        "half-power beamwidth",
        "first null",
        "relative gain at 2.20635 deg",
    ]
    assert all(check.passed for check in checks)


@pytest.mark.parametrize(
    ("key", "gain_db", "beamwidth_deg"),
    [
        ("8x8_half_lambda_broadside_cut", 18.062, 12.8),
        ("16x4_half_lambda_broadside_cut", 18.062, 6.36),
        ("8x8_full_lambda_broadside_cut", 18.062, 6.37),
        ("8x8_0.7_lambda_broadside_cut", 18.062, 9.12),
    ],
)
def test_the_key_names_the_panel(key: str, gain_db: float, beamwidth_deg: float) -> None:
    """Numbers of elements and spacing are read from it; the cut runs along the first."""
    checks = checked("upa", {key: {"array_gain_dB": gain_db, "hpbw_deg": beamwidth_deg}})
    assert checks[0].passed
    assert checks[1].value == pytest.approx(beamwidth_deg, rel=0.005)


def test_a_wrong_number_fails() -> None:
    """The diameter for the radius, the amplitude for the power: both are seen."""
    wrong = {"aperture_radius_m": 0.5, "f_GHz": 20.0, "hpbw_deg": 1.7647}
    assert not checked("antenna_bessel", {"cases": [wrong]})[0].passed
    key = "64x64_half_lambda_broadside_cut"
    assert not checked("upa", {key: {"rel_dB": {"1": -2.514}}})[0].passed


def test_beside_a_null_the_rounding_of_the_angle_is_allowed() -> None:
    """A hundred-thousandth of a degree there is a decibel; elsewhere nothing is added."""
    case = {
        "aperture_radius_m": 0.25,
        "f_GHz": 20.0,
        "rel_dB": {"1": -3.927, "2.0954": -90.0, "2.5": -19.0},
    }
    flat, null, _ = checked("antenna_bessel", {"cases": [case]})
    assert flat.tolerance == pytest.approx(0.02, abs=2e-3)
    assert null.tolerance > 1.0


def test_tolerances_are_read_from_the_file() -> None:
    """Of the pattern, and of the ns-3 points by their own words."""
    points = {"radius_m": 0.1, "f_GHz": 28.0, "off_axis_deg_to_dB": {"10": -30.0}}
    case = {"aperture_radius_m": 0.25, "f_GHz": 20.0, "rel_dB": {"0.25": -0.228}}
    stated = "0.5 dB away from nulls; ns-3 uses 2 dB"
    section = {"cases": [case], "ns3_points": points, "tolerance": stated}
    own, ns3 = checked("antenna_bessel", section)
    assert own.tolerance == pytest.approx(0.5, abs=2e-3)
    assert ns3.tolerance == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "section", "named"),
    [
        ("antenna_bessel", {"cases": [{"f_GHz": 20.0, "hpbw_deg": 1.0}]}, "aperture_radius_m"),
        ("antenna_bessel", {"ns3_points": {"radius_m": 0.1, "f_GHz": 28}}, "off_axis_deg_to_dB"),
        ("upa", {"sixty-four": {"hpbw_deg": 1.0}}, "key such as"),
        ("upa", {"64x64_half_lambda_broadside_cut": {"hpbw_deg": "narrow"}}, "finite number"),
    ],
)
def test_rows_that_lack_something_are_named(name: str, section: Any, named: str) -> None:
    """One sentence that says what is missing and where."""
    with pytest.raises(InvalidArgument, match=named):
        checked(name, section)


def test_a_panel_without_what_is_asked_says_so() -> None:
    """Two elements have no side lobe."""
    with pytest.raises(ValueError, match="no side lobe"):
        checked("upa", {"2x2_half_lambda_broadside_cut": {"first_sidelobe_dB": -13.0}})
