"""Evaluation against exhaustive search."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from ml_models.baselines import mrc_random
from ml_models.datasets.scenarios import ScenarioProfile, Split, at_power, draw_scenarios
from ml_models.evaluate import EvaluationConfig, evaluate, exhaustive_rates, obeys
from radio_math.context import Allocation

CONFIG = EvaluationConfig(samples=6, powers_dbw=(0.0, 20.0))


def test_figures_of_an_untrained_model(tiny_folder: Path) -> None:
    """It obeys, loses to exhaustive search, and the report is plain JSON."""
    told: list[float] = []
    report = evaluate(tiny_folder, CONFIG, on_progress=told.append)
    assert told == [0.5, 1.0]
    assert list(report.powers) == ["0", "20"]
    for methods in report.powers.values():
        assert methods["exhaustive"].ratio_estimated == 1.0
        assert methods["gan_gdm"].ratio_estimated < 1.0
        assert methods["mrc_random"].ratio_true < 1.0
        assert methods["gan_gdm"].violations == 0
    assert report.worst_ratio_estimated == min(
        methods["gan_gdm"].ratio_estimated for methods in report.powers.values()
    )
    assert 0 <= report.mean_reliability <= 1
    assert report.decision_p50_ms > 0
    json.dumps(asdict(report), allow_nan=False)


def test_a_seed_gives_a_report(tiny_folder: Path) -> None:
    """The same seed gives the same figures but for the clock's."""
    quick = EvaluationConfig(samples=2, powers_dbw=(10.0,))
    first, again = (replace(evaluate(tiny_folder, quick), decision_p50_ms=0.0) for _ in range(2))
    assert first == again


def test_no_seed_is_that_of_a_training(tiny_folder: Path) -> None:
    """A seed's scenarios are its test split: those trained on with the same seed are others."""
    report = evaluate(tiny_folder, EvaluationConfig(samples=3, seed=101, powers_dbw=(10.0,)))
    told = report.powers["10"]["exhaustive"].true_bps_hz
    for split in Split:
        pair = draw_scenarios(ScenarioProfile(), 3, split.seed(101))
        rates = exhaustive_rates(at_power(pair.estimated, 10.0), at_power(pair.true, 10.0))
        assert (rates[1].mean() == pytest.approx(told)) == (split is Split.TEST)


def test_exhaustive_rates_are_of_estimates_and_of_the_truth() -> None:
    """On the estimate it cannot be beaten by the benchmark; on the truth it is lower on average."""
    pair = draw_scenarios(ScenarioProfile(), 8, 131)
    estimated, true = exhaustive_rates(pair.estimated, pair.true)
    random = mrc_random.decide(pair.estimated, np.random.default_rng(1))
    assert (estimated > mrc_random.sum_rate(pair.estimated, random)).all()
    assert true.mean() < estimated.mean()


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"carrier": np.zeros((4, 10), dtype=np.int64)}, False),
        ({"power_w": np.full((4, 10), 1e3)}, False),
        ({"power_w": np.full((4, 10), -1e-3)}, False),
        ({"beamformer_index": np.full((4, 10), 19.5)}, False),
    ],
)
def test_decisions_that_break_a_rule_are_found(change: dict[str, np.ndarray], kept: bool) -> None:
    """Quota, budget, sign and grid."""
    context = draw_scenarios(ScenarioProfile(), 4, 132).estimated
    decision = mrc_random.decide(context, np.random.default_rng(1))
    assert (obeys(Allocation(**{**vars(decision), **change}), context) == kept).all()
