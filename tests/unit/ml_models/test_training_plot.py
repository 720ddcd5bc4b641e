"""The picture of a training."""

from pathlib import Path

from ml_models.gan_gdm.progress import TrainingProgress
from ml_models.training_plot import draw_training

HISTORY = [
    TrainingProgress(0.1, "labelling", {}),
    TrainingProgress(0.2, "diffusion", {"loss_diffusion": 2.0}),
    TrainingProgress(0.5, "secrecy", {"loss_diffusion": 1.5, "loss_secrecy": -0.9}),
    TrainingProgress(0.9, "secrecy", {"loss_diffusion": 1.2, "loss_secrecy": -1.0}),
    TrainingProgress(1.0, "calibrating", {}),
]


def test_there_is_a_panel_for_what_was_reported(tmp_path: Path) -> None:
    """Labelled, and none for what this training did not have; the same history, the same bytes."""
    path = tmp_path / "training.svg"
    assert draw_training(HISTORY, path)
    picture = path.read_text()
    assert "<!-- diffusion loss -->" in picture
    assert "<!-- secrecy loss -->" in picture
    assert "<!-- progress of the training [%] -->" in picture
    assert "adversarial" not in picture
    draw_training(HISTORY, tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_text() == picture


def test_nothing_reported_is_nothing_drawn(tmp_path: Path) -> None:
    """A training of no steps leaves no picture."""
    assert not draw_training(HISTORY[:1], tmp_path / "training.svg")
    assert list(tmp_path.iterdir()) == []
