"""The few calls of the CUDA runtime that an engine needs, over NVIDIA's ``cuda-python``."""

import importlib
from types import ModuleType
from typing import Any, Self

import numpy.typing as npt

from nf_runtime.errors import FailedPrecondition


class CudaError(RuntimeError):
    """A call of the CUDA runtime failed; the sentence has its code."""


class Cuda:
    """The first GPU. Arrays are contiguous and must live until `synchronise`."""

    def __init__(self, runtime: ModuleType) -> None:
        self._runtime: Any = runtime

    @classmethod
    def open(cls) -> Self:
        """The GPU of this host.

        Raises:
            FailedPrecondition: ENGINE_UNAVAILABLE without ``cuda-python``, driver or GPU.
        """
        try:
            cuda = cls(importlib.import_module("cuda.bindings.runtime"))
            cuda.describe()
        except (ImportError, CudaError) as error:
            raise FailedPrecondition(
                f"TensorRT runs on an NVIDIA GPU with cuda-python, and there is none: {error}; "
                "ask for engine onnxruntime",
                reason="ENGINE_UNAVAILABLE",
                engine="tensorrt",
            ) from error
        return cuda

    def describe(self) -> str:
        """Name and compute capability of the GPU."""
        properties = self._checked(self._runtime.cudaGetDeviceProperties(0))
        return f"{properties.name.decode()} {properties.major}.{properties.minor}"

    def allocate(self, size_bytes: int) -> int:
        """Address of new memory on the GPU."""
        return int(self._checked(self._runtime.cudaMalloc(max(1, size_bytes))))

    def free(self, address: int) -> None:
        """Give memory back."""
        self._checked(self._runtime.cudaFree(address))

    def new_stream(self) -> int:
        """Handle of a stream of work."""
        return int(self._checked(self._runtime.cudaStreamCreate()))

    def upload(self, address: int, array: npt.NDArray[Any], stream: int) -> None:
        """Begin to copy the array to the GPU."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._checked(
            self._runtime.cudaMemcpyAsync(address, array.ctypes.data, array.nbytes, kind, stream)
        )

    def download(self, array: npt.NDArray[Any], address: int, stream: int) -> None:
        """Begin to copy from the GPU into the array."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._checked(
            self._runtime.cudaMemcpyAsync(array.ctypes.data, address, array.nbytes, kind, stream)
        )

    def synchronise(self, stream: int) -> None:
        """Wait until all work of the stream is done."""
        self._checked(self._runtime.cudaStreamSynchronize(stream))

    def _checked(self, returned: Any) -> Any:
        code, *values = returned
        if int(code) != 0:
            raise CudaError(f"CUDA error {int(code)} ({getattr(code, 'name', code)})")
        return values[0] if values else None
