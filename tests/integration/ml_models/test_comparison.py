"""All methods on the same scenarios."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ml_models.comparison import Comparison, ComparisonConfig, compare, decide_all, document, dump
from ml_models.datasets.scenarios import at_power, draw_scenarios
from ml_models.methods import Method, MethodError, artifacts_in, available, build, usual
from radio_math.context import Allocation, RadioContext
from radio_math.secrecy import Combining, sum_secrecy_rate

METHODS = ("exhaustive", "sca_matching", "exhaustive_margin", "mrc_random", "gan_gdm")


@pytest.fixture(scope="module")
def models(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one artifact."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(tiny_folder, folder / "gan_gdm")
    return folder


@pytest.fixture(scope="module")
def config(models: Path) -> ComparisonConfig:
    """Few scenarios at two powers."""
    return ComparisonConfig(
        methods=METHODS,
        artifacts=artifacts_in(models),
        samples=6,
        seed=171,
        powers_dbw=(0.0, 20.0),
        timed=3,
    )


@pytest.fixture(scope="module")
def comparison(config: ComparisonConfig) -> Comparison:
    """All of them compared."""
    return compare(config)


def test_document_has_every_method_at_every_power(comparison: Comparison) -> None:
    """Means with intervals, ratios, times and speed-ups, as plain JSON."""
    result = json.loads(json.dumps(document(comparison), allow_nan=False))
    for section in ("methods", "methods_true_channel"):
        assert set(result[section]) == set(METHODS)
        for powers in result[section].values():
            assert list(powers) == ["0", "20"]
            assert all(figures.keys() == {"mean", "ci95"} for figures in powers.values())
    assert result["ratio_to_exhaustive"]["exhaustive"] == {"0": 1.0, "20": 1.0}
    assert 0.9 < result["ratio_to_exhaustive"]["sca_matching"]["20"] <= 1.001
    assert result["ratio_to_exhaustive_true_channel"]["mrc_random"]["20"] < 0.8
    assert result["speedup_vs_sca"]["sca_matching"] == 1.0
    assert all(time["p95"] >= time["p50"] > 0 for time in result["latency_ms"].values())
    assert result["violations"]["gan_gdm"] == {"0": 0, "20": 0}


def test_processes_change_nothing(config: ComparisonConfig, comparison: Comparison) -> None:
    """Two workers find what one does."""
    told: list[float] = []
    apart = compare(ComparisonConfig(**{**vars(config), "processes": 2}), told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    for power, methods in comparison.outcomes.items():
        for name, outcome in methods.items():
            np.testing.assert_array_equal(
                outcome.true_bps_hz, apart.outcomes[power][name].true_bps_hz
            )


def test_every_rate_can_be_computed_again_from_the_dump(
    comparison: Comparison, tmp_path: Path
) -> None:
    """Scenarios and decisions in the file give the rates of the report."""
    dump(comparison, tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as stored:
        tensors = dict(stored)
    for power in tensors["powers_dbw"]:
        context = RadioContext(
            **{
                name: tensors[f"true.{name}"]
                for name in RadioContext.__dataclass_fields__
                if name != "power_budget_w"
            },
            power_budget_w=np.full(6, 10 ** (power / 10)),
        )
        decision = Allocation(
            **{
                name: tensors[f"decision.mrc_random.{power:g}.{name}"]
                for name in Allocation.__dataclass_fields__
            }
        )
        np.testing.assert_allclose(
            sum_secrecy_rate(context, decision, Combining.MRC),
            comparison.outcomes[f"{power:g}"]["mrc_random"].true_bps_hz,
        )


def test_a_decision_that_breaks_the_quota_scores_zero(
    config: ComparisonConfig,
) -> None:
    """Whatever its rate would have been."""

    def crowded(context: RadioContext, _: np.random.Generator) -> Allocation:
        shape = np.shape(context.ici_factor)
        power_w = np.broadcast_to(context.power_budget_w[:, None] / shape[1], shape)
        return Allocation(np.zeros(shape, dtype=np.int64), power_w, np.full(shape, 5.0))

    contexts = draw_scenarios(config.profile, 3, 172)
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
        "sca_matching_margin",
        "local_search_margin",
    }
    with pytest.raises(MethodError, match="gdm has no artifact here; choose from exhaustive"):
        build(["gdm"], found)
    with pytest.raises(MethodError, match="magic is no method"):
        build(["magic"], found)
