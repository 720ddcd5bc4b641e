"""A place's radio-meteorological constants, read from the ITU-R's maps once.

Every constant may be an array [...], so that one object stands for a site, for the terminals of a
run, or for a grid of cells.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nf_runtime.errors import InvalidArgument
from radio_math.attenuation import (
    MAX_EXCEEDANCE_PERCENT,
    MAX_FREQUENCY_GHZ,
    MIN_EXCEEDANCE_PERCENT,
    MIN_FREQUENCY_GHZ,
)
from ran_sim.atmosphere.maps import itu_model, quiet
from ran_sim.orbit.frames import FloatArray

# P.618-13 2.5: for less than 1 % of the year rain already holds most of what gas and cloud take.
_GAS_AND_CLOUD_PERCENT = 1.0

# Zenith values are half of those at 30 degrees; at 90 itur warns about its own range.
_HALF_ZENITH_DEG = 30.0

_MEDIAN_PERCENT = 50.0


@dataclass(frozen=True)
class Exceedance:
    """The weather as a dial: attenuations that are exceeded for this share of an average year.

    A small share is bad weather (0.01 %: 53 minutes a year), a large one is good weather. It is no
    weather of a moment: the losses stand still. `rain_cells` makes rain that moves.

    Attributes:
        percent: from 0.001 to 50.

    Raises:
        InvalidArgument: the share is outside of the models' range.
    """

    percent: float

    def __post_init__(self) -> None:
        if not MIN_EXCEEDANCE_PERCENT <= self.percent <= MAX_EXCEEDANCE_PERCENT:
            raise InvalidArgument(
                f"exceedance_percent is {self.percent:g}; give percent of an average year, from "
                f"{MIN_EXCEEDANCE_PERCENT:g} to {MAX_EXCEEDANCE_PERCENT:g} (1 stands for 1 %, the "
                "fraction 0.01 would stand for 0.01 %).",
                reason="INVALID_FIELD",
                field="exceedance_percent",
            )


@dataclass(frozen=True)
class SiteConstants:
    """What the maps say about places; every field [...].

    Attributes:
        latitude_deg: geodetic.
        longitude_deg: east.
        height_km: of the ground station above mean sea level.
        rain_height_km: above mean sea level.
        rain_rate_001_mm_h: exceeded for 0.01 % of an average year.
        wet_refractivity: median wet term of the surface refractivity, N units.
        temperature_k: annual mean at the surface.
        pressure_hpa: of the standard atmosphere at the station's height.
    """

    latitude_deg: FloatArray
    longitude_deg: FloatArray
    height_km: FloatArray
    rain_height_km: FloatArray
    rain_rate_001_mm_h: FloatArray
    wet_refractivity: FloatArray
    temperature_k: FloatArray
    pressure_hpa: FloatArray


@dataclass(frozen=True)
class Sky:
    """The sky over places at one frequency and one setting of the weather dial.

    Attributes:
        site: the places [...].
        frequency_ghz: carrier frequency.
        exceedance: the weather dial.
        zenith_gas_db: [...] attenuation by gases to the zenith.
        zenith_cloud_db: [...] likewise by clouds.
    """

    site: SiteConstants
    frequency_ghz: float
    exceedance: Exceedance
    zenith_gas_db: FloatArray
    zenith_cloud_db: FloatArray


def site_constants(
    latitude_deg: Any, longitude_deg: Any, altitude_m: Any | None = None
) -> SiteConstants:
    """The constants of places [...], from the maps: seconds at the first call, then about 2 ms.

    Args:
        latitude_deg: [...] from -90 to 90.
        longitude_deg: [...] from -180 to 360.
        altitude_m: [...] of the stations above mean sea level; without it, the ground's height.

    Raises:
        InvalidArgument: a place is not on the earth or not on its ground.
        FailedPrecondition: the maps are not installed.
    Source: ITU-R P.1511-2 (height); ITU-R P.839-4 (rain height); ITU-R P.837-7 (rain rate); ITU-R
    P.453-13 (refractivity); ITU-R P.1510-1 (temperature); ITU-R P.835-6 (pressure).
    Not modelled: seasons; what lies between the nodes of the maps.
    """
    latitude, longitude = np.broadcast_arrays(
        np.asarray(latitude_deg, dtype=np.float64), np.asarray(longitude_deg, dtype=np.float64)
    )
    _require(latitude, "latitude_deg", -90, 90, "degrees")
    _require(longitude, "longitude_deg", -180, 360, "degrees")
    shape = latitude.shape
    # The maps change longitudes in place.
    flat = (latitude.flatten(), longitude.flatten() % 360)

    def read(recommendation: int, function: str, *more: float) -> FloatArray:
        arguments = tuple(array.copy() for array in flat)
        found = getattr(itu_model(recommendation), function)(*arguments, *more)
        return np.asarray(found.value, dtype=np.float64).reshape(shape)

    with quiet():
        if altitude_m is None:
            height_km = read(1511, "topographic_altitude")
        else:
            height_km = np.broadcast_to(np.asarray(altitude_m, dtype=np.float64) / 1e3, shape)
            _require(height_km * 1e3, "altitude_m", -500, 9000, "metres")
        pressure = itu_model(835).standard_pressure(height_km.ravel()).value
        return SiteConstants(
            latitude_deg=latitude,
            longitude_deg=longitude,
            height_km=height_km,
            rain_height_km=read(839, "rain_height"),
            rain_rate_001_mm_h=read(837, "rainfall_rate", 0.01),
            wet_refractivity=read(453, "map_wet_term_radio_refractivity", _MEDIAN_PERCENT),
            temperature_k=read(1510, "surface_mean_temperature"),
            pressure_hpa=np.asarray(pressure, dtype=np.float64).reshape(shape),
        )


def sky_over(site: SiteConstants, frequency_ghz: float, exceedance: Exceedance) -> Sky:
    """The sky over places at a frequency and a setting of the weather dial.

    Gas and cloud are those of max(p, 1 %), as P.618 wants them beside rain. About 1 ms and 0.5 ms
    a place: P.676 inside of itur is a loop over the places.

    Raises:
        InvalidArgument: the frequency is none in GHz, or the exceedance is a bare number.
        FailedPrecondition: the maps are not installed.
    Source: ITU-R P.676-12 Annex 2; ITU-R P.840-8 eq. 12; ITU-R P.836-6; ITU-R P.618-13 2.5.
    Not modelled: a day's weather: vapour and clouds are those of the exceedance.
    """
    check_frequency(frequency_ghz)
    if not isinstance(exceedance, Exceedance):
        raise InvalidArgument(
            f"exceedance is {exceedance!r}; wrap it as Exceedance(percent=...), which says that it "
            "is percent and no fraction.",
            reason="INVALID_FIELD",
            field="exceedance",
        )
    percent = max(exceedance.percent, _GAS_AND_CLOUD_PERCENT)
    shape = site.latitude_deg.shape
    latitude, longitude = site.latitude_deg.flatten(), site.longitude_deg.flatten() % 360
    height_km = site.height_km.flatten()
    with quiet():
        place = (latitude, longitude, percent, height_km)
        vapour_g_m3 = itu_model(836).surface_water_vapour_density(*place).value
        column_kg_m2 = itu_model(836).total_water_vapour_content(*place).value
        gas_db = itu_model(676).gaseous_attenuation_slant_path(
            frequency_ghz,
            np.full(latitude.shape, _HALF_ZENITH_DEG),
            vapour_g_m3,
            site.pressure_hpa.flatten(),
            site.temperature_k.flatten(),
            column_kg_m2,
            height_km,
        )
        cloud_db = itu_model(840).cloud_attenuation(
            latitude, longitude, _HALF_ZENITH_DEG, frequency_ghz, percent
        )
    return Sky(
        site=site,
        frequency_ghz=frequency_ghz,
        exceedance=exceedance,
        zenith_gas_db=np.asarray(gas_db.value / 2, dtype=np.float64).reshape(shape),
        zenith_cloud_db=np.asarray(cloud_db.value / 2, dtype=np.float64).reshape(shape),
    )


def check_frequency(frequency_ghz: float) -> None:
    """Returns nothing.

    Raises:
        InvalidArgument: the number cannot be a frequency in GHz.
    """
    if not MIN_FREQUENCY_GHZ <= frequency_ghz <= MAX_FREQUENCY_GHZ:
        raise InvalidArgument(
            f"frequency_ghz is {frequency_ghz:g}; the attenuation models hold from "
            f"{MIN_FREQUENCY_GHZ:g} to {MAX_FREQUENCY_GHZ:g} GHz: give 20 for 20e9 Hz.",
            reason="INVALID_FIELD",
            field="frequency_ghz",
        )


def _require(values: FloatArray, field: str, lowest: float, highest: float, unit: str) -> None:
    if not ((values >= lowest) & (values <= highest)).all():
        raise InvalidArgument(
            f"{field} holds a value outside of {lowest:g} to {highest:g} {unit}.",
            reason="INVALID_FIELD",
            field=field,
        )
