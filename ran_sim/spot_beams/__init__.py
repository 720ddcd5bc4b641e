"""How the satellite's array covers its cells: said by the configuration, computed here.

A 64 x 64 array has beams of 1.6 degrees, 17 km at the nadir from 600 km; a cell measures 300 km.
So one of these holds (`Coverage`), and each is a `SpotBeams`:

* a reconfigurable circular aperture a cell, as the reference problem has it (`ApertureBeams`);
* one beam a cell, plain (which leaves most of the cell in the dark) or widened by a taper or by
  spoiling its phases, at the price of gain (`PanelBeams`);
* narrow beams that hop within their cell to where an ESIM is (`HoppingBeams`).

Beams are earth-fixed (steered to their cells) or earth-moving (fixed to the satellite's frame, so
that the footprints sweep over the ground). Every angle is taken at the antenna, in its own frame.

Axes: `...` instants, U ESIMs, B beams. Positions and velocities are Earth-fixed (ECEF).
"""

from radio_math.beams import BeamShaping
from ran_sim.spot_beams.apertures import ApertureBeams
from ran_sim.spot_beams.coverage import (
    Attitude,
    BeamGains,
    Coverage,
    SpotBeamError,
    SpotBeams,
    Steering,
)
from ran_sim.spot_beams.hopping import HoppingBeams
from ran_sim.spot_beams.panels import PanelBeams

__all__ = [
    "ApertureBeams",
    "Attitude",
    "BeamGains",
    "Coverage",
    "HoppingBeams",
    "PanelBeams",
    "SpotBeamError",
    "SpotBeams",
    "Steering",
    "spot_beams",
]


def spot_beams(coverage: Coverage, steering: Steering = Steering.EARTH_FIXED) -> SpotBeams:
    """The reference satellite's beams, a 64 x 64 array over cells of 300 km, as configured.

    Raises:
        SpotBeamError: coverage and steering do not go together.
    """
    if coverage is Coverage.FIXED_APERTURE:
        return ApertureBeams(BeamShaping.FIXED, steering)
    if coverage is Coverage.ADAPTIVE_APERTURE:
        return ApertureBeams(BeamShaping.ADAPTIVE, steering)
    if coverage is Coverage.HOPPING:
        if steering is Steering.EARTH_MOVING:
            raise SpotBeamError(
                "hopping beams are steered to spots on the ground; use earth_fixed steering"
            )
        return HoppingBeams()
    return PanelBeams(coverage, steering)
