"""`python -m ml_models`: train an artifact, evaluate one, compare methods, make a data set.

With `--lines`, progress and result come as JSON lines on stdout, for a program that started this
one: `{"fraction": …, "phase": …, "metrics": {…}}` on the way and `{"result": {…}}` at the end.
"""

import json
import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ml_models.comparison import ComparisonConfig, compare
from ml_models.comparison_document import document, dump
from ml_models.datasets.labelled import generate, load, save
from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.evaluate import EvaluationConfig, EvaluationReport, card_metrics, evaluate
from ml_models.export.commands import calibrate_command, export_command, reexport_command
from ml_models.gan_gdm import config as configs
from ml_models.methods import ESTIMATED_MODEL, OWN_MODEL, artifacts_in, usual
from ml_models.onnx_sampler import OnnxSampler
from ml_models.reliability_figures import reliability_document
from ml_models.studies.commands import precision_command, robustness_command
from ml_models.tables import inserted, markdown
from ml_models.timing import processor_s

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_QUICK_SAMPLES = 16
_CHECKPOINT_STEPS, _GPU_CHECKPOINT_STEPS = 50, 500  # seconds either way
_COMPARING_SHARE = 0.9  # of the progress; the reliability takes the rest

app.command("export")(export_command)
app.command("reexport")(reexport_command)
app.command("calibrate")(calibrate_command)
app.command("precision")(precision_command)
app.command("robustness")(robustness_command)

LinesOption = Annotated[bool, typer.Option("--lines", help="JSON lines on stdout")]


@app.command("train")
def train_command(
    config: Annotated[Path, typer.Option(help="JSON of a TrainingConfig")],
    out: Annotated[Path, typer.Option(help="artifact folder to write")],
    *,
    parent: Annotated[Path | None, typer.Option(help="artifact folder to start from")] = None,
    labelled: Annotated[Path | None, typer.Option(help="data set made before")] = None,
    samples: Annotated[int, typer.Option(help="held-out scenarios a power, for the card")] = 128,
    quick: Annotated[bool, typer.Option("--quick", help="a few minutes of processor time")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU if there is one")] = "cpu",
    lines: LinesOption = False,
) -> None:
    """Trains, exports and evaluates; the card tells the command, the losses and the figures.

    A picture of losses and validation, training.svg, stands beside the files of the version.

    Checkpoints stand beside the artifact folder until it is written; the same command goes on
    from them after an interruption and ends with the same weights. Under torchrun each process
    takes its part of every batch.
    """
    # torch takes two seconds to import; the other commands need none of it.
    from ml_models.export.artifact import WEIGHTS_FILE, write_artifact, write_card  # noqa: PLC0415
    from ml_models.gan_gdm.checkpoint import Checkpoints  # noqa: PLC0415
    from ml_models.gan_gdm.ranks import joined  # noqa: PLC0415
    from ml_models.gan_gdm.training import TrainingProgress, train  # noqa: PLC0415
    from ml_models.training_plot import PLOT_FILE, draw_training  # noqa: PLC0415

    def tell(progress: TrainingProgress) -> None:
        _tell(progress.fraction, progress.phase, progress.metrics, lines=lines)

    asked = configs.load_config(config)
    with joined(device, os.environ) as (ranks, place):
        checkpoints = Checkpoints(
            out.with_name(f"{out.name}.checkpoints"),
            every_steps=_CHECKPOINT_STEPS if place.type == "cpu" else _GPU_CHECKPOINT_STEPS,
        )
        model = train(
            configs.quick(asked) if quick else asked,
            tell if ranks.first else None,
            parent=None if parent is None else parent / WEIGHTS_FILE,
            labelled=None if labelled is None else load(labelled)[0],
            checkpoints=checkpoints,
            device=place,
            ranks=ranks,
            # What fits a quick training must not depend on what else the machine does.
            monotonic_s=processor_s if quick else time.monotonic,
        )
    if not ranks.first:
        return
    words = ["python"] if ranks.count == 1 else ["torchrun", "--nproc-per-node", str(ranks.count)]
    words += ["-m", "ml_models", "train", "--config", str(config), "--out", str(out)]
    for name, folder in (("--parent", parent), ("--labelled", labelled)):
        words += [] if folder is None else [name, str(folder)]
    words += ["--quick"] if quick else []
    words += [] if device == "cpu" else ["--device", device]
    _tell(1.0, "exporting", {}, lines=lines)
    card = write_artifact(model, out, command=shlex.join(words))
    # Beside the version's files, not one of them: repositories take no pictures.
    draw_training(model.history, out / PLOT_FILE)
    _tell(1.0, "evaluating", {}, lines=lines)
    card["metrics"] = card_metrics(out, min(samples, _QUICK_SAMPLES) if quick else samples)
    write_card(card, out)
    checkpoints.remove()
    if lines:
        _write_line({"result": {"metrics": card["metrics"], "steps": dict(model.steps_taken)}})
        return
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
    seed: Annotated[int, typer.Option(help="of the test scenarios")] = 7,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,
) -> None:
    """Compares an artifact with exhaustive search and the benchmark on held-out scenarios."""
    profile = ScenarioProfile(geometry=geometry)
    report = evaluate(model, EvaluationConfig(profile=profile, samples=samples, seed=seed))
    typer.echo(json.dumps(asdict(report), indent=2) if as_json else _table(report))


