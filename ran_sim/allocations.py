"""Allocations as the radio access network takes them: the benchmark, and what it refuses."""

import numpy as np

from nf_runtime.errors import InvalidArgument
from radio_math.context import CARRIER_QUOTA, CARRIERS, ESIMS, GRID_POINTS, Allocation
from radio_math.secrecy import quota_respected

# Powers travel as float32 and are computed by a softmax: their sum is good to some 1e-6.
_BUDGET_TOLERANCE = 1e-4


def benchmark_allocation(power_budget_w: float, rng: np.random.Generator) -> Allocation:
    """What is in force before the first decision: equal power, random carriers, maximum ratio.

    Carriers are dealt from a shuffled pack that holds each one as often as the quota allows.
    """
    pack = np.repeat(np.arange(CARRIERS), CARRIER_QUOTA)
    return Allocation(
        carrier=rng.permutation(pack)[:ESIMS],
        power_w=np.full(ESIMS, power_budget_w / ESIMS),
        beamformer_index=np.zeros(ESIMS),
    )


def check_allocation(allocation: Allocation, power_budget_w: float) -> None:
    """Refuses a decision that cannot be put in force.

    Shapes and finiteness are checked where the tensors are read.

    Raises:
        InvalidArgument: a carrier does not exist, the quota or the power budget is broken, a power
            is negative, or a beamformer index lies off the grid; the message names the field.
    """
    carrier, power_w, index = allocation.carrier, allocation.power_w, allocation.beamformer_index
    if (carrier < 0).any() or (carrier >= CARRIERS).any():
        raise _refused("carrier", f"names carriers outside 0 to {CARRIERS - 1}")
    if not bool(quota_respected(allocation, CARRIER_QUOTA, CARRIERS)):
        most = int(np.bincount(carrier, minlength=CARRIERS).max())
        raise _refused("carrier", f"puts {most} ESIMs on one carrier; at most {CARRIER_QUOTA} may")
    if (power_w < 0).any():
        raise _refused("power_w", f"holds {power_w.min():.3g} W; powers cannot be negative")
    total_w = float(power_w.sum())
    if total_w > power_budget_w * (1 + _BUDGET_TOLERANCE):
        raise _refused(
            "power_w", f"adds up to {total_w:.4g} W; the budget is {power_budget_w:.4g} W"
        )
    if (index < 0).any() or (index > GRID_POINTS - 1).any():
        raise _refused("beamformer_index", f"leaves the grid from 0 to {GRID_POINTS - 1}")


def _refused(field: str, what: str) -> InvalidArgument:
    return InvalidArgument(
        f"allocation.{field} {what}.", reason="INVALID_FIELD", field=f"allocation.{field}"
    )
