"""What takes from the link along a pass, every term by itself."""

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from radio_math.attenuation import MIN_ELEVATION_DEG, Combination, total_attenuation_db
from radio_math.gases import slant_gas_db, standard_zenith_gas_db
from radio_math.link import free_space_loss_db
from radio_math.scintillation import magnetic_latitude_deg, scintillation_loss_db
from ran_sim.atmosphere.losses import Terminal
from ran_sim.atmosphere.site import Exceedance
from ran_sim.atmosphere.tables import atmosphere_table
from ran_sim.orbit.passes import Site

FloatArray = npt.NDArray[np.float64]
_HZ_PER_GHZ = 1e9


class LossModel(enum.StrEnum):
    """Where the attenuations of the atmosphere come from."""

    NONE = "none"
    REFERENCE = "reference"
    ITU = "itu"


@dataclass(frozen=True)
class Losses:
    """Losses [T] in dB; an atmospheric term is None where the model does not have it."""

    fspl_db: FloatArray
    gas_db: FloatArray | None
    rain_db: FloatArray | None
    cloud_db: FloatArray | None
    scintillation_db: FloatArray | None
    total_loss_db: FloatArray


@dataclass(frozen=True)
class Weather:
    """The model, and what it needs besides the place.

    Attributes:
        model: NONE is free space; REFERENCE adds the gases of the standard atmosphere and the
            scintillation table of TR 38.811; ITU adds the ITU-R's models of the place.
        exceedance_percent: of an average year, the dial of the ITU-R's models.
        antenna_diameter_m: of the terminal, over which scintillation averages.
        altitude_m: of the terminal above the sea; None takes the ground's from the maps.
    """

    model: LossModel
    exceedance_percent: float
    antenna_diameter_m: float
    altitude_m: float | None


def losses_along(
    weather: Weather,
    site: Site,
    frequency_ghz: float,
    range_m: FloatArray,
    elevation_deg: FloatArray,
) -> Losses:
    """The losses [T] at ranges and elevations that are above the horizon.

    The models of the atmosphere end at 5 degrees; below, their terms keep the values that they have
    there, which is less than the truth.

    Source: TR 38.811 eq. 6.6-2; ITU-R P.618-13 2.5.

    Raises:
        InvalidArgument: frequency, place or exceedance are out of a model's range.
        FailedPrecondition: the ITU-R's maps are not installed.
    """
    fspl_db = free_space_loss_db(range_m, frequency_ghz * _HZ_PER_GHZ)
    held_deg = np.maximum(elevation_deg, MIN_ELEVATION_DEG)
    if weather.model is LossModel.NONE:
        return Losses(fspl_db, None, None, None, None, fspl_db)
    if weather.model is LossModel.REFERENCE:
        gas_db = slant_gas_db(standard_zenith_gas_db(frequency_ghz), held_deg)
        scintillation_db = scintillation_loss_db(
            held_deg,
            frequency_ghz * _HZ_PER_GHZ,
            magnetic_latitude_deg(site.latitude_deg, site.longitude_deg),
        )
        total_db = fspl_db + total_attenuation_db(
            gas_db, 0.0, 0.0, scintillation_db, Combination.SUM
        )
        return Losses(fspl_db, gas_db, None, None, scintillation_db, total_db)
    table = atmosphere_table(
        site.latitude_deg,
        site.longitude_deg,
        frequency_ghz=frequency_ghz,
        exceedance=Exceedance(weather.exceedance_percent),
        terminal=Terminal(antenna_diameter_m=weather.antenna_diameter_m),
        altitude_m=weather.altitude_m,
    )
    found = table.losses_at(held_deg)
    return Losses(
        fspl_db=fspl_db,
        gas_db=found.gas_db.filled(),
        rain_db=found.rain_db.filled(),
        cloud_db=found.cloud_db.filled(),
        scintillation_db=found.scintillation_db.filled(),
        total_loss_db=fspl_db + found.total_db.filled(),
    )
