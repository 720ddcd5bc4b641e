"""`python -m ml_models`: train an artifact, evaluate one, make a data set."""

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_models.datasets.labelled import generate, load, save
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.evaluate import EvaluationConfig, EvaluationReport, evaluate

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_EVALUATED = ("reference", "pass")


@app.command("train")
def train_command(
    config: Annotated[Path, typer.Option(help="JSON of a TrainingConfig")],
    out: Annotated[Path, typer.Option(help="artifact folder to write")],
    parent: Annotated[Path | None, typer.Option(help="artifact folder to start from")] = None,
    labelled: Annotated[Path | None, typer.Option(help="data set made before")] = None,
    samples: Annotated[int, typer.Option(help="held-out scenarios a power, for the card")] = 128,
) -> None:
    """Trains, exports and evaluates; the card tells the command and the figures."""
    # torch takes two seconds to import; the other commands need none of it.
    from ml_models.export.artifact import WEIGHTS_FILE, write_artifact, write_card  # noqa: PLC0415
    from ml_models.gan_gdm.config import load_config  # noqa: PLC0415
    from ml_models.gan_gdm.training import TrainingProgress, train  # noqa: PLC0415

    def tell(progress: TrainingProgress) -> None:
        figures = " ".join(f"{name}={value:.4g}" for name, value in progress.metrics.items())
        typer.echo(f"{progress.fraction:6.1%} {progress.phase} {figures}".rstrip(), err=True)

    model = train(
        load_config(config),
        tell,
        parent=None if parent is None else parent / WEIGHTS_FILE,
        labelled=None if labelled is None else load(labelled)[0],
    )
    command = shlex.join(["python", "-m", "ml_models", *sys.argv[1:]])
    card = write_artifact(model, out, command=command)
    card["metrics"] = {
        geometry: asdict(
            evaluate(
                out, EvaluationConfig(profile=ScenarioProfile(geometry=geometry), samples=samples)
            )
        )
        for geometry in _EVALUATED
    }
    write_card(card, out)
    for geometry, figures in card["metrics"].items():
        typer.echo(
            f"{geometry}: {figures['mean_ratio_estimated']:.3f} of exhaustive on the estimate "
            f"(worst power {figures['worst_ratio_estimated']:.3f}), "
            f"{figures['mean_ratio_true']:.3f} on the true channel"
        )


@app.command("evaluate")
def evaluate_command(
    model: Annotated[Path, typer.Option(help="artifact folder")],
    geometry: Annotated[str, typer.Option(help="reference, pass or mixed")] = "reference",
    samples: Annotated[int, typer.Option(help="scenarios a power")] = 64,
    seed: Annotated[int, typer.Option(help="of the scenarios; not one trained on")] = 700_001,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,
) -> None:
    """Compares an artifact with exhaustive search and the benchmark on held-out scenarios."""
    profile = ScenarioProfile(geometry=geometry)
    report = evaluate(model, EvaluationConfig(profile=profile, samples=samples, seed=seed))
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else _table(report))


@app.command("dataset")
def dataset_command(
    out: Annotated[Path, typer.Option(help="safetensors file to write")],
    count: Annotated[int, typer.Option(help="scenarios")],
    seed: Annotated[int, typer.Option(help="of the scenarios")],
    geometry: Annotated[str, typer.Option(help="reference, pass or mixed")] = "reference",
    processes: Annotated[int, typer.Option(help="worker processes")] = 1,
) -> None:
    """Draws scenarios and labels them by exhaustive search."""
    profile = ScenarioProfile(geometry=geometry)
    scenarios = generate(profile, count, seed, processes=processes)
    manifest: dict[str, Any] = save(scenarios, out, profile=profile, seed=seed)
    typer.echo(json.dumps(manifest, indent=2))


def _table(report: EvaluationReport) -> str:
    lines = ["dBW   method       estimated  true   ratio  true ratio"]
    for power, methods in report.powers.items():
        lines += [
            f"{power:>4}  {name:<12} {figures.estimated_bps_hz:8.2f} {figures.true_bps_hz:7.2f}"
            f" {figures.ratio_estimated:7.3f} {figures.ratio_true:7.3f}"
            for name, figures in methods.items()
        ]
    lines.append(
        f"violations {report.violations}, mean reliability {report.mean_reliability:.2f}, "
        f"one decision {report.decision_p50_ms:.1f} ms"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    app()
