"""One training in two processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from ml_models.evaluate import EvaluationConfig, evaluate
from ml_models.onnx_sampler import read_card

TINY = {
    "network": {
        "width": 16,
        "layers": 1,
        "heads": 2,
        "denoising_steps": 2,
        "candidates": 2,
        "critic_width": 16,
        "critic_layers": 1,
    },
    "data": {"labelled": 40, "unlabelled": 20, "calibration": 70, "seed": 107},
    "diffusion_steps": 3,
    "secrecy_steps": 6,
    "diffusion_batch": 16,
    "secrecy_batch": 4,
    "keep_best": True,
    "ema": 0.9,
}

# Trains twice, once with an interruption; every process writes what it ended with.
SCRIPT = """
import json, os, sys
from pathlib import Path

from ml_models.gan_gdm.checkpoint import Checkpoints
from ml_models.gan_gdm.config import config_from_json
from ml_models.gan_gdm.ranks import joined
from ml_models.gan_gdm.training import TrainingStopped, train
from ml_models.gan_gdm.weights import save_weights

folder = Path(sys.argv[1])
config = config_from_json(json.loads((folder / "config.json").read_text()))
with joined("cpu", os.environ) as (ranks, device):
    def training(name, stops=()):
        asked = iter(stops)
        kept = Checkpoints(folder / name, every_steps=2)
        model = train(config, checkpoints=kept, device=device, ranks=ranks,
                      should_stop=lambda: next(asked, False))
        save_weights(model.sampler, model.discriminator, folder / f"{name}{ranks.rank}.safetensors")
    training("whole")
    try:
        training("broken", [False] * 6 + [True])
    except TrainingStopped:
        training("broken")
"""


def in_two_processes(*words: str) -> None:
    """Runs Python with these words twice, as torchrun does, over the loopback."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--local-addr", "127.0.0.1", "--nproc-per-node", "2"]
    environ = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, *words], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_both_processes_end_with_the_same_weights(tmp_path: Path) -> None:
    """Also after an interruption, from which both go on with their own random numbers."""
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    (tmp_path / "script.py").write_text(SCRIPT)
    in_two_processes(str(tmp_path / "script.py"), str(tmp_path))
    first, *others = [
        load_file(tmp_path / f"{name}{rank}.safetensors")
        for name in ("whole", "broken")
        for rank in (0, 1)
    ]
    for other in others:
        assert other.keys() == first.keys()
        assert all(value.equal(other[name]) for name, value in first.items())


@pytest.mark.slow
def test_the_first_process_leaves_a_whole_artifact(tmp_path: Path) -> None:
    """The command under torchrun: one folder, whose card says how many made it."""
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    out = tmp_path / "artifact"
    words = ["--config", str(tmp_path / "config.json"), "--out", str(out), "--samples", "1"]
    in_two_processes("-m", "ml_models", "train", *words)
    card = read_card(out)
    assert card["training"]["processes"] == 2
    assert card["training"]["steps"] == {"diffusion": 3, "secrecy": 6}
    assert card["command"].startswith("torchrun --nproc-per-node 2 -m ml_models train")
    report = evaluate(out, EvaluationConfig(samples=1, powers_dbw=(20,)))
    assert report.violations == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["artifact", "config.json"]
