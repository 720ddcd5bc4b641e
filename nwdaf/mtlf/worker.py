"""``python -m nwdaf.mtlf.worker FOLDER PARENT``: the child process that trains or tests.

It reads FOLDER/task.json, tells its progress as JSON lines on stdout, writes FOLDER/result.json
and, for a training, the artifact into FOLDER/artifact. It leads a session of its own, and ends with
the process PARENT, together with its own children. Only here is torch imported, and only for a
training.
"""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, TextIO

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.evaluate import POWERS_DBW, EvaluationConfig, evaluate
from ml_models.gan_gdm.config import DataConfig, TrainingConfig, config_from_json
from ml_models.retraining import retraining_config
from nf_runtime.process import die_with_parent
from nwdaf.mtlf.job_folder import (
    ARTIFACT_FOLDER,
    CARD_FILE,
    CHECKPOINT_FOLDER,
    RESULT_FILE,
    TASK_FILE,
    UNWORKABLE,
    WEIGHTS_FILE,
)
from nwdaf.mtlf.jobs import Phase

_M_PER_KM = 1e3
_TRAINING_SHARE = 0.9  # of the progress; the export takes the rest
# An exhaustive label takes about 0.1 s of a core; two fifths of the time go to labels.
_LABEL_S = 0.1
_LABELLING_SHARE = 0.4
_FEWEST_LABELS, _MOST_LABELS = 128, 10_240
_LABELS_PER_CALIBRATION = 5
_STEPS_PER_CHECKPOINT = 50

_PHASES = {
    "labelling": Phase.PREPARING_TRAINING_DATA,
    "diffusion": Phase.TRAINING,
    "secrecy": Phase.TRAINING,
    "calibrating": Phase.TRAINING,
}


def scenario_profile(profile: Mapping[str, Any]) -> ScenarioProfile:
    """The distribution of scenarios that a profile (`jobs.Profile` as a mapping) describes."""
    named = ScenarioProfile(geometry=profile["name"])
    changes = {
        name: profile[name]
        for name in ("rain_probability", "rain_mean_db", "shadowing_sigma_db")
        if profile[name] is not None
    }
    if profile["eavesdropper_min_km"] is not None:
        changes["eavesdropper_min_m"] = profile["eavesdropper_min_km"] * _M_PER_KM
    powers = profile["power_budget_dbw"]
    if powers:
        named = replace(named, min_power_dbw=min(powers), max_power_dbw=max(powers))
    return replace(named, channel=replace(named.channel, **changes))


