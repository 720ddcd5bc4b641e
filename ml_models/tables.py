"""A comparison's JSON document as the Markdown tables of the results page."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"

_CHANNELS = {
    "": "On the estimated channel",
    "_true_channel": "On the true channel",
}


def markdown(result: Mapping[str, Any]) -> str:
    """All tables of a document from `comparison_document.document`, with headings."""
    parts = []
    powers = [f"{power:g}" for power in result["powers_dbw"]]
    for suffix, title in _CHANNELS.items():
        parts += [f"### {title}", _rates(result, suffix, powers)]
        parts += [_ratios(result, f"ratio_to_exhaustive{suffix}", "exhaustive", powers)]
        if f"ratio_to_sca{suffix}" in result:
            parts += [_ratios(result, f"ratio_to_sca{suffix}", "sca_matching", powers)]
    broken = {
        name: sum(by_power.values())
        for name, by_power in result["violations"].items()
        if any(by_power.values())
    }
    told = ", ".join(f"`{name}` {count}" for name, count in broken.items()) or "none"
    parts += [f"Decisions that broke a rule and counted as zero: {told}.", _times(result)]
    if "reliability" in result:
        parts += [_reliability(result["reliability"]), _regret(result["reliability"]["regret"])]
    return "\n\n".join(parts) + "\n"


def inserted(page: str, tables: str) -> str:
    """A page with the tables between its lines `<!-- tables -->` and `<!-- end of tables -->`.

    Raises:
        ValueError: the page does not have both lines, once each and in order.
    """
    before, found, rest = page.partition(f"{BEGIN}\n")
    _, ended, after = rest.partition(END)
    if not (found and ended) or BEGIN in rest or END in after:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}, once each; add them")
    return f"{before}{BEGIN}\n{tables}{END}{after}"


def _rates(result: Mapping[str, Any], suffix: str, powers: Sequence[str]) -> str:
    rows = [
        [f"`{name}`", *(f"{by_power[p]['mean']:.2f} ± {by_power[p]['ci95']:.2f}" for p in powers)]
        for name, by_power in result[f"methods{suffix}"].items()
    ]
    return _table(["b/s/Hz", *(f"{power} dBW" for power in powers)], rows)


def _ratios(result: Mapping[str, Any], section: str, reference: str, powers: Sequence[str]) -> str:
    ci95, mean = result[f"{section}_ci95"], result[f"mean_{section}"]
    rows = [
        [
            f"`{name}`",
            *(f"{100 * by_power[p]:.2f} ± {100 * ci95[name][p]:.2f}" for p in powers),
            f"{100 * mean[name]:.2f}",
        ]
        for name, by_power in result[section].items()
        if name != reference
    ]
    return _table([f"% of `{reference}`", *(f"{power} dBW" for power in powers), "mean"], rows)


def _times(result: Mapping[str, Any]) -> str:
    latency = result["latency_ms"]
    speedups = {
        key.removeprefix("speedup_vs_"): by_name
        for key, by_name in result.items()
        if key.startswith("speedup_vs_") and not key.endswith("_cpu")
    }
    columns = ["p50", "p95", "cpu_p50", "cpu_p95"]
    header = ["one decision, ms", "wall p50", "wall p95", "CPU p50", "CPU p95"]
    rows = [
        [
            f"`{name}`",
            *(_short(figures[column]) for column in columns),
            *(f"{by_name[name]:.3g}×" for by_name in speedups.values()),
        ]
        for name, figures in latency.items()
    ]
    return _table([*header, *(f"against {called}" for called in speedups)], rows)


def _reliability(reliability: Mapping[str, Any]) -> str:
    window = reliability["auroc_window"]
    rows = [
        [name, f"{value:.3f}", f"{window[name]:.3f}"]
        for name, value in reliability["auroc"].items()
    ]
    means = reliability["mean_auroc"], reliability["mean_auroc_window"]
    rows.append(["mean", *(f"{value:.3f}" for value in means)])
    table = _table(["shift never trained on", "AUROC, one decision", "AUROC, window of 8"], rows)
    return (
        f"{table}\n\nCalibration error of the reliability: {reliability['calibration_error']:.3f}."
    )


def _regret(regret: Mapping[str, Any]) -> str:
    signals = next(iter(regret["models"].values()))["true"]["auroc"]
    rows = [
        [
            f"`{name}`",
            channel,
            f"{figures['count']} of {regret['decisions']}",
            *("" if area is None else f"{area:.3f}" for area in figures["auroc"].values()),
        ]
        for name, channels in regret["models"].items()
        for channel, figures in channels.items()
    ]
    header = ["", "channel", "decisions that regret over 5 %"]
    return _table([*header, *(f"AUROC by {signal}" for signal in signals)], rows)


def _short(milliseconds: float) -> str:
    return "< 0.1" if milliseconds < 0.1 else f"{milliseconds:.3g}"  # noqa: PLR2004 a tenth


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
