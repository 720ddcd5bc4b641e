"""A picture of a training: its losses and its validation against its progress."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ml_models.gan_gdm.progress import SECRECY, TrainingProgress

PLOT_FILE = "training.svg"

# What each panel shows: the label of its axis, and the figures with their names in the legend.
_PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("diffusion loss", {"loss_diffusion": "on labels"}),
    ("secrecy loss", {"loss_secrecy": "of own decisions"}),
    ("sampled rate [b/s/Hz]", {"sample_rate_bps_hz": "of own decisions"}),
    ("adversarial loss", {"loss_gan": "generator", "loss_critic": "critic"}),
    (
        "one candidate over\nexhaustive search",
        {
            "ratio_to_exhaustive_one_candidate": "on the estimated channel",
            "ratio_to_exhaustive_true_channel_one_candidate": "on the true channel",
        },
    ),
)
_PERCENT = 100.0


def draw_training(history: Sequence[TrainingProgress], path: Path) -> bool:
    """Draws what was reported as an SVG picture; the same history gives the same bytes.

    Args:
        history: of a training.
        path: file to write.

    Returns:
        Whether there was anything to draw: a training of no steps has no figures.
    """
    panels = [
        (label, {name: title for name, title in figures.items() if _curve(history, name)})
        for label, figures in _PANELS
    ]
    panels = [(label, figures) for label, figures in panels if figures]
    if not panels:
        return False
    with mpl.rc_context({"svg.hashsalt": PLOT_FILE}):
        figure = Figure(figsize=(8.0, 1.0 + 1.8 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
        secrecy = [told.fraction for told in history if told.phase == SECRECY]
        for axis, (label, figures) in zip(axes, panels, strict=True):
            for name, title in figures.items():
                fraction, value = zip(*_curve(history, name), strict=True)
                percent = [_PERCENT * one for one in fraction]
                axis.plot(percent, value, marker=".", linewidth=1, label=title)
            _describe(axis, label, secrecy)
        axes[-1].set_xlabel("progress of the training [%]")
        figure.savefig(path, format="svg", metadata={"Date": None})
    return True


def _describe(axis: Any, label: str, secrecy: Sequence[float]) -> None:
    axis.set_ylabel(label)
    axis.grid(alpha=0.3)
    if secrecy:
        axis.axvline(
            _PERCENT * secrecy[0], color="grey", linestyle="--", linewidth=1, label="second stage"
        )
    axis.legend(fontsize="small")


def _curve(history: Sequence[TrainingProgress], name: str) -> list[tuple[float, float]]:
    return [(told.fraction, told.metrics[name]) for told in history if name in told.metrics]
