"""How likely a decision is a good one."""

import pytest
import torch

from ml_models.datasets.scenarios import ScenarioProfile, draw_scenarios
from ml_models.gan_gdm.batches import select_rows, to_torch
from ml_models.gan_gdm.confidence import (
    DECISION_STATISTICS,
    GOOD_REGRET,
    STATISTICS,
    Confidence,
    decision_statistics,
)
from radio_math.context import RadioContext

CONTEXT = to_torch(draw_scenarios(ScenarioProfile(geometry="mixed"), 8, 31).estimated)
CARRIERS = torch.randint(0, 4, (8, 4, 10), generator=torch.Generator().manual_seed(0))
RATES = torch.tensor([10.0, 9.9, 9.0, 5.0]).expand(8, -1)
BEST = torch.zeros(8, 1, dtype=torch.int64)


def examples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Statistics and regrets.

    Exhaustive search reaches a share of the bound that depends on the context and on chance; a
    decision lacks some of it, which its fourth statistic tells in part.
    """
    generator = torch.Generator().manual_seed(seed)
    statistics = torch.randn(count, STATISTICS, generator=generator)
    lacking = 0.03 * torch.exp(statistics[:, 3])
    regret = lacking * torch.rand(count, generator=generator)
    best = -0.5 + 0.1 * statistics[:, DECISION_STATISTICS]
    best += 0.03 * torch.randn(count, generator=generator)
    statistics[:, 0] = best + torch.log(1 - regret)
    return statistics, regret


@pytest.fixture(scope="module")
def confidence() -> Confidence:
    """Fitted to 2,000 decisions."""
    made = Confidence()
    made.fit(*examples(2000, 1))
    return made


def test_probabilities_are_right(confidence: Confidence) -> None:
    """On other decisions the surer half is as often good as it says, and so is the other."""
    statistics, regret = examples(4000, 2)
    answer = confidence(statistics)
    good = (regret <= GOOD_REGRET).float()
    surer = answer > answer.median()
    for half in (surer, ~surer):
        assert float(answer[half].mean()) == pytest.approx(float(good[half].mean()), abs=0.05)
    assert float(good[surer].mean()) > float(good[~surer].mean()) + 0.1


def test_same_decisions_give_the_same_confidence(confidence: Confidence) -> None:
    """Nothing in it is left to chance."""
    again = Confidence()
    again.fit(*examples(2000, 1))
    assert all(
        torch.equal(value, again.state_dict()[name])
        for name, value in confidence.state_dict().items()
    )


def test_never_certain_of_what_it_never_saw() -> None:
    """When all decisions were good it says so, and stays below one."""
    made = Confidence()
    statistics, regret = examples(400, 3)
    made.fit(statistics, regret.clamp(max=0.02))
    answer = made(statistics)
    assert float(answer.max()) < 1.0
    assert float(answer.mean()) > 0.95


def test_order_of_esims_and_names_of_carriers_do_not_matter() -> None:
    """The ESIMs are a set, and carriers count as who shares one."""
    before = decision_statistics(CONTEXT, RATES, CARRIERS, BEST)
    assert before.shape == (8, STATISTICS)
    renumbered = CARRIERS.clone()
    renumbered[:, 1] = 3 - renumbered[:, 1]
    torch.testing.assert_close(decision_statistics(CONTEXT, RATES, renumbered, BEST), before)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    per_esim = ("beam_amplitude", "gain_per_w", "leakage_per_w", "ici_factor")
    turned = RadioContext(
        **(vars(CONTEXT) | {name: getattr(CONTEXT, name)[:, order] for name in per_esim})
    )
    torch.testing.assert_close(
        decision_statistics(turned, RATES, CARRIERS[..., order], BEST), before, atol=1e-4, rtol=1e-4
    )


def test_sharing_costs_and_moving_helps() -> None:
    """All on one carrier pay most and have most to gain from a move; no pair pays less than none.

    Swapping two that share a carrier changes nothing.
    """
    crowded = decision_statistics(CONTEXT, RATES, torch.zeros_like(CARRIERS), BEST)
    spread = decision_statistics(CONTEXT, RATES, CARRIERS, BEST)
    paid, moved, swapped = 7, 8, 9
    assert (crowded[:, paid] > spread[:, paid]).all()
    assert (spread[:, paid] >= 0).all()
    assert (crowded[:, moved] < spread[:, moved]).all()
    assert crowded[:, swapped].abs().max() == 0


def test_one_candidate_is_enough() -> None:
    """With K = 1 there is no spread, and everything else still counts."""
    statistics = decision_statistics(CONTEXT, RATES[:, :1], CARRIERS[:, :1], BEST)
    assert torch.isfinite(statistics).all()
    assert (statistics[:, 1:DECISION_STATISTICS].std(dim=0) > 1e-4).sum() == 4


def test_a_handful_of_decisions_does_not_fail() -> None:
    """A trial run's few decisions are no basis, but no reason to stop either."""
    statistics = decision_statistics(CONTEXT, RATES, CARRIERS, BEST)
    made = Confidence()
    made.fit(statistics, torch.linspace(0.0, 0.1, 8))
    assert torch.isfinite(made(statistics)).all()


def test_worthless_decisions_stay_finite() -> None:
    """Where nobody can transmit in secret all candidates are worth nothing."""
    values = vars(CONTEXT) | {"leakage_per_w": 1e12 * CONTEXT.leakage_per_w}
    statistics = decision_statistics(
        select_rows(RadioContext(**values), slice(0, 2)), torch.zeros(2, 4), CARRIERS[:2], BEST[:2]
    )
    assert torch.isfinite(statistics).all()
