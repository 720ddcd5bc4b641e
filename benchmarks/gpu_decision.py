"""One decision on a GPU: torch step by step and as a CUDA graph, beside ONNX Runtime on one core.

Run: python benchmarks/gpu_decision.py [ARTIFACT]. Prints milliseconds of the whole decision for one
context: features, denoising, assignment, scoring of all candidates, reliability. Inputs lie on the
GPU and results stay there; a CUDA graph replays the launches of one recorded decision. Needs an
NVIDIA GPU.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml_models.datasets.scenarios import ScenarioProfile, Split, draw_scenarios
from ml_models.export.artifact import WEIGHTS_FILE, config_of_card
from ml_models.export.graph import TensorSampler
from ml_models.gan_gdm.sampler import Sampler
from ml_models.gan_gdm.weights import load_weights
from ml_models.onnx_sampler import OnnxSampler

_SEED = 71
_WARM_UP = 20
_RUNS = 1000
_PAPER_MS = {"TensorRT, p50": 9.86, "TensorRT, p95": 11.2}


def main() -> None:
    """Measures and prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", type=Path, nargs="?", default=Path("models/gan_gdm"))
    folder = parser.parse_args().artifact
    model = OnnxSampler(folder)
    context = draw_scenarios(ScenarioProfile(), 1, Split.TEST.seed(_SEED)).estimated
    feeds = model.feeds(context, np.random.default_rng(_SEED), slice(0, 1))
    sampler = Sampler(config_of_card(model.card).network)
    load_weights(folder / WEIGHTS_FILE, sampler)
    module = TensorSampler(sampler.eval()).cuda()
    inputs = [torch.as_tensor(value).cuda() for value in feeds.values()]
    with torch.no_grad():
        replay, outputs = recorded(module, inputs)
        replay()
        torch.cuda.synchronize()
        measured = {
            "torch, eager": milliseconds(lambda: module(*inputs), torch.cuda.synchronize),
            "torch, CUDA graph": milliseconds(replay, torch.cuda.synchronize),
            "ONNX Runtime, one core": milliseconds(lambda: model.run(feeds)),
        }
    rate = dict(zip([o["name"] for o in model.card["signature"]["outputs"]], outputs, strict=True))
    expected = model.run(feeds)["predicted_rate_bps_hz"][0]
    print(
        json.dumps(
            {
                "gpu": torch.cuda.get_device_name(),
                "torch": torch.__version__,
                "cuda": torch.version.cuda,
                "predicted_rate_bps_hz": [float(rate["predicted_rate_bps_hz"][0]), float(expected)],
                "milliseconds": measured,
                "paper": _PAPER_MS,
            },
            indent=2,
        )
    )


def recorded(
    module: torch.nn.Module, inputs: list[torch.Tensor]
) -> tuple[Callable[[], None], tuple[torch.Tensor, ...]]:
    """A decision recorded as a CUDA graph: what replays it, and where its outputs lie."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            module(*inputs)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = module(*inputs)
    return graph.replay, outputs


def milliseconds(run: Callable[[], Any], settle: Callable[[], None] | None = None) -> Any:
    """Median and 95th percentile of one run, waited for."""
    taken = []
    for number in range(_WARM_UP + _RUNS):
        started = time.perf_counter()
        run()
        if settle is not None:
            settle()
        if number >= _WARM_UP:
            taken.append(1e3 * (time.perf_counter() - started))
    return {"p50": float(np.median(taken)), "p95": float(np.percentile(taken, 95))}


if __name__ == "__main__":
    main()
