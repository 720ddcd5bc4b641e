"""How good a model version is: against exhaustive search and the benchmark, on test scenarios.

Decisions are made on estimated contexts and scored on both the estimated and the true ones, in
double precision and outside the model. A decision that breaks the carrier quota or the power
budget scores zero. Runs through ONNX Runtime, as serving does; no torch.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml_models.baselines import mrc_random
from ml_models.baselines.exhaustive import ExhaustiveSearch
from ml_models.datasets.scenarios import (
    ScenarioProfile,
    Split,
    at_power,
    draw_scenarios,
    select,
)
from ml_models.onnx_sampler import OnnxSampler
from radio_math.channel import ContextPair
from radio_math.context import CARRIER_QUOTA, Allocation, RadioContext
from radio_math.secrecy import quota_respected, sum_secrecy_rate

Floats = npt.NDArray[np.float64]

POWERS_DBW = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)
_ON_CARDS = ("reference", "pass")
_BUDGET_TOLERANCE = 1e-3
_SEARCH_BATCH = 64
_LATENCY_RUNS = 20


@dataclass(frozen=True)
class EvaluationConfig:
    """What to evaluate on.

    Attributes:
        profile: distribution of the scenarios; its power range is replaced by `powers_dbw`.
        samples: scenarios, used at every power.
        seed: of the test scenarios, which share none with training whatever the seed.
        powers_dbw: total powers.
    """

    profile: ScenarioProfile = field(default_factory=ScenarioProfile)
    samples: int = 64
    seed: int = 7
    powers_dbw: tuple[float, ...] = POWERS_DBW


@dataclass(frozen=True)
class MethodFigures:
    """Mean sum secrecy rates of one method at one power [b/s/Hz], and against exhaustive.

    Ratios are of means, the true one against exhaustive search on the same estimates.
    """

    estimated_bps_hz: float
    true_bps_hz: float
    ratio_estimated: float
    ratio_true: float
    violations: int


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation. `powers` maps a power in dBW, as text, to methods and their figures.

    Attributes:
        samples: scenarios at every power.
        seed: of the scenarios.
        powers: figures by power and method: gan_gdm, exhaustive, mrc_random.
        worst_ratio_estimated: the model's lowest ratio over the powers, on the estimate.
        mean_ratio_estimated: mean over the powers of the model's ratio on the estimate.
        mean_ratio_true: likewise on the true channel.
        violations: decisions of the model that broke quota or budget.
        mean_reliability: of the model over all scenarios and powers.
        decision_p50_ms: median time of one decision, features and scoring included.
    """

    samples: int
    seed: int
    powers: Mapping[str, Mapping[str, MethodFigures]]
    worst_ratio_estimated: float
    mean_ratio_estimated: float
    mean_ratio_true: float
    violations: int
    mean_reliability: float
    decision_p50_ms: float


def evaluate(
    artifact: Path,
    config: EvaluationConfig | None = None,
    *,
    threads: int = 1,
    on_progress: Callable[[float], None] | None = None,
) -> EvaluationReport:
    """The figures of an artifact folder on held-out scenarios.

    Args:
        artifact: folder with `model.onnx` and `model_card.json`.
        config: what to evaluate on; defaults to 64 scenarios of the reference profile.
        threads: threads of ONNX Runtime.
        on_progress: told the finished fraction after each power.

    Raises:
        ValueError: the folder is no artifact.
        ContextError: the seed is negative or does not fit 32 bits.
    """
    config = config or EvaluationConfig()
    model = OnnxSampler(artifact, threads=threads)
    search = ExhaustiveSearch()
    contexts = draw_scenarios(config.profile, config.samples, Split.TEST.seed(config.seed))
    rng = np.random.default_rng((config.seed, 1))
    powers: dict[str, dict[str, MethodFigures]] = {}
    reliability = []
    for number, power_dbw in enumerate(config.powers_dbw):
        pair = ContextPair(
            true=at_power(contexts.true, power_dbw),
            estimated=at_power(contexts.estimated, power_dbw),
        )
        decision = model.decide(pair.estimated, rng)
        reliability.append(float(decision.reliability.mean()))
        optimum = _searched(search, pair.estimated)
        bound = (
            np.asarray(sum_secrecy_rate(pair.estimated, optimum)),
            np.asarray(sum_secrecy_rate(pair.true, optimum)),
        )
        random = mrc_random.decide(pair.estimated, rng)
        valid = obeys(decision.allocation, pair.estimated)
        powers[f"{power_dbw:g}"] = {
            "gan_gdm": _figures(
                np.where(valid, sum_secrecy_rate(pair.estimated, decision.allocation), 0.0),
                np.where(valid, sum_secrecy_rate(pair.true, decision.allocation), 0.0),
                bound,
                int((~valid).sum()),
            ),
            "exhaustive": _figures(*bound, bound, 0),
            "mrc_random": _figures(
                mrc_random.sum_rate(pair.estimated, random),
                mrc_random.sum_rate(pair.true, random),
                bound,
                0,
            ),
        }
        if on_progress is not None:
            on_progress((number + 1) / len(config.powers_dbw))
    own = [methods["gan_gdm"] for methods in powers.values()]
    return EvaluationReport(
        samples=config.samples,
        seed=config.seed,
        powers=powers,
        worst_ratio_estimated=min(figures.ratio_estimated for figures in own),
        mean_ratio_estimated=float(np.mean([figures.ratio_estimated for figures in own])),
        mean_ratio_true=float(np.mean([figures.ratio_true for figures in own])),
        violations=sum(figures.violations for figures in own),
        mean_reliability=float(np.mean(reliability)),
        decision_p50_ms=_decision_p50_ms(model, contexts.estimated, rng),
    )


