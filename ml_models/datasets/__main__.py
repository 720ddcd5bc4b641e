"""`python -m ml_models.datasets`: make a labelled data set, or go on with one, and look at it."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ml_models.datasets.labelled import DatasetSpec, load, make
from ml_models.datasets.scenarios import ScenarioProfile, Split

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.command("make")
def make_command(  # noqa: PLR0917 - options of a command line
    out: Annotated[Path, typer.Option(help="safetensors file to write")],
    seed: Annotated[int, typer.Option(help="of the scenarios")],
    count: Annotated[int, typer.Option(help="scenarios")] = 8192,
    split: Annotated[Split, typer.Option(help="what the set is for")] = Split.TRAIN,
    geometry: Annotated[str, typer.Option(help="reference, pass or mixed")] = "reference",
    processes: Annotated[int, typer.Option(help="worker processes")] = 1,
) -> None:
    """Labels scenarios by exhaustive search; killed, it goes on where it was when run again."""
    spec = DatasetSpec(ScenarioProfile(geometry=geometry), count, seed, split)
    with Progress(
        TextColumn("labelling"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("labelling", total=1.0)
        manifest = make(
            out, spec, processes=processes, on_progress=lambda f: bar.update(task, completed=f)
        )
    typer.echo(json.dumps(manifest, indent=2))


@app.command("check")
def check_command(path: Annotated[Path, typer.Argument(help="data set to check")]) -> None:
    """Compares a set with the digest of its manifest and prints the manifest."""
    _, manifest = load(path)
    typer.echo(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    app()
