"""Contexts and labels on torch."""

import numpy as np
import pytest
import torch

from ml_models.datasets.labelled import generate
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.gan_gdm.batches import (
    Batch,
    join_contexts,
    join_pairs,
    labelled_batch,
    off_log_share,
    renumber_pair,
    select_pairs,
    torch_pair,
)
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate

SCENARIOS = generate(ScenarioProfile(), 6, 151)


@pytest.fixture
def batch() -> Batch:
    """Six labelled contexts."""
    return labelled_batch(SCENARIOS)


def rate_of(batch: Batch) -> torch.Tensor:
    """Sum secrecy rate of the labels on their contexts."""
    power = batch.log_share.exp() * batch.context.power_budget_w[:, None]
    return sum_secrecy_rate(batch.context, Allocation(batch.carrier, power, batch.index))


def test_labels_keep_their_rate(batch: Batch) -> None:
    """Single precision and the floor of silent ESIMs cost next to nothing."""
    np.testing.assert_allclose(rate_of(batch), SCENARIOS.label_rate_bps_hz, rtol=1e-3)


def test_renumbered_carriers_mean_the_same(batch: Batch) -> None:
    """Noise and labels move together, so the rate stays and the numbers change."""
    renumbered = batch.renumbered(torch.Generator().manual_seed(1))
    assert not torch.equal(renumbered.carrier, batch.carrier)
    torch.testing.assert_close(rate_of(renumbered), rate_of(batch))


def test_rows_and_joined_contexts(batch: Batch) -> None:
    """Chosen rows are those of all tensors; joined parts are the whole."""
    parts = [batch.rows(slice(0, 2)), batch.rows(torch.arange(2, 6))]
    whole: RadioContext = join_contexts([part.context for part in parts])
    for name, value in vars(batch.context).items():
        assert torch.equal(value, getattr(whole, name))
    assert torch.equal(parts[1].carrier, batch.carrier[2:])


def test_pairs_are_joined_and_renumbered_together() -> None:
    """The true and the estimated context of a row stay those of one situation."""
    pair = torch_pair(SCENARIOS.contexts)
    whole = join_pairs([select_pairs(pair, slice(0, 2)), select_pairs(pair, slice(2, 6))])
    assert torch.equal(whole.true.leakage_per_w, pair.true.leakage_per_w[:6])
    renumbered = renumber_pair(whole, torch.Generator().manual_seed(2))
    assert not torch.equal(renumbered.true.carrier_noise, whole.true.carrier_noise)
    assert torch.equal(renumbered.true.carrier_noise, renumbered.estimated.carrier_noise)
    assert torch.equal(renumbered.true.gain_per_w, whole.true.gain_per_w)


def test_off_is_a_finite_log_share() -> None:
    """No power is a floor, not minus infinity."""
    share = off_log_share(torch.tensor([[0.0, 5.0]]), torch.tensor([10.0]))
    assert share[0].tolist() == pytest.approx([-9.0, np.log(0.5)])
