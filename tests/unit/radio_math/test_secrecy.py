"""Secrecy rates against a formula written a second time, and on both array libraries."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from radio_math.context import CARRIERS, ESIMS, GRID_POINTS, Allocation, RadioContext
from radio_math.secrecy import (
    CarrierPlaces,
    Combining,
    interpolate_grid,
    mmse_error,
    quota_respected,
    secrecy_rates,
    sum_secrecy_rate,
)


def straightforward_rates(context: RadioContext, n: int, allocation: Allocation) -> list[float]:
    """One context, one ESIM at a time, with the B x B inverse of the system model."""
    rates = []
    for u in range(ESIMS):
        carrier = allocation.carrier[n, u]
        noise = context.carrier_noise[n, carrier]
        covariance = np.eye(context.beam_amplitude.shape[-1])
        for v in range(ESIMS):
            if allocation.carrier[n, v] == carrier:
                g = context.beam_amplitude[n, v]
                received = allocation.power_w[n, v] * at(context.gain_per_w[n, v], allocation, n, v)
                covariance = covariance + received / noise * np.outer(g, g)
        own = allocation.power_w[n, u] * at(context.gain_per_w[n, u], allocation, n, u) / noise
        g = context.beam_amplitude[n, u]
        z = g @ np.linalg.inv(covariance) @ g
        t = own * z / (1 - own * z)
        sinr = t / (1 + context.ici_factor[n, u] * t)
        leaked = allocation.power_w[n, u] * at(context.leakage_per_w[n, u], allocation, n, u)
        rates.append(max(0.0, np.log2(1 + sinr) - np.log2(1 + leaked)))
    return rates


def at(table: np.ndarray, allocation: Allocation, n: int, u: int) -> float:
    """The table of one ESIM at its place on the grid."""
    position = np.arange(GRID_POINTS)
    return float(np.exp(np.interp(allocation.beamformer_index[n, u], position, np.log(table))))


def some_allocation(context: RadioContext, rng: np.random.Generator) -> Allocation:
    """Random carriers, shares and beamformers, without regard for the quota."""
    share = rng.dirichlet(np.full(ESIMS, 0.5), len(context.power_budget_w))
    return Allocation(
        carrier=rng.integers(0, CARRIERS, share.shape),
        power_w=share * context.power_budget_w[:, None],
        beamformer_index=rng.uniform(0, GRID_POINTS - 1, share.shape),
    )


@pytest.fixture(scope="module")
def context() -> RadioContext:
    """Eight contexts of both kinds of geometry."""
    return draw_scenarios(ScenarioProfile(geometry="mixed"), 8, 3).estimated


def test_equals_the_formula_written_with_a_beam_space_inverse(context: RadioContext) -> None:
    """The ESIM-space sweep gives the rates of the system model's beam-space equation."""
    allocation = some_allocation(context, np.random.default_rng(0))
    expected = [straightforward_rates(context, n, allocation) for n in range(8)]
    np.testing.assert_allclose(secrecy_rates(context, allocation), expected, rtol=1e-9, atol=1e-9)


def test_numpy_and_torch_agree(context: RadioContext) -> None:
    """The same lines compute the same rates on both libraries."""
    allocation = some_allocation(context, np.random.default_rng(1))
    on_torch = sum_secrecy_rate(
        RadioContext(**{k: torch.as_tensor(v) for k, v in vars(context).items()}),
        Allocation(**{k: torch.as_tensor(v) for k, v in vars(allocation).items()}),
    )
    np.testing.assert_allclose(on_torch, sum_secrecy_rate(context, allocation), rtol=1e-12)


def test_torch_differentiates_powers_and_beamformers(context: RadioContext) -> None:
    """Gradients are finite, also for an ESIM without power."""
    allocation = some_allocation(context, np.random.default_rng(2))
    allocation.power_w[:, 0] = 0.0
    power = torch.tensor(allocation.power_w, requires_grad=True)
    index = torch.tensor(allocation.beamformer_index, requires_grad=True)
    rate = sum_secrecy_rate(
        RadioContext(**{k: torch.as_tensor(v) for k, v in vars(context).items()}),
        Allocation(torch.as_tensor(allocation.carrier), power, index),
    )
    rate.sum().backward()
    assert torch.isfinite(power.grad).all()
    assert torch.isfinite(index.grad).all()
    assert power.grad.abs().sum() > 0


def test_without_power_nothing_is_secret(context: RadioContext) -> None:
    """Zero power gives zero rate, never a negative one."""
    allocation = some_allocation(context, np.random.default_rng(3))
    silent = Allocation(allocation.carrier, 0 * allocation.power_w, allocation.beamformer_index)
    assert not secrecy_rates(context, silent).any()


def test_rates_are_never_negative(context: RadioContext) -> None:
    """A context whose eavesdroppers hear more than the satellite gives zero."""
    allocation = some_allocation(context, np.random.default_rng(4))
    leaky = RadioContext(**{**vars(context), "leakage_per_w": 1e6 * context.gain_per_w})
    assert not secrecy_rates(leaky, allocation).any()


