"""Loss between antennas of different polarisation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radio_math.polarisation import (
    HORIZONTAL,
    ISOLATION_DB,
    LEFT_CIRCULAR,
    RIGHT_CIRCULAR,
    VERTICAL,
    Polarisation,
    polarisation_loss_db,
)

polarisations = st.builds(Polarisation, st.floats(-45, 45), st.floats(0, 180))


@pytest.mark.pitfall(16)
def test_circular_to_linear_takes_three_decibels() -> None:
    """Whatever the tilt of the linear antenna."""
    for tilt_deg in (0.0, 30.0, 90.0):
        loss = polarisation_loss_db(RIGHT_CIRCULAR, Polarisation(0.0, tilt_deg))
        assert loss == pytest.approx(3.0103, abs=1e-4)


@pytest.mark.pitfall(16)
def test_circular_to_circular_takes_nothing_or_all() -> None:
    """The same sense 0 dB, the opposite one as much as antennas can isolate."""
    assert polarisation_loss_db(RIGHT_CIRCULAR, RIGHT_CIRCULAR) == pytest.approx(0.0, abs=1e-9)
    assert polarisation_loss_db(RIGHT_CIRCULAR, LEFT_CIRCULAR) == pytest.approx(ISOLATION_DB)
    assert polarisation_loss_db(HORIZONTAL, VERTICAL) == pytest.approx(ISOLATION_DB)


def test_linear_antennas_follow_the_cosine() -> None:
    """A tilt of 60 degrees: cos^2 = 1/4, 6.02 dB."""
    assert polarisation_loss_db(HORIZONTAL, Polarisation(0.0, 60.0)) == pytest.approx(6.0206)


@given(polarisations, polarisations)
def test_loss_is_symmetric_and_bounded(one: Polarisation, other: Polarisation) -> None:
    """Which of the two transmits does not matter."""
    loss = polarisation_loss_db(one, other)
    assert 0 <= loss <= ISOLATION_DB + 1e-9
    assert loss == pytest.approx(polarisation_loss_db(other, one), abs=1e-6)
