"""Gradient ascent of the sum secrecy rate in powers and beamformers at fixed carriers.

The gradient is analytic. With E = (I + D Gamma)^-1 of `radio_math.secrecy` and t_u = 1/E_uu - 1,

    dt_u / da_v = E_uv (Gamma E)_vu / E_uu^2

Powers are shares exp(x_u) / sum exp(x) of the budget, so that the budget holds exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from radio_math.context import Allocation, Array, RadioContext

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_MIN_LOG_SHARE = -12.0
_ADAM_DECAY = (0.8, 0.95)  # short memories: tens of steps, not thousands


@dataclass(frozen=True)
class PreparedContext:
    """A radio context with what every step of an optimiser needs, computed once.

    Batch axes are those of the context, with `extra_axes` axes of length 1 for candidates.
    """

    gram: Floats  # [..., U, U]
    log_gain: Floats  # [..., U, S]
    log_leakage: Floats  # [..., U, S]
    ici_factor: Floats  # [..., U]
    carrier_noise: Floats  # [..., M]
    power_budget_w: Floats  # [...]


def prepare(context: RadioContext, extra_axes: int = 1) -> PreparedContext:
    """The context in double precision with axes for candidates after its batch axes."""

    def placed(value: Array, own_axes: int) -> Floats:
        array = np.asarray(value, dtype=np.float64)
        batch = array.ndim - own_axes
        return array.reshape(*array.shape[:batch], *([1] * extra_axes), *array.shape[batch:])

    amplitude = placed(context.beam_amplitude, 2)
    return PreparedContext(
        gram=amplitude @ np.swapaxes(amplitude, -1, -2),
        log_gain=np.log(placed(context.gain_per_w, 2)),
        log_leakage=np.log(placed(context.leakage_per_w, 2)),
        ici_factor=placed(context.ici_factor, 1),
        carrier_noise=placed(context.carrier_noise, 1),
        power_budget_w=placed(context.power_budget_w, 0),
    )


def grid_value_and_slope(log_table: Floats, index: Floats) -> tuple[Floats, Floats]:
    """Log-linear interpolation exp(table(s)) and d log / ds, both [..., U]."""
    lower = np.clip(np.floor(index).astype(np.int64), 0, log_table.shape[-1] - 2)
    shape = np.broadcast_shapes(log_table.shape[:-1], index.shape)
    table = np.broadcast_to(log_table, (*shape, log_table.shape[-1]))
    lower = np.broadcast_to(lower, shape)
    left = np.take_along_axis(table, lower[..., None], axis=-1)[..., 0]
    right = np.take_along_axis(table, lower[..., None] + 1, axis=-1)[..., 0]
    slope = right - left
    return np.exp(left + (index - lower) * slope), slope


def carrier_noise_of(prepared: PreparedContext, carrier: Integers) -> Floats:
    """Noise over thermal on the carrier of each ESIM, [..., U]."""
    shape = np.broadcast_shapes(prepared.carrier_noise.shape[:-1], carrier.shape[:-1])
    noise = np.broadcast_to(prepared.carrier_noise, (*shape, prepared.carrier_noise.shape[-1]))
    return np.take_along_axis(noise, np.broadcast_to(carrier, (*shape, carrier.shape[-1])), axis=-1)


def sum_rate_and_gradient(
    prepared: PreparedContext, carrier: Integers, power_w: Floats, index: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sum secrecy rate [...] [nat/s/Hz] and its derivatives in power and grid position [..., U].

    An ESIM whose rate is below zero contributes nothing but its interference.
    """
    gain, gain_slope = grid_value_and_slope(prepared.log_gain, index)
    leakage, leakage_slope = grid_value_and_slope(prepared.log_leakage, index)
    gain = gain / carrier_noise_of(prepared, carrier)
    load = power_w * gain
    gram = prepared.gram * (carrier[..., :, None] == carrier[..., None, :])
    error = np.linalg.inv(np.eye(carrier.shape[-1]) + load[..., None] * gram)
    own = np.diagonal(error, axis1=-2, axis2=-1)
    ratio = 1 / own - 1
    epsilon = prepared.ici_factor
    leaked = power_w * leakage
    rate = np.log1p(ratio / (1 + epsilon * ratio)) - np.log1p(leaked)
    active = rate > 0
    rate_slope = (1 + epsilon) / (1 + (1 + epsilon) * ratio) - epsilon / (1 + epsilon * ratio)
    weight = np.where(active, rate_slope / own**2, 0.0)
    d_load = np.sum(
        weight[..., :, None] * error * np.swapaxes(gram @ error, -1, -2), axis=-2
    )  # [..., U] over v
    d_leaked = np.where(active, -1 / (1 + leaked), 0.0)
    d_power = d_load * gain + d_leaked * leakage
    d_index = d_load * load * gain_slope + d_leaked * leaked * leakage_slope
    return np.sum(np.where(active, rate, 0.0), axis=-1), d_power, d_index


Objective = Callable[[PreparedContext, Integers, Floats, Floats], tuple[Floats, Floats, Floats]]
"""What is climbed: `sum_rate_and_gradient`, or something with its arguments and results."""


def ascend(
    prepared: PreparedContext,
    start: Allocation,
    *,
    steps: int,
    objective: Objective = sum_rate_and_gradient,
    power_step: float = 0.25,
    index_step: float = 0.6,
) -> tuple[Allocation, Floats]:
    """The best point met while climbing from `start` at fixed carriers, and its sum rate [...].

    Adam with step sizes that fall linearly to a twentieth. The rate is in b/s/Hz and never below
    that of `start`.
    """
    carrier = start.carrier
    budget = prepared.power_budget_w[..., None]
    share = np.log(np.maximum(start.power_w / budget, np.exp(_MIN_LOG_SHARE)))
    index = np.array(start.beamformer_index, dtype=np.float64)
    last = prepared.log_gain.shape[-1] - 1
    first_decay, second_decay = _ADAM_DECAY
    step_size = np.stack([np.full(share.shape, power_step), np.full(share.shape, index_step)])
    mean = np.zeros((2, *share.shape))
    square = np.zeros((2, *share.shape))
    power_w = budget * _softmax(share)
    best_value = np.full(share.shape[:-1], -np.inf)
    best_power, best_index = power_w, index
    for step in range(steps + 1):
        value, d_power, d_index = objective(prepared, carrier, power_w, index)
        better = value > best_value
        best_value = np.where(better, value, best_value)
        best_power = np.where(better[..., None], power_w, best_power)
        best_index = np.where(better[..., None], index, best_index)
        if step == steps:
            break
        d_share = power_w * (d_power - np.sum(power_w * d_power, axis=-1, keepdims=True) / budget)
        gradient = np.stack([d_share, d_index])
        mean = first_decay * mean + (1 - first_decay) * gradient
        square = second_decay * square + (1 - second_decay) * gradient**2
        unbiased = mean / (1 - first_decay ** (step + 1))
        spread = np.sqrt(square / (1 - second_decay ** (step + 1))) + 1e-4
        fall = 1 - 0.95 * step / max(steps - 1, 1)
        moved = fall * step_size * unbiased / spread
        share = np.maximum(share + moved[0] - np.max(share, axis=-1, keepdims=True), _MIN_LOG_SHARE)
        index = np.clip(index + moved[1], 0, last)
        power_w = budget * _softmax(share)
    best = Allocation(carrier=carrier, power_w=best_power, beamformer_index=best_index)
    return best, best_value / np.log(2)


def _softmax(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))
