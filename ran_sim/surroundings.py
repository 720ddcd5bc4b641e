"""What stands beside the road: line of sight, shadow fading, clutter and K of ESIMs on their way.

Nothing is redrawn per tick. The line-of-sight state belongs to a stretch of road of one correlation
distance: each stretch has one uniform draw, and an ESIM on it sees the satellite while that draw
lies below the line-of-sight probability of the satellite's elevation. So the share of ESIMs with
line of sight is the table's at every elevation, the state holds along the stretch, and a rising
satellite comes into sight once. Shadow fading and K are Gaussian processes over the distance
travelled; an ESIM at rest keeps its values.

Axes: T ticks, U ESIMs.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.large_scale import (
    LargeScaleTable,
    Surroundings,
    band_of,
    clutter_loss_db,
    large_scale_table,
    los_probability,
    rician_k_db,
    shadow_sigma_db,
)
from radio_math.link import from_db
from ran_sim.correlation import correlated_normals
from ran_sim.orbit.frames import FloatArray


@dataclass(frozen=True)
class RoadsideStates:
    """What the surroundings do to each link of a run, [T, U].

    Attributes:
        line_of_sight: whether the ESIM sees the satellite.
        shadow_db: shadow fading of mean 0, positive where it takes.
        clutter_db: clutter loss, 0 with line of sight.
        rician_k: direct over scattered power, linear; 0 without line of sight.
    """

    line_of_sight: npt.NDArray[np.bool_]
    shadow_db: FloatArray
    clutter_db: FloatArray
    rician_k: FloatArray

    @property
    def loss_db(self) -> FloatArray:
        """Shadow fading and clutter together [T, U]; below 0 dB where shadowing gives."""
        return np.asarray(self.shadow_db + self.clutter_db)


def travelled_m(position_m: FloatArray) -> FloatArray:
    """Distance travelled since the first tick [T, ...] along positions [T, ..., 2 or 3], metres."""
    steps = np.linalg.norm(np.diff(position_m, axis=0), axis=-1)
    return np.concatenate((np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)))


def roadside_states(
    distance_m: FloatArray,
    elevation_deg: FloatArray,
    surroundings: Surroundings,
    frequency_hz: float,
    rng: np.random.Generator,
) -> RoadsideStates:
    """The surroundings of U ESIMs over a run, [T, U].

    Args:
        distance_m: [T, U] travelled along the road, see `travelled_m`.
        elevation_deg: [T, U] of the satellite. Below the horizon the states go on as at 0 degrees,
            so that they have a past when it rises; there is no link then.
        surroundings: of all of them.
        frequency_hz: chooses the band of the tables.
        rng: drawn from once, in an order that only T, U and the distances fix.

    Source: TR 38.811 6.6.1, 6.6.2, 6.7.2; TR 38.901 7.6.3 (correlation distances); Gudmundson 1991.
    Not modelled: two ESIMs beside each other (each road is its own), correlation between shadow
    fading and K, decorrelation by the satellite's motion while an ESIM rests, soft transitions.
    """
    table = large_scale_table(surroundings, band_of(frequency_hz))
    elevation = np.clip(elevation_deg, 0.0, 90.0)
    sees = _line_of_sight(distance_m, elevation, table, rng)
    steps_m = np.diff(distance_m, axis=0)
    with_sight = correlated_normals(steps_m / table.shadow_los_correlation_m, rng)
    without_sight = correlated_normals(steps_m / table.shadow_nlos_correlation_m, rng)
    k_normal = correlated_normals(steps_m / table.rician_k_correlation_m, rng)
    k_linear = from_db(rician_k_db(elevation, k_normal, table))
    return RoadsideStates(
        line_of_sight=sees,
        shadow_db=np.where(sees, with_sight, without_sight)
        * shadow_sigma_db(elevation, sees, table),
        clutter_db=clutter_loss_db(elevation, sees, table),
        rician_k=np.where(sees, k_linear, 0.0),
    )


def _line_of_sight(
    distance_m: FloatArray, elevation_deg: Any, table: LargeScaleTable, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Whether each ESIM sees the satellite [T, U]: one uniform draw for each stretch of road."""
    esims = distance_m.shape[1]
    # Stretches begin anywhere, or all ESIMs would change their state after the same distance.
    offset = rng.random(esims)
    stretch = np.floor(distance_m / table.los_correlation_m + offset).astype(np.intp)
    draws = rng.random((int(stretch.max(initial=0)) + 1, esims))
    drawn = draws[stretch, np.arange(esims)]
    return np.asarray(drawn < los_probability(elevation_deg, table))
