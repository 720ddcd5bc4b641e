"""The service area."""

import numpy as np
import pytest

from ran_sim.cells import HOME_CELL, REFERENCE_CARRIER, service_area
from ran_sim.mobility import Track
from ran_sim.orbit.geodesy import ecef_position


def test_neighbouring_cells_are_260_km_apart() -> None:
    """Along a row and between rows, over ground."""
    centre_m = service_area(48.1, 11.6).centre_m
    distance_m = np.linalg.norm(centre_m[:, None] - centre_m[None], axis=-1)
    nearest = np.sort(distance_m, axis=1)[:, 1]
    assert nearest == pytest.approx(260e3, rel=6e-3)


def test_cells_lie_round_the_centre() -> None:
    """The middle of the cells is where the scenario says."""
    area = service_area(48.1, 11.6)
    assert area.offset_m.mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert area.latitude_deg.mean() == pytest.approx(48.1, abs=0.2)
    assert area.longitude_deg.mean() == pytest.approx(11.6, abs=0.1)


def test_every_beam_has_an_esim() -> None:
    """So that every beam's quality can be measured."""
    assert set(HOME_CELL) == set(range(8))


def test_reference_carriers_are_not_reused_next_door() -> None:
    """Two ESIMs on one carrier live in cells that are not neighbours."""
    offset_m = service_area(0.0, 0.0).offset_m[list(HOME_CELL)]
    distance_m = np.linalg.norm(offset_m[:, None] - offset_m[None], axis=-1)
    for first in range(10):
        for second in range(first):
            if REFERENCE_CARRIER[first] == REFERENCE_CARRIER[second]:
                assert distance_m[first, second] > 400e3


def test_esims_move_as_their_tracks_say() -> None:
    """Earth-fixed velocity is the derivative of position, on the ground, in the home cell."""
    time_s = np.array([0.0, 1.0])
    velocity = np.array([20.0, 10.0])
    track = Track(np.outer(time_s, velocity), np.tile(velocity, (2, 1)))
    area = service_area(48.1, 11.6)
    terminals = area.terminals([track] * 10)
    moved = terminals.position_m[1] - terminals.position_m[0]
    # Laying out is exact on a sphere only: 0.5 % of a step.
    assert moved == pytest.approx(terminals.velocity_m_s[0], abs=0.2)
    home = ecef_position(area.latitude_deg[7], area.longitude_deg[7])
    assert terminals.position_m[0, 9] == pytest.approx(home)
