"""What half precision, eight-bit integers and pruning cost an artifact, and what they buy."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ml_models.comparison import Comparison, ComparisonConfig, compare
from ml_models.comparison_document import document
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.export.precision import Precision
from ml_models.export.variants import write_variant
from ml_models.methods import EXHAUSTIVE, OWN_MODEL
from ml_models.onnx_sampler import MODEL_FILE


@dataclass(frozen=True)
class Variant:
    """A smaller artifact: precision of the layers, share of weights that are zero."""

    precision: Precision = Precision.FP32
    pruned_share: float = 0.0

    @property
    def name(self) -> str:
        """As the document calls it, such as `int8` or `fp32_pruned_50`."""
        pruned = f"_pruned_{100 * self.pruned_share:g}" if self.pruned_share else ""
        return self.precision.value + pruned


VARIANTS = (
    Variant(Precision.FP16),
    Variant(Precision.INT8),
    *(Variant(pruned_share=share) for share in (0.1, 0.2, 0.3, 0.5)),
    Variant(Precision.INT8, pruned_share=0.2),
)


def precision_study(
    artifact: Path,
    *,
    samples: int,
    seed: int,
    profile: ScenarioProfile | None = None,
    variants: tuple[Variant, ...] = VARIANTS,
    on_progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """`variants.NAME` for the artifact itself (`fp32`) and for each smaller one.

    Bytes of the graph, as a file and compressed (zlib, level 9); median decision time on one core
    through ONNX Runtime; ratios of means to exhaustive search and to the artifact itself, on the
    estimated and on the true channel, by power and as a mean; decisions that broke a rule.

    Args:
        artifact: folder in single precision.
        samples: scenarios at every power.
        seed: of the scenarios; never one that was trained on.
        profile: of the scenarios; the reference problem if not given.
        variants: which to make.
        on_progress: told the finished fraction.
    """
    with TemporaryDirectory() as scratch:
        folders = {OWN_MODEL: artifact}
        for number, variant in enumerate(variants):
            folders[variant.name] = Path(scratch) / variant.name
            write_variant(
                artifact,
                folders[variant.name],
                precision=variant.precision,
                pruned_share=variant.pruned_share,
                command="",
            )
            if on_progress is not None:
                on_progress(0.3 * (number + 1) / len(variants))
        comparison = compare(
            ComparisonConfig(
                methods=(EXHAUSTIVE, *folders),
                artifacts=folders,
                profile=profile or ScenarioProfile(),
                samples=samples,
                seed=seed,
            ),
            None if on_progress is None else lambda fraction: on_progress(0.3 + 0.7 * fraction),
        )
        graphs = {name: (folder / MODEL_FILE).read_bytes() for name, folder in folders.items()}
    told = document(comparison)
    result: dict[str, Any] = {
        name: told[name] for name in ("samples", "seed", "geometry", "powers_dbw")
    }
    result["variants"] = {
        Precision.FP32.value if name == OWN_MODEL else name: {
            "bytes": len(graph),
            "bytes_compressed": len(zlib.compress(graph, 9)),
            "decision_p50_ms": told["latency_ms"][name]["p50"],
            "ratio_to_exhaustive": _with_mean(told["ratio_to_exhaustive"][name]),
            "ratio_to_exhaustive_true_channel": _with_mean(
                told["ratio_to_exhaustive_true_channel"][name]
            ),
            "ratio_to_fp32": _with_mean(_ratio_to_own(comparison, name, "estimated_bps_hz")),
            "ratio_to_fp32_true_channel": _with_mean(
                _ratio_to_own(comparison, name, "true_bps_hz")
            ),
            "violations": sum(told["violations"][name].values()),
        }
        for name, graph in graphs.items()
    }
    return result


def _ratio_to_own(comparison: Comparison, name: str, field: str) -> dict[str, float]:
    return {
        power: float(getattr(by[name], field).mean() / getattr(by[OWN_MODEL], field).mean())
        for power, by in comparison.outcomes.items()
    }


def _with_mean(by_power: dict[str, float]) -> dict[str, float]:
    return {**by_power, "mean": float(np.mean(list(by_power.values())))}
