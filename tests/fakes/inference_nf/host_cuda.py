# ruff: noqa: D102 - as the real ones
"""A GPU whose memory is the host's, and a TensorRT whose plan is the tiny graph in numpy."""

import ctypes
from enum import Enum, auto
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from support.tiny_models import expected_outputs

from inference_nf.engines.cuda import Cuda
from inference_nf.model_card import ModelCard


class HostCuda(Cuda):
    """Allocates, copies and frees on the host; remembers what is allocated."""

    def __init__(self) -> None:
        self.buffers: dict[int, Any] = {}

    def allocate(self, size_bytes: int) -> int:
        buffer = ctypes.create_string_buffer(size_bytes)
        self.buffers[ctypes.addressof(buffer)] = buffer
        return ctypes.addressof(buffer)

    def free(self, address: int) -> None:
        del self.buffers[address]

    def new_stream(self) -> int:
        return 1

    def upload(self, address: int, array: npt.NDArray[Any], stream: int) -> None:
        assert array.nbytes <= len(self.buffers[address]), "past the end of the buffer"
        ctypes.memmove(address, array.ctypes.data, array.nbytes)

    def download(self, array: npt.NDArray[Any], address: int, stream: int) -> None:
        assert array.nbytes <= len(self.buffers[address]), "past the end of the buffer"
        ctypes.memmove(array.ctypes.data, address, array.nbytes)

    def synchronise(self, stream: int) -> None:
        pass


class TensorIOMode(Enum):
    """As TensorRT has it."""

    INPUT = auto()
    OUTPUT = auto()


LIBRARY = SimpleNamespace(TensorIOMode=TensorIOMode)


class HostPlan:
    """A deserialised engine with the tensors of a card."""

    def __init__(self, card: ModelCard, *, max_batch: int) -> None:
        self.card = card
        self.max_batch = max_batch
        self.specs = {spec.name: spec for spec in (*card.inputs, *card.outputs)}
        self.num_io_tensors = len(self.specs)

    def get_tensor_name(self, number: int) -> str:
        return list(self.specs)[number]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        is_input = any(spec.name == name for spec in self.card.inputs)
        return TensorIOMode.INPUT if is_input else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> list[int]:
        return [-1 if length is None else length for length in self.specs[name].shape]

    def get_tensor_dtype(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(name={"float32": "FLOAT", "int64": "INT64"}[self.specs[name].dtype])

    def create_execution_context(self) -> "HostContext":
        return HostContext(self)


class HostContext:
    """Reads inputs from their addresses and writes outputs to theirs."""

    def __init__(self, plan: HostPlan) -> None:
        self._plan = plan
        self._addresses: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def set_tensor_address(self, name: str, address: int) -> None:
        self._addresses[name] = address

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self._shapes[name] = shape
        return self._plan.specs[name].accepts(shape) and 1 <= shape[0] <= self._plan.max_batch

    def get_tensor_shape(self, name: str) -> list[int]:
        batch = self._shapes["noise"][0]
        return [batch if length is None else length for length in self._plan.specs[name].shape]

    def execute_async_v3(self, stream: int) -> bool:
        inputs = {s.name: self._view(s.name, self._shapes[s.name]) for s in self._plan.card.inputs}
        for name, array in expected_outputs(inputs).items():
            self._view(name, array.shape)[...] = array
        return True

    def _view(self, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        dtype = np.dtype(self._plan.specs[name].dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        memory = (ctypes.c_char * size).from_address(self._addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)
