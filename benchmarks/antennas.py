"""Beam gains of 8 beams towards 10 ESIMs on a 64 x 64 array, against summing over its elements.

The peer does what one writes first: for every beam and every ESIM a steering vector of 4,096
elements and their inner product. Prints a table, asserts nothing:
``OMP_NUM_THREADS=1 python benchmarks/antennas.py``.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.ratios import Ratio, at_least, compare, show
from radio_math.attitude import seen_from
from radio_math.link import Floats
from radio_math.panels import Panel, separable_response, steered_amplitude, taylor_weights
from ran_sim.cells import service_area
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.geodesy import displaced, ecef_position, local_axes
from ran_sim.spot_beams import Coverage, spot_beams
from ran_sim.spot_beams.coverage import nadir_axes

PANEL = Panel(64, 64)
TARGET = at_least(50.0)
ESIMS = 10
TICKS = 600

IN_A_ROW = 20
"""Calls in one measurement: one alone would run on the caches that the peer leaves behind."""


def naive_gains(direction: FloatArray, steering: FloatArray) -> Floats:
    """Array gain [U, B] from whole steering vectors, pair by pair."""
    x, y = np.meshgrid(np.arange(PANEL.columns), np.arange(PANEL.rows), indexing="ij")
    gains = np.empty((len(direction), len(steering)))
    for esim, target in enumerate(direction):
        for beam, aim in enumerate(steering):
            received = np.exp(2j * np.pi * PANEL.spacing * (x * target[0] + y * target[1]))
            weights = np.exp(2j * np.pi * PANEL.spacing * (x * aim[0] + y * aim[1]))
            gains[esim, beam] = abs(np.vdot(weights, received)) ** 2 / PANEL.elements
    return gains


def main() -> None:
    """Measures and prints."""
    area = service_area(48.0, 11.0)
    rng = np.random.default_rng(1)
    home = np.arange(ESIMS) % len(area.latitude_deg)
    latitude, longitude = displaced(
        area.latitude_deg[home], area.longitude_deg[home], *rng.uniform(-9e4, 9e4, (2, ESIMS))
    )
    esims = ecef_position(latitude, longitude)
    _, north, _ = local_axes(48.0, 11.0)
    offset_s = np.linspace(-60.0, 60.0, TICKS)[:, None]
    velocity = np.broadcast_to(7.5e3 * north, (TICKS, 3))
    position = ecef_position(48.0, 11.0, 600e3) + velocity * offset_s
    axes = nadir_axes(position[0], velocity[0])
    direction, steering = (seen_from(axes, position[0], place) for place in (esims, area.centre_m))
    taper = taylor_weights(64)

    def naive() -> object:
        return naive_gains(direction, steering)

    def row(name: str, what: str, ours: Callable[[], object], ticks: int = IN_A_ROW) -> Ratio:
        return compare(name, what, ours, naive, target=TARGET, ours_count=ticks)

    def in_a_row(ours: Callable[[], object]) -> Callable[[], object]:
        return lambda: [ours() for _ in range(IN_A_ROW)]

    rows = [
        row(
            "phase-only",
            "closed form | sum over elements",
            in_a_row(lambda: steered_amplitude(PANEL, direction, steering)),
        ),
        row(
            "Taylor taper",
            "row and column contraction | sum over elements",
            in_a_row(lambda: separable_response(PANEL, taper, taper, direction, steering)),
        ),
    ]
    standing = np.broadcast_to(esims, (TICKS, ESIMS, 3))
    for coverage in Coverage:
        gains = spot_beams(coverage).gains
        rows.append(
            row(
                f"{coverage}, tick by tick",
                "frames, widths and gains | gains, sum over elements",
                in_a_row(partial(gains, position[0], velocity[0], esims, area.centre_m)),
            )
        )
        rows.append(
            row(
                f"{coverage}, {TICKS} ticks at once",
                "frames, widths and gains | gains, sum over elements",
                partial(gains, position, velocity, standing, area.centre_m),
                TICKS,
            )
        )
    show("Antennas: 8 beams, 10 ESIMs, 64 x 64", rows)


if __name__ == "__main__":
    main()
