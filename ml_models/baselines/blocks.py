"""Blocks: what every set of at most L ESIMs is worth on every carrier, in one table.

Carriers do not interfere, so that the value of an assignment is a sum of M entries of the table,
and a matching that moves an ESIM changes two of them.
"""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ml_models.baselines.ascent import Floats, Integers, PreparedContext, grid_value_and_slope


class BlockTable:
    """The sets of one size of problem, numbered once; `values` fills the table for contexts."""

    def __init__(self, esims: int, carriers: int, quota: int) -> None:
        self.carriers = carriers
        self._bits = 1 << np.arange(esims)
        self._sets = [
            np.array(list(combinations(range(esims), size)), dtype=np.int64)
            for size in range(1, quota + 1)
        ]
        masks = np.concatenate([np.sum(1 << members, axis=-1) for members in self._sets])
        # Column 0 is the empty set; the last one, minus infinity, is every set above the quota.
        self._number_of_mask = np.full(2**esims, len(masks) + 1, dtype=np.int64)
        self._number_of_mask[0] = 0
        self._number_of_mask[masks] = np.arange(1, len(masks) + 1)

    def numbers(self, carrier: npt.NDArray[np.integer]) -> Integers:
        """Column of the set that each carrier serves, [..., M], of assignments [..., U]."""
        return np.stack(
            [
                self._number_of_mask[(carrier == number) @ self._bits]
                for number in range(self.carriers)
            ],
            axis=-1,
        )

    def values(
        self, prepared: PreparedContext, power_w: Floats, index: Floats
    ) -> npt.NDArray[np.float32]:
        """Sum rate [nat/s/Hz] of every set on every carrier, single precision [N, M, 2 + sets].

        Args:
            prepared: contexts with one candidate axis.
            power_w: [N, U] powers, whichever carrier an ESIM is on.
            index: [N, U] positions on the beamformer grid.
        """
        gain, _ = grid_value_and_slope(prepared.log_gain[:, 0], index)
        leakage, _ = grid_value_and_slope(prepared.log_leakage[:, 0], index)
        noise = prepared.carrier_noise[:, 0]  # [N, M]
        load = (power_w * gain)[:, None, :] / noise[:, :, None]  # [N, M, U]
        secret_loss = np.log1p(power_w * leakage)
        columns = [np.zeros((*noise.shape, 1))]
        for members in self._sets:
            size = members.shape[1]
            gram = prepared.gram[:, 0][:, members[:, :, None], members[:, None, :]]  # [N, X, k, k]
            own_load = load[:, :, members]  # [N, M, X, k]
            error = np.linalg.inv(np.eye(size) + own_load[..., None] * gram[:, None])
            ratio = 1 / np.diagonal(error, axis1=-2, axis2=-1) - 1
            epsilon = prepared.ici_factor[:, 0][:, None, members]
            rate = np.log1p(ratio / (1 + epsilon * ratio)) - secret_loss[:, None, members]
            columns.append(np.maximum(rate, 0).sum(axis=-1))
        columns.append(np.full((*noise.shape, 1), -np.inf))
        return np.asarray(np.concatenate(columns, axis=-1), dtype=np.float32)

    def total(self, values: npt.NDArray[np.float32], carrier: Integers) -> Floats:
        """Value [N, X] of assignments [N, X, U] by the table; minus infinity above the quota."""
        numbers = self.numbers(carrier)  # [N, X, M]
        row = np.arange(len(values))[:, None, None]
        return np.asarray(values[row, np.arange(self.carriers), numbers].sum(-1), np.float64)


def own_best_index(prepared: PreparedContext, power_w: Floats) -> Floats:
    """The grid point where each ESIM alone on a quiet carrier has its best rate, [..., U]."""
    own = np.diagonal(prepared.gram, axis1=-2, axis2=-1)
    snr = (power_w * own)[..., None] * np.exp(prepared.log_gain)
    sinr = snr / (1 + prepared.ici_factor[..., None] * snr)
    leaked = power_w[..., None] * np.exp(prepared.log_leakage)
    best = np.argmax(np.log1p(sinr) - np.log1p(leaked), axis=-1)
    return np.asarray(best, dtype=np.float64)
