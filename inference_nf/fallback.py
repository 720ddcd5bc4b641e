"""Allocations without a model, from nothing but the context.

The conservative one, maximum ratio with equal power and quota-balanced carriers, takes microseconds
and is no attempt at a good allocation: it keeps every terminal on the air. The local search takes
some tens of milliseconds and comes within a few percent of exhaustive search on the estimate.
"""

import hashlib
from dataclasses import fields

import numpy as np

from ml_models.baselines import local_search as search
from radio_math.context import Allocation, ContextError, RadioContext


def conservative_allocation(context: RadioContext, carrier_quota: int) -> Allocation:
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


def local_search(context: RadioContext, carrier_quota: int, *, seed: str) -> Allocation:
    """What best moves, swaps and gradient polish reach for an unbatched context.

    Blocks. The same for the same context and `seed`, whose SHA-256 seeds the random start.
    """
    batch = RadioContext(
        **{f.name: np.asarray(getattr(context, f.name))[None] for f in fields(RadioContext)}
    )
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big"))
    found, _ = search.decide(batch, rng, quota=carrier_quota)
    return Allocation(
        carrier=np.asarray(found.carrier)[0].astype(np.int64),
        power_w=np.asarray(found.power_w)[0].astype(np.float64),
        beamformer_index=np.asarray(found.beamformer_index)[0].astype(np.float64),
    )
