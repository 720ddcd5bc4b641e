"""Many satellites at once."""

import datetime as dt

import numpy as np
import pytest
from support.passes import element_set

from ran_sim.orbit.constellations import Constellation
from ran_sim.orbit.elements import ElementSet
from ran_sim.orbit.passes import Site, look_from
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.walker import reference_shell

SITE = Site(48.1, 11.6, 500.0)
EPOCH = dt.datetime(2022, 9, 14, tzinfo=dt.UTC)
# SGP4-VER 33334: error 3 at its very epoch.
BROKEN = ElementSet(
    "33334",
    "BROKEN",
    dt.datetime(2006, 6, 23, tzinfo=dt.UTC) + dt.timedelta(days=0.85818871),
    "1 33334U 78066F   06174.85818871  .00000620  00000-0  10000-3 0  6809",
    "2 33334  68.4714 236.1303 5602877 123.7484 302.5767  0.00001000 67521",
)


@pytest.fixture(scope="module")
def shell() -> list[ElementSet]:
    """Some synthetic satellites and a real one."""
    return [*reference_shell(EPOCH).element_sets()[::9], element_set()]


@pytest.mark.parametrize("dut1_s", [None, 0.0, 0.3])
def test_every_satellite_is_seen_as_by_itself(
    shell: list[ElementSet], dut1_s: float | None
) -> None:
    """The whole-constellation path equals the one for single satellites, to a micrometre."""
    offsets_s = np.arange(0.0, 7200.0, 61.0)
    together = Constellation(shell, dut1_s=dut1_s).look_from(SITE, EPOCH, offsets_s)
    for row, elements in enumerate(shell):
        alone = look_from(Propagator(elements, dut1_s=dut1_s), SITE, EPOCH, offsets_s)
        assert together.elevation_deg[row] == pytest.approx(alone.elevation_deg, abs=1e-10)
        assert together.azimuth_deg[row] == pytest.approx(alone.azimuth_deg, abs=1e-9)
        assert together.range_m[row] == pytest.approx(alone.range_m, abs=1e-6)
        assert together.range_rate_m_s[row] == pytest.approx(alone.range_rate_m_s, abs=1e-8)
        assert together.doppler_hz(20e9)[row] == pytest.approx(alone.doppler_hz(20e9), abs=1e-6)


def test_blocks_leave_no_trace(shell: list[ElementSet]) -> None:
    """So many instants that each satellite is a block of its own give the same numbers."""
    constellation = Constellation(shell)
    many = constellation.look_from(SITE, EPOCH, np.arange(0.0, 6000.0, 0.5))
    few = constellation.look_from(SITE, EPOCH, np.arange(0.0, 6000.0, 60.0))
    assert many.range_m[:, ::120] == pytest.approx(few.range_m, abs=1e-9)


def test_the_visible_set_is_the_highest_first(shell: list[ElementSet]) -> None:
    """Those above the mask, by elevation, and no others."""
    constellation = Constellation(shell)
    elevation = constellation.look_from(SITE, EPOCH, 0.0).elevation_deg[:, 0]
    found = constellation.visible_from(SITE, EPOCH, 5.0)
    assert len(found.index) == np.count_nonzero(elevation >= 5.0) > 1
    assert found.elevation_deg == pytest.approx(elevation[found.index], abs=1e-6)
    assert (np.diff(found.elevation_deg) <= 0).all()
    assert len(found.unplaced) == 0


@pytest.mark.pitfall(25)
def test_a_satellite_without_a_place_is_neither_seen_nor_hidden(shell: list[ElementSet]) -> None:
    """SGP4's error code is kept, its numbers are not, and the others are as before."""
    constellation = Constellation([*shell, BROKEN])
    at = BROKEN.epoch
    look = constellation.look_from(SITE, at, [0.0, 10.0])
    assert look.sgp4_error[-1].tolist() == [3, 3]
    assert np.isnan(look.elevation_deg[-1]).all()
    assert np.isnan(look.range_rate_m_s[-1]).all()
    assert not look.visible(-90.0)[-1].any()
    assert look.visible(-90.0)[:-1].all()
    found = constellation.visible_from(SITE, at, -90.0)
    assert found.unplaced.tolist() == [len(shell)]
    assert len(found.index) == len(shell)
