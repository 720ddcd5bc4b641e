"""The ITU-R's validation examples as sections of a reference file."""

from typing import Any

import pytest
from support.reference_sections import checked

from nf_runtime.errors import InvalidArgument
from ran_sim.validation.checks import Check

# Rows of the ITU-R SG 3 validation workbook (CG-3M3J-13-ValEx) at 29 and 14.25 GHz.
TABLES: dict[str, dict[str, Any]] = {
    "P838_3": {"el": 31.07699124, "f": 14.25, "R": 26.48052, "tau": 0.0}
    | {"k": 0.03975488, "alpha": 1.12418043, "gamma_r": 1.58130839},
    "P676_12_gamma": {"f": 12.0, "P": 1013.25, "T": 288.15, "rho": 7.5}
    | {"gamma0": 0.008698264, "gammaw": 0.009535388, "gamma": 0.018233652},
    "P676_12_Agas": {"el": 31.07699124, "f": 14.25, "rho": 13.79653679, "T": 283.6108756}
    | {"P": 1009.485612, "V_t": 33.72946527, "h": 0.031382984, "A_gas": 0.226874038},
    "P618_13_rain_scint": {"lat": 51.5, "lon": -0.14, "hs": 0.031382984, "f": 14.25}
    | {"el": 31.07699124, "tau": 0.0, "p": 1.0, "R001": 26.48052, "D": 1.0, "eta": 0.65}
    | {"N_wet": 50.38926222, "A_rain": 0.495317069, "A_scin": 0.261931889},
    "P618_13_total": {"lat": 3.133, "lon": 101.7, "hs": 0.051251456, "f": 14.25}
    | {"el": 85.80459566, "D": 1.0, "eta": 0.65, "tau": 90.0, "p": 0.001}
    | {"A_gas_1": 0.191742949, "A_clouds_1": 0.622118617, "A_rain": 28.81945647}
    | {"A_scin": 0.770307716, "A_total": 29.64339346},
    "P837_7_R001": {"lat": 33.94, "lon": 18.43, "p": 0.01, "Rp": 27.1349664},
    "P839_4": {"lat": 33.94, "lon": 18.43, "h0": 2.20330276, "hr": 2.56330276},
    "P840_8": {"lat": 3.13, "lon": 101.7, "f": 14.25, "el": 85.80459566, "p": 0.2}
    | {"Ac": 0.69030614},
}
RESULTS = {
    "P838_3": ("k", "alpha", "gamma_r"),
    "P676_12_gamma": ("gamma0", "gammaw", "gamma"),
    "P676_12_Agas": ("A_gas",),
    "P618_13_rain_scint": ("A_rain", "A_scin"),
    "P618_13_total": ("A_rain", "A_scin", "A_total", "A_gas_1", "A_clouds_1"),
    "P837_7_R001": ("Rp",),
    "P839_4": ("h0", "hr"),
    "P840_8": ("Ac",),
}
BY_BOTH = ("P838_3", "P676_12_Agas", "P618_13_rain_scint", "P618_13_total", "P840_8")
CASES = [(table, field) for table, fields in RESULTS.items() for field in fields]


def row_checks(table: str, row: dict[str, Any]) -> list[Check]:
    """The checks of one row."""
    return checked("itu", {table: {"rows": [row]}})


@pytest.mark.parametrize("table", TABLES)
def test_every_table_passes(table: str) -> None:
    """Through itur, and where a tick computes it, through our own formula too."""
    checks = row_checks(table, TABLES[table])
    assert {check.quantity for check in checks} == set(RESULTS[table])
    assert all(check.passed for check in checks)
    ways = {check.name.rsplit(" ", 1)[1] for check in checks}
    assert ways == ({"own", "itur"} if table in BY_BOTH else {"itur"})


@pytest.mark.parametrize(("table", "field"), CASES)
def test_a_wrong_result_fails(table: str, field: str) -> None:
    """A hundredth off, or a tenth of a dB where maps are behind it, and nothing else fails."""
    wrong = TABLES[table] | {field: TABLES[table][field] * 1.01 + 0.1}
    failed = {check.quantity for check in row_checks(table, wrong) if not check.passed}
    assert failed == {field}


# London, as the workbook's sheet of rain has it: rain at 29 GHz, scintillation at 20 GHz.
SLIPPED = TABLES["P618_13_rain_scint"] | {"f": 29.0, "A_rain": 2.207786043, "A_scin": 0.316526338}


def test_the_workbooks_slip_is_read_as_what_it_is() -> None:
    """The check says that the scintillation is that of 20 GHz, and rain stays at 29."""
    checks = row_checks("P618_13_rain_scint", SLIPPED)
    assert all(check.passed for check in checks)
    aside = [check.quantity for check in checks if check.name.endswith("at 20 GHz")]
    assert aside == ["A_scin", "A_scin"]


def test_nothing_but_the_slip_is_forgiven() -> None:
    """The right value at 29 GHz passes as it stands; a value near the slip fails."""
    right = row_checks("P618_13_rain_scint", SLIPPED | {"A_scin": 0.388492522})
    assert all(check.passed and "20 GHz" not in check.name for check in right)
    near = row_checks("P618_13_rain_scint", SLIPPED | {"A_scin": 0.317})
    assert not any(check.passed for check in near if check.quantity == "A_scin")


def test_a_row_without_a_field_says_which() -> None:
    """One sentence."""
    row = {key: value for key, value in TABLES["P838_3"].items() if key != "tau"}
    with pytest.raises(InvalidArgument, match=r"lacks the field tau in itu.P838_3.rows\[0\]"):
        row_checks("P838_3", row)


def test_the_standard_atmosphere_at_other_angles_and_frequencies() -> None:
    """25 degrees and 28 GHz are computed, not looked up."""
    section = {
        "gas_std_atm_dB": {"20": {"zenith": 0.2440, "el25": 0.5773}},
        "P838_el25": {"28GHz": {"circ": [0.203, 0.952]}},
    }
    checks = checked("itu_std", section)
    assert [check.passed for check in checks if check.name.startswith("gas")] == [True] * 4
    assert len(checks) == 8


def test_wrong_coefficients_fail() -> None:
    """Horizontal for circular."""
    checks = checked("itu_std", {"P838_el30": {"20GHz": {"circ": [0.092201, 1.047388]}}})
    assert not any(check.passed for check in checks)
