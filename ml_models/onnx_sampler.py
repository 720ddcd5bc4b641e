"""A model version through ONNX Runtime: contexts in, decisions out, without torch."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from ml_models.inputs import check_inputs
from radio_math.context import Allocation, RadioContext

CARD_FILE = "model_card.json"
MODEL_FILE = "model.onnx"
STANDARD_NORMAL = "standard_normal"
_CHUNK = 64


@dataclass(frozen=True)
class ModelDecision:
    """What a model answers for N contexts with K candidates each.

    Attributes:
        allocation: [N, U] the decision.
        predicted_rate_bps_hz: [N] the model's own objective of the decision.
        candidate_rates_bps_hz: [N, K] that of every candidate.
        embedding: [N, D] of the context.
        reliability: [N] in [0, 1]: how usual the context is.
        confidence: [N] in [0, 1]: how likely the decision is a good one; None if the model does
            not say.
    """

    allocation: Allocation
    predicted_rate_bps_hz: npt.NDArray[np.float32]
    candidate_rates_bps_hz: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]
    reliability: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32] | None = None


def read_card(folder: Path) -> dict[str, Any]:
    """The model card of an artifact folder.

    Raises:
        ValueError: there is none, or it is no JSON object.
    """
    path = folder / CARD_FILE
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}; give an artifact folder") from error
    if not isinstance(card, dict):
        raise ValueError(f"{path} holds no JSON object; give an artifact folder")  # noqa: TRY004
    return card


class OnnxSampler:
    """One loaded artifact folder. Noise is drawn as the card says; a seed gives a decision."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        self.card = read_card(folder)
        self._inputs = self.card["signature"]["inputs"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            folder / MODEL_FILE, options, providers=["CPUExecutionProvider"]
        )

    def decide(self, context: RadioContext, rng: np.random.Generator) -> ModelDecision:
        """Decisions for contexts with one batch axis.

        Raises:
            ContextError: the contexts are none that this model can be asked about.
        """
        check_inputs(context, self._inputs)
        count = len(context.power_budget_w)
        parts = [
            self.run(self.feeds(context, rng, slice(start, start + _CHUNK)))
            for start in range(0, count, _CHUNK)
        ]
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return ModelDecision(
            allocation=Allocation(
                carrier=whole["carrier"],
                power_w=whole["power_w"].astype(np.float64),
                beamformer_index=whole["beamformer_index"].astype(np.float64),
            ),
            predicted_rate_bps_hz=whole["predicted_rate_bps_hz"],
            candidate_rates_bps_hz=whole["candidate_rates_bps_hz"],
            embedding=whole["embedding"],
            reliability=whole["reliability"],
            confidence=whole.get("confidence"),
        )

    def feeds(
        self, context: RadioContext, rng: np.random.Generator, rows: slice
    ) -> dict[str, npt.NDArray[Any]]:
        """The inputs of the graph for some rows of the contexts."""
        count = len(context.power_budget_w[rows])
        feeds = {}
        for entry in self._inputs:
            if entry["kind"] == STANDARD_NORMAL:
                value = rng.standard_normal((count, *entry["shape"][1:]))
            else:
                value = np.asarray(getattr(context, entry["name"]))[rows]
            feeds[entry["name"]] = value.astype(entry["dtype"])
        return feeds

    def run(self, feeds: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """All outputs of the graph by name."""
        names = [entry["name"] for entry in self.card["signature"]["outputs"]]
        return dict(zip(names, self._session.run(names, feeds), strict=True))
