"""The best weights so far, and whether it is still worth going on."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


class BestWeights:
    """Remembers the weights of the best report and counts the reports since.

    Reports without a figure, as there are without held-out labels, count for nothing.

    Attributes:
        weights: of the best report; None before the first, or when they are not kept.
    """

    def __init__(self, *, patience: int | None, keep: bool) -> None:
        self.weights: dict[str, Tensor] | None = None
        self._patience = patience
        self._keep = keep
        self._figure: float | None = None
        self._reports_since = 0

    @property
    def exhausted(self) -> bool:
        """Whether `patience` reports in a row were no better than the best."""
        return self._patience is not None and self._reports_since >= self._patience

    def note(self, figure: float | None, module: nn.Module) -> None:
        """Takes a report: the figure, of which more is better, and the weights it is of."""
        if figure is None:
            return
        if self._figure is not None and figure <= self._figure:
            self._reports_since += 1
            return
        self._figure, self._reports_since = figure, 0
        if self._keep:
            self.weights = {name: value.clone() for name, value in module.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """All of it, for a checkpoint."""
        return {
            "weights": self.weights,
            "figure": self._figure,
            "reports_since": self._reports_since,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken."""
        self.weights = state["weights"]
        self._figure = state["figure"]
        self._reports_since = state["reports_since"]
