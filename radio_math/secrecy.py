"""Secrecy rates of an allocation under full reuse with MMSE combining over the beams.

With received SNR q_u = p_u A_u(s_u) and a_u = q_u / nu_{c_u}, the MMSE error of ESIM u is the
diagonal of (I + D Gamma)^-1, where D = diag(a) and Gamma_uv = g_u . g_v for ESIMs that share a
carrier and zero otherwise. One U x U inverse therefore serves all carriers, and it is built by
Gauss-Jordan sweeps because neither ONNX nor TensorRT has a matrix inverse: all pivots are at least
1 and the diagonal only ever grows, so nothing cancels in single precision. Where every ESIM's place
on its carrier is known, small matrices, one set a carrier, do the same in fewer steps.

    t_u = 1 / E_uu - 1        SINR_u = t_u / (1 + epsilon_u t_u)
    R_u = [log2(1 + SINR_u) - log2(1 + p_u L_u(s_u))]+

Source: Tse 2005 section 8.3.3 (MMSE combining); Wyner 1975 (secrecy rate); Goodnight 1979 (sweep).
Not modelled: eavesdroppers suffer no interference and collude (the worst case); interference
treated as noise, no successive cancellation.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from array_api_compat import array_namespace, device

from radio_math.context import Allocation, Array, RadioContext

# An ESIM goes a point further along its path only for so much [b/s/Hz]: where nothing is to be had,
# rounding must not decide.
_WORTH_A_POINT = 1e-4

# Gauss and Hermite's five places of a standard normal variable, and their weights.
_NORMAL_PLACES = (-2.85697001387281, -1.35562617997427, 0.0, 1.35562617997427, 2.85697001387281)
_NORMAL_WEIGHTS = (
    0.0112574113277,
    0.2220759220056,
    0.5333333333333,
    0.2220759220056,
    0.0112574113277,
)


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
    weight = xp.clip(1 - distance, min=0.0)  # [..., U, S] hats
    return xp.exp(xp.sum(weight * xp.log(table), axis=-1))


class Combining(StrEnum):
    """How the satellite combines its beams: MMSE, or MRC, which ignores the other ESIMs."""

    MMSE = "mmse"
    MRC = "mrc"


@dataclass(frozen=True)
class CarrierPlaces:
    """Where the ESIMs stand on their carriers.

    Attributes:
        seat: [..., M L, U] 1 where an ESIM has a place of a carrier, of which each has L, and 0
            elsewhere; every ESIM has one place, and no two the same.
        quota: L, places of a carrier.
    """

    seat: Array
    quota: int


def secrecy_rates(
    context: RadioContext,
    allocation: Allocation,
    combining: Combining = Combining.MMSE,
    places: CarrierPlaces | None = None,
    leakage_spread: Array | None = None,
) -> Array:
    """Secrecy rate of each ESIM, [..., U] [b/s/Hz].

    Batch axes of context and allocation broadcast against each other. Equations: see the module.
    Whoever knows the places of an MMSE allocation gives them: the rates are the same, in less time.
    With a spread the rates are expectations over a leakage that is not known: lognormal around the
    context's, with this standard deviation [..., U, S] of its natural logarithm at the points of
    the beamformer grid. An ESIM whose secrecy is in doubt may then still be worth its power.

    Source: Wyner 1975; Tse 2005 section 8.3.3.
    Not modelled: as the module says.
    """
    ratio = sinr_without_ici(context, allocation, combining, places)
    leakage = interpolate_grid(context.leakage_per_w, allocation.beamformer_index)
    spread = None
    if leakage_spread is not None:
        spread = interpolate_grid(leakage_spread, allocation.beamformer_index)
    return _rates(ratio, context.ici_factor, allocation.power_w * leakage, spread)


def sinr_without_ici(
    context: RadioContext,
    allocation: Allocation,
    combining: Combining = Combining.MMSE,
    places: CarrierPlaces | None = None,
) -> Array:
    """t_u, [..., U], linear: what the SINR would be without residual Doppler.

    Arguments as of `secrecy_rates`. With MMSE combining it is proportional to the ESIM's own
    signal, whatever the others do.

    Source: Tse 2005 section 8.3.3. Not modelled: as the module says.
    """
    power_w = allocation.power_w
    gain = interpolate_grid(context.gain_per_w, allocation.beamformer_index)
    if combining is Combining.MMSE and places is not None:
        return _ratio_by_places(context, power_w * gain, places)
    xp = array_namespace(power_w)
    carriers = xp.arange(
        context.carrier_noise.shape[-1], dtype=allocation.carrier.dtype, device=device(power_w)
    )
    one_hot = xp.astype(allocation.carrier[..., None] == carriers, power_w.dtype)  # [..., U, M]
    noise = xp.sum(one_hot * context.carrier_noise[..., None, :], axis=-1)
    signal = power_w * gain / noise  # a_u
    gram = _shared_gram(context.beam_amplitude, one_hot)
    if combining is Combining.MMSE:
        return 1 / mmse_error(signal[..., None] * gram) - 1
    own = xp.linalg.diagonal(gram)  # |g_u|^2
    received = xp.sum(signal[..., None, :] * gram**2, axis=-1)  # own signal and the others'
    wanted = signal * own**2
    return wanted / (own + received - wanted)


def own_best_points(
    context: RadioContext, allocation: Allocation, ratio: Array, leakage_spread: Array | None = None
) -> Array:
    """The point of the beamformer grid that is best for each ESIM while the others stay, [..., U].

    Of points that differ by less than 1e-4 b/s/Hz each the first.

    Args:
        context: as of `secrecy_rates`.
        allocation: of all ESIMs.
        ratio: [..., U] its `sinr_without_ici` with MMSE combining.
        leakage_spread: as of `secrecy_rates`.

    Source: Tse 2005 section 8.3.3 (t_u is proportional to A_u).
    Not modelled: what the others gain or lose by it.
    """
    xp = array_namespace(ratio)
    now = interpolate_grid(context.gain_per_w, allocation.beamformer_index)
    ratios = (ratio / now)[..., None] * context.gain_per_w  # [..., U, S]
    leaked = allocation.power_w[..., None] * context.leakage_per_w
    rates = _rates(ratios, context.ici_factor[..., None], leaked, leakage_spread)
    point = xp.arange(rates.shape[-1], dtype=ratio.dtype, device=device(ratio))
    return xp.astype(xp.argmax(rates - _WORTH_A_POINT * point, axis=-1), ratio.dtype)


def _rates(ratio: Array, ici_factor: Array, leaked: Array, spread: Array | None) -> Array:
    """Secrecy rates [b/s/Hz] of SINRs without Doppler and leaked SNRs, of any shape.

    With a spread of the leakage's logarithm they are expectations.
    """
    xp = array_namespace(ratio)
    won = xp.log1p(ratio / (1 + ici_factor * ratio))
    if spread is None:
        return xp.clip(won - xp.log1p(leaked), min=0.0) / math.log(2.0)
    expected = xp.zeros_like(won)
    for place, weight in zip(_NORMAL_PLACES, _NORMAL_WEIGHTS, strict=True):
        kept = won - xp.log1p(leaked * xp.exp(place * spread))
        expected = expected + weight * xp.clip(kept, min=0.0)
    return expected / math.log(2.0)


def sum_secrecy_rate(
    context: RadioContext,
    allocation: Allocation,
    combining: Combining = Combining.MMSE,
    places: CarrierPlaces | None = None,
    leakage_spread: Array | None = None,
) -> Array:
    """Sum of the secrecy rates over the ESIMs, [...] [b/s/Hz].

    Source: Wyner 1975. Not modelled: as `secrecy_rates`.
    """
    rates = secrecy_rates(context, allocation, combining, places, leakage_spread)
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


def _shared_gram(amplitude: Array, one_hot: Array) -> Array:
    """Gamma [..., U, U]: g_u . g_v of ESIMs that share a carrier, zero otherwise."""
    transposed = array_namespace(amplitude).matrix_transpose
    return (amplitude @ transposed(amplitude)) * (one_hot @ transposed(one_hot))


def _ratio_by_places(context: RadioContext, received: Array, places: CarrierPlaces) -> Array:
    """Ratios t_u [..., U] from L x L matrices of the carriers instead of one U x U matrix.

    Where rows and columns are eliminated one after the other, the last pivot is 1 + t of the last.
    So every ESIM of a carrier is put last once, L matrices a carrier, side by side.
    """
    xp = array_namespace(received)
    transposed = xp.matrix_transpose
    quota, carriers = places.quota, context.carrier_noise.shape[-1]
    batch, beams = received.shape[:-1], context.beam_amplitude.shape[-1]
    pattern = places.seat @ context.beam_amplitude  # [..., M L, B], zero where nobody is
    pattern = xp.reshape(pattern, (*batch, carriers, quota, beams))
    load = xp.reshape(places.seat @ received[..., None], (*batch, carriers, quota, 1))
    load = load / context.carrier_noise[..., :, None, None]
    loaded = xp.reshape(load * (pattern @ transposed(pattern)), (*batch, carriers, quota * quota))
    # As a product, because to take entries one by one is slow.
    turned = loaded @ _turns(quota, received)
    matrix = xp.reshape(turned, (*batch, carriers, quota, quota, quota))
    number = xp.arange(quota, device=device(received))
    matrix = matrix + xp.astype(number[:, None] == number[None, :], received.dtype)
    for _ in range(quota - 1):
        first = matrix[..., :1, 1:] / matrix[..., :1, :1]
        matrix = matrix[..., 1:, 1:] - matrix[..., 1:, :1] * first
    ratio = xp.reshape(matrix, (*batch, carriers * quota, 1)) - 1
    return (transposed(places.seat) @ ratio)[..., 0]


def _turns(size: int, like: Array) -> Array:
    """Of a flat matrix, one with each of its indices turned to the end: [1, L L, L L L] ones.

    The axis in front tells it from the layer of a network, which may be rounded.
    """
    xp = array_namespace(like)
    number = xp.arange(size, device=device(like))
    turns = (number[:, None] + number[None, :] + 1) % size
    taken = xp.reshape(turns[:, :, None] * size + turns[:, None, :], (-1,))
    entry = xp.arange(size * size, device=device(like))
    return xp.astype(entry[:, None] == taken[None, :], like.dtype)[None]