def card_metrics(artifact: Path, samples: int) -> dict[str, Any]:
    """The figures of an evaluation for a model card, on scenarios of each geometry.

    Raises:
        ValueError: the folder is no artifact.
    """
    return {
        geometry: asdict(
            evaluate(
                artifact,
                EvaluationConfig(profile=ScenarioProfile(geometry=geometry), samples=samples),
            )
        )
        for geometry in _ON_CARDS
    }


def exhaustive_rates(
    estimated: RadioContext, true: RadioContext, search: ExhaustiveSearch | None = None
) -> tuple[Floats, Floats]:
    """Sum secrecy rates [N] of exhaustive search on the estimates: on the estimates, on the truth.

    Contexts have one batch axis. Building the search takes half a second; pass one to keep it.
    """
    allocation = _searched(search or ExhaustiveSearch(), estimated)
    return (
        np.asarray(sum_secrecy_rate(estimated, allocation), dtype=np.float64),
        np.asarray(sum_secrecy_rate(true, allocation), dtype=np.float64),
    )


def obeys(
    allocation: Allocation, context: RadioContext, quota: int = CARRIER_QUOTA
) -> npt.NDArray[np.bool_]:
    """Whether each decision [N] keeps quota, budget and the beamformer grid."""
    carriers = context.carrier_noise.shape[-1]
    last = context.gain_per_w.shape[-1] - 1
    within = quota_respected(allocation, quota, carriers)
    total = np.sum(allocation.power_w, axis=-1)
    within &= total <= context.power_budget_w * (1 + _BUDGET_TOLERANCE)
    within &= np.all(allocation.power_w >= 0, axis=-1)
    index = allocation.beamformer_index
    return np.asarray(within & np.all((index >= 0) & (index <= last), axis=-1))


def _searched(search: ExhaustiveSearch, context: RadioContext) -> Allocation:
    parts = [
        search.decide(select(context, slice(start, start + _SEARCH_BATCH)))[0]
        for start in range(0, len(context.power_budget_w), _SEARCH_BATCH)
    ]
    return Allocation(
        carrier=np.concatenate([part.carrier for part in parts]),
        power_w=np.concatenate([part.power_w for part in parts]),
        beamformer_index=np.concatenate([part.beamformer_index for part in parts]),
    )


def _figures(
    estimated: Floats, true: Floats, bound: tuple[Floats, Floats], violations: int
) -> MethodFigures:
    return MethodFigures(
        estimated_bps_hz=float(np.mean(estimated)),
        true_bps_hz=float(np.mean(true)),
        ratio_estimated=float(np.mean(estimated) / np.mean(bound[0])),
        ratio_true=float(np.mean(true) / np.mean(bound[1])),
        violations=violations,
    )


def _decision_p50_ms(model: OnnxSampler, context: RadioContext, rng: np.random.Generator) -> float:
    feeds = model.feeds(context, rng, slice(0, 1))
    model.run(feeds)  # the first run allocates
    taken = []
    for _ in range(_LATENCY_RUNS):
        started = time.perf_counter()
        model.run(feeds)
        taken.append(time.perf_counter() - started)
    return 1e3 * float(np.median(taken))
