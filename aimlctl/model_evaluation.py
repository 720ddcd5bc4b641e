"""``aimlctl model evaluate``: a model beside every other way to decide, on the same scenarios."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from aimlctl.model_work import SHIPPED_MODELS, result_of
from aimlctl.options import JsonOption
from aimlctl.output import Output, table_of
from nf_runtime.clock import SystemClock

_COLUMNS = (
    ("On the estimated channel, b/s/Hz", "methods"),
    ("On the true channel, b/s/Hz", "methods_true_channel"),
)
_RATIOS = (
    ("Of exhaustive, estimated channel", "ratio_to_exhaustive"),
    ("Of SCA + matching, estimated channel", "ratio_to_sca"),
    ("Of exhaustive on the same estimates, true channel", "ratio_to_exhaustive_true_channel"),
    ("Of SCA + matching, true channel", "ratio_to_sca_true_channel"),
)


def evaluate(
    *,
    model: Annotated[
        Path | None, typer.Option("--model", metavar="DIR", help="Artifact folder to evaluate.")
    ] = None,
    models: Annotated[
        Path, typer.Option("--models", metavar="DIR", help="Artifact folders of all learned ones.")
    ] = SHIPPED_MODELS,
    methods: Annotated[
        str, typer.Option("--methods", help="Names between commas; the usual ones if empty.")
    ] = "",
    samples: Annotated[int, typer.Option("--samples", min=1, help="Scenarios a power.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="Of the scenarios.")] = 7,
    dump: Annotated[
        Path | None,
        typer.Option("--dump", metavar="FILE", help="npz of every scenario and decision."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Rates on both channels, decision times and reliability of every method."""
    output = Output.of(as_json=as_json)
    words = ["compare", "--models", str(models), "--samples", str(samples), "--seed", str(seed)]
    words += ["--processes", str(len(os.sched_getaffinity(0))), "--methods", methods]
    words += [] if model is None else ["--model", str(model)]
    words += [] if dump is None else ["--dump", str(dump)]
    result = result_of(words, output, SystemClock())
    output.document(result, show=lambda console: _show(console, result))


def _show(console: Console, result: Mapping[str, Any]) -> None:
    powers = [f"{power:g}" for power in result["powers_dbw"]]
    columns = ("Method", *(f"{power} dBW" for power in powers))
    for title, section in _COLUMNS:
        rows = [
            (name, *(f"{by_power[p]['mean']:.2f} ±{by_power[p]['ci95']:.2f}" for p in powers))
            for name, by_power in result[section].items()
        ]
        console.print(table_of(columns, rows, title=title))
    for title, section in _RATIOS:
        if section not in result:
            continue
        mean = result[f"mean_{section}"]
        rows = [
            (name, *(f"{by_power[p]:.3f}" for p in powers), f"{mean[name]:.3f}")
            for name, by_power in result[section].items()
        ]
        console.print(table_of((*columns, "mean"), rows, title=title))
    speedup = result.get("speedup_vs_sca", {})
    times = [
        (
            name,
            *(f"{t[column]:.2f}" for column in ("p50", "p95", "cpu_p50")),
            f"{speedup[name]:.1f}" if speedup else "",
        )
        for name, t in result["latency_ms"].items()
    ]
    header = ("One decision", "p50 ms", "p95 ms", "CPU p50 ms", "times SCA + matching")
    console.print(table_of(header, times))
    if "reliability" in result:
        _show_reliability(console, result["reliability"])


def _show_reliability(console: Console, reliability: Mapping[str, Any]) -> None:
    window = reliability["auroc_window"]
    shifts = [(n, f"{v:.3f}", f"{window[n]:.3f}") for n, v in reliability["auroc"].items()]
    mean, mean_window = reliability["mean_auroc"], reliability["mean_auroc_window"]
    shifts.append(("mean", f"{mean:.3f}", f"{mean_window:.3f}"))
    console.print(table_of(("Shift never trained on", "AUROC", "window of 8"), shifts))
    regret = reliability["regret"]
    rows = [
        (
            name,
            channel,
            str(figures["count"]),
            *("" if area is None else f"{area:.3f}" for area in figures["auroc"].values()),
        )
        for name, channels in regret["models"].items()
        for channel, figures in channels.items()
    ]
    signals = next(iter(regret["models"].values()))["true"]["auroc"]
    columns = ("", "Channel", f"of {regret['decisions']}", *(f"AUROC by {one}" for one in signals))
    console.print(table_of(columns, rows, title="Regret above 5 %"))
