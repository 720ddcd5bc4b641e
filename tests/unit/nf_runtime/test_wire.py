"""Tensors and radio contexts on the wire."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aimlnf.ransim.v1 import radio_pb2, tensor_pb2
from nf_runtime.errors import InvalidArgument
from nf_runtime.wire import (
    allocation_from_message,
    allocation_to_message,
    context_from_message,
    fill_context_message,
    tensor_from_message,
    tensor_to_message,
)
from radio_math.context import Allocation, RadioContext


def _context() -> RadioContext:
    rng = np.random.default_rng(5)
    return RadioContext(
        beam_amplitude=rng.normal(size=(10, 8)),
        gain_per_w=rng.uniform(0.1, 9.0, size=(10, 16)),
        leakage_per_w=rng.uniform(0.1, 9.0, size=(10, 16)),
        ici_factor=rng.uniform(0.0, 0.01, size=10),
        carrier_noise=rng.uniform(1.0, 4.0, size=4),
        power_budget_w=np.asarray(31.6),
    )


@given(
    hnp.arrays(np.float32, hnp.array_shapes(max_dims=3), elements=st.floats(-1e6, 1e6, width=32))
)
def test_a_tensor_comes_back_as_it_went(array: np.ndarray) -> None:
    """Bytes, dtype and shape survive the round trip."""
    message = tensor_to_message(array, np.float32)
    back = tensor_from_message(message, name="x", dtype=np.float32, shape=[None] * array.ndim)
    np.testing.assert_array_equal(array, back)


def test_a_context_comes_back_in_single_precision() -> None:
    """Every tensor of a context survives the wire up to float32."""
    message = radio_pb2.RadioContext()
    fill_context_message(message, _context())
    back = context_from_message(message)
    for field in fields(RadioContext):
        np.testing.assert_allclose(
            getattr(back, field.name), getattr(_context(), field.name), rtol=1e-6
        )


def test_an_allocation_comes_back() -> None:
    """Carriers, powers and beamformers of an allocation survive the wire."""
    allocation = Allocation(
        carrier=np.arange(10) % 4, power_w=np.full(10, 0.25), beamformer_index=np.full(10, 7.5)
    )
    back = allocation_from_message(allocation_to_message(allocation), esim_count=10)
    np.testing.assert_array_equal(allocation.carrier, back.carrier)
    np.testing.assert_array_equal(allocation.power_w, back.power_w)
    np.testing.assert_array_equal(allocation.beamformer_index, back.beamformer_index)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (tensor_to_message(np.zeros(3), np.float64), "INVALID_TENSOR"),
        (tensor_to_message(np.zeros((3, 1)), np.float32), "INVALID_TENSOR"),
        (tensor_to_message(np.zeros(4), np.float32), "INVALID_TENSOR"),
        (tensor_pb2.Tensor(data_type=99, shape=[3], raw=b"0" * 12), "INVALID_TENSOR"),
        (tensor_pb2.Tensor(data_type=1, shape=[3], raw=b"0" * 11), "INVALID_TENSOR"),
        (tensor_pb2.Tensor(data_type=1, shape=[-3], raw=b""), "INVALID_TENSOR"),
        (tensor_to_message(np.array([0, np.nan, 0]), np.float32), "TENSOR_NOT_FINITE"),
        (tensor_to_message(np.array([0, np.inf, 0]), np.float32), "TENSOR_NOT_FINITE"),
    ],
)
def test_a_bad_tensor_is_refused_by_name(message: tensor_pb2.Tensor, reason: str) -> None:
    """Another dtype, shape, length or a value that is not finite is refused by name."""
    with pytest.raises(InvalidArgument) as caught:
        tensor_from_message(message, name="ici_factor", dtype=np.float32, shape=[3])
    assert (caught.value.reason, caught.value.metadata) == (reason, {"tensor": "ici_factor"})


def test_a_context_whose_tensors_disagree_is_refused() -> None:
    """Gain of ten ESIMs and leakage of nine make no context."""
    message = radio_pb2.RadioContext()
    fill_context_message(message, _context())
    message.leakage_per_w.CopyFrom(tensor_to_message(np.ones((9, 16)), np.float32))
    with pytest.raises(InvalidArgument) as caught:
        context_from_message(message)
    assert caught.value.reason == "INVALID_FIELD"
