"""The figure of the paper: sum secrecy rate against total power for every method."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

_CHANNELS = {"": "estimated channel", "_true_channel": "true channel"}
_MARKERS = "os^vD<>pP*Xhd"
_COLOURS = "tab20"
_LEAST_RATIO = 0.88  # below it a method is off the lower row; the upper one has it
_SIZE_INCHES = (11.0, 8.5)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draws a comparison's JSON document; the same document gives the same bytes.

    Above the rates with their 95 % intervals, on the estimated channel and on the true one; below
    the same as shares of exhaustive search on the same estimates.

    Args:
        result: from `comparison_document.document`.
        path: the file; its ending says the format (svg, pdf, png).
    """
    figure = Figure(figsize=_SIZE_INCHES, layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey="row")
    for column, (suffix, title) in enumerate(_CHANNELS.items()):
        rates, shares = axes[0, column], axes[1, column]
        _draw_rates(rates, result[f"methods{suffix}"], result["powers_dbw"])
        _draw_shares(
            shares,
            result[f"ratio_to_exhaustive{suffix}"],
            result[f"ratio_to_exhaustive{suffix}_ci95"],
            result["powers_dbw"],
        )
        rates.set_title(title)
        shares.set_xlabel("total power, dBW")
    # A limit ends the automatic ones of the whole row, so it comes when all is drawn.
    axes[1, 0].set_ylim(bottom=100 * _LEAST_RATIO)
    axes[0, 0].set_ylabel("sum secrecy rate, b/s/Hz")
    axes[1, 0].set_ylabel("of exhaustive on the same estimates, %")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False)
    with mpl.rc_context({"svg.hashsalt": "aimlnf", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _draw_rates(
    axes: Axes, methods: Mapping[str, Mapping[str, Any]], powers_dbw: list[float]
) -> None:
    for number, (name, by_power) in enumerate(methods.items()):
        figures = [by_power[f"{power:g}"] for power in powers_dbw]
        axes.errorbar(
            powers_dbw,
            [one["mean"] for one in figures],
            yerr=[one["ci95"] for one in figures],
            label=name,
            **_style(number),
        )
    axes.grid(alpha=0.3)


def _draw_shares(
    axes: Axes,
    ratios: Mapping[str, Mapping[str, float]],
    ci95: Mapping[str, Mapping[str, float]],
    powers_dbw: list[float],
) -> None:
    keys = [f"{power:g}" for power in powers_dbw]
    for number, (name, by_power) in enumerate(ratios.items()):
        if max(by_power.values()) < _LEAST_RATIO:
            continue
        axes.errorbar(
            powers_dbw,
            [100 * by_power[key] for key in keys],
            yerr=[100 * ci95[name][key] for key in keys],
            **_style(number),
        )
    axes.grid(alpha=0.3)


def _style(number: int) -> dict[str, Any]:
    return {
        "color": mpl.colormaps[_COLOURS](number % 20),
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "linewidth": 1.2,
        "capsize": 2,
    }
