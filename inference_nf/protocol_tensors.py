"""Tensors of the Open Inference Protocol, version 2: datatypes, raw bytes, checks.

Served datatypes: BOOL, INT32, INT64, FP32, FP64. Not modelled: the other integers, FP16, BF16 and
BYTES, shared memory, and the protocol's parameters, which are ignored.
"""

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inference_nf.model_card import TensorSpec
from nf_runtime.errors import InvalidArgument

_NUMPY = {
    "BOOL": np.dtype("bool"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_LITTLE_ENDIAN = sys.byteorder == "little"
_DATATYPES = {dtype.name: name for name, dtype in _NUMPY.items()}


def datatype_of(spec: TensorSpec) -> str:
    """The protocol's name of the tensor's element type."""
    return _DATATYPES[spec.dtype]


def shape_of(spec: TensorSpec) -> list[int]:
    """The protocol's form of the tensor's shape: -1 is an axis of any length."""
    return [-1 if length is None else length for length in spec.shape]


def check_tensor(spec: TensorSpec, *, datatype: str, shape: Sequence[int], max_batch: int) -> None:
    """Returns when a tensor of that datatype and shape may be fed to `spec`.

    Raises:
        InvalidArgument: INVALID_TENSOR.
    """
    if datatype != datatype_of(spec):
        raise invalid_tensor(
            spec.name, f"has datatype {datatype or '(none)'}; send {datatype_of(spec)}"
        )
    if not spec.accepts(shape):
        raise invalid_tensor(spec.name, f"has shape {list(shape)}; send {shape_of(spec)}")
    if not 1 <= shape[0] <= max_batch:
        raise invalid_tensor(spec.name, f"has a batch of {shape[0]}; send 1 to {max_batch}")


def from_raw(spec: TensorSpec, raw: bytes, shape: Sequence[int]) -> npt.NDArray[Any]:
    """The array of little-endian bytes, for a checked shape.

    Raises:
        InvalidArgument: INVALID_TENSOR for another number of bytes, TENSOR_NOT_FINITE.
    """
    dtype = _NUMPY[datatype_of(spec)]
    needed = math.prod(shape) * dtype.itemsize
    if len(raw) != needed:
        raise invalid_tensor(spec.name, f"holds {len(raw)} bytes; its shape needs {needed}")
    if dtype.kind == "b" and raw.strip(b"\x00\x01"):
        raise invalid_tensor(spec.name, "holds bytes other than 0 and 1; a BOOL is one of them")
    return _finite(spec, np.frombuffer(raw, dtype).reshape(shape))


def from_values(spec: TensorSpec, values: Sequence[Any], shape: Sequence[int]) -> npt.NDArray[Any]:
    """The array of typed contents, for a checked shape.

    Raises:
        InvalidArgument: INVALID_TENSOR for another number of elements, TENSOR_NOT_FINITE.
    """
    needed = math.prod(shape)
    if len(values) != needed:
        raise invalid_tensor(spec.name, f"holds {len(values)} elements; its shape needs {needed}")
    return _finite(spec, np.array(values, _NUMPY[datatype_of(spec)]).reshape(shape))


def to_raw(array: npt.NDArray[Any]) -> bytes:
    """The array's elements as little-endian bytes in C order."""
    if not (_LITTLE_ENDIAN and array.dtype.isnative):
        array = array.astype(array.dtype.newbyteorder("<"))
    return array.tobytes()


def invalid_tensor(name: str, what: str) -> InvalidArgument:
    """The error for an input that cannot be fed."""
    return InvalidArgument(f"input {name} {what}", reason="INVALID_TENSOR", tensor=name)


def _finite(spec: TensorSpec, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Not `all`, whose way through Python costs more than the rest of a small tensor's checks.
    if array.dtype.kind == "f" and not np.logical_and.reduce(np.isfinite(array), axis=None):
        raise InvalidArgument(
            f"input {spec.name} holds NaN or infinite values; send finite ones",
            reason="TENSOR_NOT_FINITE",
            tensor=spec.name,
        )
    return array
