"""Forward process and strided posterior."""

import math

import pytest
import torch

from ml_models.gan_gdm.config import DIFFUSION_STEPS
from ml_models.gan_gdm.diffusion import clean_variable, noised, signal_power, strided_steps


def test_signal_fades_from_all_to_almost_nothing() -> None:
    """alpha-bar falls from 1 at t = 0 to near 0 at T = 100."""
    alpha_bar = signal_power()
    assert len(alpha_bar) == DIFFUSION_STEPS + 1
    assert float(alpha_bar[0]) == pytest.approx(1.0)
    assert float(alpha_bar[-1]) < 1e-3
    assert (alpha_bar.diff() < 0).all()


@pytest.mark.parametrize(("count", "times"), [(1, [100]), (2, [100, 50]), (4, [100, 75, 50, 25])])
def test_strides(count: int, times: list[int]) -> None:
    """T' evaluations at equal strides, the last of which returns the proposal itself."""
    steps = strided_steps(count)
    assert [step.time for step in steps] == times
    assert steps[-1].earlier == 0
    assert steps[-1].from_clean == pytest.approx(1.0)
    assert steps[-1].deviation == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("stochasticity", [1.0, 0.4, 0.0])
def test_steps_agree_with_the_forward_process(stochasticity: float) -> None:
    """Noising to t and stepping back with the true x_0 has the marginal of the earlier time."""
    step = strided_steps(4, stochasticity)[1]
    alpha_bar = signal_power()
    generator = torch.Generator().manual_seed(0)
    clean = torch.full((200_000, 1, 1), 0.7)
    time = torch.full((len(clean),), step.time)
    noisy = noised(clean, time, torch.randn(clean.shape, generator=generator), alpha_bar)
    earlier = (
        step.from_clean * clean
        + step.from_noisy * noisy
        + step.deviation * torch.randn(clean.shape, generator=generator)
    )
    kept = float(alpha_bar[step.earlier])
    assert float(earlier.mean()) == pytest.approx(0.7 * math.sqrt(kept), abs=0.01)
    assert float(earlier.var()) == pytest.approx(1 - kept, abs=0.01)


def test_without_stochasticity_no_noise_is_added() -> None:
    """DDIM is a deterministic map of x_T."""
    assert all(step.deviation == 0 for step in strided_steps(4, 0.0))
    assert strided_steps(4)[0].deviation > 0


def test_clean_variable_is_scaled_and_cut() -> None:
    """Carriers become +-1, an equal share and the middle of the grid become zero."""
    carrier = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1.0]])
    log_share = torch.tensor([math.log(0.5), -40.0])
    variable = clean_variable(carrier, log_share, torch.tensor([7.5, 15.0]))
    torch.testing.assert_close(variable[0], torch.tensor([1.0, -1, -1, -1, 0, 0]))
    assert variable[1].tolist() == pytest.approx([-1, -1, -1, 1, -3.0, 1.5])
