"""The radio context a decision is made from, and the allocation that a decision is.

Arrays may come from any array-API library (numpy, torch) and may carry leading batch axes, written
`[..., U, B]` below: U ESIMs, B satellite beams, M carriers, S points of the beamformer grid.

The grid is one path through the beamformers of an ESIM (`radio_math.beamforming`): along its first
points, those of the report, what is nulled is what was reported; along the others it is more and
more of the whole horizon, whatever was reported.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

BEAMS = 8
ESIMS = 10
CARRIERS = 4
CARRIER_QUOTA = 4
REPORT_POINTS = 16
HORIZON_POINTS = 4
GRID_POINTS = REPORT_POINTS + HORIZON_POINTS

Array = Any
"""An array of the library the caller uses; the array API has no common static type yet."""


class ContextError(ValueError):
    """A radio context or allocation that no decision can be made from; the message says why."""


@dataclass(frozen=True)
class RadioContext:
    """What is known (or true) of the uplink of one service area at one instant.

    Attributes:
        beam_amplitude: [..., U, B] signed amplitude g_u of ESIM u in each beam; 1 is the peak of
            a beam at the centre of the service area.
        gain_per_w: [..., U, S] A_u(s), SNR at the satellite per watt [1/W], linear.
        leakage_per_w: [..., U, S] L_u(s), SNR per watt at the colluding stations [1/W], linear.
        ici_factor: [..., U] epsilon_u, inter-carrier interference over signal, linear.
        carrier_noise: [..., M] nu_m, noise of each carrier over thermal noise, linear, at least 1.
        power_budget_w: [...] total transmit power of all ESIMs together [W].
    """

    beam_amplitude: Array
    gain_per_w: Array
    leakage_per_w: Array
    ici_factor: Array
    carrier_noise: Array
    power_budget_w: Array


@dataclass(frozen=True)
class Allocation:
    """A joint decision for all ESIMs of a service area.

    Attributes:
        carrier: [..., U] carrier of each ESIM, integer, counted from 0.
        power_w: [..., U] transmit power of each ESIM [W].
        beamformer_index: [..., U] real position s on the beamformer grid, from 0 to S - 1.
    """

    carrier: Array
    power_w: Array
    beamformer_index: Array


def check_context(context: RadioContext) -> None:
    """Returns nothing; raises `ContextError` unless shapes agree and every number is usable."""
    arrays = {field.name: np.asarray(getattr(context, field.name)) for field in fields(context)}
    batch = arrays["power_budget_w"].shape
    for name, own_axes in (
        ("beam_amplitude", 2),
        ("gain_per_w", 2),
        ("leakage_per_w", 2),
        ("ici_factor", 1),
        ("carrier_noise", 1),
        ("power_budget_w", 0),
    ):
        shape = arrays[name].shape
        if len(shape) != len(batch) + own_axes or shape[: len(batch)] != batch:
            raise ContextError(
                f"{name} has shape {shape}; give it {len(batch) + own_axes} axes that begin with "
                f"the batch axes {batch} of power_budget_w"
            )
        if not np.isfinite(arrays[name]).all():
            raise ContextError(f"{name} holds a value that is not finite; leave the context out")
    esims = arrays["ici_factor"].shape[-1]
    for name in ("beam_amplitude", "gain_per_w", "leakage_per_w"):
        if arrays[name].shape[-2] != esims:
            raise ContextError(f"{name} describes {arrays[name].shape[-2]} ESIMs, not {esims}")
    if arrays["gain_per_w"].shape != arrays["leakage_per_w"].shape:
        raise ContextError("gain_per_w and leakage_per_w must share one beamformer grid")
    for name in ("gain_per_w", "leakage_per_w", "power_budget_w"):
        if (arrays[name] <= 0).any():
            raise ContextError(f"{name} must be above zero: it is read in decibels")
    if (arrays["ici_factor"] < 0).any():
        raise ContextError("ici_factor must not be negative")
    if (arrays["carrier_noise"] < 1).any():
        raise ContextError("carrier_noise is relative to thermal noise and cannot be below 1")
