"""The ITU-R's validation examples: through itur, and through this project's own formulas.

A row is checked twice where ticks use a formula of ours (specific attenuation, rain, scintillation,
the slant path of gases and clouds, the total): once as itur has it, once as the simulator does.
Columns that the simulator has no use for (the probability of rain on the path, P_rain) are left.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from radio_math.gases import slant_gas_db, standard_zenith_gas_db
from radio_math.rain import (
    CIRCULAR_TILT_DEG,
    rain_attenuation_db,
    rain_coefficients,
    specific_attenuation_db_km,
)
from radio_math.scintillation import scintillation_fade_db, scintillation_sigma_db
from ran_sim.atmosphere.losses import Terminal, slant_losses
from ran_sim.atmosphere.maps import itu_model, quiet
from ran_sim.atmosphere.site import Exceedance, site_constants, sky_over
from ran_sim.validation.checks import Check, NotChecked, SectionCheck, compared
from ran_sim.validation.reference_file import Entry, Reference

FORMULA_RELATIVE = 1e-6
"""Formulas without maps: the examples are printed to eight or nine digits."""

MAP_RELATIVE = 5e-4
MAP_TOLERANCE_DB = 0.02
"""What comes from digital maps: interpolations differ in the fourth digit, and itur was measured to
deviate by up to 0.015 dB of total attenuation from the examples."""

SMALLEST = 1e-9
"""Floor of the relative tolerances, for references of 0."""

PRINTED_DB = 1e-4
"""Attenuations that the file prints to four decimals."""

PRINTED_COEFFICIENT = 1e-6
"""Coefficients that the file prints to six decimals."""

ZENITH_TABLE_DB = 2e-3
"""The zenith attenuation of the standard atmosphere is a table here, linear between frequencies."""

_STANDARD_VAPOUR_G_M3, _STANDARD_HPA, _STANDARD_K = 7.5, 1013.25, 288.15
_HORIZONTAL_DEG, _VERTICAL_DEG = 0.0, 90.0
_SLIPPED_GHZ, _MEANT_GHZ = 29.0, 20.0


@dataclass(frozen=True)
class Value:
    """A value of ours for one field of a row."""

    field: str
    by: str
    value: float
    relative: float = FORMULA_RELATIVE
    absolute: float = SMALLEST
    unit: str = "dB"


def check_itu(section: Entry, _reference: Reference) -> Iterator[Check | NotChecked]:
    """Every table of validation examples."""
    for name, table in section.entries():
        if table.is_text:
            continue
        if name not in _TABLES:
            yield NotChecked(table.where, f"this simulator has {', '.join(_TABLES)}")
            continue
        for row in table.rows("rows"):
            for value in _TABLES[name](row):
                if value.field in row:
                    yield _check("itu", f"{row.where.removeprefix('itu.')} {value.by}", row, value)


def _check(section: str, name: str, row: Entry, value: Value) -> Check:
    reference = row.number(value.field)
    return compared(
        section,
        name,
        value.field,
        value=value.value,
        reference=reference,
        tolerance=max(value.absolute, value.relative * abs(reference)),
        unit=value.unit,
    )


def _specific_rain(row: Entry) -> Iterator[Value]:
    frequency_ghz, elevation_deg = row.number("f"), row.number("el")
    rate_mm_h, tilt_deg = row.number("R"), row.number("tau")
    k, alpha = rain_coefficients(frequency_ghz, elevation_deg, tilt_deg)
    gamma = specific_attenuation_db_km(rate_mm_h, k, alpha)
    model = itu_model(838)
    their_k, their_alpha = model.rain_specific_attenuation_coefficients(
        frequency_ghz, elevation_deg, tilt_deg
    )
    theirs = model.rain_specific_attenuation(rate_mm_h, frequency_ghz, elevation_deg, tilt_deg)
    for by, (one, two, three) in {
        "own": (k, alpha, gamma),
        "itur": (their_k, their_alpha, theirs.value),
    }.items():
        yield Value("k", by, float(one), absolute=1e-8, unit="")
        yield Value("alpha", by, float(two), absolute=1e-8, unit="")
        yield Value("gamma_r", by, float(three), unit="dB/km")


def _specific_gas(row: Entry) -> Iterator[Value]:
    state = (row.number("f"), row.number("P"), row.number("rho"), row.number("T"))
    model = itu_model(676)
    for field, function in (
        ("gamma0", model.gamma0_exact),
        ("gammaw", model.gammaw_exact),
        ("gamma", model.gamma_exact),
    ):
        yield Value(field, "itur", _number(function(*state)), absolute=1e-8, unit="dB/km")


def _gas(row: Entry) -> Iterator[Value]:
    def at(elevation_deg: float) -> float:
        return _number(
            itu_model(676).gaseous_attenuation_slant_path(
                row.number("f"),
                elevation_deg,
                row.number("rho"),
                row.number("P"),
                row.number("T"),
                row.number("V_t"),
                row.number("h"),
            )
        )

    with quiet():
        yield Value("A_gas", "itur", at(row.number("el")))
        yield Value("A_gas", "own", float(slant_gas_db(at(30.0) / 2, row.number("el"))))


def _rain_and_scintillation(row: Entry) -> Iterator[Value]:
    latitude_deg, longitude_deg = row.number("lat"), row.number("lon")
    frequency_ghz, elevation_deg = row.number("f"), row.number("el")
    percent, height_km = row.number("p"), row.number("hs")
    rate_mm_h, tilt_deg = row.number("R001"), row.number("tau")
    diameter_m, efficiency = row.number("D"), row.number("eta")
    model = itu_model(618)
    with quiet():
        rain = model.rain_attenuation(
            latitude_deg,
            longitude_deg,
            frequency_ghz,
            elevation_deg,
            height_km,
            percent,
            rate_mm_h,
            tilt_deg,
        )
        rain_height_km = _number(itu_model(839).rain_height(latitude_deg, longitude_deg))
    yield Value("A_rain", "itur", _number(rain))
    own_rain = rain_attenuation_db(
        elevation_deg,
        frequency_ghz=frequency_ghz,
        exceedance_percent=percent,
        rain_rate_001_mm_h=rate_mm_h,
        rain_height_km=rain_height_km,
        station_height_km=height_km,
        latitude_deg=latitude_deg,
        tilt_deg=tilt_deg,
    )
    yield Value("A_rain", "own", float(own_rain))
    at_ghz = _scintillation_frequency_ghz(row)
    aside = "" if at_ghz == frequency_ghz else f" at {at_ghz:g} GHz"
    yield Value("A_scin", f"own{aside}", _own_scintillation_db(row, at_ghz))
    with quiet():
        fade = model.scintillation_attenuation(
            latitude_deg,
            longitude_deg,
            at_ghz,
            elevation_deg,
            percent,
            diameter_m,
            efficiency,
        )
    # itur reads N_wet from its map.
    yield Value("A_scin", f"itur{aside}", _number(fade), MAP_RELATIVE)


def _scintillation_frequency_ghz(row: Entry) -> float:
    """The frequency that a row's scintillation belongs to.

    The workbook puts the scintillation of 20 GHz beside its rain at 29 GHz; its sheet of totals has
    29 GHz in both. A row at 29 GHz that holds the value of 20 GHz to all digits is read as such,
    and its check says so.
    """
    frequency_ghz = row.number("f")
    if frequency_ghz == _SLIPPED_GHZ and "A_scin" in row:
        expected_db = row.number("A_scin")
        slipped_db = _own_scintillation_db(row, _MEANT_GHZ)
        if abs(slipped_db - expected_db) <= FORMULA_RELATIVE * abs(expected_db):
            return _MEANT_GHZ
    return frequency_ghz


def _own_scintillation_db(row: Entry, frequency_ghz: float) -> float:
    sigma_db = scintillation_sigma_db(
        row.number("el"),
        frequency_ghz=frequency_ghz,
        wet_refractivity=row.number("N_wet"),
        antenna_diameter_m=row.number("D"),
        antenna_efficiency=row.number("eta"),
    )
    return float(scintillation_fade_db(sigma_db, row.number("p")))


def _total(row: Entry) -> Iterator[Value]:
    latitude_deg, longitude_deg = row.number("lat"), row.number("lon")
    percent, elevation_deg = row.number("p"), row.number("el")
    terminal = Terminal(row.number("D"), row.number("eta"), row.number("tau"))
    site = site_constants(latitude_deg, longitude_deg, row.number("hs") * 1e3)
    sky = sky_over(site, row.number("f"), Exceedance(percent))
    losses = slant_losses(sky, elevation_deg, terminal)
    own = (
        losses.gas_db,
        losses.cloud_db,
        losses.rain_db,
        losses.scintillation_db,
        losses.total_db,
    )
    with quiet():
        theirs = _itur_total()(
            latitude_deg,
            longitude_deg,
            row.number("f"),
            elevation_deg,
            percent,
            terminal.antenna_diameter_m,
            hs=row.number("hs"),
            eta=terminal.antenna_efficiency,
            tau=terminal.tilt_deg,
            return_contributions=True,
        )
    # Beside rain, gas and clouds stand at 1 % of the year at least.
    gas, cloud = ("A_gas_1", "A_clouds_1") if "A_gas_1" in row else ("A_gas", "A_clouds")
    for by, found in (("own", own), ("itur", theirs)):
        values = tuple(map(_number, found))
        for field, value in zip((gas, cloud, "A_rain", "A_scin", "A_total"), values, strict=True):
            yield Value(field, by, value, MAP_RELATIVE, MAP_TOLERANCE_DB)


def _itur_total() -> Callable[..., Any]:
    """The whole method of P.618 2.5 as itur has it."""
    itu_model(618)  # with the error that says how to install it
    import itur  # noqa: PLC0415 - opens digital maps, only when a file asks for it

    return itur.atmospheric_attenuation_slant_path  # type: ignore[no-any-return]


def _rain_rate(row: Entry) -> Iterator[Value]:
    latitude_deg, longitude_deg = row.number("lat"), row.number("lon")
    percent = row.number("p")
    with quiet():
        found = itu_model(837).rainfall_rate(latitude_deg, longitude_deg, percent)
    yield Value("Rp", "itur", _number(found), MAP_RELATIVE, 1e-4, "mm/h")


def _rain_height(row: Entry) -> Iterator[Value]:
    latitude_deg, longitude_deg = row.number("lat"), row.number("lon")
    model = itu_model(839)
    with quiet():
        yield Value("h0", "itur", _number(model.isoterm_0(latitude_deg, longitude_deg)), unit="km")
        yield Value(
            "hr", "itur", _number(model.rain_height(latitude_deg, longitude_deg)), unit="km"
        )


def _cloud(row: Entry) -> Iterator[Value]:
    def at(elevation_deg: float) -> float:
        return _number(
            itu_model(840).cloud_attenuation(
                row.number("lat"),
                row.number("lon"),
                elevation_deg,
                row.number("f"),
                row.number("p"),
            )
        )

    with quiet():
        yield Value("Ac", "itur", at(row.number("el")))
        # The simulator reads the zenith once; clouds go over sin(el) as gases do.
        yield Value("Ac", "own", float(slant_gas_db(at(30.0) / 2, row.number("el"))))


_TABLES: Mapping[str, Callable[[Entry], Iterator[Value]]] = {
    "P838_3": _specific_rain,
    "P676_12_gamma": _specific_gas,
    "P676_12_Agas": _gas,
    "P618_13_rain_scint": _rain_and_scintillation,
    "P618_13_total": _total,
    "P837_7_R001": _rain_rate,
    "P839_4": _rain_height,
    "P840_8": _cloud,
}


def check_itu_standard(section: Entry, _reference: Reference) -> Iterator[Check | NotChecked]:
    """Gases of the standard atmosphere, and the coefficients of rain."""
    for name, block in section.entries():
        if block.is_text:
            continue
        if name == "gas_std_atm_dB":
            yield from _standard_gas(block)
        elif (found := re.fullmatch(r"P838_el(\d+(?:\.\d+)?)", name)) is not None:
            yield from _standard_rain(block, float(found[1]))
        else:
            yield NotChecked(
                block.where, "this simulator has gas_std_atm_dB and P838_el with an elevation"
            )


def _standard_gas(block: Entry) -> Iterator[Check]:
    for frequency_ghz, row in block.numbered_entries():
        for key, reference in row.entries():
            found = re.fullmatch(r"zenith|el(\d+(?:\.\d+)?)", key)
            if found is None:
                raise reference.wrong('should stand under "zenith" or "el" with an elevation')
            elevation_deg = float(found[1] or 90)
            with quiet():
                theirs = itu_model(676).gaseous_attenuation_slant_path(
                    frequency_ghz,
                    elevation_deg,
                    _STANDARD_VAPOUR_G_M3,
                    _STANDARD_HPA,
                    _STANDARD_K,
                )
            own_db = slant_gas_db(standard_zenith_gas_db(frequency_ghz), elevation_deg)
            for by, value, tolerance in (
                ("own", float(own_db), ZENITH_TABLE_DB),
                ("itur", _number(theirs), PRINTED_DB),
            ):
                yield compared(
                    "itu_std",
                    f"gas {frequency_ghz:g} GHz {by}",
                    key,
                    value=value,
                    reference=reference.number(),
                    tolerance=tolerance,
                    unit="dB",
                )


def _standard_rain(block: Entry, elevation_deg: float) -> Iterator[Check]:
    tilts = {"H": _HORIZONTAL_DEG, "V": _VERTICAL_DEG, "circ": CIRCULAR_TILT_DEG}
    for key, row in block.entries():
        found = re.fullmatch(r"(\d+(?:\.\d+)?)GHz", key)
        if found is None:
            raise row.wrong('should stand under a frequency such as "20GHz"')
        for polarisation, pair in row.entries():
            if polarisation not in tilts:
                raise pair.wrong(f"should stand under {', '.join(tilts)}")
            references = pair.numbers(length=2)
            own = rain_coefficients(float(found[1]), elevation_deg, tilts[polarisation])
            theirs = itu_model(838).rain_specific_attenuation_coefficients(
                float(found[1]), elevation_deg, tilts[polarisation]
            )
            for by, values in (("own", own), ("itur", theirs)):
                for quantity, value, reference in zip(
                    ("k", "alpha"), values, references, strict=True
                ):
                    yield compared(
                        "itu_std",
                        f"rain {key} {polarisation} el {elevation_deg:g} {by}",
                        quantity,
                        value=float(value),
                        reference=reference,
                        tolerance=PRINTED_COEFFICIENT,
                    )


def _number(quantity: Any) -> float:
    """The number of what itur returns: with a unit, in an array, or plain."""
    return float(getattr(quantity, "value", quantity))


SECTIONS: dict[str, SectionCheck] = {"itu": check_itu, "itu_std": check_itu_standard}
