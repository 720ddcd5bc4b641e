"""What is peculiar in a context."""

from dataclasses import replace

import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import select_rows, to_torch
from ml_models.gan_gdm.embedding import EMBEDDING_SIZE, ContextEmbedding, member_features
from radio_math.context import RadioContext

CONTEXT = to_torch(draw_scenarios(ScenarioProfile(geometry="mixed"), 192, 61).estimated)
PER_ESIM = ("beam_amplitude", "gain_per_w", "leakage_per_w", "ici_factor")


@pytest.fixture(scope="module")
def embedding() -> ContextEmbedding:
    """Learned from the contexts of this module."""
    made = ContextEmbedding()
    made.calibrate(CONTEXT)
    return made


def test_scaled_where_it_was_calibrated(embedding: ContextEmbedding) -> None:
    """Every number has mean 0 and deviation at most 1."""
    answer = embedding(CONTEXT)
    assert answer.shape == (192, EMBEDDING_SIZE)
    assert answer.mean(dim=0).abs().max() < 1e-3
    assert answer.std(dim=0).max() < 1.01


def test_same_contexts_give_the_same_embedding(embedding: ContextEmbedding) -> None:
    """Nothing in it is left to chance."""
    again = ContextEmbedding()
    again.calibrate(CONTEXT)
    assert all(
        torch.equal(value, again.state_dict()[name])
        for name, value in embedding.state_dict().items()
    )


def test_order_of_esims_does_not_matter(embedding: ContextEmbedding) -> None:
    """The ESIMs are a set."""
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    values = vars(CONTEXT) | {name: getattr(CONTEXT, name)[:, order] for name in PER_ESIM}
    torch.testing.assert_close(
        embedding(RadioContext(**values)), embedding(CONTEXT), atol=1e-3, rtol=1e-3
    )


def test_extreme_contexts_stay_finite(embedding: ContextEmbedding) -> None:
    """Tables far outside of training are cut, not infinite."""
    for factor in (1e-12, 1e12):
        for name in ("gain_per_w", "leakage_per_w"):
            values = vars(CONTEXT) | {name: getattr(CONTEXT, name) * factor}
            assert torch.isfinite(embedding(RadioContext(**values))).all()


def test_tables_of_a_frontier_are_tied(embedding: ContextEmbedding) -> None:
    """Sound tables obey the envelope theorem; leakages off by a factor of ten do not."""
    few = select_rows(CONTEXT, slice(0, 32))
    _, sound, fall = member_features(few, embedding.price)
    off = replace(few, leakage_per_w=10.0 * few.leakage_per_w)
    _, broken, _ = member_features(off, embedding.price)
    assert sound[..., -1].abs().mean() < 0.3 * broken[..., -1].abs().mean()
    swapped = replace(few, gain_per_w=few.gain_per_w.flip(-1))
    assert (member_features(swapped, embedding.price)[2] >= fall).all()
