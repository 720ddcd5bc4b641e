"""The quota-feasible decoder."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml_models.gan_gdm.decoder import assign_within_quota, sample_within_quota
from radio_math.context import Allocation
from radio_math.secrecy import quota_respected

LOGITS = arrays(np.float32, (3, 10, 4), elements=st.floats(-50, 50, width=32))


def assigned_to(logits: torch.Tensor, quota: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Carriers [N, U] and places [N, U, M, L] of single samples for logits [N, U, M]."""
    assignment = assign_within_quota(logits[..., None], quota)
    assert (assignment.one_hot.sum(dim=-2) == 1).all()
    return assignment.carrier[..., 0], assignment.seat[..., 0]


def respected(carrier: torch.Tensor, quota: int) -> bool:
    """Whether all rows keep the quota."""
    return bool(quota_respected(Allocation(carrier.numpy(), None, None), quota, 4).all())


@given(LOGITS, st.integers(3, 10))
@settings(max_examples=100, deadline=None)
def test_assignment_always_keeps_the_quota(logits: np.ndarray, quota: int) -> None:
    """Whatever the logits, ties and extremes included."""
    carrier, _ = assigned_to(torch.as_tensor(logits), quota)
    assert respected(carrier, quota)


@given(LOGITS, st.integers(3, 10))
@settings(max_examples=50, deadline=None)
def test_no_two_share_a_place(logits: np.ndarray, quota: int) -> None:
    """Every ESIM has one place, on its carrier, and those of a carrier are taken in order."""
    carrier, seat = assigned_to(torch.as_tensor(logits), quota)
    assert torch.equal(seat.sum(dim=-1), torch.nn.functional.one_hot(carrier, 4).float())
    taken = seat.sum(dim=1)  # [N, M, L]
    assert set(taken.flatten().tolist()) <= {0.0, 1.0}
    assert (taken.diff(dim=-1) <= 0).all()


@given(LOGITS, st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_samples_always_keep_the_quota(logits: np.ndarray, seed: int) -> None:
    """Drawn carriers obey like decided ones."""
    generator = torch.Generator().manual_seed(seed)
    carrier, log_probability = sample_within_quota(torch.as_tensor(logits), 3, generator)
    assert respected(carrier, 3)
    assert (log_probability <= 1e-5).all()


def test_without_conflict_everybody_gets_the_favourite() -> None:
    """Where the quota does not bind, the decision is the largest logit."""
    wanted = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 0, 1]])
    logits = 3.0 * torch.nn.functional.one_hot(wanted, 4)
    assert torch.equal(assigned_to(logits, 4)[0], wanted)


def test_in_conflict_the_surest_come_first() -> None:
    """Of ten that want carrier 0, the four surest get it and the others their next choice."""
    logits = torch.zeros(1, 10, 4)
    logits[0, :, 0] = torch.arange(10) / 2 + 3
    logits[0, :, 2] = 1.0
    carrier = assigned_to(logits, 4)[0][0]
    assert (carrier == 0).nonzero().flatten().tolist() == [6, 7, 8, 9]
    assert int((carrier == 2).sum()) == 4


def test_log_probability_of_a_forced_draw_is_zero() -> None:
    """With a quota that leaves one way for the last, probabilities are those of the softmax."""
    logits = torch.tensor([[[40.0, 0, 0, 0]], [[0, 0, 40.0, 0]]])
    carrier, log_probability = sample_within_quota(logits, 4, torch.Generator().manual_seed(0))
    assert carrier.flatten().tolist() == [0, 2]
    torch.testing.assert_close(log_probability, torch.zeros(2))


def test_log_probability_matches_frequencies() -> None:
    """One ESIM: the frequency of a carrier is the exponent of its log-probability."""
    logits = torch.tensor([0.0, 1.0, -1.0, 0.5]).repeat(20_000, 1, 1)
    carrier, log_probability = sample_within_quota(logits, 4, torch.Generator().manual_seed(1))
    for number in range(4):
        drawn = carrier.flatten() == number
        assert abs(float(drawn.float().mean()) - float(log_probability[drawn][0].exp())) < 0.01
