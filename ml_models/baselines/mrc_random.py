"""The benchmark without coordination: equal power, MRT, random carriers, MRC at the satellite."""

import numpy as np

from radio_math.context import CARRIER_QUOTA, Allocation, Array, RadioContext
from radio_math.secrecy import Combining, sum_secrecy_rate


def decide(
    context: RadioContext, rng: np.random.Generator, quota: int = CARRIER_QUOTA
) -> Allocation:
    """A random allocation that respects the quota, for contexts with any batch axes.

    Every carrier has `quota` slots; the ESIMs draw slots without replacement.
    """
    shape = np.shape(context.ici_factor)
    carriers = np.shape(context.carrier_noise)[-1]
    slots = np.broadcast_to(np.repeat(np.arange(carriers), quota), (*shape[:-1], carriers * quota))
    budget = np.asarray(context.power_budget_w, dtype=np.float64)
    return Allocation(
        carrier=rng.permuted(slots, axis=-1)[..., : shape[-1]].astype(np.int64),
        power_w=np.broadcast_to(budget[..., None] / shape[-1], shape).copy(),
        beamformer_index=np.zeros(shape),
    )


def sum_rate(context: RadioContext, allocation: Allocation) -> Array:
    """Sum secrecy rate [...] [b/s/Hz] under MRC combining, which belongs to this benchmark."""
    return sum_secrecy_rate(context, allocation, Combining.MRC)
