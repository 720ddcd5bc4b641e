"""The atmosphere of a tick: lookups and closed formulas against array calls of itur.

Both know the maps already; the peer is itur's own vectorised call with all five terms, per point.
Prints a table, asserts nothing: ``OMP_NUM_THREADS=1 python benchmarks/atmosphere.py``.
"""

import warnings

import numpy as np

from benchmarks.ratios import against, at_least, compare, show
from ran_sim.atmosphere.losses import Terminal, slant_losses
from ran_sim.atmosphere.maps import itu_model
from ran_sim.atmosphere.rain_cells import RainField, rain_cell_losses_db, rain_rate_mm_h
from ran_sim.atmosphere.site import Exceedance, site_constants, sky_over
from ran_sim.atmosphere.tables import atmosphere_table
from ran_sim.orbit.frames import FloatArray

PLACE = (48.1, 11.6)
FREQUENCY_GHZ = 20.0
EXCEEDANCE = Exceedance(0.1)
DISH = Terminal(antenna_diameter_m=0.6)

POINTS = 10_000
PEER_POINTS = 200
GRID = (100, 100)
TICKS, ESIMS, TICK_S = 6000, 10, 0.1

LOOKUP_TARGET = at_least(1e4)
GRID_TARGET = at_least(100.0)
RUN_TARGET = at_least(500.0)
"""A 10-minute pass at 10 Hz: what the whole simulation is to reach, the atmosphere alone too."""


def main() -> None:
    """Measures and prints."""
    itu_model(618)
    import itur  # noqa: PLC0415 - the peer

    rng = np.random.default_rng(1)
    table = atmosphere_table(
        *PLACE, frequency_ghz=FREQUENCY_GHZ, exceedance=EXCEEDANCE, terminal=DISH
    )
    elevation = rng.uniform(5.0, 90.0, POINTS)
    peer_elevation = rng.uniform(5.0, 85.0, PEER_POINTS)

    def array_itur() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return itur.atmospheric_attenuation_slant_path(
                *PLACE,
                FREQUENCY_GHZ,
                peer_elevation,
                EXCEEDANCE.percent,
                DISH.antenna_diameter_m,
                return_contributions=True,
            )

    latitude, longitude = np.meshgrid(np.linspace(46, 50, GRID[0]), np.linspace(9, 13, GRID[1]))
    sky = sky_over(site_constants(latitude, longitude), FREQUENCY_GHZ, EXCEEDANCE)
    grid_elevation = rng.uniform(5.0, 90.0, GRID)

    offset_s: FloatArray = np.arange(TICKS, dtype=np.float64) * TICK_S
    position: FloatArray = rng.uniform(-2e5, 2e5, (1, ESIMS, 2)) + 30.0 * offset_s[:, None, None]
    pass_elevation = np.interp(offset_s, [0, 300, 600], [10, 80, 10])[:, None] + np.zeros(ESIMS)
    site = site_constants(np.full(ESIMS, PLACE[0]), np.full(ESIMS, PLACE[1]))
    field = RainField(mean_rate_mm_h=5.0)

    def rain_of_a_run() -> object:
        rate = rain_rate_mm_h(position, offset_s, field, np.random.default_rng(2))
        return rain_cell_losses_db(rate, pass_elevation, site, FREQUENCY_GHZ, DISH)

    rows = [
        compare(
            "total, looked up",
            f"{POINTS:,} elevations of a site | array itur, a point",
            lambda: table.total_at(elevation),
            array_itur,
            target=LOOKUP_TARGET,
            ours_count=POINTS,
            peer_count=PEER_POINTS,
        ),
        compare(
            "five terms, looked up and masked",
            f"{POINTS:,} elevations of a site | array itur, a point",
            lambda: table.losses_at(elevation),
            array_itur,
            target=GRID_TARGET,
            ours_count=POINTS,
            peer_count=PEER_POINTS,
        ),
        compare(
            "five terms, closed formulas",
            f"a grid of {GRID[0]} x {GRID[1]} cells | array itur, a point",
            lambda: slant_losses(sky, grid_elevation, DISH),
            array_itur,
            target=GRID_TARGET,
            ours_count=grid_elevation.size,
            peer_count=PEER_POINTS,
        ),
        against(
            "rain cells of a run",
            f"{TICKS:,} ticks, {ESIMS} ESIMs | simulated time",
            rain_of_a_run,
            limit_s=TICKS * TICK_S,
            target=RUN_TARGET,
        ),
        against(
            "a site's table",
            "constants from open maps, then the table | 60 ms, itur's own table",
            lambda: atmosphere_table(
                *PLACE, frequency_ghz=FREQUENCY_GHZ, exceedance=EXCEEDANCE, terminal=DISH
            ),
            limit_s=0.06,
            target=at_least(1.0),
        ),
    ]
    show("Atmosphere", rows)


if __name__ == "__main__":
    main()
