"""`python -m ml_models.robust`: tune the leakage margins of the robust rivals."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.robust.margins import margins_document, tune
from ml_models.robust.rivals import MARGINED

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_POWERS_DBW = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0)


@app.callback()
def main() -> None:
    """Rivals that know that reports are wrong."""


@app.command("tune")
def tune_command(
    out: Annotated[Path, typer.Option(help="margins.json to write")],
    samples: Annotated[int, typer.Option(help="training scenarios at each power")] = 192,
    seed: Annotated[int, typer.Option(help="of the training scenarios")] = 88_002,
    geometry: Annotated[str, typer.Option(help="reference, pass or mixed")] = "reference",
    methods: Annotated[
        list[str] | None, typer.Option("--method", help="tune this one only, keep the others")
    ] = None,
) -> None:
    """Finds the best margin for every method and power on training scenarios."""
    unknown = set(methods or ()) - set(MARGINED)
    if unknown:
        raise typer.BadParameter(f"{sorted(unknown)} have no margin; choose from {list(MARGINED)}")
    contexts = draw_scenarios(ScenarioProfile(geometry=geometry), samples, Split.TRAIN.seed(seed))
    tuned = {}
    for name in track(methods or list(MARGINED), "tuning", console=Console(stderr=True)):
        tuned[name] = tune(MARGINED[name](), contexts, _POWERS_DBW, seed=seed)
    before = json.loads(out.read_text(encoding="utf-8")) if methods and out.is_file() else None
    document = margins_document(tuned, seed=seed, geometry=geometry, before=before)
    out.write_text(document, encoding="utf-8")
    for name, one in tuned.items():
        factors = " ".join(f"{factor:g}" for factor in one.margin.factor)
        typer.echo(f"{name}: {factors}")


if __name__ == "__main__":
    app()
