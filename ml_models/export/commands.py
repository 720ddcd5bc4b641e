"""`python -m ml_models export`."""

import json
import shlex
from pathlib import Path
from typing import Annotated

import typer

from ml_models.export.precision import Precision


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
