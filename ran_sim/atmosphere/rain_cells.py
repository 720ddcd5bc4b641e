"""Rain that moves: cells drift with the wind over the terminals.

Cells lie at random (a Poisson field) in a frame that the wind carries along. Each rains
R(r) = R_M exp(-r / r_0) around its centre, with a peak R_M drawn from an exponential distribution;
where cells overlap their rain adds. The sum is a shot noise, so its statistics are known:

    mean      E[R] = n E[R_M] 2 pi r_0^2
    variance  Var[R] = n E[R_M^2] pi r_0^2 / 2
    correlation at a distance d: (1/2) (d / r_0)^2 K_2(d / r_0)

with n cells per unit of area. In time the same correlation holds for d = |wind| t at a fixed place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import kv

from nf_runtime.errors import InvalidArgument
from radio_math.rain import momentary_rain_db
from ran_sim.atmosphere.losses import MaskedFloats, Terminal, covered
from ran_sim.atmosphere.site import SiteConstants
from ran_sim.orbit.frames import FloatArray

# A cell farther than this many radii gives 1/20000 of its peak; leaving it out costs 5e-4 of the
# mean.
_REACH_RADII = 10.0


@dataclass(frozen=True)
class RainField:
    """A stationary field of moving rain cells.

    Attributes:
        mean_rate_mm_h: rain rate averaged over land and time.
        mean_peak_mm_h: mean of a cell's peak rate.
        radius_km: r_0 of every cell.
        wind_east_m_s: the wind that carries the cells.
        wind_north_m_s: likewise.

    Raises:
        InvalidArgument: a rate or the radius is not above 0.
    Source: Capsoni 1987 (exponential cells of some kilometres); Rice 1944 (shot noise).
    Not modelled: birth and decay of cells, elliptic shapes, stratiform rain between them, rain
    along the slant path that differs from that above the terminal.
    """

    mean_rate_mm_h: float
    mean_peak_mm_h: float = 20.0
    radius_km: float = 3.0
    wind_east_m_s: float = 10.0
    wind_north_m_s: float = 5.0

    def __post_init__(self) -> None:
        for field in ("mean_rate_mm_h", "mean_peak_mm_h", "radius_km"):
            if not getattr(self, field) > 0:
                raise InvalidArgument(
                    f"{field} is {getattr(self, field)}; it must be above 0. For dry weather leave "
                    "the rain cells out.",
                    reason="INVALID_FIELD",
                    field=field,
                )

    @property
    def cells_per_km2(self) -> float:
        """Density n of the cells that gives the mean rate."""
        return self.mean_rate_mm_h / (self.mean_peak_mm_h * 2 * np.pi * self.radius_km**2)

    @property
    def sigma_mm_h(self) -> float:
        """Standard deviation of the rain rate at a place. E[R_M^2] = 2 E[R_M]^2."""
        return float(
            np.sqrt(self.cells_per_km2 * 2 * self.mean_peak_mm_h**2 * np.pi * self.radius_km**2 / 2)
        )

    def correlation(self, distance_km: Any) -> FloatArray:
        """Correlation [...] of the rain rates at two places a distance apart, 1 at 0.

        Source: Rice 1944.
        Not modelled: anisotropy; the wind's shear.
        """
        scaled = np.maximum(np.asarray(distance_km, dtype=np.float64) / self.radius_km, 1e-6)
        return np.asarray(0.5 * scaled**2 * kv(2, scaled))


def rain_rate_mm_h(
    position_m: FloatArray, offset_s: FloatArray, field: RainField, rng: np.random.Generator
) -> FloatArray:
    """Rain rate [T, P] at P places that may move, over a run.

    Args:
        position_m: [T, P, 2] east and north.
        offset_s: [T] seconds since the begin.
        field: the statistics of the rain.
        rng: draws the cells, in an order that only the positions and the field fix.
    Source: Capsoni 1987; Rice 1944.
    Not modelled: cells beyond ten radii, see also `RainField`.
    """
    wind = np.array((field.wind_east_m_s, field.wind_north_m_s))
    drifting_km = (position_m - wind * offset_s[:, None, None]) / 1e3  # as the cells see the places
    reach_km = _REACH_RADII * field.radius_km
    low = drifting_km.min(axis=(0, 1)) - reach_km
    high = drifting_km.max(axis=(0, 1)) + reach_km
    count = int(rng.poisson(field.cells_per_km2 * float(np.prod(high - low))))
    centre_km = rng.uniform(low, high, (count, 2))
    peak_mm_h = rng.exponential(field.mean_peak_mm_h, count)
    rate = np.zeros(drifting_km.shape[:2])
    for place in range(position_m.shape[1]):
        track = drifting_km[:, place]
        near = np.all(
            (centre_km >= track.min(axis=0) - reach_km)
            & (centre_km <= track.max(axis=0) + reach_km),
            axis=-1,
        )
        for centre, peak in zip(centre_km[near], peak_mm_h[near], strict=True):
            away_km = np.hypot(track[:, 0] - centre[0], track[:, 1] - centre[1])
            rate[:, place] += peak * np.exp(-away_km / field.radius_km)
    return rate


def rain_cell_losses_db(
    rate_mm_h: FloatArray,
    elevation_deg: FloatArray,
    site: SiteConstants,
    frequency_ghz: float,
    terminal: Terminal,
) -> MaskedFloats:
    """Attenuation [T, P] in dB of a rain rate at each place: gamma_R times the effective path.

    Masked below 5 degrees, as every loss of the atmosphere.

    Args:
        rate_mm_h: [T, P] from `rain_rate_mm_h`.
        elevation_deg: [T, P].
        site: constants of the places, [P] or one for all.
        frequency_ghz: carrier frequency.
        terminal: at every place.

    Source: ITU-R P.838-3; ITU-R P.618-13 2.2.1.1.
    Not modelled: as `momentary_rain_db`.
    """
    known = covered(elevation_deg)
    loss_db = momentary_rain_db(
        rate_mm_h,
        np.where(known, elevation_deg, 90.0),
        frequency_ghz=frequency_ghz,
        rain_height_km=site.rain_height_km,
        station_height_km=site.height_km,
        latitude_deg=site.latitude_deg,
        tilt_deg=terminal.tilt_deg,
    )
    return np.ma.MaskedArray(np.where(known, loss_db, np.inf), mask=~known, fill_value=np.inf)
