"""``aimlctl model train``: from a configuration to an artifact folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from aimlctl.model_work import result_of
from aimlctl.options import JsonOption
from aimlctl.output import Output, table_of
from nf_runtime.clock import SystemClock


def train(
    *,
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="JSON of the training.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Artifact folder to write.")],
    parent: Annotated[
        Path | None, typer.Option("--parent", metavar="DIR", help="Artifact to start from.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few data and steps: about five minutes of one core.")
    ] = False,
    device: Annotated[
        str, typer.Option("--device", help="cpu, cuda, or auto: a GPU if there is one.")
    ] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Trains, exports and evaluates; the same command goes on where an interrupted one was.

    Losses and validation on the way are drawn in training.svg beside the artifact's files.
    """
    output = Output.of(as_json=as_json)
    words = ["train", "--config", str(config), "--out", str(out)]
    words += [] if parent is None else ["--parent", str(parent)]
    words += ["--quick"] if quick else []
    words += [] if device == "cpu" else ["--device", device]
    result = {"artifact": str(out), **result_of(words, output, SystemClock())}
    output.document(result, show=lambda console: _show(console, result))


def _show(console: Console, result: Mapping[str, Any]) -> None:
    rows = [
        (
            geometry,
            f"{figures['mean_ratio_estimated']:.3f}",
            f"{figures['worst_ratio_estimated']:.3f}",
            f"{figures['mean_ratio_true']:.3f}",
        )
        for geometry, figures in result["metrics"].items()
    ]
    columns = ("Scenarios", "Of exhaustive", "at the worst power", "on the true channel")
    console.print(table_of(columns, rows))
    console.print(f"The artifact stands in {result['artifact']}, its losses in training.svg there.")
