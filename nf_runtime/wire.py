"""Tensors, radio contexts and allocations on the wire.

Tensors travel as raw little-endian bytes with dtype and shape. What comes from a peer is checked
here, once, so that nobody behind it meets a wrong shape or a NaN::

    fill_context_message(message, context)
    context = context_from_message(message)      # float64 arrays, all finite
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from aimlnf.ransim.v1 import radio_pb2, tensor_pb2
from nf_runtime.errors import InvalidArgument
from radio_math.context import (
    Allocation,
    ContextError,
    RadioContext,
    check_context,
)

_DTYPES: dict["tensor_pb2.DataType.ValueType", np.dtype[Any]] = {
    tensor_pb2.DATA_TYPE_FLOAT32: np.dtype("<f4"),
    tensor_pb2.DATA_TYPE_FLOAT64: np.dtype("<f8"),
    tensor_pb2.DATA_TYPE_INT32: np.dtype("<i4"),
    tensor_pb2.DATA_TYPE_INT64: np.dtype("<i8"),
}
_DATA_TYPES = {dtype: data_type for data_type, dtype in _DTYPES.items()}

_CONTEXT_TENSORS = (
    "beam_amplitude",
    "gain_per_w",
    "leakage_per_w",
    "ici_factor",
    "carrier_noise",
)


def tensor_to_message(array: npt.ArrayLike, dtype: npt.DTypeLike) -> tensor_pb2.Tensor:
    """The array as a tensor message of the given dtype (float32, float64, int32 or int64)."""
    little = np.dtype(dtype).newbyteorder("<")
    contiguous = np.ascontiguousarray(array, dtype=little)
    return tensor_pb2.Tensor(
        data_type=_DATA_TYPES[little],
        shape=np.shape(array),
        raw=contiguous.tobytes(),
    )


def tensor_from_message(
    message: tensor_pb2.Tensor,
    *,
    name: str,
    dtype: npt.DTypeLike,
    shape: Sequence[int | None],
) -> npt.NDArray[Any]:
    """The message's array, [shape], of the given dtype; `None` stands for an axis of any length.

    Raises:
        InvalidArgument: INVALID_TENSOR for another dtype, shape or byte length, and
            TENSOR_NOT_FINITE for NaN or infinite values; `tensor` in the metadata is `name`.
    """
    wanted = np.dtype(dtype).newbyteorder("<")
    if _DTYPES.get(message.data_type) != wanted:
        sent = tensor_pb2.DataType.Name(message.data_type) if message.data_type in _DTYPES else "?"
        raise InvalidArgument(
            f"tensor {name} has data type {sent}; send {wanted.name}",
            reason="INVALID_TENSOR",
            tensor=name,
        )
    got = tuple(message.shape)
    if len(got) != len(shape) or any(
        length < 0 or (want is not None and want != length)
        for want, length in zip(shape, got, strict=False)
    ):
        text = ", ".join("any" if length is None else str(length) for length in shape)
        raise InvalidArgument(
            f"tensor {name} has shape {list(got)}; send [{text}]",
            reason="INVALID_TENSOR",
            tensor=name,
        )
    expected_bytes = int(np.prod(got, dtype=np.int64)) * wanted.itemsize
    if len(message.raw) != expected_bytes:
        raise InvalidArgument(
            f"tensor {name} holds {len(message.raw)} bytes; its shape needs {expected_bytes}",
            reason="INVALID_TENSOR",
            tensor=name,
        )
    array = np.frombuffer(message.raw, dtype=wanted).reshape(got)
    if wanted.kind == "f" and not np.isfinite(array).all():
        raise InvalidArgument(
            f"tensor {name} holds NaN or infinite values; send finite ones",
            reason="TENSOR_NOT_FINITE",
            tensor=name,
        )
    return array


def fill_context_message(message: radio_pb2.RadioContext, context: RadioContext) -> None:
    """Writes the tensors and the power budget of an unbatched context into the message."""
    for name in _CONTEXT_TENSORS:
        getattr(message, name).CopyFrom(tensor_to_message(getattr(context, name), np.float32))
    message.power_budget_w = float(context.power_budget_w)


def context_from_message(message: radio_pb2.RadioContext) -> RadioContext:
    """The message's context in float64, unbatched.

    Raises:
        InvalidArgument: INVALID_TENSOR or TENSOR_NOT_FINITE for a tensor, INVALID_FIELD where the
            tensors together make no context.
    """
    esims, beams = len(message.esim_ids) or None, len(message.beam_ids) or None
    shapes: dict[str, tuple[int | None, ...]] = {
        "beam_amplitude": (esims, beams),
        "gain_per_w": (esims, None),
        "leakage_per_w": (esims, None),
        "ici_factor": (esims,),
        "carrier_noise": (None,),
    }
    arrays = {
        name: tensor_from_message(
            getattr(message, name), name=name, dtype=np.float32, shape=shapes[name]
        ).astype(np.float64)
        for name in _CONTEXT_TENSORS
    }
    context = RadioContext(**arrays, power_budget_w=np.asarray(message.power_budget_w))
    try:
        check_context(context)
    except ContextError as error:
        raise InvalidArgument(
            f"context: {error}", reason="INVALID_FIELD", field="context"
        ) from error
    return context


def allocation_to_message(allocation: Allocation) -> radio_pb2.Allocation:
    """An unbatched allocation as a message."""
    return radio_pb2.Allocation(
        carrier=tensor_to_message(allocation.carrier, np.int64),
        power_w=tensor_to_message(allocation.power_w, np.float32),
        beamformer_index=tensor_to_message(allocation.beamformer_index, np.float32),
    )


def allocation_from_message(message: radio_pb2.Allocation, *, esim_count: int) -> Allocation:
    """The message's allocation for that many ESIMs; carrier int64, the rest float64.

    Budget, quota and ranges are not checked here: they are the radio network's to check.

    Raises:
        InvalidArgument: INVALID_TENSOR or TENSOR_NOT_FINITE.
    """
    shape = (esim_count,)
    return Allocation(
        carrier=tensor_from_message(message.carrier, name="carrier", dtype=np.int64, shape=shape),
        power_w=tensor_from_message(
            message.power_w, name="power_w", dtype=np.float32, shape=shape
        ).astype(np.float64),
        beamformer_index=tensor_from_message(
            message.beamformer_index, name="beamformer_index", dtype=np.float32, shape=shape
        ).astype(np.float64),
    )
