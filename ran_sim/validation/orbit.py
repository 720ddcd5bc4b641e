"""The sections about orbits: geometry, Doppler, frames, SGP4 and the age of elements."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping

import numpy as np

from nf_runtime.errors import FailedPrecondition
from radio_math.doppler import doppler_shift_hz
from radio_math.link import free_space_loss_db
from ran_sim.orbit.ageing import is_manoeuvring, tolerated_age
from ran_sim.orbit.earth_rotation import bundled_earth_rotation
from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.orbit.frames import FloatArray, sidereal_angle_rad, teme_to_ecef
from ran_sim.orbit.geodesy import SPHERE, ecef_position
from ran_sim.orbit.look import look_at
from ran_sim.orbit.passes import Site
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.spherical import CircularOrbit
from ran_sim.orbit.timing import one_way_delay_s
from ran_sim.validation.checks import Check, SectionCheck, compared
from ran_sim.validation.reference_file import Entry, Reference
from ran_sim.validation.sgp4_verification import (
    state_after,
    verification_cases,
    verification_set,
)

# Where the file states no tolerance: half of the last printed digit or a little more.
_DELAY_TOLERANCE_MS = 1e-4
_SLANT_TOLERANCE_KM = 0.01
_FSPL_TOLERANCE_DB = 0.005
_DOPPLER_RELATIVE = 1e-3
_SPEC_SHIFT_RELATIVE = 0.01
# TR 38.811 prints 544 Hz/s at 600 km, a mean over half a minute; at the zenith it is 581.
_SPEC_RATE_RELATIVE = 0.08
_ELEVATION_TOLERANCE_DEG = 0.01
_SGP4_POSITION_KM = 1e-6
_SGP4_VELOCITY_KM_S = 1e-9
# Polar motion, which the rotation here leaves out, reaches 0.6 arc seconds.
_ITRS_POSITION_M = 20.0
_ITRS_VELOCITY_MM_S = 20.0
_TABLE_SLANT_KM = 0.5
_TABLE_RTT_MS = 0.01
_TABLE_SHIFT_PPM = 0.5
_TABLE_DIFFERENTIAL_MS = 0.05
# 500 km along the orbit are one minute: the pass is still the same pass.
_UNANNOUNCED_ERROR_KM = 500.0

_M_PER_KM = 1e3
_MS_PER_S = 1e3
_MM_PER_M = 1e3
_HZ_PER_GHZ = 1e9
_PPM = 1e6
_KMH_PER_M_S = 3.6
_PERCENT = 100.0
_AXES = ("x", "y", "z")

_SHIFT_KEY = re.compile(r"fd_el([0-9.]+)(?:_plus_([0-9.]+)kmh)?_Hz")
_ERROR_WORDS = re.compile(r"error (\d+)(?: at t=([-0-9.]+))?")
_AGE_KEY = re.compile(r"([0-9.]+)d")

# TR 38.821 table 4.2-2: altitude of "GEO", the elevation that it is made for, the aircraft that is
# in its Doppler figures, and the largest cells that its differential delays are over.
_GEO_ALTITUDE_KM = 35_786.0
_TABLE_ELEVATION_DEG = 10.0
_AIRCRAFT_M_S = 1000.0 / _KMH_PER_M_S
_LEO_CELL_KM, _GEO_CELL_KM = 1000.0, 3500.0
_HOPS = {"transparent": 4, "regen": 2}


def check_geometry(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Slant range, one-way delay and free-space loss over a sphere. Source: TR 38.811 6.6.2."""
    range_tolerance = section.tolerance("tolerance", "km", default=_SLANT_TOLERANCE_KM)
    loss_tolerance = section.tolerance("tolerance", "dB", default=_FSPL_TOLERANCE_DB)
    for row in section.rows("rows"):
        altitude_km, elevation_deg = row.number("h_km"), row.number("el_deg")
        range_m = float(CircularOrbit(altitude_km * _M_PER_KM).range_m(elevation_deg))
        name = f"{altitude_km:g} km at {elevation_deg:g} deg"
        yield compared(
            section.where,
            name,
            "slant range",
            value=range_m / _M_PER_KM,
            reference=row.number("slant_km"),
            tolerance=range_tolerance,
            unit="km",
        )
        yield compared(
            section.where,
            name,
            "one-way delay",
            value=float(one_way_delay_s(range_m)) * _MS_PER_S,
            reference=row.number("delay_ms"),
            tolerance=_DELAY_TOLERANCE_MS,
            unit="ms",
        )
        for frequency_ghz, loss in row.entry("fspl_dB").numbered_entries():
            yield compared(
                section.where,
                name,
                f"free-space loss at {frequency_ghz:g} GHz",
                value=float(free_space_loss_db(range_m, frequency_ghz * _HZ_PER_GHZ)),
                reference=loss.number(),
                tolerance=loss_tolerance,
                unit="dB",
            )


