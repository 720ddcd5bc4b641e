"""The best weights so far."""

import torch
from torch import nn

from ml_models.gan_gdm.best import BestWeights


def module_at(value: float) -> nn.Linear:
    """A module that is told from others by its weight."""
    made = nn.Linear(1, 1)
    nn.init.constant_(made.weight, value)
    return made


def test_the_best_report_is_remembered() -> None:
    """Its weights stay as they were then; a report without a figure counts for nothing."""
    best = BestWeights(patience=2, keep=True)
    module = module_at(1.0)
    best.note(None, module)
    assert best.weights is None
    for figure in (0.5, 0.7, 0.6):
        best.note(figure, module)
        nn.init.constant_(module.weight, module.weight.item() + 1.0)
    assert best.weights is not None
    assert best.weights["weight"].item() == 2.0
    assert not best.exhausted
    best.note(0.7, module)
    assert best.exhausted


def test_patience_begins_anew_with_a_better_report() -> None:
    """Only reports in a row count."""
    best = BestWeights(patience=2, keep=False)
    for figure in (0.5, 0.4, 0.6, 0.5):
        best.note(figure, module_at(0.0))
    assert not best.exhausted
    assert best.weights is None


def test_without_patience_it_never_ends() -> None:
    """However long nothing gets better."""
    best = BestWeights(patience=None, keep=False)
    for _ in range(50):
        best.note(0.1, module_at(0.0))
    assert not best.exhausted


def test_its_state_goes_through_a_checkpoint() -> None:
    """Another one goes on where the first stood."""
    best = BestWeights(patience=2, keep=True)
    best.note(0.5, module_at(3.0))
    best.note(0.4, module_at(4.0))
    other = BestWeights(patience=2, keep=True)
    other.restore(best.state())
    assert other.weights is not None
    assert torch.equal(other.weights["weight"], torch.tensor([[3.0]]))
    other.note(0.5, module_at(5.0))
    assert other.exhausted
