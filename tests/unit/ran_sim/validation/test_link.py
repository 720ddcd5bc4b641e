"""Link, tables and scintillation against rows nobody has seen before."""

import json
from typing import Any

import pytest
from support.reference_sections import checked

from nf_runtime.errors import InvalidArgument
from ran_sim.validation.checks import Check
from ran_sim.validation.reference_file import parse_reference
from ran_sim.validation.sections import validate

# TR 38.821 SC6 downlink as it stands in Table 6.1.3.3-1.
SC6: dict[str, Any] = {
    "case": "SC6",
    "dir": "DL",
    "orbit": "LEO600",
    "f_GHz": 20,
    "el_deg": 30.0,
    "eirp_dBW": 30.02,
    "GT_dBK": 15.86,
    "bw_MHz": 400,
    "fspl_dB": 179.1,
    "atm_dB": 0.49,
    "shadow_dB": 0.0,
    "scint_dB": 0.3,
    "spec_cnr_dB": 8.5,
}
COLUMNS = {"sigma_sf_los": 4.0, "sigma_sf_nlos": 6.0}


def budget(**changes: Any) -> list[Check]:
    """The checks of SC6 with changes."""
    return checked("tr38821_link_budget", {"rows": [SC6 | changes]})


def test_a_known_row_passes_by_its_parameters_and_by_its_name() -> None:
    """Terms, the printed ratio, and what this project's tables say of the case."""
    checks = budget()
    assert all(check.passed for check in checks)
    assert {check.name for check in checks} == {"SC6 DL", "SC6 DL by name"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fspl_dB", 179.2),
        ("atm_dB", 0.7),
        ("scint_dB", 0.48),
        ("spec_cnr_dB", 8.2),
        ("eirp_dBW", 29.0),
        ("GT_dBK", 13.8),
        ("bw_MHz", 390.0),
    ],
)
def test_a_wrong_number_fails(field: str, value: float) -> None:
    """Each field by itself."""
    assert not all(check.passed for check in budget(**{field: value}))


def test_a_case_at_another_elevation_is_computed_there() -> None:
    """1932 km at 10 degrees: 184.19 dB, and the table's 1.08 dB of scintillation."""
    checks = budget(el_deg=10.0, fspl_dB=184.19, atm_dB=1.405, scint_dB=1.08, spec_cnr_dB=1.784)
    assert all(check.passed for check in checks)
    assert {check.name for check in checks} == {"SC6 DL"}


def test_an_unverified_uplink_is_computed_from_its_row() -> None:
    """The geostationary uplinks of the study cases have no G/T of ours."""
    row = SC6 | {
        "case": "SC1",
        "dir": "UL",
        "orbit": "GEO",
        "f_GHz": 30,
        "el_deg": 12.5,
        "fspl_dB": 214.10,
        "GT_dBK": 28.0,
        "atm_dB": 1.06,
        "scint_dB": 1.08,
    }
    del row["spec_cnr_dB"]
    checks = checked("tr38821_link_budget", {"rows": [row]})
    assert [check.quantity for check in checks] == ["fspl_dB", "atm_dB", "scint_dB"]
    assert all(check.passed for check in checks)


@pytest.mark.parametrize("field", ["case", "dir", "orbit", "f_GHz", "el_deg", "eirp_dBW", "GT_dBK"])
def test_a_row_without_a_field_says_which(field: str) -> None:
    """One sentence that names the field and the row."""
    row = {key: value for key, value in SC6.items() if key != field}
    with pytest.raises(InvalidArgument, match=rf"lacks the field {field} in .*rows\[0\]"):
        checked("tr38821_link_budget", {"rows": [row]})


@pytest.mark.parametrize(
    ("field", "value"), [("orbit", "somewhere"), ("dir", "up"), ("f_GHz", 20e9), ("el_deg", -10)]
)
def test_a_row_with_nonsense_says_what_it_should_be(field: str, value: Any) -> None:
    """And no traceback."""
    with pytest.raises(InvalidArgument):
        budget(**{field: value})


def test_the_tables_are_looked_up_at_the_files_elevations() -> None:
    """12 and 25 degrees take the rows of 10 and 30."""
    band = {
        **{name: [value, value] for name, value in COLUMNS.items()},
        "clutter_nlos": [44.3, 37.5],
        "K_mu_dB": [40.18, 12.48],
        "K_sigma_dB": [16.99, 14.23],
    }
    section = {"elevation_deg": [12, 25], "urban": {"Ka": band, "p_los": [0.246, 0.493]}}
    checks = checked("tr38811_tables", section)
    assert len(checks) == 12
    assert all(check.passed for check in checks)
    band["clutter_nlos"] = [44.3, 39.9]
    assert [check.quantity for check in checked("tr38811_tables", section) if not check.passed] == [
        "Ka clutter_nlos"
    ]


def test_a_table_of_unknown_surroundings_is_refused() -> None:
    """With what there is."""
    with pytest.raises(InvalidArgument, match="should be one of dense_urban, urban"):
        checked("tr38811_tables", {"elevation_deg": [10], "sea": {"p_los": [1.0]}})


def test_scintillation_is_read_from_its_text() -> None:
    """Another frequency and the edge of the equatorial belt; and a wrong number fails."""
    section = {
        "tropo_20GHz_99pct_dB": {"24": 0.48, "25": 0.30},
        "iono_S_band": "1.5 GHz -> 3.3870 dB; only |mag lat|<=20deg, else 0",
    }
    assert all(check.passed for check in checked("scintillation", section))
    section["iono_S_band"] = "1.5 GHz -> 3.3 dB; only |mag lat|<=30deg"
    failed = [check.name for check in checked("scintillation", section) if not check.passed]
    assert len(failed) == 2


def test_the_zenith_path_is_computed_at_any_distance() -> None:
    """1200 km at 20 GHz: 6.02 dB more than at 600 km."""
    rows = [{"d_m": 1_200_000, "f_GHz": 20, "rx_dBm": -180.425}]
    assert all(
        check.passed
        for check in checked("ns3_ntn_pathloss_zenith", {"rows": rows, "tol_dB": 0.005})
    )
    rows[0]["rx_dBm"] = -180.4
    assert not any(
        check.passed
        for check in checked("ns3_ntn_pathloss_zenith", {"rows": rows, "tol_dB": 0.005})
    )


def test_constants_are_those_of_the_standards() -> None:
    """The speed of light to the metre per second, Boltzmann's to what is printed."""
    assert all(check.passed for check in checked("constants", {"c": 299792458.0, "k_dB": -228.6}))
    assert not any(check.passed for check in checked("constants", {"c": 3e8}))


def test_what_the_simulator_does_not_have_is_not_checked() -> None:
    """A constant or a table of another Recommendation is named; notes are passed over."""
    file = {
        "constants": {"c": 299792458.0, "hbar": 1e-34, "source": "CODATA"},
        "itu": {"P1853": {"rows": []}, "note": "none"},
    }
    constants, itu = validate(parse_reference(json.dumps(file), "test"))
    assert constants.passed
    assert [part.where for part in constants.not_checked] == ["constants.hbar"]
    assert [part.where for part in itu.not_checked] == ["itu.P1853"]
    assert not itu.passed
