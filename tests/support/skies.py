"""Skies for tests that need no digital maps."""

import numpy as np

from ran_sim.atmosphere.site import Exceedance, SiteConstants, Sky


def munich(latitude_deg: float = 48.1) -> SiteConstants:
    """The constants of a place near Munich, as the ITU-R's maps have them."""
    return SiteConstants(
        latitude_deg=np.asarray(latitude_deg),
        longitude_deg=np.asarray(11.6),
        height_km=np.asarray(0.542),
        rain_height_km=np.asarray(3.633),
        rain_rate_001_mm_h=np.asarray(32.53),
        wet_refractivity=np.asarray(41.78),
        temperature_k=np.asarray(281.9),
        pressure_hpa=np.asarray(949.0),
    )


def sky_over_munich(percent: float = 0.1) -> Sky:
    """The sky there at 20 GHz."""
    return Sky(
        site=munich(),
        frequency_ghz=20.0,
        exceedance=Exceedance(percent),
        zenith_gas_db=np.asarray(0.480),
        zenith_cloud_db=np.asarray(0.333),
    )
