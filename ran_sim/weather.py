"""What the sky and the surroundings do to the link during a pass: rain and shadowing."""

import numpy as np
import numpy.typing as npt

from ran_sim.orbit.frames import FloatArray
from ran_sim.scenarios import Disturbance, DisturbanceKind

# A front takes this share of its event to reach the last place, and each place takes the second
# share to get from dry to full rain and back.
_ARRIVAL_SHARE = 0.2
_RAMP_SHARE = 0.1
# Rain is patchy: a place has this part of the mean severity at least, and up to as much above it.
_PATCHINESS = 0.4
_PATCHES = 6
_PATCH_SCALE_M = 150e3


def rain_attenuation_db(
    progress: FloatArray,
    position_m: FloatArray,
    disturbances: tuple[Disturbance, ...],
    rng: np.random.Generator,
) -> FloatArray:
    """Zenith rain attenuation [T, P] at P places, 0 outside of rain fronts.

    A front comes from a drawn direction, reaches the places in the order in which they lie, rains
    unevenly and leaves in the same order, all between the event's begin and end.

    Args:
        progress: [T] fraction of the run's duration.
        position_m: [P, 2] east and north of the service area's centre.
        disturbances: those of other kinds are left out.
        rng: drawn from in the order of the disturbances.

    Not modelled: real fronts move at some 15 m/s and hardly get on during a pass; this one is
    compressed into it. Rain height and drop-size statistics (ITU-R P.618, P.838).
    """
    rain = np.zeros((len(progress), len(position_m)))
    for disturbance in disturbances:
        if disturbance.kind is not DisturbanceKind.RAIN_FRONT:
            continue
        bearing = rng.uniform(0.0, 2 * np.pi)
        along = position_m @ np.array((np.sin(bearing), np.cos(bearing)))
        order = (along - along.min()) / max(float(np.ptp(along)), 1.0)
        length = disturbance.end_fraction - disturbance.start_fraction
        begin = disturbance.start_fraction + order * _ARRIVAL_SHARE * length
        end = disturbance.end_fraction - (1 - order) * _ARRIVAL_SHARE * length
        ramp = _RAMP_SHARE * length
        profile = np.minimum(progress[:, None] - begin, end - progress[:, None]) / ramp
        intensity = disturbance.severity_db * _patchy(position_m, rng)
        rain += np.clip(profile, 0.0, 1.0) * intensity
    return rain


def extra_shadowing_db(
    progress: FloatArray, esim_count: int, disturbances: tuple[Disturbance, ...]
) -> FloatArray:
    """Mean extra shadowing [T, U] of all ESIMs, or of one that a disturbance names."""
    extra = np.zeros((len(progress), esim_count))
    for disturbance in disturbances:
        if disturbance.kind is DisturbanceKind.SHADOWING:
            columns = slice(None) if disturbance.esim is None else disturbance.esim
            extra[happening(progress, disturbance), columns] += disturbance.severity_db
    return extra


def happening(progress: FloatArray, disturbance: Disturbance) -> npt.NDArray[np.bool_]:
    """Whether a disturbance is on, [T]."""
    return (progress >= disturbance.start_fraction) & (progress < disturbance.end_fraction)


def _patchy(position_m: FloatArray, rng: np.random.Generator) -> FloatArray:
    centres = rng.uniform(-500e3, 500e3, (_PATCHES, 2))
    squared = np.sum((position_m[:, None, :] - centres) ** 2, axis=-1)
    field = np.exp(-squared / (2 * _PATCH_SCALE_M**2)).sum(axis=1)
    spread = max(float(np.ptp(field)), 1e-9)
    return np.asarray(1 - _PATCHINESS + 2 * _PATCHINESS * (field - field.min()) / spread)
