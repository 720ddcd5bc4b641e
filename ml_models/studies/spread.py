"""Does the spread of its candidates tell how good a decision is?"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from ml_models.datasets.scenarios import ScenarioProfile, at_power, draw_scenarios
from ml_models.evaluate import exhaustive_rates, obeys
from ml_models.onnx_sampler import OnnxSampler
from ml_models.regret_figures import auroc
from radio_math.secrecy import sum_secrecy_rate

Floats = npt.NDArray[np.float64]

_GREAT_REGRET = 0.05
_NOISE_SEED = 15  # joined to the seed of the scenarios


def spread_of_candidates(
    model: OnnxSampler,
    profile: ScenarioProfile,
    *,
    samples: int,
    seed: int,
    powers_dbw: tuple[float, ...],
) -> dict[str, Any]:
    """Rank correlation of the spread with the regret, by power and over all.

    Spread is the standard deviation of the K candidates' rates over their greatest, as the model
    computes them; regret is what the decision lacks of exhaustive search on the estimate, relative
    to it. `auroc_regret_above_5_percent` is that of the spread, null where all are alike.
    Arguments as in `unreported`.
    """
    contexts = draw_scenarios(profile, samples, seed)
    rng = np.random.default_rng((seed, _NOISE_SEED))
    spreads, regrets = [], []
    document: dict[str, Any] = {"rank_correlation": {}}
    for power in powers_dbw:
        estimated = at_power(contexts.estimated, power)
        decision = model.decide(estimated, rng)
        rates = decision.candidate_rates_bps_hz.astype(np.float64)
        spread = rates.std(axis=1) / np.maximum(rates.max(axis=1), 1e-9)
        bound, _ = exhaustive_rates(estimated, at_power(contexts.true, power))
        own = np.asarray(sum_secrecy_rate(estimated, decision.allocation), dtype=np.float64)
        regret = 1 - np.where(obeys(decision.allocation, estimated), own, 0.0) / bound
        document["rank_correlation"][f"{power:g}"] = _correlation(spread, regret)
        spreads.append(spread)
        regrets.append(regret)
    spread, regret = np.concatenate(spreads), np.concatenate(regrets)
    great = regret > _GREAT_REGRET
    document["rank_correlation"]["all"] = _correlation(spread, regret)
    document["regret_above_5_percent"] = float(great.mean())
    document["auroc_regret_above_5_percent"] = (
        auroc(spread[~great], spread[great]) if 0 < great.sum() < len(great) else None
    )
    return document


def _correlation(spread: Floats, regret: Floats) -> float | None:
    """Spearman's, null where there is nothing to rank."""
    if np.ptp(spread) == 0 or np.ptp(regret) == 0:
        return None
    return float(spearmanr(spread, regret).statistic)
