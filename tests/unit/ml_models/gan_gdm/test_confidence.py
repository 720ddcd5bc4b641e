"""How likely a decision is a good one."""

import pytest
import torch

from ml_models.gan_gdm.confidence import STATISTICS, Confidence, decision_statistics

RATES = torch.tensor([[10.0, 9.9, 9.0, 5.0]])
CARRIERS = torch.tensor(
    [[[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [0, 1, 0, 1, 2], [0, 1, 2, 3, 0]]], dtype=torch.int64
)
BEST = torch.tensor([[0]])
ALONE = torch.tensor([12.5])


def examples(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Statistics, outcomes, and the probabilities that these were drawn with."""
    generator = torch.Generator().manual_seed(seed)
    statistics = 3.0 + 2.0 * torch.randn(count, STATISTICS, generator=generator)
    probability = torch.sigmoid(2.0 + 0.8 * (statistics[:, 0] - 3.0) - 0.5 * statistics[:, 3])
    return statistics, torch.rand(count, generator=generator) < probability, probability


@pytest.fixture(scope="module")
def confidence() -> Confidence:
    """Fitted to 2,000 decisions."""
    made = Confidence()
    made.fit(*examples(2000, 1)[:2])
    return made


def test_probabilities_are_right(confidence: Confidence) -> None:
    """On other decisions it says the probability that the outcomes were drawn with."""
    statistics, _, probability = examples(2000, 2)
    assert float((confidence(statistics) - probability).abs().mean()) < 0.05


def test_same_decisions_give_the_same_confidence(confidence: Confidence) -> None:
    """Nothing in it is left to chance."""
    again = Confidence()
    again.fit(*examples(2000, 1)[:2])
    assert torch.equal(again.weight, confidence.weight)


def test_never_certain_of_what_it_never_saw() -> None:
    """When all decisions were good the probability stays below one, and says so alike for all."""
    made = Confidence()
    statistics = examples(200, 3)[0]
    made.fit(statistics, torch.ones(200, dtype=torch.bool))
    answer = made(10.0 * statistics)
    assert float(answer.max()) < 1.0
    assert float(answer.min()) > 0.9


def test_candidates_that_agree_and_lead() -> None:
    """Carriers count as who shares one: renumbering them changes nothing."""
    before = decision_statistics(RATES, CARRIERS, BEST, ALONE)
    renumbered = CARRIERS.clone()
    renumbered[:, 1] = 3 - renumbered[:, 1]
    torch.testing.assert_close(decision_statistics(RATES, renumbered, BEST, ALONE), before)
    assert before.shape == (1, STATISTICS)
    assert float(before[0, 1]) == pytest.approx(-4.5952, abs=1e-3)
    assert float(before[0, 6]) == pytest.approx(0.8)


def test_more_candidates_that_disagree_are_worse_company() -> None:
    """The closer a rival that shares its carriers otherwise, the less the candidates agree."""
    near = RATES.clone()
    near[0, 2] = 9.98
    before = decision_statistics(RATES, CARRIERS, BEST, ALONE)
    after = decision_statistics(near, CARRIERS, BEST, ALONE)
    assert float(after[0, 5]) < float(before[0, 5])


def test_one_candidate_has_only_its_bound() -> None:
    """With K = 1 nothing but value and bound varies, and a fit works."""
    generator = torch.Generator().manual_seed(4)
    rates = 10.0 + torch.rand(300, 1, generator=generator)
    carriers = torch.randint(0, 4, (300, 1, 5), generator=generator)
    statistics = decision_statistics(
        rates, carriers, torch.zeros(300, 1, dtype=torch.int64), torch.full((300,), 12.0)
    )
    assert (statistics.std(dim=0) > 1e-5).sum() == 1
    good = rates[:, 0] > 10.3
    made = Confidence()
    made.fit(statistics, good)
    answer = made(statistics)
    assert float(answer[good].mean()) > float(answer[~good].mean()) + 0.5


def test_worthless_decisions_stay_finite() -> None:
    """Where nobody can transmit in secret all candidates are worth nothing."""
    nothing = decision_statistics(torch.zeros(1, 4), CARRIERS, BEST, torch.zeros(1))
    assert torch.isfinite(nothing).all()
