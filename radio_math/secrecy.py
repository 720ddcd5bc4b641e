"""Secrecy rates of an allocation under full reuse with MMSE combining over the beams.

With received SNR q_u = p_u A_u(s_u) and a_u = q_u / nu_{c_u}, the MMSE error of ESIM u is the
diagonal of (I + D Gamma)^-1, where D = diag(a) and Gamma_uv = g_u . g_v for ESIMs that share a
carrier and zero otherwise. One U x U inverse therefore serves all carriers, and it is built by
Gauss-Jordan sweeps because neither ONNX nor TensorRT has a matrix inverse: all pivots are at least
1 and the diagonal only ever grows, so nothing cancels in single precision.

    t_u = 1 / E_uu - 1        SINR_u = t_u / (1 + epsilon_u t_u)
    R_u = [log2(1 + SINR_u) - log2(1 + p_u L_u(s_u))]+

Source: Tse 2005 section 8.3.3 (MMSE combining); Wyner 1975 (secrecy rate); Goodnight 1979 (sweep).
Not modelled: eavesdroppers suffer no interference and collude (the worst case); interference
treated as noise, no successive cancellation.
"""

import math
from enum import StrEnum

from array_api_compat import array_namespace, device

from radio_math.context import Allocation, Array, RadioContext


def interpolate_grid(table: Array, beamformer_index: Array) -> Array:
    """Table values [..., U] at real grid positions [..., U], linear in the logarithm.

    Args:
        table: [..., U, S] positive values on the beamformer grid.
        beamformer_index: [..., U] positions from 0 to S - 1; outside, the value decays to 1, so
            callers keep it inside.

    Source: Khisti 2010 section III (the frontier that the grid samples).
    Not modelled: what lies between the points; the frontier is smooth in decibels.
    """
    xp = array_namespace(table)
    grid = xp.arange(table.shape[-1], dtype=table.dtype, device=device(table))
    distance = xp.abs(beamformer_index[..., None] - grid)
    weight = xp.where(distance < 1, 1 - distance, xp.zeros_like(distance))  # [..., U, S] hats
    return xp.exp(xp.sum(weight * xp.log(table), axis=-1))


class Combining(StrEnum):
    """How the satellite combines its beams: MMSE, or MRC, which ignores the other ESIMs."""

    MMSE = "mmse"
    MRC = "mrc"


def secrecy_rates(
    context: RadioContext, allocation: Allocation, combining: Combining = Combining.MMSE
) -> Array:
    """Secrecy rate of each ESIM, [..., U] [b/s/Hz].

    Batch axes of context and allocation broadcast against each other. Equations: see the module.

    Source: Wyner 1975; Tse 2005 section 8.3.3.
    Not modelled: as the module says.
    """
    power_w = allocation.power_w
    gain = interpolate_grid(context.gain_per_w, allocation.beamformer_index)
    leakage = interpolate_grid(context.leakage_per_w, allocation.beamformer_index)
    xp = array_namespace(power_w)
    carriers = xp.arange(
        context.carrier_noise.shape[-1], dtype=allocation.carrier.dtype, device=device(power_w)
    )
    one_hot = xp.astype(allocation.carrier[..., None] == carriers, power_w.dtype)  # [..., U, M]
    noise = xp.sum(one_hot * context.carrier_noise[..., None, :], axis=-1)
    signal = power_w * gain / noise  # a_u
    transposed = xp.matrix_transpose
    shared = one_hot @ transposed(one_hot)  # 1 where two ESIMs share a carrier
    gram = (context.beam_amplitude @ transposed(context.beam_amplitude)) * shared
    if combining is Combining.MMSE:
        sinr_without_ici = 1 / mmse_error(signal[..., None] * gram) - 1
    else:
        own = xp.linalg.diagonal(gram)  # |g_u|^2
        received = xp.sum(signal[..., None, :] * gram**2, axis=-1)  # own signal and the others'
        wanted = signal * own**2
        sinr_without_ici = wanted / (own + received - wanted)
    sinr = sinr_without_ici / (1 + context.ici_factor * sinr_without_ici)
    rate = (xp.log1p(sinr) - xp.log1p(power_w * leakage)) / math.log(2.0)
    return xp.where(rate > 0, rate, xp.zeros_like(rate))


def sum_secrecy_rate(
    context: RadioContext, allocation: Allocation, combining: Combining = Combining.MMSE
) -> Array:
    """Sum of the secrecy rates over the ESIMs, [...] [b/s/Hz].

    Source: Wyner 1975. Not modelled: as `secrecy_rates`.
    """
    rates = secrecy_rates(context, allocation, combining)
    return array_namespace(rates).sum(rates, axis=-1)


def quota_respected(allocation: Allocation, quota: int, carriers: int) -> Array:
    """Whether no carrier is given to more than `quota` ESIMs, boolean [...].

    Args:
        allocation: the decision.
        quota: the most ESIMs that may share a carrier.
        carriers: number of carriers M; a carrier outside 0 to M - 1 counts as a breach.
    """
    xp = array_namespace(allocation.carrier)
    carrier = allocation.carrier
    numbers = xp.arange(carriers, dtype=carrier.dtype, device=device(carrier))
    load = xp.sum(xp.astype(carrier[..., None] == numbers, xp.int32), axis=-2)  # [..., M]
    known = xp.all((carrier >= 0) & (carrier < carriers), axis=-1)
    return known & xp.all(load <= quota, axis=-1)


def mmse_error(loaded_gram: Array) -> Array:
    """Diagonal [..., U] of (I + loaded_gram)^-1 for D Gamma as in the module's equation.

    Source: Goodnight 1979. Not modelled: nothing, exact up to rounding.
    """
    xp = array_namespace(loaded_gram)
    size = loaded_gram.shape[-1]
    number = xp.arange(size, device=device(loaded_gram))
    # Not xp.eye: torch fills its diagonal in place, which no exporter follows.
    identity = xp.astype(number[:, None] == number[None, :], loaded_gram.dtype)
    matrix = loaded_gram + identity
    for k in range(size):
        pivot = matrix[..., k : k + 1, k : k + 1]
        row = matrix[..., k : k + 1, :] / pivot
        column = matrix[..., :, k : k + 1]
        in_row = identity[k, :, None] > 0
        in_column = identity[k, None, :] > 0
        swept = xp.where(in_row, row, matrix - column * row)
        swept = xp.where(in_column, -column / pivot, swept)
        matrix = xp.where(in_row & in_column, 1 / pivot, swept)
    return xp.sum(matrix * identity, axis=-1)
