"""What the eavesdropper stations hear of an ESIM that points its array at the satellite."""

import numpy as np

from radio_math.arrays import ARRAY_SIDE, element_gain
from radio_math.channel import ChannelModel, ChannelState, LinkGeometry
from radio_math.link import free_space_loss_db, from_db, noise_power_w
from radio_math.panels import dirichlet
from ran_sim.adversaries import Stations
from ran_sim.orbit.frames import FloatArray


def eavesdropper_snr(
    link: LinkGeometry, stations: Stations, state: ChannelState, model: ChannelModel
) -> FloatArray:
    """Mean SNR per watt at each station [T, U, E] [1/W], linear; 0 where a station is off.

    Maximum-ratio weights towards the satellite, mean over fast fading: the direct path is heard
    through the array's side lobe, N^2 D^2 with D the normalised pattern; the scattered paths are
    heard through the mean side lobe, 1,

        SNR = G_e / (FSPL loss k T B) ((K N^2 D^2 g(el) + g_scattered) / (K + 1) + floor).

    Source: Balanis 2016 6.10; Tse 2005 2.4.2.
    Not modelled: mispointing; which side lobes the scatterers of a station lie in.
    """
    gain_db = (
        model.eavesdropper_gain_db
        - free_space_loss_db(stations.distance_m, model.carrier_hz)
        - stations.extra_loss_db
    )
    snr = from_db(gain_db) / noise_power_w(model.eavesdropper_noise_k, model.bandwidth_hz)
    k_factor = float(from_db(model.eavesdropper_rician_k_db))
    # Stations and scatterers keep their elevations throughout a run.
    station_deg, scatter_deg = state.eavesdropper_elevation_deg[0], state.scatter_elevation_deg[0]
    east, north = _horizontal(stations.azimuth_deg, station_deg)
    to_satellite = _horizontal(link.azimuth_deg[..., None], link.elevation_deg[..., None])
    side_lobe = dirichlet(ARRAY_SIDE, np.pi * (east - to_satellite[0])) * dirichlet(
        ARRAY_SIDE, np.pi * (north - to_satellite[1])
    )
    direct = k_factor * ARRAY_SIDE**2 * side_lobe**2 * element_gain(station_deg)
    scattered = element_gain(scatter_deg).mean(axis=-1)
    floor = model.calibration_leakage * float(from_db(model.element_floor_db))
    heard = snr * ((direct + scattered) / (k_factor + 1) + floor)
    return np.where(stations.on, heard, 0.0)


def _horizontal(
    azimuth_deg: FloatArray, elevation_deg: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """East and north component of unit vectors."""
    level = np.cos(np.radians(elevation_deg))
    azimuth = np.radians(azimuth_deg)
    return level * np.sin(azimuth), level * np.cos(azimuth)
