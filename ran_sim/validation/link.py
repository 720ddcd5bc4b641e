"""Constants, 3GPP tables, scintillation and link budgets against reference numbers."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from nf_runtime.errors import FailedPrecondition, NotFound
from radio_math.gases import standard_zenith_gas_db
from radio_math.large_scale import (
    Band,
    LargeScaleTable,
    Surroundings,
    large_scale_table,
    reference_row,
)
from radio_math.link import (
    BOLTZMANN_J_PER_K,
    EARTH_RADIUS_M,
    SPEED_OF_LIGHT_MPS,
    free_space_loss_db,
    to_db,
)
from radio_math.scintillation import (
    ionospheric_scintillation_db,
    scintillation_loss_db,
    tabled_scintillation_db,
)
from ran_sim.link_budgets import Direction, LinkParameters, link_budget, study_case
from ran_sim.orbit.spherical import GRAVITATIONAL_PARAMETER_M3_S2
from ran_sim.validation.checks import Check, NotChecked, SectionCheck, compared
from ran_sim.validation.reference_file import Entry, Reference

EXACT = 1e-9
"""Tables are compared to the printed digits, which a float holds to far more than this."""

BOLTZMANN_TOLERANCE_DB = 0.01
"""References print 228.6 for 228.599."""

SCINTILLATION_TOLERANCE_DB = 5e-4
"""The closed form of the ionosphere is printed to four decimals, and TR 38.811 to two."""

LINK_TERM_TOLERANCE_DB = 0.05
LINK_GAS_TOLERANCE_DB = 0.1
LINK_CNR_TOLERANCE_DB = 0.15
"""What a term, gas and the CNR may deviate where the file does not say it: each term of TR 38.821
is rounded to 0.1 dB before it is added."""

BANDWIDTH_TOLERANCE_MHZ = 0.01
PATH_LOSS_TOLERANCE_DB = 0.005

FIGURE_ZENITH_DB: Mapping[float, float] = {20.0: 0.25, 30.0: 0.25}
"""Zenith attenuation that ns-3 reads off P.676 Figure 6, where P.676 itself gives 0.244 and 0.229;
below 10 GHz TR 38.811 leaves gas out."""

FIGURE_TOLERANCE_DB = 0.1
"""Added where no reading of the figure is known: how far such readings lie from P.676."""

_TR_GAS_FROM_GHZ = 10.0

_TABLES_OF: Mapping[str, tuple[Surroundings, ...]] = {
    "dense_urban": (Surroundings.DENSE_URBAN,),
    "urban": (Surroundings.URBAN,),
    "suburban": (Surroundings.SUBURBAN,),
    "rural": (Surroundings.RURAL,),
    "suburban_rural": (Surroundings.SUBURBAN, Surroundings.RURAL),
}

_SHARED_FIELDS: Mapping[str, str] = {
    "sigma_sf_los": "shadow_sigma_los_db",
    "sigma_sf_nlos": "shadow_sigma_nlos_db",
    "clutter_nlos": "clutter_nlos_db",
}
# TR 38.811 gives suburban and rural one table of shadowing and clutter, but each its own K.
_K_FIELDS: Mapping[str, str] = {"K_mu_dB": "rician_k_mean_db", "K_sigma_dB": "rician_k_sigma_db"}


def check_constants(section: Entry, _reference: Reference) -> Iterator[Check | NotChecked]:
    """Physical constants."""
    known = {
        "c": (SPEED_OF_LIGHT_MPS, 0.0, "m/s"),
        "RE_3gpp_m": (EARTH_RADIUS_M, 0.0, "m"),
        "k_dB": (float(to_db(BOLTZMANN_J_PER_K)), BOLTZMANN_TOLERANCE_DB, "dBW/K/Hz"),
        "GM": (GRAVITATIONAL_PARAMETER_M3_S2, 0.0, "m3/s2"),
    }
    for name, entry in section.entries():
        if entry.is_text:
            continue
        if name not in known:
            yield NotChecked(entry.where, f"this simulator has {', '.join(known)}")
            continue
        value, tolerance, unit = known[name]
        yield compared(
            "constants",
            name,
            "value",
            value=value,
            reference=entry.number(),
            tolerance=tolerance,
            unit=unit,
        )


def check_tables(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Large-scale tables of TR 38.811, looked up at the section's elevations."""
    elevation_deg = section.numbers("elevation_deg")
    rows = reference_row(elevation_deg)
    for name, entry in section.entries():
        if name == "elevation_deg" or entry.is_text:
            continue
        if name not in _TABLES_OF:
            raise entry.wrong(f"should be one of {', '.join(_TABLES_OF)}")
        for surroundings in _TABLES_OF[name]:
            shared = name == "suburban_rural" and surroundings is Surroundings.RURAL
            for quantity, values, reference in _table_columns(entry, surroundings, shared=shared):
                expected = reference.numbers(length=len(elevation_deg))
                for elevation, row, number in zip(elevation_deg, rows, expected, strict=True):
                    yield compared(
                        "tr38811_tables",
                        f"{surroundings} {elevation:g} deg",
                        quantity,
                        value=values[row],
                        reference=number,
                        tolerance=EXACT,
                        unit="" if quantity == "p_los" else "dB",
                    )


