"""The physics tensor of 6 x 100 x 100 cells against itur's attenuation alone over the same grid.

The peer is one call of itur's `atmospheric_attenuation_slant_path` with arrays of all cells: one of
the six channels. Ours is all six, with the map's constants read from itur at the start (the second
table says how long that takes). Prints tables, asserts nothing:
``OMP_NUM_THREADS=1 python benchmarks/physics_tensor.py``; it takes about a minute.
"""

import datetime as dt

import itur
import numpy as np

from benchmarks.ratios import against, at_least, at_most, compare, show
from ran_sim.atmosphere.maps import quiet
from ran_sim.atmosphere.site import Exceedance
from ran_sim.cells import service_area
from ran_sim.land_cover import land_and_sea
from ran_sim.orbit.geodesy import ecef_position, local_axes
from ran_sim.orbit.look import look_at
from ran_sim.orbit.propagation import Ephemeris
from ran_sim.physics_tensor import Emitter, GeoGrid, PhysicsMap, physics_map
from ran_sim.spot_beams import Coverage, spot_beams

CELLS = 100
SPAN_DEG = 20.0
FREQUENCY_GHZ = 20.0
EXCEEDANCE = Exceedance(percent=1.0)
REPEATS = 3
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
START_UP_LIMIT_S = 10.0


def build_map() -> PhysicsMap:
    """Everything of the grid that does not move."""
    grid = GeoGrid.around(48.0, 11.0, span_deg=SPAN_DEG, cells=CELLS)
    return physics_map(
        grid, frequency_ghz=FREQUENCY_GHZ, exceedance=EXCEEDANCE, land_cover=land_and_sea()
    )


def main() -> None:
    """Measures and prints."""
    made = build_map()
    _, north, _ = local_axes(46.0, 10.0)
    motion = Ephemeris(np.zeros(1), ecef_position(46.0, 10.0, 600e3)[None], 7.5e3 * north[None])
    area = service_area(48.0, 11.0)
    latitude, longitude = made.grid.mesh()
    look = look_at(motion.position_m[0], motion.velocity_m_s[0], made.receivers)
    elevation_deg = look.elevation_deg.reshape(made.grid.shape)

    def peer() -> object:
        with quiet():
            return itur.atmospheric_attenuation_slant_path(
                latitude.copy(),
                longitude.copy(),
                FREQUENCY_GHZ,
                elevation_deg,
                EXCEEDANCE.percent,
                made.terminal.antenna_diameter_m,
            )

    rows = []
    for coverage in Coverage:
        emitter = Emitter("satellite", spot_beams(coverage), area.centre_m)
        rows.append(
            compare(
                f"6 x {CELLS} x {CELLS}, {coverage}",
                "six channels | itur's attenuation",
                lambda emitter=emitter: made.tensor(START, motion, emitter),  # type: ignore[misc]
                peer,
                target=at_least(100.0),
                repeats=REPEATS,
            )
        )
    show("Physics tensor", rows)
    show(
        "Start-up",
        [
            against(
                f"map of {CELLS} x {CELLS}",
                "constants from itur | limit",
                build_map,
                limit_s=START_UP_LIMIT_S,
                target=at_most(1.0),
                repeats=REPEATS,
            )
        ],
    )


if __name__ == "__main__":
    main()
