"""Beams of circular apertures, one a cell."""

from dataclasses import dataclass

import numpy as np

from radio_math.attitude import seen_from
from radio_math.beams import BeamShaping, beam_amplitudes
from ran_sim.orbit.frames import FloatArray
from ran_sim.spot_beams.coverage import (
    Attitude,
    BeamGains,
    SpotBeamError,
    Steering,
    moving_beam_centres,
    nadir_attitude,
)


@dataclass(frozen=True)
class ApertureBeams:
    """One circular aperture a cell: the beams of the reference problem, `radio_math.beams`.

    Attributes:
        shaping: how the width follows the geometry.
        steering: earth-moving beams keep their width, so only FIXED can be earth-moving.
    """

    shaping: BeamShaping = BeamShaping.ADAPTIVE
    steering: Steering = Steering.EARTH_FIXED

    def __post_init__(self) -> None:
        if self.shaping is BeamShaping.ADAPTIVE and self.steering is Steering.EARTH_MOVING:
            raise SpotBeamError(
                "an adaptive aperture follows its earth-fixed cell; use a fixed aperture for "
                "earth_moving beams"
            )

    def gains(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        esim_position_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> BeamGains:
        """See `SpotBeams.gains`. Source: TR 38.811 6.4.1.

        Not modelled: how the array makes such an aperture, side lobes of its elements.
        """
        seen_at, centre = esim_position_m, cell_centre_m
        if attitude is None and self.steering is Steering.EARTH_MOVING:
            attitude = nadir_attitude(satellite_position_m, satellite_velocity_m_s)
        if attitude is not None:
            # Where the ESIMs seem to be to somebody who believes the commanded frame.
            direction = seen_from(attitude.actual, satellite_position_m, esim_position_m)
            away = esim_position_m - satellite_position_m[..., None, :]
            distance = np.linalg.norm(away, axis=-1, keepdims=True)
            seen_at = satellite_position_m[..., None, :] + distance * direction @ attitude.commanded
            if self.steering is Steering.EARTH_MOVING:
                looked_at = moving_beam_centres() @ attitude.commanded
                centre = satellite_position_m[..., None, :] + looked_at
        amplitude, gain_db = beam_amplitudes(satellite_position_m, seen_at, centre, self.shaping)
        return BeamGains(amplitude, gain_db, np.ones(amplitude.shape[:-1]))

    def footprint_dbi(
        self,
        satellite_position_m: FloatArray,
        satellite_velocity_m_s: FloatArray,
        place_m: FloatArray,
        cell_centre_m: FloatArray,
        attitude: Attitude | None = None,
    ) -> FloatArray:
        """See `SpotBeams.footprint_dbi`."""
        return self.gains(
            satellite_position_m, satellite_velocity_m_s, place_m, cell_centre_m, attitude
        ).strongest_dbi
