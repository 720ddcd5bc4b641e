"""The decision without a model: maximum ratio, equal power, quota-balanced carriers.

It needs nothing but the context, takes microseconds and is the same for the same context. It is no
attempt at a good allocation: it keeps every terminal on the air while no model can decide.
"""

import numpy as np

from radio_math.context import Allocation, ContextError, RadioContext


def fallback_allocation(context: RadioContext, carrier_quota: int) -> Allocation:
    """A feasible allocation [U] for an unbatched context.

    ESIM u gets carrier u mod M, so that the loads of the carriers differ by at most one.

    Raises:
        ContextError: The quota leaves no room for every ESIM.
    """
    esims = np.shape(context.ici_factor)[-1]
    carriers = np.shape(context.carrier_noise)[-1]
    if esims > carrier_quota * carriers:
        raise ContextError(
            f"{esims} ESIMs do not fit on {carriers} carriers of {carrier_quota} each; "
            "raise carrier_quota"
        )
    return Allocation(
        carrier=np.arange(esims, dtype=np.int64) % carriers,
        power_w=np.full(esims, float(context.power_budget_w) / esims),
        beamformer_index=np.zeros(esims),
    )
