"""A comparison's JSON document, made up, for what shows one."""

from typing import Any


def sections(ratios: dict[str, float]) -> dict[str, Any]:
    """Sections of both channels for methods of these ratios at 0 and 5 dBW."""
    made: dict[str, Any] = {}
    for suffix in ("", "_true_channel"):
        made[f"methods{suffix}"] = {
            name: {p: {"mean": 10 * ratio, "ci95": 0.25} for p in ("0", "5")}
            for name, ratio in ratios.items()
        }
        for reference in ("exhaustive", "sca"):
            section = f"ratio_to_{reference}{suffix}"
            made[section] = {name: {"0": r, "5": r} for name, r in ratios.items()}
            made[f"{section}_ci95"] = {name: {"0": 0.01, "5": 0.02} for name in ratios}
            made[f"mean_{section}"] = ratios
    return made


RATIOS = {"exhaustive": 1.0, "sca_matching": 0.99, "gan_gdm": 0.98, "mrc_random": 0.4}
RESULT: dict[str, Any] = {
    "powers_dbw": [0.0, 5.0],
    **sections(RATIOS),
    "violations": {name: {"0": 0, "5": 2 * (name == "mrc_random")} for name in RATIOS},
    "latency_ms": {
        name: {"p50": 4.0, "p95": 5.0, "cpu_p50": 3.0, "cpu_p95": 0.01} for name in RATIOS
    },
    "speedup_vs_sca": dict.fromkeys(RATIOS, 16.25),
    "speedup_vs_sca_cpu": dict.fromkeys(RATIOS, 1.0),
    "reliability": {
        "auroc": {"rain": 0.9},
        "auroc_window": {"rain": 0.99},
        "mean_auroc": 0.9,
        "mean_auroc_window": 0.99,
        "calibration_error": 0.02,
        "regret": {
            "decisions": 20,
            "models": {
                "gan_gdm": {
                    "estimated": {
                        "share": 0.1,
                        "count": 2,
                        "auroc": {"reliability": 0.85, "candidate_spread": 0.8, "both": 0.9},
                    },
                    "true": {
                        "share": 0.0,
                        "count": 0,
                        "auroc": {"reliability": None, "candidate_spread": None, "both": None},
                    },
                },
            },
        },
    },
}
