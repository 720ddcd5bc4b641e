"""The sampler as one ONNX graph with plain tensors in and out."""

import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from ml_models.gan_gdm.config import NetworkConfig
from ml_models.gan_gdm.embedding import EMBEDDING_SIZE
from ml_models.gan_gdm.network import VARIABLE
from ml_models.gan_gdm.sampler import Sampler
from radio_math.context import BEAMS, CARRIERS, ESIMS, GRID_POINTS, RadioContext

OPSET = 18
BATCH_AXIS = "N"
CONTEXT_INPUTS = {
    "beam_amplitude": [ESIMS, BEAMS],
    "gain_per_w": [ESIMS, GRID_POINTS],
    "leakage_per_w": [ESIMS, GRID_POINTS],
    "ici_factor": [ESIMS],
    "carrier_noise": [CARRIERS],
    "power_budget_w": [],
}
_EXAMPLES = 2


def input_signature(network: NetworkConfig) -> list[dict[str, Any]]:
    """Inputs of the graph in order: name, dtype, shape with "N" for the batch axis, kind.

    Kind is "radio_context" for a tensor of the context and "standard_normal" for noise that the
    caller draws.
    """
    latent = network.latent + VARIABLE
    noise = {
        "noise": [network.candidates, ESIMS, VARIABLE],
        "latent": [network.candidates, network.denoising_steps, ESIMS, latent],
    }
    return [
        {"name": name, "dtype": "float32", "shape": [BATCH_AXIS, *shape], "kind": kind}
        for kind, inputs in (("radio_context", CONTEXT_INPUTS), ("standard_normal", noise))
        for name, shape in inputs.items()
    ]


def output_signature(network: NetworkConfig) -> list[dict[str, Any]]:
    """Outputs of the graph in order: name, dtype, shape with "N" for the batch axis, unit."""
    outputs: list[tuple[str, str, list[int], str]] = [
        ("carrier", "int64", [ESIMS], "carrier counted from 0"),
        ("power_w", "float32", [ESIMS], "W"),
        ("beamformer_index", "float32", [ESIMS], "position on the beamformer grid"),
        ("predicted_rate_bps_hz", "float32", [], "b/s/Hz"),
        ("candidate_rates_bps_hz", "float32", [network.candidates], "b/s/Hz"),
        ("embedding", "float32", [EMBEDDING_SIZE], "deviations of the training contexts"),
        ("reliability", "float32", [], "0 to 1"),
    ]
    return [
        {"name": name, "dtype": dtype, "shape": [BATCH_AXIS, *shape], "unit": unit}
        for name, dtype, shape, unit in outputs
    ]


class TensorSampler(nn.Module):
    """The sampler with one tensor per input and output, in the order of the signature."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.sampler = sampler

    def forward(  # noqa: PLR0917 the signature of the graph
        self,
        beam_amplitude: Tensor,
        gain_per_w: Tensor,
        leakage_per_w: Tensor,
        ici_factor: Tensor,
        carrier_noise: Tensor,
        power_budget_w: Tensor,
        noise: Tensor,
        latent: Tensor,
    ) -> tuple[Tensor, ...]:
        """The outputs of `output_signature`."""
        context = RadioContext(
            beam_amplitude, gain_per_w, leakage_per_w, ici_factor, carrier_noise, power_budget_w
        )
        decision = self.sampler(context, noise, latent)
        return (
            decision.allocation.carrier,
            decision.allocation.power_w,
            decision.allocation.beamformer_index,
            decision.predicted_rate_bps_hz,
            decision.candidate_rates_bps_hz,
            decision.embedding,
            decision.reliability,
        )


def example_inputs(network: NetworkConfig, batch: int, seed: int = 0) -> tuple[Tensor, ...]:
    """Positive random inputs of the right shapes, which tracing needs."""
    generator = torch.Generator().manual_seed(seed)
    tensors = []
    for entry in input_signature(network):
        shape = [batch, *entry["shape"][1:]]
        if entry["kind"] == "standard_normal":
            tensors.append(torch.randn(shape, generator=generator))
        else:
            tensors.append(1.0 + torch.rand(shape, generator=generator))
    return tuple(tensors)


def export_onnx(sampler: Sampler, path: Path) -> None:
    """Writes the sampler as ONNX with a free batch axis, checked by onnx's full check."""
    network = sampler.config
    module = TensorSampler(sampler).eval()
    batch = torch.export.Dim(BATCH_AXIS, min=1)
    names = [entry["name"] for entry in input_signature(network)]
    # The exporter reports its progress and its own deprecations; neither is the caller's business.
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                example_inputs(network, _EXAMPLES),
                dynamo=True,
                opset_version=OPSET,
                input_names=names,
                output_names=[entry["name"] for entry in output_signature(network)],
                dynamic_shapes=tuple({0: batch} for _ in names),
                verbose=False,
            )
    finally:
        logger.setLevel(level)
    if program is None:
        raise RuntimeError("torch exported no ONNX program")
    model = program.model_proto
    _drop_traces(model)
    onnx.checker.check_model(model, full_check=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString(deterministic=True))
    partial.replace(path)


def _drop_traces(model: onnx.ModelProto) -> None:
    """Removes what the exporter remembers of the source: stack traces name files of the builder."""
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
        value.doc_string = ""
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
        tensor.doc_string = ""
    del model.graph.metadata_props[:]
