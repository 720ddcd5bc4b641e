"""From an ONNX graph to a TensorRT plan, on any host that has the library.

One module for both flavours of the same Python API: ``tensorrt`` (data-centre GPUs), which needs
the GPU that the plan is for, and ``tensorrt_rtx`` (TensorRT for RTX), which compiles ahead of time
without one. Networks are strongly typed: precision is that of the graph, and what the graph has in
float32 is computed in float32, not in TF32.
"""

import contextlib
import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from inference_nf.model_card import TensorSpec
from inference_nf.releases import EngineKind
from nf_runtime.errors import FailedPrecondition

_FLAVOURS = ("tensorrt", "tensorrt_rtx")
_DTYPES = {
    "FLOAT": "float32",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class CompiledPlan:
    """A plan and what it was compiled for.

    Attributes:
        plan: The serialised engine.
        inputs: The network's inputs in its order; None is the batch axis.
        outputs: Likewise its outputs.
        least: Smallest shape of each input that the plan takes.
        usual: The shape that it is fastest for.
        greatest: Largest shape that it takes.
    """

    plan: bytes
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    least: dict[str, tuple[int, ...]]
    usual: dict[str, tuple[int, ...]]
    greatest: dict[str, tuple[int, ...]]


def installed_library() -> ModuleType:
    """``tensorrt``, or else ``tensorrt_rtx``.

    Raises:
        FailedPrecondition: ENGINE_UNAVAILABLE when neither is installed.
    """
    for flavour in _FLAVOURS:
        with contextlib.suppress(ImportError):
            return importlib.import_module(flavour)
    raise FailedPrecondition(
        "TensorRT is not installed; ask for engine onnxruntime, or install "
        f"{' or '.join(_FLAVOURS)}",
        reason="ENGINE_UNAVAILABLE",
        engine=EngineKind.TENSORRT.value,
    )


def compile_plan(library: Any, graph: bytes, *, max_batch: int) -> CompiledPlan:
    """The plan of an ONNX graph for batches from 1 to `max_batch`, best at 1.

    Needs no GPU with ``tensorrt_rtx``. Other threads run on meanwhile.

    Raises:
        FailedPrecondition: ARTIFACT_REFUSED when TensorRT cannot read or compile the graph.
    """
    logger = library.Logger(library.Logger.ERROR)
    builder = library.Builder(logger)
    flag = library.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    network = builder.create_network(1 << int(flag))
    parser = library.OnnxParser(network, logger)
    if not parser.parse(graph):
        errors = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise refused_by(library, f"cannot read the graph: {errors}")
    inputs = [network.get_input(number) for number in range(network.num_inputs)]
    outputs = [network.get_output(number) for number in range(network.num_outputs)]
    config = builder.create_builder_config()
    # A golden sample computed in float32 is not reproduced with TF32's ten bits of mantissa.
    config.clear_flag(library.BuilderFlag.TF32)
    profile = builder.create_optimization_profile()
    for tensor in inputs:
        rest = tuple(tensor.shape)[1:]
        profile.set_shape(tensor.name, (1, *rest), (1, *rest), (max_batch, *rest))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise refused_by(library, "cannot compile the graph")
    shapes = {t.name: [tuple(shape) for shape in profile.get_shape(t.name)] for t in inputs}
    return CompiledPlan(
        plan=bytes(plan),
        inputs=tuple(tensor_spec(t.name, t.dtype, t.shape) for t in inputs),
        outputs=tuple(tensor_spec(t.name, t.dtype, t.shape) for t in outputs),
        least={name: least for name, (least, _, _) in shapes.items()},
        usual={name: usual for name, (_, usual, _) in shapes.items()},
        greatest={name: greatest for name, (_, _, greatest) in shapes.items()},
    )


def tensor_spec(name: str, dtype: Any, shape: Any) -> TensorSpec:
    """One tensor as TensorRT describes it; an axis of -1 is of any length.

    Raises:
        FailedPrecondition: ARTIFACT_REFUSED for an element type that is not served.
    """
    known = _DTYPES.get(dtype.name)
    if known is None:
        raise FailedPrecondition(
            f"{name} is a {dtype.name}; only {', '.join(_DTYPES)} are served",
            reason="ARTIFACT_REFUSED",
        )
    return TensorSpec(name, known, tuple(None if n < 0 else int(n) for n in shape))


def refused_by(library: Any, what: str) -> FailedPrecondition:
    """The error for a graph that TensorRT cannot use."""
    return FailedPrecondition(
        f"{library.__name__} {library.__version__} {what}", reason="ARTIFACT_REFUSED"
    )
