# ruff: noqa: D102 - the ports describe them
"""Engines and workers in memory behind the ports of `inference_nf`."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy.typing as npt
import onnx
from onnx import numpy_helper
from support.tiny_models import expected_outputs, tiny_card

from inference_nf.model_card import TensorSpec, read_card
from inference_nf.releases import EngineKind, Precision

T = TypeVar("T")


class MemoryEngine:
    """Computes what the tiny graph computes; fails when told to."""

    version = "1.0"

    def __init__(self, kind: EngineKind, graph: bytes, precision: Precision) -> None:
        self.kind = kind
        self.precision = precision
        constants = {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in onnx.load_from_string(graph).graph.initializer
        }
        self.rate_bps_hz = float(constants["rate"][0])
        self.reliability = float(constants["trust"][0])
        self.confidence = float(constants["sure"][0]) if "sure" in constants else None
        self.carrier = tuple(constants["carriers"][0].tolist())
        card = read_card(json.dumps(tiny_card(confidence=self.confidence is not None)).encode())
        self.inputs: tuple[TensorSpec, ...] = card.inputs
        self.outputs: tuple[TensorSpec, ...] = card.outputs
        self.failure: Exception | None = None
        self.runs = 0

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        return expected_outputs(
            dict(feeds),
            rate_bps_hz=self.rate_bps_hz,
            reliability=self.reliability,
            carrier=self.carrier,
            confidence=self.confidence,
        )


class MemoryBuilder:
    """Hands out `MemoryEngine`s and remembers them; fails, or makes failing ones, when told to."""

    def __init__(self, kind: EngineKind) -> None:
        self.kind = kind
        self.built: list[MemoryEngine] = []
        self.failure: Exception | None = None
        self.engine_failure: Exception | None = None

    def build(self, graph: bytes, *, sha256: str, precision: Precision) -> MemoryEngine:
        if self.failure is not None:
            raise self.failure
        engine = MemoryEngine(self.kind, graph, precision)
        engine.failure = self.engine_failure
        self.built.append(engine)
        return engine


class InlineWorker:
    """Runs work where it is asked for, after `hold`; `full` turns away what is not urgent."""

    def __init__(self) -> None:
        self.full: Exception | None = None
        self.hold: asyncio.Event | None = None
        self.at_work = 0
        self.taken = 0

    async def run(self, work: Callable[[], T], *, urgent: bool = False) -> T:
        if self.full is not None and not urgent:
            raise self.full
        self.at_work += 1
        self.taken += 1
        try:
            if self.hold is not None:
                await self.hold.wait()
            return work()
        finally:
            self.at_work -= 1
