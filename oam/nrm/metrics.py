"""The registry of `performanceMetric` names, and where each value comes from.

TS 28.105 leaves the names free and defines no metric of a latent space; these are this project's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from oam.nrm.values import wrong


@dataclass(frozen=True)
class Metric:
    """One name of the registry.

    Attributes:
        unit: Of its values.
        source: Which report it is taken from; empty: nothing of this project reports it yet.
        meaning: One sentence.
    """

    unit: str
    source: str
    meaning: str


DECISIONS, RELIABILITY = "inference.decision", "inference.reliability"
KPIS, TRIGGERS = "StreamKpis", "ran.doppler-sinr-drop"

METRICS: Mapping[str, Metric] = {
    "SUM_SECRECY_RATE_BPS_HZ": Metric(
        "b/s/Hz", DECISIONS, "Mean sum secrecy rate that applied decisions achieved."
    ),
    "SECRECY_GAIN_BPS_HZ": Metric(
        "b/s/Hz", DECISIONS, "Mean of what applied decisions gained over the allocation before."
    ),
    "SECRECY_OUTAGE": Metric(
        "share", DECISIONS, "Share of applied decisions with a sum secrecy rate of 0."
    ),
    "FALLBACK_RATIO": Metric("share", DECISIONS, "Share of decisions that the fallback made."),
    "INFERENCE_LATENCY_MS_P95": Metric("ms", DECISIONS, "95th percentile of the inference time."),
    "LATENT_RELIABILITY": Metric(
        "share", DECISIONS, "Mean reliability that the latent space gives decisions."
    ),
    "OOD_RATE": Metric(
        "share", RELIABILITY, "Share of inputs that lie far from what the model was trained on."
    ),
    "SINR_DB_P5": Metric("dB", KPIS, "5th percentile of the reference SINR of the beams."),
    "DOPPLER_RESIDUAL_HZ": Metric(
        "Hz", TRIGGERS, "Largest absolute residual Doppler that a Doppler trigger told."
    ),
    "LATENT_MAHALANOBIS": Metric("", "", "Mahalanobis distance in the latent space."),
    "LATENT_RECON_ERROR": Metric("", "", "Reconstruction error of the latent space."),
    "LATENT_COVERAGE": Metric("share", "", "Share of the training data's latent cells in use."),
    "DENOISE_RESIDUAL": Metric("", "", "Residual of the last denoising step."),
}


def check_metrics(attributes: Mapping[str, Any]) -> None:
    """Refuse to watch what nothing measures.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    for where, name in _watched(attributes):
        if name not in METRICS or not METRICS[name].source:
            measured = ", ".join(name for name, metric in METRICS.items() if metric.source)
            raise wrong(where, f"of what is measured here: {measured}")


def _watched(attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in attributes.get("performanceMetrics") or []:
        yield "performanceMetrics", name
    policy = attributes.get("policyForLoading") or {}
    for where, infos in (
        ("thresholdInfoList", attributes.get("thresholdInfoList") or []),
        ("policyForLoading.thresholdList", policy.get("thresholdList", [])),
    ):
        for i, info in enumerate(infos):
            for name in info["performanceMetrics"]:
                yield f"{where}[{i}].performanceMetrics", name
