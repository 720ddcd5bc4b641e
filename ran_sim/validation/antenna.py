"""The sections about antennas: circular apertures and planar arrays."""

import re
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from radio_math.apertures import first_null_deg, half_power_beamwidth_deg, normalised_gain_db
from radio_math.link import to_db
from radio_math.panels import (
    Panel,
    dirichlet,
    first_side_lobe_db,
)
from radio_math.panels import first_null_deg as row_null_deg
from radio_math.panels import half_power_beamwidth_deg as row_beamwidth_deg
from ran_sim.validation.checks import Check, SectionCheck, compared
from ran_sim.validation.reference_file import Entry, Reference

# Where the file states no tolerance.
_APERTURE_TOLERANCE_DB = 0.02
_NS3_TOLERANCE_DB = 0.1
_PANEL_TOLERANCE_DB = 1e-3
# Beamwidths and nulls are printed with three or four decimals.
_ANGLE_TOLERANCE_DEG = 6e-4
# Beside a null the gain falls by decibels within the rounding of an angle, a radius or the speed of
# light: what the gain changes over this part of the angle is allowed on top.
_ROUNDING = 1e-5

_HZ_PER_GHZ = 1e9
_PANEL_KEY = re.compile(
    r"(?P<columns>\d+)x(?P<rows>\d+)_(?P<spacing>quarter|half|full|[0-9.]+)_lambda_broadside_cut"
)
_SPACINGS = {"quarter": 0.25, "half": 0.5, "full": 1.0}


def check_apertures(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Pattern, beamwidth and first null of circular apertures. Source: TR 38.811 6.4.1."""
    tolerance_db = section.tolerance("tolerance", "dB", default=_APERTURE_TOLERANCE_DB)
    if "cases" in section:
        for case in section.rows("cases"):
            yield from _aperture_case(section.where, case, tolerance_db)
    if "ns3_points" in section:
        points = section.entry("ns3_points")
        yield from _pattern(
            section.where,
            f"ns-3, radius {points.number('radius_m'):g} m",
            _aperture_gain_db(points.number("radius_m"), points.number("f_GHz")),
            points.entry("off_axis_deg_to_dB"),
            section.tolerance("tolerance", "dB", label="ns-3 uses", default=_NS3_TOLERANCE_DB),
        )


def check_panels(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Array gain, beamwidth, null and pattern of the arrays that the keys name.

    The cut runs along the first of the two numbers. Source: Balanis 2016 6.3, 6.10.
    """
    tolerance_db = section.tolerance("tolerance", "dB", default=_PANEL_TOLERANCE_DB)
    for key, case in section.entries():
        if not isinstance(case.value, Mapping):
            continue  # what the section says about itself
        named = _PANEL_KEY.fullmatch(key)
        if named is None:
            raise case.wrong("should stand under a key such as 64x64_half_lambda_broadside_cut")
        count = int(named["columns"])
        spacing = float(_SPACINGS.get(named["spacing"]) or named["spacing"])
        if "array_gain_dB" in case:
            yield compared(
                section.where,
                key,
                "array gain",
                value=Panel(count, int(named["rows"]), spacing).array_gain_db,
                reference=case.number("array_gain_dB"),
                tolerance=tolerance_db,
                unit="dB",
            )
        for quantity, field, unit, tolerance, of_row in (
            ("half-power beamwidth", "hpbw_deg", "deg", _ANGLE_TOLERANCE_DEG, row_beamwidth_deg),
            ("first null", "null1_deg", "deg", _ANGLE_TOLERANCE_DEG, row_null_deg),
            ("first side lobe", "first_sidelobe_dB", "dB", tolerance_db, first_side_lobe_db),
        ):
            if field in case:
                yield compared(
                    section.where,
                    key,
                    quantity,
                    value=of_row(count, spacing),
                    reference=case.number(field),
                    tolerance=tolerance,
                    unit=unit,
                )
        if "rel_dB" in case:
            yield from _pattern(
                section.where,
                key,
                _panel_gain_db(count, spacing),
                case.entry("rel_dB"),
                tolerance_db,
            )


SECTIONS: Mapping[str, SectionCheck] = {"antenna_bessel": check_apertures, "upa": check_panels}


def _aperture_case(where: str, case: Entry, tolerance_db: float) -> Iterator[Check]:
    radius_m, frequency_ghz = case.number("aperture_radius_m"), case.number("f_GHz")
    frequency_hz = frequency_ghz * _HZ_PER_GHZ
    name = case.text("name") if "name" in case else f"{radius_m:g} m at {frequency_ghz:g} GHz"
    for quantity, field, angle_of in (
        ("half-power beamwidth", "hpbw_deg", half_power_beamwidth_deg),
        ("half-power beamwidth, printed", "spec_hpbw", half_power_beamwidth_deg),
        ("first null", "null1_deg", first_null_deg),
    ):
        if field in case:
            yield compared(
                where,
                name,
                quantity,
                value=angle_of(radius_m, frequency_hz),
                reference=case.number(field),
                tolerance=_ANGLE_TOLERANCE_DEG,
                unit="deg",
            )
    if "rel_dB" in case:
        gain_db = _aperture_gain_db(radius_m, frequency_ghz)
        yield from _pattern(where, name, gain_db, case.entry("rel_dB"), tolerance_db)


def _pattern(
    where: str,
    name: str,
    gain_db: Callable[[float], float],
    points: Entry,
    tolerance_db: float,
) -> Iterator[Check]:
    """Relative gain at each off-axis angle of an object of `{angle: dB}`."""
    for angle_deg, point in points.numbered_entries():
        value = gain_db(angle_deg)
        around = (gain_db(angle_deg * (1 + _ROUNDING)), gain_db(angle_deg * (1 - _ROUNDING)))
        steepness_db = max(abs(near - value) for near in around)
        yield compared(
            where,
            name,
            f"relative gain at {angle_deg:g} deg",
            value=value,
            reference=point.number(),
            tolerance=tolerance_db + steepness_db,
            unit="dB",
        )


def _aperture_gain_db(radius_m: float, frequency_ghz: float) -> Callable[[float], float]:
    def gain_db(angle_deg: float) -> float:
        return float(
            normalised_gain_db(
                angle_deg,
                radius_m=radius_m,
                frequency_hz=frequency_ghz * _HZ_PER_GHZ,
                floor_db=None,
            )
        )

    return gain_db


def _panel_gain_db(count: int, spacing: float) -> Callable[[float], float]:
    def gain_db(angle_deg: float) -> float:
        phase_rad = 2 * np.pi * spacing * np.sin(np.radians(angle_deg))
        return float(to_db(np.maximum(dirichlet(count, phase_rad) ** 2, 1e-40)))

    return gain_db
