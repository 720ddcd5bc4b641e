"""The link budget of TR 38.821, every loss a term of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from radio_math.link import BOLTZMANN_J_PER_K, Floats, from_db, to_db


@dataclass(frozen=True)
class Term:
    """One row of a link budget: a value as it enters the sum, losses negative."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class LinkBudget:
    """A link's terms; every loss is positive.

    Attributes:
        eirp_dbw: of the whole band, not a density (see `eirp_dbw`).
        g_over_t_db_per_k: of the receiver (see `figure_of_merit_db_per_k`).
        bandwidth_hz: noise bandwidth: what is really occupied.
        losses_db: by name, free-space loss among them.
    """

    eirp_dbw: float
    g_over_t_db_per_k: float
    bandwidth_hz: float
    losses_db: Mapping[str, float]

    @property
    def cnr_db(self) -> float:
        """Carrier to noise ratio in dB. Source: TR 38.821 6.1.3.1."""
        losses_db = sum(self.losses_db.values())
        return float(
            carrier_to_noise_db(self.eirp_dbw, self.g_over_t_db_per_k, self.bandwidth_hz, losses_db)
        )

    def terms(self) -> tuple[Term, ...]:
        """Every term with its sign, which add up to the carrier to noise ratio, the last row."""
        losses = tuple(Term(name, -loss_db, "dB") for name, loss_db in self.losses_db.items())
        return (
            Term("eirp", self.eirp_dbw, "dBW"),
            Term("g_over_t", self.g_over_t_db_per_k, "dB/K"),
            Term("boltzmann", float(-to_db(BOLTZMANN_J_PER_K)), "dBK/W/Hz"),
            *losses,
            Term("bandwidth", -float(to_db(self.bandwidth_hz)), "dBHz"),
            Term("cnr", self.cnr_db, "dB"),
        )


def eirp_dbw(density_dbw_per_mhz: Any, bandwidth_hz: Any) -> Floats:
    """EIRP [...] in dBW of a band: density in dBW/MHz plus 10 log10 of the band in MHz.

    The density already holds the antenna's peak gain.

    Source: TR 38.821 6.1.1.1.
    Not modelled: back-off, a spectrum that is not flat.
    """
    return np.asarray(np.asarray(density_dbw_per_mhz) + to_db(np.asarray(bandwidth_hz) / 1e6))


def noise_temperature_k(
    noise_figure_db: Any, ambient_temperature_k: Any, antenna_temperature_k: Any
) -> Floats:
    """System noise temperature [...] in K referred to the receiver's output over its gain.

    T = 10^(NF/10) (T0 + (Ta - T0) 10^(-NF/10)): T0 (F - 1) + Ta.

    Source: TR 38.821 6.1.3.1.
    Not modelled: noise that rain and gases radiate into the antenna.
    """
    factor = from_db(noise_figure_db)
    ambient_k = np.asarray(ambient_temperature_k, dtype=np.float64)
    return np.asarray(ambient_k * (factor - 1) + antenna_temperature_k)


def figure_of_merit_db_per_k(
    gain_dbi: Any, noise_figure_db: Any, ambient_temperature_k: Any, antenna_temperature_k: Any
) -> Floats:
    """G/T [...] in dB/K: G - NF - 10 log10(T0 + (Ta - T0) 10^(-NF/10)).

    Source: TR 38.821 6.1.3.1.
    Not modelled: scan loss, losses of the feed.
    """
    noise_k = noise_temperature_k(noise_figure_db, ambient_temperature_k, antenna_temperature_k)
    return np.asarray(np.asarray(gain_dbi) - to_db(noise_k))


def carrier_to_noise_db(
    eirp_dbw: Any, g_over_t_db_per_k: Any, bandwidth_hz: Any, losses_db: Any
) -> Floats:
    """Carrier to noise ratio [...] in dB: EIRP + G/T - k - losses - 10 log10 B.

    Source: TR 38.821 6.1.3.1 eq. 6.1.3.1-1.
    Not modelled: interference; with it the ratio is combined in linear terms.
    """
    received = np.asarray(eirp_dbw) + np.asarray(g_over_t_db_per_k) - np.asarray(losses_db)
    return np.asarray(received - to_db(BOLTZMANN_J_PER_K) - to_db(bandwidth_hz))
