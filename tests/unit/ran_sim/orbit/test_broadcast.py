"""The orbit as SIB19 broadcasts it."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.passes import element_set

from ran_sim.orbit.broadcast import OrbitalEphemeris, StateVectorEphemeris
from ran_sim.orbit.frames import FloatArray
from ran_sim.orbit.propagation import Propagator
from ran_sim.orbit.walker import WalkerShell

EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def state(offset_s: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Earth-fixed state of the test satellite."""
    found = element_set()
    ephemeris = Propagator(found).ephemeris(found.epoch, offset_s)
    return ephemeris.position_m[0], ephemeris.velocity_m_s[0]


@given(st.floats(0.0, 6000.0))
def test_state_vectors_are_off_by_half_a_step(offset_s: float) -> None:
    """1.3 m and 0.06 m/s on each axis."""
    position, velocity = state(offset_s=offset_s)
    read = StateVectorEphemeris.of_state(position, velocity).state()
    assert np.abs(read[0] - position).max() <= 0.65 + 1e-9
    assert np.abs(read[1] - velocity).max() <= 0.03 + 1e-9


@given(st.floats(0.0, 6000.0))
def test_orbital_parameters_come_back_as_the_same_state(offset_s: float) -> None:
    """Six elements in their steps are within a metre and a millimetre a second."""
    position, velocity = state(offset_s=offset_s)
    read = OrbitalEphemeris.of_state(position, velocity).state()
    assert np.abs(read[0] - position).max() < 1.0
    assert np.abs(read[1] - velocity).max() < 1e-3


def test_the_fields_hold_what_the_orbit_is() -> None:
    """Some 6920 km, 53 degrees, almost circular."""
    found = OrbitalEphemeris.of_state(*state())
    assert 6.5e6 + found.semi_major_axis * 4.249e-3 == pytest.approx(6.924e6, abs=15e3)
    assert np.degrees(found.inclination * 2.341e-8) == pytest.approx(53.05, abs=0.1)
    assert found.eccentricity * 1.431e-8 < 0.003


def test_a_retrograde_orbit_needs_state_vectors() -> None:
    """Its inclination has no place in the field, which ends at 90 degrees."""
    shell = WalkerShell(600.0, 97.6, 1, 1, 0, EPOCH)
    ephemeris = Propagator(shell.element_sets()[0]).ephemeris(EPOCH, 0.0)
    position, velocity = ephemeris.position_m[0], ephemeris.velocity_m_s[0]
    StateVectorEphemeris.of_state(position, velocity)
    with pytest.raises(ValueError, match=r"inclination is 1\.70"):
        OrbitalEphemeris.of_state(position, velocity)


def test_a_state_beyond_the_fields_is_refused() -> None:
    """The Moon is too far away, an escaping satellite too fast."""
    with pytest.raises(ValueError, match=r"position is 3\.84"):
        StateVectorEphemeris.of_state(np.array([3.84e8, 0.0, 0.0]), np.zeros(3))
    with pytest.raises(ValueError, match="velocity is 11000"):
        StateVectorEphemeris.of_state(np.array([7e6, 0.0, 0.0]), np.array([0.0, 11e3, 0.0]))
