"""Loss between two antennas of different polarisation."""

from dataclasses import dataclass

import numpy as np

from radio_math.link import from_db, to_db

ISOLATION_DB = 30.0
"""No antenna pair isolates better than this: the loss between opposite senses stays finite."""


@dataclass(frozen=True)
class Polarisation:
    """The ellipse that the field draws.

    Attributes:
        ellipticity_deg: 45 right-hand circular, -45 left-hand circular, 0 linear.
        tilt_deg: of the major axis from the horizontal; without meaning where circular.
    """

    ellipticity_deg: float
    tilt_deg: float = 0.0


RIGHT_CIRCULAR = Polarisation(45.0)
LEFT_CIRCULAR = Polarisation(-45.0)
HORIZONTAL = Polarisation(0.0, 0.0)
VERTICAL = Polarisation(0.0, 90.0)


def polarisation_loss_db(transmitted: Polarisation, received: Polarisation) -> float:
    """Loss in dB of a receiver matched to one ellipse in a field of another.

    -10 log10((1 + s1 . s2) / 2) with the unit Stokes vectors s = (cos 2e cos 2t, cos 2e sin 2t,
    sin 2e): 0 dB for equal ones, 3.01 dB between circular and linear, 30 dB for opposite ones.

    Source: IEEE 145; TR 38.821 6.1.3.1 (a linear terminal under a circular satellite loses 3 dB).
    Not modelled: depolarisation by rain, Faraday rotation, dependence on the off-axis angle.
    """
    share = (1 + float(np.dot(_stokes(transmitted), _stokes(received)))) / 2
    # Unit vectors leave a share of 1 + 1e-16, or of 0, behind.
    share = min(max(share, float(from_db(-ISOLATION_DB))), 1.0)
    return abs(float(to_db(share)))


def _stokes(polarisation: Polarisation) -> tuple[float, float, float]:
    double_e = 2 * np.radians(polarisation.ellipticity_deg)
    double_t = 2 * np.radians(polarisation.tilt_deg)
    return (
        float(np.cos(double_e) * np.cos(double_t)),
        float(np.cos(double_e) * np.sin(double_t)),
        float(np.sin(double_e)),
    )