def test_mmse_is_at_least_as_good_as_mrc(context: RadioContext) -> None:
    """MMSE combining maximises SINR, so no ESIM is better off with MRC."""
    allocation = some_allocation(context, np.random.default_rng(5))
    mmse = secrecy_rates(context, allocation)
    mrc = secrecy_rates(context, allocation, Combining.MRC)
    assert (mmse >= mrc - 1e-9).all()
    assert mmse.sum() > mrc.sum()


def test_alone_on_a_carrier_both_combiners_agree(context: RadioContext) -> None:
    """Without interference MRC is optimal."""
    allocation = some_allocation(context, np.random.default_rng(6))
    power = np.zeros_like(allocation.power_w)
    power[:, 0] = 1.0
    alone = Allocation(allocation.carrier, power, allocation.beamformer_index)
    np.testing.assert_allclose(
        secrecy_rates(context, alone), secrecy_rates(context, alone, Combining.MRC), rtol=1e-9
    )


def test_mmse_error_is_the_diagonal_of_the_inverse() -> None:
    """The sweep agrees with LAPACK, also in single precision at high SNR."""
    rng = np.random.default_rng(7)
    g = rng.standard_normal((16, 10, 8))
    loaded = 10 ** rng.uniform(-2, 4, (16, 10, 1)) * (g @ np.swapaxes(g, 1, 2))
    expected = np.diagonal(np.linalg.inv(np.eye(10) + loaded), axis1=1, axis2=2)
    np.testing.assert_allclose(mmse_error(loaded), expected, rtol=1e-8)
    np.testing.assert_allclose(mmse_error(loaded.astype(np.float32)), expected, rtol=2e-2)


@given(st.floats(0, GRID_POINTS - 1))
@settings(max_examples=30, deadline=None)
def test_interpolation_is_linear_in_the_logarithm(position: float) -> None:
    """Between grid points the logarithm is interpolated."""
    table = np.exp(np.random.default_rng(8).standard_normal((1, GRID_POINTS)))
    expected = np.exp(np.interp(position, np.arange(GRID_POINTS), np.log(table[0])))
    np.testing.assert_allclose(interpolate_grid(table, np.array([position])), [expected])


@pytest.mark.parametrize(
    ("carriers", "respected"),
    [
        ([0, 0, 0, 0, 1, 1, 1, 1, 2, 3], True),
        ([0, 0, 0, 0, 0, 1, 1, 1, 2, 3], False),
        ([0, 0, 0, 0, 1, 1, 1, 1, 2, 4], False),
        ([0, 0, 0, 0, 1, 1, 1, 1, 2, -1], False),
    ],
)
def test_quota(carriers: list[int], respected: bool) -> None:
    """Five on a carrier break the quota of four, and so does a carrier that is not there."""
    allocation = Allocation(np.array(carriers), np.ones(10), np.zeros(10))
    assert bool(quota_respected(allocation, 4, 4)) is respected


def test_places_on_the_carriers_only_save_time() -> None:
    """With places given the rates are those of the inverse over all ESIMs."""
    rng = np.random.default_rng(5)
    pair = draw_scenarios(ScenarioProfile(), 16, 7)
    slots = np.stack([rng.permutation(16)[:10] for _ in range(16)])
    allocation = Allocation(
        carrier=slots // 4,
        power_w=rng.dirichlet(np.ones(10), 16) * pair.true.power_budget_w[:, None],
        beamformer_index=rng.uniform(0, 15, (16, 10)),
    )
    places = CarrierPlaces((np.arange(16)[:, None] == slots[:, None, :]).astype(np.float64), 4)
    np.testing.assert_allclose(
        secrecy_rates(pair.true, allocation, places=places),
        secrecy_rates(pair.true, allocation),
        rtol=1e-9,
        atol=1e-9,
    )


def test_an_unknown_leakage_costs_its_expectation() -> None:
    """With a spread it is the mean over lognormal leakages; without doubt it is the plain rate."""
    rng = np.random.default_rng(6)
    pair = draw_scenarios(ScenarioProfile(), 2, 8)
    allocation = Allocation(
        carrier=np.arange(10) % 4 + np.zeros((2, 1), dtype=np.int64),
        power_w=np.full((2, 10), 0.1) * pair.true.power_budget_w[:, None],
        beamformer_index=np.full((2, 10), 5.0),
    )
    spread = np.full_like(pair.true.leakage_per_w, 1.2)
    rates = secrecy_rates(pair.true, allocation, leakage_spread=spread)
    drawn = np.exp(1.2 * rng.standard_normal((4000, 1, 10, 1)))
    outcomes = [
        secrecy_rates(
            replace(pair.true, leakage_per_w=pair.true.leakage_per_w * factor), allocation
        )
        for factor in drawn
    ]
    np.testing.assert_allclose(rates, np.mean(outcomes, axis=0), atol=0.06)
    certain = secrecy_rates(pair.true, allocation, leakage_spread=1e-9 * spread)
    np.testing.assert_allclose(certain, secrecy_rates(pair.true, allocation), atol=1e-6)
