"""All methods on the same scenarios."""

from pathlib import Path

import numpy as np
import pytest

from ml_models.comparison import Comparison, ComparisonConfig, compare, decide_all
from ml_models.datasets.scenarios import ScenarioProfile, Split, at_power, draw_scenarios
from ml_models.methods import Method, MethodError, artifacts_in, available, build, usual
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import sum_secrecy_rate


def test_processes_change_nothing(
    comparison_config: ComparisonConfig, comparison: Comparison
) -> None:
    """Two workers find what one does."""
    told: list[float] = []
    apart = compare(ComparisonConfig(**{**vars(comparison_config), "processes": 2}), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    for power, methods in comparison.outcomes.items():
        for name, outcome in methods.items():
            np.testing.assert_array_equal(
                outcome.true_bps_hz, apart.outcomes[power][name].true_bps_hz
            )


def test_scenarios_are_those_of_the_test_split(comparison: Comparison) -> None:
    """A training with the same seed has others."""
    config = comparison.config
    drawn = {
        split: draw_scenarios(config.profile, config.samples, split.seed(config.seed)).true
        for split in Split
    }
    same = [
        split
        for split in Split
        if np.array_equal(drawn[split].gain_per_w, comparison.contexts.true.gain_per_w)
    ]
    assert same == [Split.TEST]


def test_a_decision_that_breaks_the_quota_scores_zero() -> None:
    """Whatever its rate would have been."""

    def crowded(context: RadioContext, _: np.random.Generator) -> Allocation:
        shape = np.shape(context.ici_factor)
        power_w = np.broadcast_to(context.power_budget_w[:, None] / shape[1], shape)
        return Allocation(np.zeros(shape, dtype=np.int64), power_w, np.full(shape, 5.0))

    contexts = draw_scenarios(ScenarioProfile(), 3, Split.TEST.seed(172))
    outcome = decide_all(Method("crowded", crowded), contexts, 10.0, seed=1)
    assert outcome.violations == 3
    assert (outcome.true_bps_hz == 0).all()
    estimated = at_power(contexts.estimated, 10.0)
    rate = sum_secrecy_rate(estimated, crowded(estimated, np.random.default_rng(0)))
    assert (np.asarray(rate) > 0).all()


def test_methods_that_are_not_there_are_not_made_up(models: Path) -> None:
    """Absent artifacts are not offered, and asking for one says what there is."""
    found = artifacts_in(models)
    assert found == {"gan_gdm": models / "gan_gdm"}
    assert "gan_gdm" in available(found)
    assert "gdm" not in available(found)
    assert set(available(found)) - set(usual(found)) == {
        "sca_conic",
        "sca_matching_margin",
        "local_search_margin",
    }
    with pytest.raises(MethodError, match="gdm has no artifact here; choose from exhaustive"):
        build(["gdm"], found)
    with pytest.raises(MethodError, match="magic is no method"):
        build(["magic"], found)
