"""Reuse plans and what interferes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from radio_math.beams import hexagonal_cells
from radio_math.reuse import ReuseError, downlink_sinr, hexagonal_reuse, uplink_sinr

POWERS = hnp.arrays(np.float64, (10, 8), elements=st.floats(1e-15, 1e-6))


@pytest.mark.parametrize("reuse", [1, 3, 4, 7])
def test_beams_of_one_colour_keep_their_distance(reuse: int) -> None:
    """sqrt(K) spacings or more apart, and every colour is used."""
    plan = hexagonal_reuse(8, 9, reuse)
    cells = hexagonal_cells(8, 9, spacing_m=1.0)
    distance = np.linalg.norm(cells[:, None] - cells[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    same = plan.frequency[:, None] == plan.frequency
    assert distance[same].min() == pytest.approx(np.sqrt(reuse))
    assert set(plan.frequency) == set(range(reuse))
    assert plan.bandwidth_hz(400e6) == pytest.approx(400e6 / reuse)


def test_two_polarisations_halve_the_frequencies() -> None:
    """Four colours become two frequencies in two polarisations, coupled by the discrimination."""
    plan = hexagonal_reuse(2, 4, 4, polarised=True)
    assert plan.frequencies == 2
    coupling = plan.coupling(cross_polar_discrimination_db=20.0)
    assert set(np.unique(coupling)) == {0.0, 0.01, 1.0}
    np.testing.assert_array_equal(np.diagonal(coupling), 1.0)
    np.testing.assert_array_equal(coupling, coupling.T)


@pytest.mark.parametrize(("reuse", "polarised"), [(2, False), (0, False), (3, True)])
def test_plans_that_do_not_exist_are_refused(reuse: int, polarised: bool) -> None:
    """One sentence that names the number of colours."""
    with pytest.raises(ReuseError, match=f"reuse is {reuse}"):
        hexagonal_reuse(2, 4, reuse, polarised=polarised)


@pytest.mark.pitfall(17)
@given(POWERS, st.sampled_from([1, 3, 4, 7]), st.floats(1e-15, 1e-9))
def test_interference_never_helps(received: np.ndarray, reuse: int, noise_w: float) -> None:
    """SINR is at most SNR, both ways; a sum in decibels would break it."""
    coupling = hexagonal_reuse(2, 4, reuse).coupling()
    serving = received.argmax(axis=1)
    snr = received[np.arange(10), serving] / noise_w
    for sinr in (downlink_sinr, uplink_sinr):
        found = sinr(received, serving, coupling, noise_w)
        assert (found <= snr * (1 + 1e-12)).all()
        assert (found >= 0).all()


@pytest.mark.pitfall(17)
def test_interference_is_summed_in_watts() -> None:
    """Signal 8 W, noise 1 W, two interferers of 1 and 2 W: 8 / 4."""
    received = np.array([[8.0, 1.0, 2.0]])
    found = downlink_sinr(received, [0], np.ones((3, 3)), 1.0)
    assert float(found[0]) == pytest.approx(2.0)


def test_other_frequencies_do_not_interfere() -> None:
    """With nothing coupled but itself SINR equals SNR."""
    received = np.array([[8.0, 1.0], [3.0, 5.0]])
    np.testing.assert_allclose(downlink_sinr(received, [0, 1], np.eye(2), 2.0), [4.0, 2.5])
    np.testing.assert_allclose(uplink_sinr(received, [0, 1], np.eye(2), 2.0), [4.0, 2.5])


def test_uplink_interference_arrives_at_the_serving_beam() -> None:
    """Terminal 0 is disturbed by what terminal 1 puts into beam 0, and by nothing else."""
    received = np.array([[8.0, 7.0], [3.0, 5.0]])  # [terminal, beam]
    np.testing.assert_allclose(
        uplink_sinr(received, [0, 1], np.ones((2, 2)), 1.0), [8 / (1 + 3), 5 / (1 + 7)]
    )


def test_batches_of_powers_are_taken() -> None:
    """Leading axes, such as time, pass through."""
    received = np.random.default_rng(1).random((6, 10, 8))
    coupling = hexagonal_reuse(2, 4, 3).coupling()
    serving = received[0].argmax(axis=1)
    for sinr in (downlink_sinr, uplink_sinr):
        whole = sinr(received, serving, coupling, 0.1)
        assert whole.shape == (6, 10)
        np.testing.assert_allclose(whole[2], sinr(received[2], serving, coupling, 0.1))
