"""The moving average of weights."""

import pytest
import torch
from torch import nn

from ml_models.gan_gdm.averaging import MovingAverage


def set_to(module: nn.Linear, value: float) -> None:
    """Gives all weights one value."""
    nn.init.constant_(module.weight, value)


def test_the_average_follows_with_its_decay() -> None:
    """Early steps count for more, so that the first weights are soon forgotten."""
    module = nn.Linear(2, 2, bias=False)
    set_to(module, 0.0)
    average = MovingAverage(module, 0.5)
    set_to(module, 1.0)
    average.update(module)
    expected = 1 - 2 / 11
    assert average.module.weight[0, 0].item() == pytest.approx(expected)
    for _ in range(20):
        average.update(module)
    set_to(module, 3.0)
    average.update(module)
    assert average.module.weight[0, 0].item() == pytest.approx(2.0, abs=1e-3)
    assert average.steps == 22


def test_the_average_is_a_copy_that_learns_nothing() -> None:
    """The module itself stays as it is; the copy takes no gradients."""
    module = nn.Linear(2, 2)
    before = module.weight.clone()
    average = MovingAverage(module, 0.9)
    nn.init.constant_(average.module.weight, 7.0)
    assert torch.equal(module.weight, before)
    assert not any(parameter.requires_grad for parameter in average.module.parameters())