class Progress:
    """JSON lines to the parent."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def tell(self, fraction: float, phase: Phase) -> None:
        """Fraction of the whole job, 0 to 1."""
        self._out.write(json.dumps({"fraction": fraction, "phase": phase}) + "\n")
        self._out.flush()


def test(task: Mapping[str, Any], progress: Progress) -> dict[str, float]:
    """The figures of a published version on held-out scenarios."""
    spec = task["spec"]
    config = EvaluationConfig(
        profile=scenario_profile(spec["profile"]),
        samples=spec["sample_count"],
        seed=spec["seed"],
        powers_dbw=tuple(spec["profile"]["power_budget_dbw"]) or POWERS_DBW,
    )
    progress.tell(0.0, Phase.TESTING)
    report = evaluate(
        Path(task["parent"]),
        config,
        threads=task["threads"],
        on_progress=lambda fraction: progress.tell(fraction, Phase.TESTING),
    )
    own = [methods["gan_gdm"] for methods in report.powers.values()]
    bound = [methods["exhaustive"] for methods in report.powers.values()]
    return {
        "rate_mean_bps_hz": fmean(figures.estimated_bps_hz for figures in own),
        "rate_true_channel_mean_bps_hz": fmean(figures.true_bps_hz for figures in own),
        "rate_exhaustive_mean_bps_hz": fmean(figures.estimated_bps_hz for figures in bound),
        "ratio_to_exhaustive": report.mean_ratio_estimated,
        "ratio_to_exhaustive_worst_power": report.worst_ratio_estimated,
        "ratio_to_exhaustive_true_channel": report.mean_ratio_true,
        "violations": float(report.violations),
        "reliability_mean": report.mean_reliability,
        "decision_p50_ms": report.decision_p50_ms,
        "samples": float(report.samples),
    }


def training_config(task: Mapping[str, Any]) -> tuple[TrainingConfig, Path | None]:
    """How to train what the task asks for, and the weights to start from, if any.

    Raises:
        ConfigError: The parent's card is not one that this library knows.
    """
    spec, threads = task["spec"], int(task["threads"])
    profile = scenario_profile(spec["profile"])
    budget_s = float(spec["time_budget_s"])
    if "parent" in task:
        parent = Path(task["parent"])
        card = json.loads((parent / CARD_FILE).read_text(encoding="utf-8"))
        config = retraining_config(
            config_from_json(card["config"]),
            profile,
            wall_clock_s=budget_s,
            seed=spec["seed"],
            threads=threads,
        )
        return config, parent / WEIGHTS_FILE
    affordable = int(_LABELLING_SHARE * budget_s * threads / _LABEL_S)
    labels = min(max(affordable, _FEWEST_LABELS), _MOST_LABELS)
    data = DataConfig(
        profile=profile,
        labelled=labels,
        calibration=max(labels // _LABELS_PER_CALIBRATION, _FEWEST_LABELS),
        seed=spec["seed"],
        processes=threads,
    )
    return TrainingConfig(
        data=data, seed=spec["seed"], wall_clock_s=budget_s, threads=threads
    ), None


def train(task: Mapping[str, Any], folder: Path, progress: Progress) -> dict[str, float]:
    """What the training reached; the artifact stands in `folder`/artifact."""
    # torch takes seconds and hundreds of MB; a test needs none of it.
    from ml_models.export.artifact import write_artifact  # noqa: PLC0415
    from ml_models.gan_gdm.checkpoint import Checkpoints  # noqa: PLC0415
    from ml_models.gan_gdm.training import TrainingProgress  # noqa: PLC0415
    from ml_models.gan_gdm.training import train as train_model  # noqa: PLC0415

    config, weights = training_config(task)

    def tell(told: TrainingProgress) -> None:
        phase = _PHASES.get(told.phase, Phase.TRAINING)
        progress.tell(_TRAINING_SHARE * told.fraction, phase)

    progress.tell(0.0, Phase.COLLECTING_DATA)
    # Killed or suspended, the training goes on from here; its time budget counts anew.
    checkpoints = Checkpoints(folder / CHECKPOINT_FOLDER, every_steps=_STEPS_PER_CHECKPOINT)
    model = train_model(config, tell, parent=weights, checkpoints=checkpoints)
    progress.tell(_TRAINING_SHARE, Phase.EXPORTING)
    write_artifact(
        model,
        folder / ARTIFACT_FOLDER,
        name=task["spec"]["model_name"],
        command=f"ModelTrainingService.CreateTrainingJob {json.dumps(task['spec'])}",
    )
    progress.tell(1.0, Phase.EXPORTING)
    last = model.history[-1].metrics if model.history else {}
    steps = {f"{stage}_steps": float(count) for stage, count in model.steps_taken.items()}
    return {**steps, **dict(last), **dict(model.validation)}


def main() -> None:
    """Exits with 0 when the result stands in the folder, with UNWORKABLE and a sentence if not."""
    folder, parent = Path(sys.argv[1]), int(sys.argv[2])
    # Nobody would take the result of an orphan.
    signal.signal(signal.SIGTERM, _end_session)
    die_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        return
    task = json.loads((folder / TASK_FILE).read_text(encoding="utf-8"))
    os.nice(int(task["nice"]))
    progress = Progress(_stdout_for_progress_only())
    try:
        metrics = train(task, folder, progress) if task["kind"] == "train" else test(task, progress)
    except ValueError as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        sys.exit(UNWORKABLE)
    result = json.dumps({"metrics": metrics}, allow_nan=False)
    (folder / RESULT_FILE).write_text(result, encoding="utf-8")


def _stdout_for_progress_only() -> TextIO:
    """The way to the parent; whatever libraries and child processes print goes to stderr."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _end_session(_number: int, _frame: object) -> None:
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
