"""TensorRT: a plan compiled on this host, run on its GPU.

One module for both flavours of the same Python API: ``tensorrt`` (data-centre GPUs) and
``tensorrt_rtx`` (TensorRT for RTX, which compiles without a GPU). The library is imported when a
model is first built with it. Networks are strongly typed: precision is that of the graph.

Not modelled: CUDA graphs, pinned buffers, more than one GPU or batch profile; `auto` does not
choose TensorRT. Compiling is tried by ordinary tests where the library is installed; running a plan
needs a GPU, and the tests that do so have not been run on one yet.
"""

import contextlib
import importlib
import threading
import weakref
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

from inference_nf.engines.cuda import Cuda
from inference_nf.engines.plans import PlanCache, PlanKey
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

log = structlog.get_logger(__name__)


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


def compile_plan(library: Any, graph: bytes, *, max_batch: int) -> bytes:
    """The plan of an ONNX graph for batches from 1 to `max_batch`, best at 1.

    Needs no GPU with ``tensorrt_rtx``.

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
        raise _refused(library, f"cannot read the graph: {errors}")
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    for number in range(network.num_inputs):
        tensor = network.get_input(number)
        rest = tuple(tensor.shape)[1:]
        profile.set_shape(tensor.name, (1, *rest), (1, *rest), (max_batch, *rest))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise _refused(library, "cannot compile the graph")
    return bytes(plan)


class TensorRtBuilder:
    """Compiles, or takes the plan that was compiled before.

    Args:
        plans: Where plans are kept.
        max_batch: Greatest batch that an engine takes.
    """

    def __init__(self, *, plans: PlanCache, max_batch: int) -> None:
        self._plans = plans
        self._max_batch = max_batch

    def build(self, graph: bytes, *, sha256: str) -> "TensorRtEngine":
        """The engine of the graph on this host's GPU.

        Raises:
            FailedPrecondition: ENGINE_UNAVAILABLE without library or GPU, ARTIFACT_REFUSED when
                the graph cannot be compiled.
        """
        library: Any = installed_library()
        cuda = Cuda.open()
        key = PlanKey(
            artifact_sha256=sha256,
            library=f"{library.__name__} {library.__version__}",
            gpu=cuda.describe(),
            precision="graph",
            profile=(1, 1, self._max_batch),
        )
        runtime = library.Runtime(library.Logger(library.Logger.ERROR))
        plan = self._plans.read(key)
        engine = None if plan is None else runtime.deserialize_cuda_engine(plan)
        if engine is None:
            log.info("compiling plan", artifact_sha256=sha256, library=key.library)
            plan = compile_plan(library, graph, max_batch=self._max_batch)
            engine = runtime.deserialize_cuda_engine(plan)
            if engine is None:
                raise _refused(library, "cannot load the plan that it has just compiled")
            self._plans.write(key, plan)
        return TensorRtEngine(
            library, runtime, engine, cuda=cuda, version=key.library, max_batch=self._max_batch
        )


class TensorRtEngine:
    """A plan with its buffers on the GPU. One run at a time.

    Args:
        library: The flavour of TensorRT.
        runtime: Must live as long as the engine.
        engine: The deserialised plan.
        cuda: The GPU.
        version: Flavour and version.
        max_batch: Greatest batch of the plan's profile.
    """

    kind = EngineKind.TENSORRT

    def __init__(
        self, library: Any, runtime: Any, engine: Any, *, cuda: Cuda, version: str, max_batch: int
    ) -> None:
        self.version = version
        self._runtime = runtime
        self._cuda = cuda
        self._lock = threading.Lock()
        specs: dict[bool, list[TensorSpec]] = {True: [], False: []}
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            is_input = engine.get_tensor_mode(name) == library.TensorIOMode.INPUT
            specs[is_input].append(_spec(engine, name))
        self.inputs: Sequence[TensorSpec] = tuple(specs[True])
        self.outputs: Sequence[TensorSpec] = tuple(specs[False])
        self._context = engine.create_execution_context()
        self._stream = cuda.new_stream()
        self._addresses = {
            spec.name: cuda.allocate(_size_bytes(spec, max_batch))
            for spec in (*self.inputs, *self.outputs)
        }
        for name, address in self._addresses.items():
            self._context.set_tensor_address(name, address)
        weakref.finalize(self, _free_all, cuda, tuple(self._addresses.values()))

    def run(self, feeds: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """Every output by name."""
        arrays = {
            spec.name: np.ascontiguousarray(feeds[spec.name], spec.dtype) for spec in self.inputs
        }
        with self._lock:
            for name, array in arrays.items():
                if not self._context.set_input_shape(name, array.shape):
                    raise ValueError(f"input {name} of shape {array.shape} lies off the profile")
                self._cuda.upload(self._addresses[name], array, self._stream)
            if not self._context.execute_async_v3(self._stream):
                raise RuntimeError("TensorRT could not run the plan; its own log line says why")
            outputs = {
                spec.name: np.empty(tuple(self._context.get_tensor_shape(spec.name)), spec.dtype)
                for spec in self.outputs
            }
            for name, array in outputs.items():
                self._cuda.download(array, self._addresses[name], self._stream)
            self._cuda.synchronise(self._stream)
        return outputs


def _spec(engine: Any, name: str) -> TensorSpec:
    shape = tuple(None if length < 0 else int(length) for length in engine.get_tensor_shape(name))
    return TensorSpec(name, _DTYPES[engine.get_tensor_dtype(name).name], shape)


def _size_bytes(spec: TensorSpec, max_batch: int) -> int:
    elements = np.prod([max_batch if n is None else n for n in spec.shape], dtype=np.int64)
    return int(elements) * np.dtype(spec.dtype).itemsize


def _free_all(cuda: Cuda, addresses: Sequence[int]) -> None:
    for address in addresses:
        cuda.free(address)


def _refused(library: Any, what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"{library.__name__} {library.__version__} {what}", reason="ARTIFACT_REFUSED"
    )
