"""``python -m nwdaf.mtlf.worker FOLDER``: the child process that trains or tests.

It reads FOLDER/task.json, tells its progress as JSON lines on stdout, writes FOLDER/result.json
and, for a training, the artifact into FOLDER/artifact. It ends with its parent. Only here is torch
imported, and only for a training.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from ml_models.datasets.scenarios import ScenarioProfile
from ml_models.evaluate import POWERS_DBW, EvaluationConfig, evaluate
from nf_runtime.process import die_with_parent
from nwdaf.mtlf.job_folder import (
    ARTIFACT_FOLDER,
    CARD_FILE,
    RESULT_FILE,
    TASK_FILE,
    WEIGHTS_FILE,
)
from nwdaf.mtlf.jobs import SEED_LIMIT, Phase

_M_PER_KM = 1e3
_TRAINING_SHARE = 0.9  # of the progress; the export takes the rest
# An exhaustive label takes about 0.1 s of a core; two fifths of the time go to labels.
_LABEL_S = 0.1
_LABELLING_SHARE = 0.4
_FEWEST_LABELS, _MOST_LABELS = 128, 10_240

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
        seed=SEED_LIMIT + spec["seed"],
        powers_dbw=tuple(spec["profile"]["power_budget_dbw"]) or POWERS_DBW,
    )
    progress.tell(0.0, Phase.TESTING)
    report = evaluate(
        Path(task["parent"]),
        config,
        threads=task["threads"],
        on_progress=lambda fraction: progress.tell(fraction, Phase.TESTING),
    )
    return {
        "ratio_to_exhaustive": report.mean_ratio_estimated,
        "ratio_to_exhaustive_worst_power": report.worst_ratio_estimated,
        "ratio_to_exhaustive_true_channel": report.mean_ratio_true,
        "violations": float(report.violations),
        "reliability_mean": report.mean_reliability,
        "decision_p50_ms": report.decision_p50_ms,
        "samples": float(report.samples),
    }


def train(task: Mapping[str, Any], folder: Path, progress: Progress) -> dict[str, float]:
    """What the training reached; the artifact stands in `folder`/artifact."""
    # torch takes seconds and hundreds of MB; a test needs none of it.
    from ml_models.export.artifact import write_artifact  # noqa: PLC0415
    from ml_models.gan_gdm.config import (  # noqa: PLC0415
        DataConfig,
        TrainingConfig,
        config_from_json,
    )
    from ml_models.gan_gdm.training import TrainingProgress  # noqa: PLC0415
    from ml_models.gan_gdm.training import train as train_model  # noqa: PLC0415
    from ml_models.retraining import retraining_config  # noqa: PLC0415

    spec, threads = task["spec"], int(task["threads"])
    profile = scenario_profile(spec["profile"])
    budget_s = float(spec["time_budget_s"])
    weights = None
    if "parent" in task:
        parent = Path(task["parent"])
        weights = parent / WEIGHTS_FILE
        card = json.loads((parent / CARD_FILE).read_text(encoding="utf-8"))
        config = retraining_config(
            config_from_json(card["config"]),
            profile,
            wall_clock_s=budget_s,
            seed=spec["seed"],
            threads=threads,
        )
    else:
        labels = int(_LABELLING_SHARE * budget_s * threads / _LABEL_S)
        data = DataConfig(
            profile=profile,
            labelled=min(max(labels, _FEWEST_LABELS), _MOST_LABELS),
            seed=spec["seed"],
            processes=threads,
        )
        config = TrainingConfig(
            data=data, seed=spec["seed"], wall_clock_s=budget_s, threads=threads
        )

    def tell(told: TrainingProgress) -> None:
        phase = _PHASES.get(told.phase, Phase.TRAINING)
        progress.tell(_TRAINING_SHARE * told.fraction, phase)

    progress.tell(0.0, Phase.COLLECTING_DATA)
    model = train_model(config, tell, parent=weights)
    progress.tell(_TRAINING_SHARE, Phase.EXPORTING)
    write_artifact(
        model,
        folder / ARTIFACT_FOLDER,
        name=spec["model_name"],
        command=f"python -m nwdaf.mtlf.worker FOLDER, task.json: {json.dumps(task)}",
    )
    progress.tell(1.0, Phase.EXPORTING)
    last = model.history[-1].metrics if model.history else {}
    steps = {f"{stage}_steps": float(count) for stage, count in model.steps_taken.items()}
    return {**steps, **dict(last), **dict(model.validation)}


def main() -> None:
    """Exits with 0 when the result stands in the folder, else with 1 and a sentence on stderr."""
    # The parent may be killed: nobody would take the result then.
    die_with_parent(signal.SIGKILL)
    folder = Path(sys.argv[1])
    task = json.loads((folder / TASK_FILE).read_text(encoding="utf-8"))
    os.nice(int(task["nice"]))
    # Libraries may print; only progress goes to the parent.
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        progress = Progress(out)
        try:
            metrics = (
                train(task, folder, progress) if task["kind"] == "train" else test(task, progress)
            )
        except ValueError as error:
            sys.exit(str(error))
    result = json.dumps({"metrics": metrics}, allow_nan=False)
    (folder / RESULT_FILE).write_text(result, encoding="utf-8")


if __name__ == "__main__":
    main()
