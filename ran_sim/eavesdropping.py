"""What the eavesdropper stations hear of an ESIM that points its array at the satellite."""

from dataclasses import dataclass

import numpy as np

from radio_math.arrays import ARRAY_SIDE, element_gain
from radio_math.channel import ChannelModel, ChannelState, LinkGeometry
from radio_math.link import free_space_loss_db, from_db, noise_power_w, to_db
from radio_math.panels import dirichlet
from ran_sim.handover import BoolArray
from ran_sim.orbit.frames import FloatArray


@dataclass(frozen=True)
class Eavesdropping:
    """What stations hear at one tick of the reference allocation.

    Attributes:
        snr_db: [U, E] SNR of an ESIM at each of its stations, minus infinity where one is off.
        secrecy_rate_bps_hz: [U] that is left of an ESIM's rate; its stations collude.
    """

    snr_db: FloatArray
    secrecy_rate_bps_hz: FloatArray


def eavesdropping(sinr: FloatArray, heard: FloatArray, on: BoolArray) -> Eavesdropping:
    """What is left of a rate: `[log2(1 + SINR) - log2(1 + sum of SNR)]+`.

    Args:
        sinr: [U] at the satellite, linear.
        heard: [U, E] SNR at the stations if they are on, linear.
        on: [U, E] whether they are.

    Source: Wyner 1975.
    """
    snr = np.where(on, heard, 0.0)
    with np.errstate(divide="ignore"):
        snr_db = to_db(snr)
    rate = np.log2(1 + sinr) - np.log2(1 + snr.sum(axis=-1))
    return Eavesdropping(snr_db, np.maximum(rate, 0.0))


def eavesdropper_snr_per_w(
    link: LinkGeometry, state: ChannelState, model: ChannelModel
) -> FloatArray:
    """Mean SNR per watt at each station, whether on or off, [..., U, E] [1/W], linear.

    Maximum-ratio weights towards the satellite, mean over fast fading: with D^2 the array's
    normalised power pattern towards the station, and towards each of its R scatterers,

        SNR = G_e / (FSPL loss k T B) (N^2 (K g D^2 + sum_r g_r D_r^2 / R) / (K + 1) + floor).

    Source: Balanis 2016 6.10; Tse 2005 2.4.2.
    Not modelled: mispointing of the weights, their own scattered part.
    """
    gain_db = (
        model.eavesdropper_gain_db
        - free_space_loss_db(state.eavesdropper_distance_m, model.carrier_hz)
        - state.eavesdropper_extra_loss_db
    )
    snr = from_db(gain_db) / noise_power_w(model.eavesdropper_noise_k, model.bandwidth_hz)
    k_factor = float(from_db(model.eavesdropper_rician_k_db))
    azimuth_deg, elevation_deg = state.eavesdropper_azimuth_deg, state.eavesdropper_elevation_deg
    direct = element_gain(elevation_deg) * _pattern(link, azimuth_deg, elevation_deg)
    scatter_deg = state.scatter_elevation_deg
    side_lobes = _pattern(link, azimuth_deg[..., None] + state.scatter_azimuth_deg, scatter_deg)
    scattered = (element_gain(scatter_deg) * side_lobes).mean(axis=-1)
    floor = model.calibration_leakage * float(from_db(model.element_floor_db))
    array_gain = ARRAY_SIDE**2
    return np.asarray(snr * (array_gain * (k_factor * direct + scattered) / (k_factor + 1) + floor))


def _pattern(link: LinkGeometry, azimuth_deg: FloatArray, elevation_deg: FloatArray) -> FloatArray:
    """Power pattern of the ESIMs' arrays towards directions [..., U, ...], 1 at the satellite."""
    more = (1,) * (azimuth_deg.ndim - link.azimuth_deg.ndim)
    east, north = _horizontal(azimuth_deg, elevation_deg)
    to_east, to_north = _horizontal(
        link.azimuth_deg.reshape(*link.azimuth_deg.shape, *more),
        link.elevation_deg.reshape(*link.elevation_deg.shape, *more),
    )
    amplitude = dirichlet(ARRAY_SIDE, np.pi * (east - to_east)) * dirichlet(
        ARRAY_SIDE, np.pi * (north - to_north)
    )
    return np.asarray(amplitude**2)


def _horizontal(
    azimuth_deg: FloatArray, elevation_deg: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """East and north component of unit vectors."""
    level = np.cos(np.radians(elevation_deg))
    azimuth = np.radians(azimuth_deg)
    return level * np.sin(azimuth), level * np.cos(azimuth)
