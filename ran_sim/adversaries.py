"""The eavesdroppers: static earth stations near the ESIMs' roads, some of them hidden at first.

Every ESIM has two stations. The first is on and known throughout. The second is too, unless the
scenario names it in an EAVESDROPPER_ON disturbance: then it is silent outside of that disturbance,
and the network knows of it only while its detector reports it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import MIN_STATION_DISTANCE_KM, Disturbance, DisturbanceKind
from ran_sim.weather import happening

STATIONS_PER_ESIM = 2
HIDDEN = 1
"""Index of the station that a disturbance may hide."""

MIN_HIDDEN_LOSS_DB = 15.0
MAX_HIDDEN_LOSS_DB = 25.0
"""Terrain loss of a station that somebody hides: where it hears, but not in the open."""

DEFLECTION_AT_1_KM = 40.0
"""Mean detection statistic of a station 1 km away, in standard deviations of the noise."""

_M_PER_KM = 1e3

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Stations:
    """The stations as the moving ESIMs see them.

    Attributes:
        azimuth_deg: [T, U, E] clockwise from north.
        distance_m: [T, U, E].
        extra_loss_db: [U, E] of the terrain.
        on: [T, U, E] whether the station listens.
        hidden: [T, U, E] whether the network has to detect the station to know of it.
    """

    azimuth_deg: FloatArray
    distance_m: FloatArray
    extra_loss_db: FloatArray
    on: BoolArray
    hidden: BoolArray

    def detection_statistic(self, rng: np.random.Generator) -> FloatArray:
        """What each ESIM's detector observes, [T, U], in standard deviations of its noise.

        Unit normal noise, plus `40 / sqrt(distance / 1 km)` while a hidden station is on. With a
        threshold of x, one look gives a false alarm with probability Q(x) and misses a station at
        distance d with probability Q(40 / sqrt(d) - x): 1e-9 and 2e-3 for x = 6 at 20 km.

        Not modelled: where the observation comes from. A receiver's oscillator leaks too little to
        be heard at these distances; the detector stands for whatever monitoring has this quality.
        """
        noise = rng.standard_normal(self.on.shape[:2])
        deflection = DEFLECTION_AT_1_KM / np.sqrt(self.distance_m / _M_PER_KM)
        return np.asarray(noise + np.where(self.on & self.hidden, deflection, 0.0).sum(axis=-1))


def place_stations(
    *,
    progress: FloatArray,
    esim_position_m: FloatArray,
    azimuth_deg: FloatArray,
    distance_m: FloatArray,
    extra_loss_db: FloatArray,
    disturbances: tuple[Disturbance, ...],
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
        rng: draws the direction and the loss of the stations that disturbances hide.

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
    return Stations(
        azimuth_deg=np.degrees(np.arctan2(sight_m[..., 0], sight_m[..., 1])) % 360.0,
        distance_m=np.maximum(
            np.hypot(sight_m[..., 0], sight_m[..., 1]), MIN_STATION_DISTANCE_KM * _M_PER_KM
        ),
        extra_loss_db=loss_db,
        on=on,
        hidden=hidden,
    )


def _named(disturbance: Disturbance, esim_count: int) -> list[int]:
    return list(range(esim_count)) if disturbance.esim is None else [disturbance.esim]
