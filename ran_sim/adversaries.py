"""The eavesdroppers: static earth stations near the ESIMs' roads, some of them hidden at first.

Every ESIM has two stations. The first is on and known throughout. The second is too, unless the
scenario names it in an EAVESDROPPER_ON disturbance: then it is silent outside of that disturbance,
and the network knows of it only while its detector reports it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ran_sim.detection import deflection, statistics
from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import MIN_STATION_DISTANCE_KM, Disturbance, DisturbanceKind
from ran_sim.weather import happening

STATIONS_PER_ESIM = 2
HIDDEN = 1
"""Index of the station that a disturbance may hide."""

MIN_HIDDEN_LOSS_DB = 15.0
MAX_HIDDEN_LOSS_DB = 25.0
"""Terrain loss of a station that somebody hides: where it hears, but not in the open."""

_M_PER_KM = 1e3

BoolArray = npt.NDArray[np.bool_]


def eavesdropper_id(esim: int, station: int) -> str:
    """Identity of a station of an ESIM, both counted from 0."""
    return f"eavesdropper-{esim + 1:02d}-{station + 1}"


@dataclass(frozen=True)
class Stations:
    """The stations as the moving ESIMs see them.

    Attributes:
        azimuth_deg: [T, U, E] clockwise from north.
        distance_m: [T, U, E].
        extra_loss_db: [U, E] of the terrain.
        on: [T, U, E] whether the station listens.
        hidden: [T, U, E] whether the network has to detect the station to know of it.
        reported_azimuth_deg: [T, U, E] of where the network believes the station to be.
        reported_distance_m: [T, U, E] likewise.
    """

    azimuth_deg: FloatArray
    distance_m: FloatArray
    extra_loss_db: FloatArray
    on: BoolArray
    hidden: BoolArray
    reported_azimuth_deg: FloatArray
    reported_distance_m: FloatArray

    @property
    def listening(self) -> BoolArray:
        """Whether a hidden station is on near each ESIM, [T, U]."""
        return np.asarray(np.any(self.on & self.hidden, axis=-1))

    def detection_statistic(self, at_1_km: float, rng: np.random.Generator) -> FloatArray:
        """What each ESIM's detector observes, [T, U], in standard deviations of its noise.

        See `ran_sim.detection`; the deflections of several hidden stations add up.

        Source: Kay 1998 3.3. Not modelled: as `ran_sim.detection` says.
        """
        shift = np.where(self.on & self.hidden, deflection(self.distance_m, at_1_km), 0.0)
        return statistics(shift.sum(axis=-1), rng)


def place_stations(
    *,
    progress: FloatArray,
    esim_position_m: FloatArray,
    azimuth_deg: FloatArray,
    distance_m: FloatArray,
    extra_loss_db: FloatArray,
    disturbances: tuple[Disturbance, ...],
    position_error_m: float = 0.0,
    rng: np.random.Generator,
) -> Stations:
    """The stations over a run.

    Args:
        progress: [T] fraction of the run's duration.
        esim_position_m: [T, U, 2] east and north in the tangent plane of each ESIM's cell.
        azimuth_deg: [U, E] of the stations from the middle of each ESIM's way.
        distance_m: [U, E] likewise.
        extra_loss_db: [U, E] of the terrain.
        disturbances: those of other kinds are left out; of two for one ESIM the later wins.
        position_error_m: standard deviation on either axis of where the network believes a station
            to be; the error of a station lasts throughout the run.
        rng: draws the direction and the loss of the stations that disturbances hide, then the
            errors.

    An ESIM that would pass a station nearer than 500 m is taken to pass it at 500 m.
    """
    middle_m = esim_position_m[len(progress) // 2]  # [U, 2]
    bearing_deg = np.broadcast_to(azimuth_deg, (len(progress), *azimuth_deg.shape)).copy()
    away_m = np.broadcast_to(distance_m, bearing_deg.shape).copy()
    on = np.ones(bearing_deg.shape, dtype=np.bool_)
    hidden = np.zeros(bearing_deg.shape, dtype=np.bool_)
    loss_db = extra_loss_db.copy()
    switched = [d for d in disturbances if d.kind is DisturbanceKind.EAVESDROPPER_ON]
    for disturbance in switched:
        esims = _named(disturbance, len(middle_m))
        on[:, esims, HIDDEN] = False
        hidden[:, esims, HIDDEN] = True
        drawn_db = rng.uniform(MIN_HIDDEN_LOSS_DB, MAX_HIDDEN_LOSS_DB, len(middle_m))
        loss_db[esims, HIDDEN] = drawn_db[esims]
    for disturbance in switched:
        esims = _named(disturbance, len(middle_m))
        drawn_deg = rng.uniform(0.0, 360.0, len(middle_m))
        rows, columns = np.ix_(np.flatnonzero(happening(progress, disturbance)), np.array(esims))
        on[rows, columns, HIDDEN] = True
        if disturbance.distance_km is not None:
            bearing_deg[rows, columns, HIDDEN] = drawn_deg[esims]
            away_m[rows, columns, HIDDEN] = disturbance.distance_km * _M_PER_KM
    bearing = np.radians(bearing_deg)
    station_m = np.stack((np.sin(bearing), np.cos(bearing)), axis=-1) * away_m[..., None]
    sight_m = middle_m[:, None, :] + station_m - esim_position_m[:, :, None, :]  # [T, U, E, 2]
    error_m = position_error_m * rng.standard_normal((*azimuth_deg.shape, 2))
    true, reported = _polar(sight_m), _polar(sight_m + error_m)
    return Stations(
        azimuth_deg=true[0],
        distance_m=true[1],
        extra_loss_db=loss_db,
        on=on,
        hidden=hidden,
        reported_azimuth_deg=reported[0],
        reported_distance_m=reported[1],
    )


def _polar(sight_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Azimuth and distance of positions [..., 2], no nearer than a station may stand."""
    azimuth_deg = np.degrees(np.arctan2(sight_m[..., 0], sight_m[..., 1])) % 360.0
    distance_m = np.hypot(sight_m[..., 0], sight_m[..., 1])
    return azimuth_deg, np.maximum(distance_m, MIN_STATION_DISTANCE_KM * _M_PER_KM)


def _named(disturbance: Disturbance, esim_count: int) -> list[int]:
    return list(range(esim_count)) if disturbance.esim is None else [disturbance.esim]
