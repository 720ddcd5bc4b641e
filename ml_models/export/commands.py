"""`python -m ml_models export`, `reexport` and `calibrate`."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from ml_models.evaluate import card_metrics
from ml_models.export.precision import Precision
from ml_models.onnx_sampler import read_card


def export_command(
    artifact: Annotated[Path, typer.Option(help="artifact folder in single precision")],
    out: Annotated[Path, typer.Option(help="artifact folder to write")],
    *,
    precision: Annotated[Precision, typer.Option(help="of the layers")] = Precision.FP32,
    prune: Annotated[float, typer.Option(help="share of weights that become zero")] = 0.0,
) -> None:
    """Writes a smaller artifact: half precision, eight-bit integers, pruned, or two of them.

    `python -m ml_models precision` measures what that costs.
    """
    from ml_models.export.variants import write_variant  # noqa: PLC0415 torch, two seconds

    words = ["python", "-m", "ml_models", "export", "--artifact", str(artifact), "--out", str(out)]
    words += ["--precision", precision.value] + (["--prune", f"{prune:g}"] if prune else [])
    card = write_variant(
        artifact, out, precision=precision, pruned_share=prune, command=shlex.join(words)
    )
    shown = {
        name: card[name]
        for name in ("onnx", "parent", "precision", "pruned_share", "golden")
        if name in card
    }
    typer.echo(json.dumps(shown, indent=2))


def reexport_command(
    artifact: Annotated[Path, typer.Option(help="artifact folder; its files are replaced")],
) -> None:
    """Writes graph, golden samples and card anew from the weights, which stay, as do the metrics.

    Of use when the exporter or the way that the graph is written has changed.
    """
    # torch takes two seconds to import
    from ml_models.export.artifact import write_artifact  # noqa: PLC0415
    from ml_models.export.stored import stored_model  # noqa: PLC0415

    card = read_card(artifact)
    write_artifact(
        stored_model(artifact),
        artifact,
        name=card["name"],
        command=card["command"],
        metrics=card["metrics"],
    )


def calibrate_command(
    artifact: Annotated[Path, typer.Option(help="artifact folder; its files are replaced")],
    *,
    confidence: Annotated[
        bool | None, typer.Option(help="say how likely a decision is good; else as it was")
    ] = None,
    samples: Annotated[int, typer.Option(help="held-out scenarios a power, for the card")] = 128,
    processes: Annotated[int, typer.Option(help="worker processes")] = 1,
) -> None:
    """Fits anew what a model says of itself, exports it, and measures it for its card.

    The network and the command that made it stay. Of use after a training on another machine,
    whose exporter may be another, and when the calibration itself has changed.
    """
    # torch takes two seconds to import
    from ml_models.export.artifact import write_artifact, write_card  # noqa: PLC0415
    from ml_models.export.stored import recalibrated_model  # noqa: PLC0415

    card = read_card(artifact)
    model = recalibrated_model(artifact, says_confidence=confidence, processes=processes)
    written = write_artifact(model, artifact, name=card["name"], command=card["command"])
    written["metrics"] = card_metrics(artifact, samples)
    write_card(written, artifact)
