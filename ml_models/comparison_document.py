"""A comparison as one JSON object, and as an npz from which anybody can compute it again.

Ratios are of means over the scenarios; those on the true channel are against what the other method
made of the same estimates.
"""

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from ml_models.comparison import Comparison
from ml_models.methods import EXHAUSTIVE, SCA_CONIC, SCA_MATCHING, build
from ml_models.timing import times_document

Floats = npt.NDArray[np.float64]

CHANNELS = {"": "estimated_bps_hz", "_true_channel": "true_bps_hz"}
"""Suffix of a section by the rates of an outcome that it is about."""

_CONFIDENCE = 1.96  # standard errors on each side of a mean, 95 %
_RATIOS = {"exhaustive": EXHAUSTIVE, "sca": SCA_MATCHING}
_SPEEDUPS = {"sca": SCA_MATCHING, "sca_conic": SCA_CONIC, "local_search": "local_search"}


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON.

    `methods.NAME.POWER.{mean,ci95}` are sum secrecy rates on the estimated channel [b/s/Hz] and
    half the width of their 95 % interval. `ratio_to_exhaustive.NAME.POWER` and `ratio_to_sca`
    compare means, with the interval of the paired difference beside them in `…_ci95`;
    `mean_ratio_to_exhaustive.NAME` is the mean over the powers. All of these have a twin
    `…_true_channel`. `violations.NAME.POWER` counts the decisions that scored zero for breaking a
    rule. Times and speed-ups: see `timing.times_document`.
    """
    config = comparison.config
    result: dict[str, Any] = {
        "samples": config.samples,
        "seed": config.seed,
        "geometry": config.profile.geometry,
        "powers_dbw": list(config.powers_dbw),
        "machine": _machine(),
    }
    for suffix, rates in CHANNELS.items():
        by_power = {
            power: {name: getattr(outcome, rates) for name, outcome in by_method.items()}
            for power, by_method in comparison.outcomes.items()
        }
        result[f"methods{suffix}"] = _by_method(
            {
                power: {name: _mean(values) for name, values in by_name.items()}
                for power, by_name in by_power.items()
            }
        )
        for called, reference in _RATIOS.items():
            if reference in config.methods:
                result |= _ratios(by_power, reference, called, suffix)
    result["violations"] = _by_method(
        {
            power: {name: outcome.violations for name, outcome in by_method.items()}
            for power, by_method in comparison.outcomes.items()
        }
    )
    return result | times_document(comparison.times, _SPEEDUPS)


def dump(comparison: Comparison, path: Path) -> None:
    """Writes scenarios, decisions and rates as npz.

    Names are `true.FIELD` and `estimated.FIELD` of the contexts (`radio_math.context`), without the
    power budget, which is `powers_dbw`; `decision.METHOD.POWER.FIELD`; and `rate.METHOD.POWER.true`
    and `.estimated` [b/s/Hz]. `combining.METHOD` is "mmse" or "mrc".
    """
    config = comparison.config
    tensors: dict[str, npt.NDArray[Any]] = {"powers_dbw": np.array(config.powers_dbw)}
    for kind in ("true", "estimated"):
        for name, value in vars(getattr(comparison.contexts, kind)).items():
            if name != "power_budget_w":
                tensors[f"{kind}.{name}"] = np.asarray(value)
    for method in build(config.methods, config.artifacts):
        tensors[f"combining.{method.name}"] = np.array(str(method.combining))
    for power, by_method in comparison.outcomes.items():
        for name, outcome in by_method.items():
            for part, value in vars(outcome.allocation).items():
                tensors[f"decision.{name}.{power}.{part}"] = np.asarray(value)
            tensors[f"rate.{name}.{power}.true"] = outcome.true_bps_hz
            tensors[f"rate.{name}.{power}.estimated"] = outcome.estimated_bps_hz
    with path.open("wb") as file:
        np.savez_compressed(file, **tensors)  # type: ignore[arg-type]


def _by_method(by_power: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values by power and method as values by method and power."""
    turned: dict[str, dict[str, Any]] = {}
    for power, by_name in by_power.items():
        for name, value in by_name.items():
            turned.setdefault(name, {})[power] = value
    return turned


def _ratios(
    by_power: Mapping[str, Mapping[str, Floats]], reference: str, called: str, suffix: str
) -> dict[str, Any]:
    compared = {
        power: {name: _ratio(values, by_name[reference]) for name, values in by_name.items()}
        for power, by_name in by_power.items()
    }
    ratio, ci95 = (
        _by_method(
            {
                power: {name: pair[part] for name, pair in by_name.items()}
                for power, by_name in compared.items()
            }
        )
        for part in (0, 1)
    )
    section = f"ratio_to_{called}{suffix}"
    mean = {name: float(np.mean(list(values.values()))) for name, values in ratio.items()}
    return {section: ratio, f"{section}_ci95": ci95, f"mean_{section}": mean}


def _mean(values: Floats) -> dict[str, float]:
    return {"mean": float(values.mean()), "ci95": _half_width(values)}


def _half_width(values: Floats) -> float:
    if len(values) < 2:  # noqa: PLR2004 one value has no spread
        return 0.0
    return float(_CONFIDENCE * values.std(ddof=1) / np.sqrt(len(values)))


def _ratio(own: Floats, reference: Floats) -> tuple[float, float]:
    """Ratio of means and half its 95 % interval, from the spread of the paired residuals."""
    ratio = float(own.mean() / reference.mean())
    return ratio, _half_width(own - ratio * reference) / float(reference.mean())


def _machine() -> dict[str, Any]:
    """What the times were taken on."""
    return {
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