def _table_columns(
    entry: Entry, surroundings: Surroundings, *, shared: bool
) -> Iterator[tuple[str, np.ndarray, Entry]]:
    """Name, own numbers and reference numbers of every column of one kind of surroundings."""
    for key, found in entry.entries():
        if found.is_text:
            continue
        if key == "p_los":
            table = large_scale_table(surroundings, Band.S)
            yield "p_los", table.los_probability, found
            continue
        table = _table_of_band(found, key, surroundings)
        for field, ours in {**_SHARED_FIELDS, **({} if shared else _K_FIELDS)}.items():
            yield f"{key} {field}", getattr(table, ours), found.entry(field)


def _table_of_band(found: Entry, key: str, surroundings: Surroundings) -> LargeScaleTable:
    try:
        band = Band(key)
    except ValueError:
        raise found.wrong(f"should stand under {' or '.join(Band)}") from None
    return large_scale_table(surroundings, band)


def check_scintillation(section: Entry, _reference: Reference) -> Iterator[Check]:
    """The tropospheric table of TR 38.811 and its closed form of the ionosphere."""
    name = "scintillation"
    for elevation, entry in section.entry("tropo_20GHz_99pct_dB").numbered_entries():
        yield compared(
            name,
            f"troposphere {elevation:g} deg",
            "loss",
            value=float(tabled_scintillation_db(elevation)),
            reference=entry.number(),
            tolerance=EXACT,
            unit="dB",
        )
    ionosphere = section.entry("iono_S_band")
    stated = re.findall(r"([\d.]+) GHz -> ([\d.]+) dB", ionosphere.text())
    if not stated:
        raise ionosphere.wrong('should state a value as "2 GHz -> 2.2000 dB"')
    edge = re.search(r"\|mag lat\|\s*<=\s*([\d.]+)", ionosphere.text())
    for frequency_ghz, loss_db in stated:
        places = [("magnetic equator", 0.0, float(loss_db))]
        if edge is not None:
            limit_deg = float(edge[1])
            places.append((f"magnetic latitude {limit_deg:g} deg", limit_deg, float(loss_db)))
            places.append((f"beyond {limit_deg:g} deg", limit_deg + 0.01, 0.0))
        for place, latitude_deg, expected in places:
            yield compared(
                name,
                f"ionosphere {frequency_ghz} GHz, {place}",
                "loss",
                value=float(ionospheric_scintillation_db(float(frequency_ghz) * 1e9, latitude_deg)),
                reference=expected,
                tolerance=SCINTILLATION_TOLERANCE_DB,
                unit="dB",
            )


