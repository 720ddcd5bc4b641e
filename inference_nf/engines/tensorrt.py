"""TensorRT: a plan compiled on this host, run on its GPU.

The library is imported when a model is first built with it.

Not modelled: CUDA graphs, pinned buffers, more than one GPU or batch profile; `auto` does not
choose TensorRT. Running a plan needs a GPU, and the tests that do so have not been run on one yet.
"""

import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inference_nf.engines.compiling import (
    compile_plan,
    installed_library,
    tensor_spec,
)
from inference_nf.engines.cuda import Cuda
from inference_nf.engines.plans import PlanCache, PlanKey
from inference_nf.model_card import TensorSpec, refused
from inference_nf.releases import EngineKind, Precision
from ml_models.half_precision import HalfPrecisionError, in_half_precision


class TensorRtBuilder:
    """Compiles, or takes the plan that was compiled before.

    Args:
        plans: Where plans are kept.
        max_batch: Greatest batch that an engine takes.
    """

    def __init__(self, *, plans: PlanCache, max_batch: int) -> None:
        self._plans = plans
        self._max_batch = max_batch

    def build(self, graph: bytes, *, sha256: str, precision: Precision) -> "TensorRtEngine":
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
            precision=precision.value,
            profile=(1, 1, self._max_batch),
        )
        runtime = library.Runtime(library.Logger(library.Logger.ERROR))

        def compiled() -> bytes:
            typed = _halved(graph) if precision is Precision.FP16 else graph
            return compile_plan(library, typed, max_batch=self._max_batch).plan

        engine = self._plans.loaded(
            key, load=runtime.deserialize_cuda_engine, compile_plan=compiled
        )
        return TensorRtEngine(
            library,
            runtime,
            engine,
            cuda=cuda,
            version=key.library,
            precision=precision,
            max_batch=self._max_batch,
        )


class TensorRtEngine:
    """A plan with its buffers on the GPU. One run at a time.

    Args:
        library: The flavour of TensorRT.
        runtime: Must live as long as the engine.
        engine: The deserialised plan.
        cuda: The GPU.
        version: Flavour and version.
        precision: Of the plan's linear layers.
        max_batch: Greatest batch of the plan's profile.
    """

    kind = EngineKind.TENSORRT

    def __init__(
        self,
        library: Any,
        runtime: Any,
        engine: Any,
        *,
        cuda: Cuda,
        version: str,
        precision: Precision,
        max_batch: int,
    ) -> None:
        self.version = version
        self.precision = precision
        self._runtime = runtime
        self._cuda = cuda
        self._lock = threading.Lock()
        specs: dict[bool, list[TensorSpec]] = {True: [], False: []}
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            is_input = engine.get_tensor_mode(name) == library.TensorIOMode.INPUT
            dtype, shape = engine.get_tensor_dtype(name), engine.get_tensor_shape(name)
            specs[is_input].append(tensor_spec(name, dtype, shape))
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


def _halved(graph: bytes) -> bytes:
    try:
        return in_half_precision(graph)
    except HalfPrecisionError as error:
        raise refused(str(error)) from error


def _size_bytes(spec: TensorSpec, max_batch: int) -> int:
    elements = np.prod([max_batch if n is None else n for n in spec.shape], dtype=np.int64)
    return int(elements) * np.dtype(spec.dtype).itemsize


def _free_all(cuda: Cuda, addresses: Sequence[int]) -> None:
    for address in addresses:
        cuda.free(address)