@app.command("compare")
def compare_command(
    models: Annotated[Path, typer.Option(help="folder of artifact folders")],
    *,
    model: Annotated[Path | None, typer.Option(help="artifact folder of gan_gdm itself")] = None,
    methods: Annotated[
        str, typer.Option(help="names between commas; the usual ones if empty")
    ] = "",
    geometry: Annotated[str, typer.Option(help="reference, pass or mixed")] = "reference",
    samples: Annotated[int, typer.Option(help="scenarios a power", min=1)] = 200,
    seed: Annotated[int, typer.Option(help="of the test scenarios")] = 7,
    processes: Annotated[int, typer.Option(help="worker processes", min=1)] = 1,
    dump_file: Annotated[Path | None, typer.Option("--dump", help="npz of everything")] = None,
    lines: LinesOption = False,
) -> None:
    """Compares all methods on both channels, with decision times and the reliability."""
    artifacts = artifacts_in(models) | ({} if model is None else {OWN_MODEL: model})
    names = tuple(name.strip() for name in methods.split(",") if name.strip())
    config = ComparisonConfig(
        methods=names or usual(artifacts),
        artifacts=artifacts,
        profile=ScenarioProfile(geometry=geometry),
        samples=samples,
        seed=seed,
        processes=processes,
    )
    comparison = compare(
        config,
        lambda fraction: _tell(_COMPARING_SHARE * fraction, "comparing", {}, lines=lines),
    )
    result = document(comparison)
    if OWN_MODEL in config.methods:
        samplers = {
            name: OnnxSampler(artifacts[name])
            for name in (OWN_MODEL, ESTIMATED_MODEL)
            if name in config.methods
        }
        trained = configs.config_from_json(samplers[OWN_MODEL].card["config"]).data.profile
        result["reliability"] = reliability_document(
            samplers, OWN_MODEL, trained, samples=samples, seed=seed
        )
    if dump_file is not None:
        dump(comparison, dump_file)
    if lines:
        _write_line({"result": result})
    else:
        typer.echo(json.dumps(result, indent=2))


@app.command("report")
def report_command(
    results: Annotated[Path, typer.Argument(help="JSON document of a comparison")],
    *,
    figure: Annotated[Path | None, typer.Option(help="file to draw: svg, pdf or png")] = None,
    page: Annotated[
        Path | None, typer.Option(help="Markdown page to put the tables into, between its marks")
    ] = None,
) -> None:
    """Draws a comparison, puts its tables into a page, or shows them if nothing else is asked."""
    result = json.loads(results.read_text(encoding="utf-8"))
    if figure is not None:
        # matplotlib takes a second to import and belongs to the training extra.
        from ml_models.figure import draw  # noqa: PLC0415

        draw(result, figure)
    if page is not None:
        filled = inserted(page.read_text(encoding="utf-8"), markdown(result))
        page.write_text(filled, encoding="utf-8")
    elif figure is None:
        typer.echo(markdown(result), nl=False)


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


def _tell(fraction: float, phase: str, metrics: Mapping[str, float], *, lines: bool) -> None:
    if lines:
        _write_line({"fraction": fraction, "phase": phase, "metrics": dict(metrics)})
        return
    figures = " ".join(f"{name}={value:.4g}" for name, value in metrics.items())
    typer.echo(f"{fraction:6.1%} {phase} {figures}".rstrip(), err=True)


def _write_line(value: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(value, allow_nan=False))


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