def check_link_budgets(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Every row from its own parameters, and its study case from this project's tables."""
    tolerance_db = {
        label: section.tolerance("tolerance", "dB", default=default, label=label)
        for label, default in (
            ("FSPL", LINK_TERM_TOLERANCE_DB),
            ("atm", LINK_GAS_TOLERANCE_DB),
            ("CNR", LINK_CNR_TOLERANCE_DB),
        )
    }
    for row in section.rows("rows"):
        case, direction = row.text("case"), _direction(row)
        name = f"{case} {direction}"
        free = LinkParameters(
            name=name,
            altitude_km=_altitude_km(row.entry("orbit")),
            elevation_deg=row.number("el_deg"),
            frequency_ghz=row.number("f_GHz"),
            bandwidth_mhz=row.number("bw_MHz"),
            eirp_dbw=row.number("eirp_dBW"),
            g_over_t_db_per_k=row.number("GT_dBK"),
            shadow_margin_db=row.optional_number("shadow_dB") or 0.0,
        )
        yield from _budget_checks(row, name, free, tolerance_db)
        case_link = _case_of(case, direction)
        if case_link is not None and _same_path(case_link, free):
            yield from _case_checks(row, case_link, tolerance_db)


def _case_of(case: str, direction: Direction) -> LinkParameters | None:
    """The study case; None for a name of no case, and for uplinks without a verified G/T."""
    try:
        return study_case(case, direction)
    except (NotFound, FailedPrecondition):
        return None


def _same_path(case: LinkParameters, row: LinkParameters) -> bool:
    """Whether a row is about the case itself, not about it at another elevation or frequency."""
    return (case.altitude_km, case.elevation_deg, case.frequency_ghz) == (
        row.altitude_km,
        row.elevation_deg,
        row.frequency_ghz,
    )


def _budget_checks(
    row: Entry, name: str, link: LinkParameters, tolerance_db: Mapping[str, float]
) -> Iterator[Check]:
    budget = link_budget(link)
    values = {
        "fspl_dB": (budget.losses_db["free_space"], tolerance_db["FSPL"]),
        "atm_dB": (budget.losses_db["gas"], tolerance_db["atm"]),
        "scint_dB": (budget.losses_db["scintillation"], LINK_TERM_TOLERANCE_DB),
        "cnr_dB": (budget.cnr_db, tolerance_db["CNR"]),
        "spec_cnr_dB": (budget.cnr_db, tolerance_db["CNR"]),
    }
    for field, (value, tolerance) in values.items():
        if field in row:
            yield compared(
                "tr38821_link_budget",
                name,
                field,
                value=value,
                reference=row.number(field),
                tolerance=tolerance,
                unit="dB",
            )


def _case_checks(
    row: Entry, case: LinkParameters, tolerance_db: Mapping[str, float]
) -> Iterator[Check]:
    """What this project's tables say of the case, beside the row's parameters."""
    term_db = LINK_TERM_TOLERANCE_DB
    own = {
        "bw_MHz": (case.bandwidth_mhz, BANDWIDTH_TOLERANCE_MHZ, "MHz"),
        "eirp_dBW": (case.eirp_dbw, term_db, "dBW"),
        "GT_dBK": (case.g_over_t_db_per_k, term_db, "dB/K"),
        "shadow_dB": (case.shadow_margin_db, term_db, "dB"),
        "cnr_dB": (link_budget(case).cnr_db, tolerance_db["CNR"], "dB"),
    }
    for field, (value, tolerance, unit) in own.items():
        if field in row:
            yield compared(
                "tr38821_link_budget",
                f"{case.name} by name",
                field,
                value=value,
                reference=row.number(field),
                tolerance=tolerance,
                unit=unit,
            )


def _direction(row: Entry) -> Direction:
    try:
        return Direction(row.text("dir"))
    except ValueError:
        raise row.entry("dir").wrong(f"should be {' or '.join(Direction)}") from None


def _altitude_km(orbit: Entry) -> float:
    if orbit.text() == "GEO":
        return 35_786.0
    found = re.fullmatch(r"[ML]EO-?(\d+(?:\.\d+)?)", orbit.text())
    if found is None:
        raise orbit.wrong('should be "GEO" or "LEO" with an altitude in km, such as "LEO600"')
    return float(found[1])


def check_zenith_path_loss(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Free space, gas and scintillation to the zenith, as ns-3 adds them."""
    tolerance_db = section.tolerance("tol_dB", "dB", default=PATH_LOSS_TOLERANCE_DB)
    for row in section.rows("rows"):
        distance_m, frequency_ghz = row.number("d_m"), row.number("f_GHz")
        gas_db, allowed_db = _figure_gas_db(frequency_ghz)
        loss_db = (
            float(free_space_loss_db(distance_m, frequency_ghz * 1e9))
            + gas_db
            + float(scintillation_loss_db(90.0, frequency_ghz * 1e9, 0.0))
        )
        yield compared(
            "ns3_ntn_pathloss_zenith",
            f"{distance_m / 1e3:g} km, {frequency_ghz:g} GHz",
            "received power of 0 dBm",
            value=-loss_db,
            reference=row.number("rx_dBm"),
            tolerance=tolerance_db + allowed_db,
            unit="dBm",
        )


def _figure_gas_db(frequency_ghz: float) -> tuple[float, float]:
    """Zenith attenuation as read off the figure, and what the reading adds to the tolerance."""
    if frequency_ghz < _TR_GAS_FROM_GHZ:
        return 0.0, 0.0
    for known_ghz, zenith_db in FIGURE_ZENITH_DB.items():
        if math.isclose(frequency_ghz, known_ghz):
            return zenith_db, 0.0
    return standard_zenith_gas_db(frequency_ghz), FIGURE_TOLERANCE_DB


SECTIONS: dict[str, SectionCheck] = {
    "constants": check_constants,
    "tr38811_tables": check_tables,
    "scintillation": check_scintillation,
    "tr38821_link_budget": check_link_budgets,
    "ns3_ntn_pathloss_zenith": check_zenith_path_loss,
}
