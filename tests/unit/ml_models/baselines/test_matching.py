"""Moves and swaps."""

import numpy as np

from ml_models.baselines.matching import neighbours, within_quota


def test_every_move_and_swap_once() -> None:
    """U (M - 1) moves change one ESIM, U (U - 1) / 2 swaps exchange two."""
    carrier = np.array([[[0, 1, 2, 3]]])
    reached = neighbours(carrier, 4)[0]
    assert reached.shape == (12 + 6, 4)
    changed = (reached != carrier[0]).sum(axis=-1)
    assert (changed[:12] == 1).all()
    assert (changed[12:] == 2).all()
    assert len({tuple(row) for row in reached}) == 18
    assert (np.sort(reached[12:], axis=-1) == [0, 1, 2, 3]).all()


def test_quota_is_counted_by_carrier() -> None:
    """Two on a carrier are within a quota of two, three are not."""
    carrier = np.array([[0, 0, 1, 1], [0, 0, 0, 1]])
    np.testing.assert_array_equal(within_quota(carrier, 2, 2), [True, False])
