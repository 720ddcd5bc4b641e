"""A sampler of many steps as one ONNX graph: one step of the chain, scanned over its constants.

Unrolled, a hundred steps are a graph of tens of thousands of nodes. Here two graphs are exported,
the sampler around its chain and one step of the chain, and the second becomes the body of an ONNX
`Scan` inside the first. What comes before and after the chain is the sampler's own code.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import compose, helper, numpy_helper
from torch import Tensor, nn

from ml_models.export.graph import (
    BATCH_AXIS,
    CONTEXT_INPUTS,
    TensorSampler,
    example_inputs,
    exported,
    input_signature,
    output_signature,
    write_graph,
)
from ml_models.gan_gdm.network import VARIABLE, Conditioning, Generator, Proposal
from ml_models.gan_gdm.sampler import Sampler
from radio_math.context import CARRIERS, ESIMS, RadioContext

_PROPOSAL = "chain_proposal"
_CAPTURED = ("chain_cells", "chain_weights")  # the same in every step
_NOISE, _LATENT, _CONSTANTS = "chain_noise", "chain_latent", "chain_constants"
_BODY = "step_"
_STEP_CONSTANTS = 4
_EXAMPLES = 2


def export_long_chain(sampler: Sampler, path: Path) -> None:
    """Writes the sampler as ONNX like `export_onnx`, with its chain as a loop.

    Args:
        sampler: of any number of denoising steps.
        path: the file.

    Raises:
        ConfigError: the sampler does not denoise.
    """
    step = _exported_step(sampler)
    model = _exported_around(sampler)
    constants = [
        (step.time, step.from_clean, step.from_noisy, step.deviation) for step in sampler.steps
    ]
    _insert_chain(model, step, np.array(constants, dtype=np.float32))
    write_graph(model, path)


class _Around(Sampler):
    """The sampler with its chain left out: it is given the last proposal, and keeps the inputs."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__(sampler.config)
        self.load_state_dict(sampler.state_dict())
        self.given: list[Proposal] = []
        self.kept: list[Tensor] = []

    def denoise(self, conditioning: Conditioning, noise: Tensor, latent: Tensor) -> Proposal:
        """The proposal that was given."""
        noise, latent = noise.permute(0, 2, 3, 1), latent.permute(2, 0, 3, 4, 1)
        self.kept = [conditioning.cells, conditioning.weights, noise, latent]
        return self.given.pop()


class _AroundTensors(nn.Module):
    """`_Around` with tensors in and out, as the exporter wants it."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        self.around = _Around(sampler)
        self.tensors = TensorSampler(self.around)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the sampler and then what the chain needs, from inputs and proposal."""
        self.around.given.append(Proposal(inputs[-1].movedim(1, 0)))
        outputs = self.tensors(*inputs[:-1])
        return (*outputs, *(part.clone() for part in self.around.kept))


class _Step(nn.Module):
    """One step of the chain, whose constants are an input."""

    def __init__(self, denoiser: Generator, latent: int) -> None:
        super().__init__()
        self.denoiser = denoiser
        self._latent = latent

    def forward(
        self, noisy: Tensor, constants: Tensor, latent: Tensor, cells: Tensor, weights: Tensor
    ) -> tuple[Tensor, Tensor]:
        """x_earlier, and the proposal that it was drawn with, its batch axis first."""
        proposal: Proposal = self.denoiser(
            Conditioning(cells, weights),
            noisy,
            latent[:, :, : self._latent],
            constants[:1],
        )
        drawn = latent[:, :, self._latent :]
        earlier = constants[1] * proposal.clean() + constants[2] * noisy + constants[3] * drawn
        return earlier, proposal.said.movedim(0, 1)


def _exported_around(sampler: Sampler) -> onnx.ModelProto:
    network = sampler.config
    inputs = (
        *example_inputs(network, _EXAMPLES),
        torch.rand(_EXAMPLES, 3, ESIMS, CARRIERS, network.candidates),
    )
    batch = torch.export.Dim(BATCH_AXIS, min=1)
    return exported(
        _AroundTensors(sampler).eval(),
        inputs,
        input_names=[*(entry["name"] for entry in input_signature(network)), _PROPOSAL],
        output_names=[
            *(entry["name"] for entry in output_signature(network)),
            *_CAPTURED,
            _NOISE,
            _LATENT,
        ],
        dynamic_shapes=(tuple({0: batch} for _ in inputs),),
    )


def _exported_step(sampler: Sampler) -> onnx.GraphProto:
    """The graph of one step; its last two inputs are those that stay the same."""
    network = sampler.config
    context = example_inputs(network, _EXAMPLES)[: len(CONTEXT_INPUTS)]
    samples = network.candidates
    with torch.no_grad():
        conditioning: Conditioning = sampler.denoiser.encoder(
            sampler.features(RadioContext(*context))
        )
    batch = torch.export.Dim(BATCH_AXIS, min=1)
    model = exported(
        _Step(sampler.denoiser, network.latent).eval(),
        (
            torch.rand(_EXAMPLES, ESIMS, VARIABLE, samples),
            torch.rand(_STEP_CONSTANTS),
            torch.rand(_EXAMPLES, ESIMS, sampler.latent_size, samples),
            conditioning.cells,
            conditioning.weights,
        ),
        input_names=["noisy", "constants", "latent", "cells", "weights"],
        output_names=["earlier", "proposal"],
        dynamic_shapes=({0: batch}, {}, {0: batch}, {0: batch}, {1: batch}),
    )
    graph: onnx.GraphProto = compose.add_prefix(model, _BODY).graph
    return graph


def _insert_chain(
    model: onnx.ModelProto,
    step: onnx.GraphProto,
    constants: npt.NDArray[np.float32],
) -> None:
    """Puts the loop where the proposal came in, and takes its inputs off the outputs."""
    graph = model.graph
    same = (value.name for value in step.input[-len(_CAPTURED) :])
    captured = dict(zip(same, _CAPTURED, strict=True))
    del step.input[-len(_CAPTURED) :]
    for node in step.node:
        node.input[:] = [captured.get(name, name) for name in node.input]
    (proposal,) = (value for value in graph.input if value.name == _PROPOSAL)
    own = [axis.dim_value for axis in proposal.type.tensor_type.shape.dim][1:]
    nodes = [
        helper.make_node(
            "Scan",
            [_NOISE, _CONSTANTS, _LATENT],
            ["chain_end", "chain_proposals"],
            "chain",
            body=step,
            num_scan_inputs=2,
        ),
        helper.make_node(
            "Gather", ["chain_proposals", "chain_last"], ["chain_final"], "chain_final", axis=0
        ),
        helper.make_node("Reshape", ["chain_final", "chain_shape"], [_PROPOSAL], _PROPOSAL),
    ]
    tensors = [
        numpy_helper.from_array(constants, _CONSTANTS),
        numpy_helper.from_array(np.array(len(constants) - 1), "chain_last"),
        numpy_helper.from_array(np.array([-1, *own]), "chain_shape"),
    ]
    graph.input.remove(proposal)
    kept = {*_CAPTURED, _NOISE, _LATENT}
    for value in [value for value in graph.output if value.name in kept]:
        graph.output.remove(value)
    graph.initializer.extend(tensors)
    waiting = {_PROPOSAL}  # values that the chain must have given before
    before, after = [], []
    for node in graph.node:
        if waiting.isdisjoint(node.input):
            before.append(node)
        else:
            after.append(node)
            waiting.update(node.output)
    del graph.node[:]
    graph.node.extend([*before, *nodes, *after])
