"""What a comparison says, and whether a stranger finds the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ml_models.comparison import Comparison
from ml_models.comparison_document import document, dump

Floats = npt.NDArray[np.float64]

QUOTA = 4


@pytest.fixture(scope="module")
def result(comparison: Comparison) -> dict[str, Any]:
    """The document as a program reads it."""
    told: dict[str, Any] = json.loads(json.dumps(document(comparison), allow_nan=False))
    return told


def test_document_has_every_method_at_every_power(
    comparison: Comparison, result: dict[str, Any]
) -> None:
    """Means with intervals on both channels, and no decision that broke a rule."""
    for section in ("methods", "methods_true_channel"):
        assert set(result[section]) == set(comparison.config.methods)
        for powers in result[section].values():
            assert list(powers) == ["0", "20"]
            assert all(figures.keys() == {"mean", "ci95"} for figures in powers.values())
    assert result["violations"]["gan_gdm"] == {"0": 0, "20": 0}


def test_ratios_are_of_means_against_both_references(result: dict[str, Any]) -> None:
    """Against exhaustive search and the convex method; the mean is over the powers."""
    assert result["ratio_to_exhaustive"]["exhaustive"] == {"0": 1.0, "20": 1.0}
    assert 0.9 < result["ratio_to_exhaustive"]["sca_matching"]["20"] <= 1.001
    assert result["ratio_to_exhaustive_true_channel"]["mrc_random"]["20"] < 0.8
    for suffix in ("", "_true_channel"):
        rates = result[f"methods{suffix}"]
        for reference, section in (
            ("exhaustive", f"ratio_to_exhaustive{suffix}"),
            ("sca_matching", f"ratio_to_sca{suffix}"),
        ):
            for name, by_power in result[section].items():
                for power, ratio in by_power.items():
                    expected = rates[name][power]["mean"] / rates[reference][power]["mean"]
                    assert ratio == pytest.approx(expected)
                assert result[f"mean_{section}"][name] == pytest.approx(
                    np.mean(list(by_power.values()))
                )
                assert all(width >= 0 for width in result[f"{section}_ci95"][name].values())


def test_times_are_by_the_wall_and_of_the_cpu(result: dict[str, Any]) -> None:
    """Percentiles of both, speed-ups over what was compared."""
    for time in result["latency_ms"].values():
        assert time["p95"] >= time["p50"] > 0
        assert time["cpu_p95"] >= time["cpu_p50"] >= 0
    assert result["speedup_vs_sca"]["sca_matching"] == 1.0
    assert result["speedup_vs_sca_cpu"]["sca_matching"] == 1.0
    assert "speedup_vs_sca_conic" not in result


def test_a_stranger_computes_every_rate_from_the_dump(
    comparison: Comparison, result: dict[str, Any], tmp_path: Path
) -> None:
    """With numpy and the formulas alone: each rate of each method on both channels."""
    dump(comparison, tmp_path / "all.npz")
    with np.load(tmp_path / "all.npz") as stored:
        tensors = dict(stored)
    for power_dbw in tensors["powers_dbw"]:
        power = f"{power_dbw:g}"
        for name in comparison.config.methods:
            decision = {
                part: tensors[f"decision.{name}.{power}.{part}"]
                for part in ("carrier", "power_w", "beamformer_index")
            }
            is_mrc = str(tensors[f"combining.{name}"]) == "mrc"
            assert is_mrc == (name == "mrc_random")
            for kind, suffix in (("estimated", ""), ("true", "_true_channel")):
                scenario = {
                    field.removeprefix(f"{kind}."): value
                    for field, value in tensors.items()
                    if field.startswith(f"{kind}.")
                }
                rates = recomputed(scenario, decision, 10 ** (power_dbw / 10), is_mrc=is_mrc)
                np.testing.assert_allclose(
                    tensors[f"rate.{name}.{power}.{kind}"], rates, rtol=1e-6, atol=1e-9
                )
                told = result[f"methods{suffix}"][name][power]["mean"]
                assert told == pytest.approx(rates.mean(), rel=1e-6)


def recomputed(
    scenario: dict[str, Floats],
    decision: dict[str, npt.NDArray[Any]],
    budget_w: float,
    *,
    is_mrc: bool,
) -> Floats:
    """Sum secrecy rates [N] from the formulas of the problem, one ESIM after another.

    K_m = I + sum q_v/nu_m g_v g_v^T over the carrier, z = g_u^T K_m^-1 g_u,
    t = (q_u/nu_m) z / (1 - (q_u/nu_m) z), SINR = t / (1 + eps t); with MRC the beams are weighted
    by g_u itself. The rate is [log2(1 + SINR) - log2(1 + p_u L_u)]+, zero for a forbidden decision.
    """
    count, users, beams = scenario["beam_amplitude"].shape
    total = np.zeros(count)
    for n in range(count):
        carrier, power_w = decision["carrier"][n], decision["power_w"][n]
        place = decision["beamformer_index"][n]
        carriers = len(scenario["carrier_noise"][n])
        obeyed = (
            np.bincount(carrier, minlength=carriers).max() <= QUOTA
            and len(np.bincount(carrier, minlength=carriers)) == carriers
            and power_w.min() >= 0
            and power_w.sum() <= budget_w * 1.001
            and place.min() >= 0
            and place.max() <= scenario["gain_per_w"].shape[-1] - 1
        )
        if not obeyed:
            continue
        grid = np.arange(scenario["gain_per_w"].shape[-1])
        gain, leakage = (
            np.array(
                [np.exp(np.interp(place[u], grid, np.log(scenario[t][n, u]))) for u in range(users)]
            )
            for t in ("gain_per_w", "leakage_per_w")
        )
        for u in range(users):
            together = np.flatnonzero(carrier == carrier[u])
            noise = scenario["carrier_noise"][n, carrier[u]]
            own = scenario["beam_amplitude"][n, u]
            received = power_w * gain / noise
            covariance = np.eye(beams) + sum(
                received[v]
                * np.outer(scenario["beam_amplitude"][n, v], scenario["beam_amplitude"][n, v])
                for v in together
            )
            if is_mrc:
                wanted = received[u] * (own @ own) ** 2
                t = wanted / (own @ covariance @ own - wanted)
            else:
                z = received[u] * (own @ np.linalg.solve(covariance, own))
                t = z / (1 - z)
            sinr = t / (1 + scenario["ici_factor"][n, u] * t)
            rate = np.log2(1 + sinr) - np.log2(1 + power_w[u] * leakage[u])
            total[n] += max(rate, 0.0)
    return total
