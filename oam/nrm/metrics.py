"""Where the OAM takes the values of performance metrics from."""

from collections.abc import Iterator, Mapping
from typing import Any

from nf_runtime.performance_metrics import PERFORMANCE_METRICS, SUM_SECRECY_RATE
from oam.nrm.values import wrong

DECISIONS, RELIABILITY = "inference.decision", "inference.reliability"
KPIS, TRIGGERS = "StreamKpis", "ran.doppler-sinr-drop"

SOURCES: Mapping[str, str] = {
    SUM_SECRECY_RATE: DECISIONS,
    "SECRECY_GAIN_BPS_HZ": DECISIONS,
    "SECRECY_OUTAGE": DECISIONS,
    "FALLBACK_RATIO": DECISIONS,
    "INFERENCE_LATENCY_MS_P95": DECISIONS,
    "LATENT_RELIABILITY": DECISIONS,
    "OOD_RATE": RELIABILITY,
    "SINR_DB_P5": KPIS,
    "DOPPLER_RESIDUAL_HZ": TRIGGERS,
}
"""Report by name of the registry; the other names nothing of this project reports yet."""


def check_metrics(attributes: Mapping[str, Any]) -> None:
    """Refuse to watch what nothing measures.

    Raises:
        InvalidArgument: INVALID_FIELD.
    """
    for where, name in _watched(attributes):
        if name not in SOURCES:
            measured = ", ".join(each for each in PERFORMANCE_METRICS if each in SOURCES)
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