def check_doppler(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Speed, Doppler shift and its rate over a sphere that does not turn; printed values.

    Source: TR 38.811 6.7.1.
    """
    stated = section.tolerance("tolerance", "%", label="closed form", default=0.1)
    relative = stated / _PERCENT
    for row in section.rows("rows"):
        orbit, frequency_hz, name = _orbit_row(row)
        yield _relative(
            section, (name, "speed", "m/s"), orbit.speed_m_s, row.number("v_ms"), relative
        )
        for key, entry in row.entries():
            shift = _SHIFT_KEY.fullmatch(key)
            if shift is None:
                continue
            elevation_deg = float(shift[1])
            driven_m_s = float(shift[2] or 0.0) / _KMH_PER_M_S
            value = _shift_hz(orbit, elevation_deg, frequency_hz, driven_m_s)
            what = f"Doppler shift at {elevation_deg:g} deg"
            what += f", terminal at {shift[2]} km/h" if shift[2] else ""
            yield _relative(section, (name, what, "Hz"), value, entry.number(), relative)
        yield _relative(
            section,
            (name, "Doppler rate at the zenith", "Hz/s"),
            float(orbit.doppler_rate_hz_s(90.0, frequency_hz)),
            row.number("rate_zenith_Hz_s"),
            relative,
        )
    if "spec_rows" in section:
        for row in section.rows("spec_rows"):
            orbit, frequency_hz, name = _orbit_row(row)
            yield _relative(
                section,
                (name, "printed shift, aircraft at 1000 km/h", "Hz"),
                _shift_hz(orbit, 0.0, frequency_hz, _AIRCRAFT_M_S),
                row.number("fd_Hz"),
                _SPEC_SHIFT_RELATIVE,
            )
            yield _relative(
                section,
                (name, "printed rate", "Hz/s"),
                abs(float(orbit.doppler_rate_hz_s(90.0, frequency_hz))),
                row.number("rate_Hz_s"),
                _SPEC_RATE_RELATIVE,
            )


def check_elevation_sphere(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Signed elevation over a sphere."""
    tolerance = section.tolerance("tol_deg", "deg", default=_ELEVATION_TOLERANCE_DEG)
    for case in section.rows("cases"):
        latitude_deg, longitude_deg = case.numbers("gs", length=2)
        sat_latitude_deg, sat_longitude_deg, altitude_m = case.numbers("sat", length=3)
        satellite = ecef_position(sat_latitude_deg, sat_longitude_deg, altitude_m, SPHERE)
        site = Site(latitude_deg, longitude_deg, earth=SPHERE).terminals()
        yield compared(
            section.where,
            f"({latitude_deg:g}, {longitude_deg:g}) to ({sat_latitude_deg:g}, "
            f"{sat_longitude_deg:g}) at {altitude_m / _M_PER_KM:g} km",
            "elevation",
            value=float(look_at(satellite, np.zeros(3), site).elevation_deg),
            reference=case.number("el"),
            tolerance=tolerance,
            unit="deg",
        )


def check_frames(section: Entry, _reference: Reference) -> Iterator[Check]:
    """One satellite in TEME and Earth-fixed, with dUT1 and with UTC in place of UT1."""
    itrs = (
        section.tolerance("tolerance", "m", label="rotation", default=_ITRS_POSITION_M) / _M_PER_KM,
        section.tolerance("tolerance", "mm/s", label="rotation", default=_ITRS_VELOCITY_MM_S)
        / (_M_PER_KM * _MM_PER_M),
    )
    for case in section.rows("cases"):
        # A case may bring a satellite of its own.
        elements = _elements(case if "line1" in case else section)
        jd, fr = np.array([case.number("jd")]), np.array([case.number("fr")])
        dut1_s = bundled_earth_rotation().dut1_s(jd, fr)
        teme = Propagator(elements).teme(jd, fr)
        turned = teme_to_ecef(*teme, sidereal_angle_rad(jd, fr, dut1_s))
        name = f"{elements.name} at JD {jd[0] + fr[0]:.4f}"
        sgp4 = (_SGP4_POSITION_KM, _SGP4_VELOCITY_KM_S)
        yield from _state_checks(case, f"{name}, TEME", "teme", teme, sgp4)
        yield from _state_checks(case, f"{name}, Earth-fixed", "itrs", turned, itrs)
        if "own_gmst82_r_km" in case:
            by_utc = teme_to_ecef(*teme, sidereal_angle_rad(jd, fr))
            yield from _state_checks(
                case, f"{name}, Earth-fixed with UT1 = UTC", "own_gmst82", by_utc, sgp4
            )


def check_sgp4(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Printed states and errors, and the whole verification set that comes with SGP4.

    Source: Vallado 2006.
    """
    tolerances = (
        section.tolerance("tolerance", "km", default=_SGP4_POSITION_KM),
        section.tolerance("tolerance", "km/s", default=_SGP4_VELOCITY_KM_S),
    )
    for sample in section.rows("samples"):
        satellite_id, minutes = str(sample.entry("sat").value), sample.number("t_min")
        elements = _elements(sample) if "line1" in sample else verification_set(satellite_id)
        state = state_after(elements, minutes)
        name = f"{satellite_id} at {minutes:g} min"
        for what, key, unit, vector, tolerance in zip(
            ("position", "velocity"), "rv", ("km", "km/s"), state, tolerances, strict=True
        ):
            yield from _vector_checks(
                section, (name, what, unit), vector, sample.numbers(key, length=3), tolerance
            )
    if "expected_errors" in section:
        for satellite_id, words in section.entry("expected_errors").entries():
            yield _error_check(section, satellite_id, words)
    yield from _verification_checks(section, tolerances)


def check_table_4_2_2(section: Entry, _reference: Reference) -> Iterator[Check]:
    """Largest ranges, delays, Doppler shifts and rates of the reference orbits.

    Source: TR 38.821 table 4.2-2.
    """
    for key, entry in section.entry("max_slant_km").entries():
        value = float(_table_orbit(key, entry).range_m(_TABLE_ELEVATION_DEG)) / _M_PER_KM
        yield compared(
            section.where, key, "largest slant range", value=value, reference=entry.number(),
            tolerance=_TABLE_SLANT_KM, unit="km",
        )  # fmt: skip
    for key, entry in section.entry("rtt_ms").entries():
        altitude, _, payload = key.partition("_")
        if payload not in _HOPS:
            raise entry.wrong(f"should be named after its payload, {' or '.join(_HOPS)}")
        range_m = _table_orbit(altitude, entry).range_m(_TABLE_ELEVATION_DEG)
        yield compared(
            section.where, f"{altitude} {payload}", "largest round trip",
            value=_HOPS[payload] * float(one_way_delay_s(range_m)) * _MS_PER_S,
            reference=entry.number(), tolerance=_TABLE_RTT_MS, unit="ms",
        )  # fmt: skip
    for key, entry in section.entry("doppler_ppm").entries():
        shift = _shift_hz(_table_orbit(key, entry), 0.0, _PPM, _AIRCRAFT_M_S)
        yield compared(
            section.where, key, "largest Doppler shift, aircraft at 1000 km/h", value=shift,
            reference=entry.number(), tolerance=_TABLE_SHIFT_PPM, unit="ppm",
        )  # fmt: skip
    for key, entry in section.entry("doppler_rate_ppm_s").entries():
        rate = abs(float(_table_orbit(key, entry).doppler_rate_hz_s(90.0, _PPM)))
        yield _relative(
            section, (key, "largest Doppler rate", "ppm/s"), rate, entry.number(),
            _SPEC_RATE_RELATIVE,
        )  # fmt: skip
    for key, entry in section.entry("differential_delay_ms").entries():
        cell_km = _GEO_CELL_KM if key == "GEO" else _LEO_CELL_KM
        value = _differential_delay_ms(_table_orbit(key, entry), cell_km)
        yield compared(
            section.where, key, f"largest delay difference in a cell of {cell_km:g} km",
            value=value, reference=entry.number(), tolerance=_TABLE_DIFFERENTIAL_MS, unit="ms",
        )  # fmt: skip


def check_ages(section: Entry, _reference: Reference) -> Iterator[Check]:
    """What element sets of each age would do to somebody who is not told: p90 of the error.

    An age that is refused or warned of does nothing; one that is accepted without a word must not
    be far off.
    """
    for constellation, ages in section.entries():
        if ages.is_text:
            continue  # what the figures mean and where they are from
        # Told by its name alone: the number and the orbit only matter to sets without one.
        manoeuvring = is_manoeuvring(
            name=constellation,
            catalogue_number=0,
            inclination_deg=0.0,
            mean_motion_rev_day=0.0,
            eccentricity=0.0,
        )
        for key, errors in ages.entries():
            age = _AGE_KEY.fullmatch(key)
            if age is None:
                raise errors.wrong('should stand under an age in days such as "1.9d"')
            _, p90_km = errors.numbers(length=2)
            is_told = dt.timedelta(days=float(age[1])) > tolerated_age(manoeuvring=manoeuvring)
            yield compared(
                section.where, f"{constellation} after {key}", "error accepted without a word, p90",
                value=0.0 if is_told else p90_km, reference=0.0, tolerance=_UNANNOUNCED_ERROR_KM,
                unit="km",
            )  # fmt: skip


SECTIONS: Mapping[str, SectionCheck] = {
    "geometry": check_geometry,
    "doppler": check_doppler,
    "elevation_sphere": check_elevation_sphere,
    "frames": check_frames,
    "sgp4": check_sgp4,
    "tr38821_table_4_2_2": check_table_4_2_2,
    "tle_age_error_km": check_ages,
}


def _relative(
    section: Entry,
    what: tuple[str, str, str],
    value: float,
    reference: float,
    relative: float,
) -> Check:
    name, quantity, unit = what
    return compared(
        section.where, name, quantity, value=value, reference=reference,
        tolerance=relative * abs(reference), unit=unit,
    )  # fmt: skip


def _vector_checks(
    section: Entry,
    what: tuple[str, str, str],
    vector: FloatArray,
    reference: list[float],
    tolerance: float,
) -> Iterator[Check]:
    name, quantity, unit = what
    for axis, value, expected in zip(_AXES, vector, reference, strict=True):
        yield compared(
            section.where, name, f"{quantity} {axis}", value=value, reference=expected,
            tolerance=tolerance, unit=unit,
        )  # fmt: skip


def _state_checks(
    case: Entry,
    name: str,
    key: str,
    state_m: tuple[FloatArray, FloatArray],
    tolerances: tuple[float, float],
) -> Iterator[Check]:
    section = Entry(None, case.where.partition(".")[0])
    for what, suffix, unit, vector, tolerance in zip(
        ("position", "velocity"), ("r_km", "v_kms"), ("km", "km/s"), state_m, tolerances,
        strict=True,
    ):  # fmt: skip
        yield from _vector_checks(
            section,
            (name, what, unit),
            vector[0] / _M_PER_KM,
            case.numbers(f"{key}_{suffix}", length=3),
            tolerance,
        )


def _verification_checks(section: Entry, tolerances: tuple[float, float]) -> Iterator[Check]:
    for case in verification_cases():
        if not case.states:
            continue
        found = [state_after(case.elements, state.minutes) for state in case.states]
        printed = (
            [state.position_km for state in case.states],
            [state.velocity_km_s for state in case.states],
        )
        for what, unit, ours, theirs, tolerance in zip(
            ("position", "velocity"), ("km", "km/s"), zip(*found, strict=True), printed, tolerances,
            strict=True,
        ):  # fmt: skip
            yield compared(
                section.where, f"SGP4-VER {case.elements.satellite_id}",
                f"largest {what} error of {len(case.states)} states",
                value=float(np.abs(np.array(ours) - np.array(theirs)).max()), reference=0.0,
                tolerance=tolerance, unit=unit,
            )  # fmt: skip


def _error_check(section: Entry, satellite_id: str, words: Entry) -> Check:
    stated = _ERROR_WORDS.search(words.text())
    if stated is None:
        raise words.wrong('should read like "error 3 at t=0"')
    code, minutes = 0, float(stated[2] or 0.0)
    try:
        state_after(verification_set(satellite_id), minutes)
    except FailedPrecondition as error:
        code = int(error.metadata["sgp4_error"])
    return compared(
        section.where, f"{satellite_id} at {minutes:g} min", "SGP4 error code", value=code,
        reference=int(stated[1]), tolerance=0.0,
    )  # fmt: skip


def _elements(entry: Entry) -> ElementSet:
    name = entry.text("name") if "name" in entry else ""
    return parse_element_set(entry.text("line1"), entry.text("line2"), name)


def _orbit_row(row: Entry) -> tuple[CircularOrbit, float, str]:
    altitude_km, frequency_ghz = row.number("h_km"), row.number("f_GHz")
    name = f"{altitude_km:g} km, {frequency_ghz:g} GHz"
    return CircularOrbit(altitude_km * _M_PER_KM), frequency_ghz * _HZ_PER_GHZ, name


def _shift_hz(
    orbit: CircularOrbit, elevation_deg: float, frequency_hz: float, driven_m_s: float
) -> float:
    """Largest shift at an elevation where the terminal drives towards the satellite's ground."""
    approach_m_s = driven_m_s * float(np.cos(np.radians(elevation_deg)))
    return float(doppler_shift_hz(orbit.range_rate_m_s(elevation_deg) - approach_m_s, frequency_hz))


def _table_orbit(key: str, entry: Entry) -> CircularOrbit:
    if key == "GEO":
        return CircularOrbit(_GEO_ALTITUDE_KM * _M_PER_KM)
    try:
        return CircularOrbit(float(key) * _M_PER_KM)
    except ValueError:
        raise entry.wrong("should stand under an altitude in km, or GEO") from None


def _differential_delay_ms(orbit: CircularOrbit, cell_km: float) -> float:
    """Delay at the lowest elevation over that at the near edge of the cell that ends there."""
    lowest = np.radians(_TABLE_ELEVATION_DEG)
    far_angle = np.arccos(SPHERE.semi_major_axis_m / orbit.radius_m * np.cos(lowest)) - lowest
    near_angle = max(far_angle - cell_km * _M_PER_KM / SPHERE.semi_major_axis_m, 0.0)
    half_chord = np.sin(near_angle / 2)
    near_m = np.sqrt(
        orbit.altitude_m**2 + 4 * SPHERE.semi_major_axis_m * orbit.radius_m * half_chord**2
    )
    difference_m = float(orbit.range_m(_TABLE_ELEVATION_DEG) - near_m)
    return float(one_way_delay_s(difference_m)) * _MS_PER_S
