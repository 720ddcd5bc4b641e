"""The orbit code against numbers that others computed, in `orbit.json` with their sources."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sgp4

from nf_runtime.errors import FailedPrecondition
from ran_sim.orbit.elements import ElementSet, parse_element_set
from ran_sim.orbit.frames import (
    EARTH_ROTATION_RAD_S,
    FloatArray,
    sidereal_angle_rad,
    teme_to_ecef,
)
from ran_sim.orbit.look import Look, Terminals, look_at
from ran_sim.orbit.propagation import Propagator

REFERENCE: dict[str, Any] = json.loads((Path(__file__).parent / "orbit.json").read_text())
EARTH_RADIUS_M = 6_371_000.0


def case_id(case: dict[str, Any]) -> str:
    """A short name of a case, from its first two values."""
    return "-".join(str(value) for value in list(case.values())[:2])


def spherical_point(latitude_deg: float, longitude_deg: float, radius_m: float) -> FloatArray:
    """A point over a spherical Earth."""
    latitude, longitude = np.radians(latitude_deg), np.radians(longitude_deg)
    return radius_m * np.array(
        (
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        )
    )


def spherical_terminal(latitude_deg: float, longitude_deg: float) -> Terminals:
    """A motionless terminal on a spherical Earth."""
    position = spherical_point(latitude_deg, longitude_deg, EARTH_RADIUS_M)
    up = position / EARTH_RADIUS_M
    longitude = np.radians(longitude_deg)
    east = np.array((-np.sin(longitude), np.cos(longitude), 0.0))
    return Terminals(position, np.zeros(3), east, np.cross(up, east), up)


class TestFrames:
    """TEME to the Earth-fixed frame."""

    section = REFERENCE["frames"]

    def rotated(self, case: dict[str, Any], dut1_s: float) -> tuple[FloatArray, FloatArray]:
        """The case's state, propagated and rotated here; km and km/s."""
        elements = parse_element_set(self.section["line1"], self.section["line2"])
        jd, fr = np.array([case["jd"]]), np.array([case["fr"]])
        state = Propagator(elements).teme(jd, fr)
        position, velocity = teme_to_ecef(*state, sidereal_angle_rad(jd, fr, dut1_s))
        return position[0] / 1e3, velocity[0] / 1e3

    @pytest.mark.parametrize("case", section["cases"], ids=case_id)
    def test_teme_state(self, case: dict[str, Any]) -> None:
        """SGP4 gives the reference state to a millimetre."""
        elements = parse_element_set(self.section["line1"], self.section["line2"])
        position, velocity = Propagator(elements).teme(
            np.array([case["jd"]]), np.array([case["fr"]])
        )
        assert position[0] / 1e3 == pytest.approx(case["teme_position_km"], abs=1e-6)
        assert velocity[0] / 1e3 == pytest.approx(case["teme_velocity_km_s"], abs=1e-9)

    @pytest.mark.parametrize("case", section["cases"], ids=case_id)
    def test_rotation_with_utc_as_ut1(self, case: dict[str, Any]) -> None:
        """Without dUT1 the rotation equals the independent GMST-82 one to a micrometre."""
        position, velocity = self.rotated(case, 0.0)
        assert position == pytest.approx(case["gmst82_position_km"], abs=1e-9)
        assert velocity == pytest.approx(case["gmst82_velocity_km_s"], abs=1e-12)

    @pytest.mark.parametrize("case", section["cases"], ids=case_id)
    @pytest.mark.parametrize("with_dut1", [True, False])
    def test_against_itrs(self, case: dict[str, Any], *, with_dut1: bool) -> None:
        """The full ITRS lies within polar motion, and without dUT1 within its rotation too."""
        tolerance = self.section[f"tolerance_{'with' if with_dut1 else 'without'}_dut1"]
        position, velocity = self.rotated(case, self.section["dut1_s"] if with_dut1 else 0.0)
        position_error_m = 1e3 * np.linalg.norm(position - case["itrs_position_km"])
        velocity_error_m_s = 1e3 * np.linalg.norm(velocity - case["itrs_velocity_km_s"])
        assert position_error_m < tolerance["position_m"]
        assert velocity_error_m_s < tolerance["velocity_m_s"]


