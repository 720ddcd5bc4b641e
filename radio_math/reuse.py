"""Frequency and polarisation reuse over beams, and the interference that is left.

Powers are summed in watts. (A sum of decibels is no power.)
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from radio_math.link import Floats, from_db

Indices = npt.NDArray[np.intp]

POLARISATIONS = 2


class ReuseError(ValueError):
    """A reuse scheme that does not exist for the layout; the message says which do."""


@dataclass(frozen=True)
class ReusePlan:
    """Which part of the band, and which circular polarisation, each of B beams uses.

    Attributes:
        frequency: [B] part of the band, counted from 0.
        polarisation: [B] 0 right-handed, 1 left-handed.
        frequencies: number of parts that the band is split into.
    """

    frequency: Indices
    polarisation: Indices
    frequencies: int

    def bandwidth_hz(self, band_hz: float) -> float:
        """Bandwidth of one beam [Hz]: the band over the number of frequencies."""
        return band_hz / self.frequencies

    def coupling(self, cross_polar_discrimination_db: float = 30.0) -> Floats:
        """Share of its power that a beam's signal puts into another beam's channel, [B, B].

        1 for the same frequency and polarisation (the diagonal too), 0 for another frequency,
        the cross-polar share 10^(-XPD/10) for the same frequency in the other polarisation.

        Source: TR 38.821 6.1.1.1.
        Not modelled: adjacent-channel leakage; depolarisation by rain (give a lower XPD).
        """
        leaked = float(from_db(-cross_polar_discrimination_db))
        same_frequency = self.frequency[:, None] == self.frequency
        same_polarisation = self.polarisation[:, None] == self.polarisation
        return np.where(same_frequency, np.where(same_polarisation, 1.0, leaked), 0.0)


def hexagonal_reuse(rows: int, columns: int, reuse: int, *, polarised: bool = False) -> ReusePlan:
    """Reuse plan of a hexagonal layout whose odd rows are shifted by half a cell.

    In axial coordinates (q, r) a cell has colour (q - r) mod 3, (q mod 2) + 2 (r mod 2) or
    (q - 2 r) mod 7; beams of one colour lie sqrt(reuse) spacings apart or more.

    Args:
        rows: rows of the layout, in the order of `radio_math.beams.hexagonal_cells`.
        columns: beams in a row.
        reuse: number of colours: 1, 3, 4 or 7.
        polarised: colours alternate between two polarisations, so that the band is split into
            half as many frequencies; needs an even number of colours.

    Source: TR 38.821 6.1.1.1.
    Not modelled: colours that follow the traffic.

    Raises:
        ReuseError: the number of colours is none of these, or odd and polarised.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    q = column - row // 2
    if reuse == 1:
        colour = np.zeros_like(row)
    elif reuse == 3:  # noqa: PLR2004 - the four cases of the docstring
        colour = (q - row) % 3
    elif reuse == 4:  # noqa: PLR2004
        colour = q % 2 + 2 * (row % 2)
    elif reuse == 7:  # noqa: PLR2004
        colour = (q - 2 * row) % 7
    else:
        raise ReuseError(f"reuse is {reuse}; hexagonal beams are coloured with 1, 3, 4 or 7")
    if not polarised:
        return ReusePlan(colour, np.zeros_like(colour), reuse)
    if reuse % POLARISATIONS:
        raise ReuseError(
            f"reuse is {reuse}, which two polarisations cannot share evenly; use 4 colours"
        )
    frequency, polarisation = np.divmod(colour, POLARISATIONS)
    return ReusePlan(frequency, polarisation, reuse // POLARISATIONS)


def downlink_sinr(
    received_w: Any, serving_beam: npt.ArrayLike, coupling: Floats, noise_w: Any
) -> Floats:
    """SINR [..., U], linear, of terminals that each listen to one beam while all beams send.

    SINR_u = P_us / (N_u + sum over b != s of C_bs P_ub), s the serving beam of u.

    Args:
        received_w: [..., U, B] power that terminal u receives from beam b [W].
        serving_beam: [U] or [..., U] index of each terminal's beam.
        coupling: [B, B] of `ReusePlan.coupling`.
        noise_w: [..., U] or a number, noise in the beam's bandwidth [W].

    Source: Tse 2005 4.2.
    Not modelled: interference from other satellites.
    """
    received = np.asarray(received_w, dtype=np.float64)
    serving = np.broadcast_to(np.asarray(serving_beam, dtype=np.intp), received.shape[:-1])
    wanted = np.take_along_axis(received, serving[..., None], axis=-1)[..., 0]
    others = coupling[serving] * (serving[..., None] != np.arange(received.shape[-1]))
    return np.asarray(wanted / (noise_w + np.sum(others * received, axis=-1)))


def uplink_sinr(
    received_w: Any, serving_beam: npt.ArrayLike, coupling: Floats, noise_w: Any
) -> Floats:
    """SINR [..., U], linear, of terminals that send at once, each received by its own beam.

    SINR_u = P_us / (N_u + sum over v != u of C_s(v)s(u) P_v,s(u)), s(u) the serving beam of u.

    Args:
        received_w: [..., U, B] power of terminal u at beam b [W].
        serving_beam: [U] index of each terminal's beam.
        coupling: [B, B] of `ReusePlan.coupling`.
        noise_w: [..., U] or a number, noise in the beam's bandwidth [W].

    Source: Tse 2005 4.2.
    Not modelled: scheduling within a beam: two terminals of one beam interfere fully.
    """
    received = np.asarray(received_w, dtype=np.float64)
    serving = np.asarray(serving_beam, dtype=np.intp)
    at_serving = received[..., serving]  # [..., V, U] power of v at the beam of u
    own = np.diagonal(at_serving, axis1=-2, axis2=-1)
    shared = coupling[serving[:, None], serving] * ~np.eye(len(serving), dtype=np.bool_)
    return np.asarray(own / (noise_w + np.sum(shared * at_serving, axis=-2)))