class TestSgp4:
    """The verification set of SGP4."""

    section = REFERENCE["sgp4"]

    def propagator(self, satellite_id: str) -> tuple[Propagator, ElementSet]:
        """A satellite of the set that ships with the sgp4 package."""
        text = (Path(sgp4.__file__).parent / "SGP4-VER.TLE").read_text()
        lines = [line[:69] for line in text.splitlines() if line[:1] in {"1", "2"}]
        first = next(line for line in lines if line.startswith(f"1 {satellite_id}"))
        second = lines[lines.index(first) + 1]
        # Not parsed by us: the set holds deliberately odd lines.
        elements = ElementSet(
            satellite_id, satellite_id, dt.datetime(2006, 1, 1, tzinfo=dt.UTC), first, second
        )
        return Propagator(elements), elements

    def at(self, propagator: Propagator, minutes: float) -> tuple[FloatArray, FloatArray]:
        """State that many minutes after the epoch."""
        satellite = propagator._satellite
        jd = np.array([satellite.jdsatepoch])
        fr = np.array([satellite.jdsatepochF + minutes / 1440.0])
        return propagator.teme(jd, fr)

    @pytest.mark.parametrize("sample", section["samples"], ids=case_id)
    def test_state_vectors(self, sample: dict[str, Any]) -> None:
        """Printed states are met; time as a Julian date costs at most a few micrometres more."""
        propagator, _ = self.propagator(sample["satellite_id"])
        position, velocity = self.at(propagator, sample["minutes"])
        # Minutes travel through a Julian date here: 1e-11 day at 8 km/s.
        assert position[0] / 1e3 == pytest.approx(sample["position_km"], abs=1e-5)
        assert velocity[0] / 1e3 == pytest.approx(sample["velocity_km_s"], abs=1e-8)

    @pytest.mark.parametrize("case", section["errors"], ids=case_id)
    def test_error_codes(self, case: dict[str, Any]) -> None:
        """An SGP4 error is raised with its code, and no NaN comes out."""
        propagator, _ = self.propagator(case["satellite_id"])
        with pytest.raises(FailedPrecondition) as caught:
            self.at(propagator, case["minutes"])
        assert caught.value.reason == "ELEMENTS_UNUSABLE"
        assert caught.value.metadata["sgp4_error"] == str(case["sgp4_error"])


class TestDoppler:
    """Circular orbits over an Earth that does not turn."""

    section = REFERENCE["doppler"]

    def seen(self, case: dict[str, Any], angle_rad: float) -> Look:
        """The satellite `angle_rad` before the zenith, moving towards it.

        `look_at` works in the turning frame, so the velocity is given relative to it.
        """
        radius_m = EARTH_RADIUS_M + case["altitude_km"] * 1e3
        position = radius_m * np.array((np.cos(angle_rad), 0.0, -np.sin(angle_rad)))
        inertial = case["speed_m_s"] * np.array((np.sin(angle_rad), 0.0, np.cos(angle_rad)))
        return look_at(position, inertial, spherical_terminal(0.0, 0.0))

    @pytest.mark.parametrize("case", section["cases"], ids=case_id)
    def test_shift(self, case: dict[str, Any]) -> None:
        """Shift at the horizon and at 10 degrees; positive, as the satellite approaches."""
        frequency_hz = case["frequency_ghz"] * 1e9
        ratio = EARTH_RADIUS_M / (EARTH_RADIUS_M + case["altitude_km"] * 1e3)
        for elevation_deg, expected in (
            (0.0, case["doppler_at_horizon_hz"]),
            (10.0, case["doppler_at_10_deg_hz"]),
        ):
            elevation = np.radians(elevation_deg)
            angle = np.arccos(ratio * np.cos(elevation)) - elevation
            look = self.seen(case, float(angle))
            assert float(look.elevation_deg) == pytest.approx(elevation_deg, abs=1e-6)
            assert float(look.doppler_hz(frequency_hz)) == pytest.approx(
                expected, rel=self.section["relative_tolerance"]
            )

    @pytest.mark.parametrize("case", section["cases"], ids=case_id)
    def test_rate_at_zenith(self, case: dict[str, Any]) -> None:
        """The rate at the zenith, once the turning of the Earth is taken out of it."""
        frequency_hz = case["frequency_ghz"] * 1e9
        rate = float(self.seen(case, 0.0).doppler_rate_hz_s(frequency_hz))
        radius_m = EARTH_RADIUS_M + case["altitude_km"] * 1e3
        turning_m_s2 = EARTH_ROTATION_RAD_S**2 * radius_m
        turning_hz_s = frequency_hz / 299792458.0 * turning_m_s2
        # J2 lowers gravity at the equator by 0.1 %, and the rate by a tenth of that.
        assert rate + turning_hz_s == pytest.approx(case["rate_at_zenith_hz_s"], rel=3e-3)


@pytest.mark.parametrize("case", REFERENCE["slant_range"]["cases"], ids=case_id)
def test_slant_range(case: dict[str, Any]) -> None:
    """The range at an elevation over a sphere."""
    elevation = np.radians(case["elevation_deg"])
    radius_m = EARTH_RADIUS_M + case["altitude_km"] * 1e3
    angle = np.degrees(np.arccos(EARTH_RADIUS_M / radius_m * np.cos(elevation)) - elevation)
    satellite = spherical_point(0.0, float(angle), radius_m)
    look = look_at(satellite, np.zeros(3), spherical_terminal(0.0, 0.0))
    assert float(look.elevation_deg) == pytest.approx(case["elevation_deg"], abs=1e-6)
    assert float(look.range_m) / 1e3 == pytest.approx(
        case["range_km"], abs=REFERENCE["slant_range"]["tolerance_km"]
    )


@pytest.mark.parametrize("case", REFERENCE["elevation"]["cases"], ids=case_id)
def test_signed_elevation(case: dict[str, Any]) -> None:
    """Elevation is signed: a satellite below the horizon is not hidden by clamping."""
    satellite = spherical_point(
        case["satellite_latitude_deg"],
        case["satellite_longitude_deg"],
        EARTH_RADIUS_M + case["altitude_m"],
    )
    terminal = spherical_terminal(case["site_latitude_deg"], case["site_longitude_deg"])
    look = look_at(satellite, np.zeros(3), terminal)
    assert float(look.elevation_deg) == pytest.approx(
        case["elevation_deg"], abs=REFERENCE["elevation"]["tolerance_deg"]
    )
