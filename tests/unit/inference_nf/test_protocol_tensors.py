"""Tests of the Open Inference Protocol's tensors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inference_nf.model_card import TensorSpec
from inference_nf.protocol_tensors import (
    check_tensor,
    datatype_of,
    from_raw,
    from_values,
    shape_of,
    to_raw,
)
from nf_runtime.errors import InvalidArgument

DTYPES = {"bool": "BOOL", "int32": "INT32", "int64": "INT64", "float32": "FP32", "float64": "FP64"}


def spec_of(dtype: str, shape: tuple[int | None, ...] = (None, 3)) -> TensorSpec:
    """A tensor named x."""
    return TensorSpec("x", dtype, shape)


@given(st.data(), st.sampled_from(sorted(DTYPES)), hnp.array_shapes(max_dims=3, max_side=4))
def test_raw_and_typed_contents_carry_every_value(
    data: st.DataObject, dtype: str, shape: tuple[int, ...]
) -> None:
    """What is written as raw bytes or as typed values is read back bit by bit."""
    elements = {"allow_nan": False, "allow_infinity": False} if "float" in dtype else {}
    array = data.draw(
        hnp.arrays(dtype, shape, elements=hnp.from_dtype(np.dtype(dtype), **elements))
    )
    spec = spec_of(dtype, shape)
    for read in (
        from_raw(spec, to_raw(array), shape),
        from_values(spec, array.ravel().tolist(), shape),
    ):
        assert read.dtype == dtype
        assert read.shape == shape
        assert np.array_equal(read, array)


@pytest.mark.parametrize(("dtype", "datatype"), DTYPES.items())
def test_names_of_the_protocol(dtype: str, datatype: str) -> None:
    """Datatypes and free axes have the protocol's names."""
    assert datatype_of(spec_of(dtype)) == datatype
    assert shape_of(spec_of(dtype)) == [-1, 3]


@pytest.mark.parametrize(
    ("datatype", "shape", "message"),
    [
        ("FP64", [1, 3], "has datatype FP64; send FP32"),
        ("", [1, 3], r"has datatype \(none\)"),
        ("FP32", [1, 4], r"has shape \[1, 4\]; send \[-1, 3\]"),
        ("FP32", [3], "has shape"),
        ("FP32", [0, 3], "has a batch of 0; send 1 to 8"),
        ("FP32", [9, 3], "has a batch of 9"),
        ("FP32", [-1, 3], "has a batch of -1"),
    ],
)
def test_another_datatype_or_shape_is_refused(
    datatype: str, shape: list[int], message: str
) -> None:
    """The message says what to send."""
    with pytest.raises(InvalidArgument, match=message) as caught:
        check_tensor(spec_of("float32"), datatype=datatype, shape=shape, max_batch=8)
    assert caught.value.reason == "INVALID_TENSOR"


def test_wrong_lengths_are_refused() -> None:
    """Bytes and elements are counted before they are read."""
    spec = spec_of("float32")
    with pytest.raises(InvalidArgument, match="holds 11 bytes; its shape needs 12"):
        from_raw(spec, b"\0" * 11, [1, 3])
    with pytest.raises(InvalidArgument, match="holds 2 elements; its shape needs 3"):
        from_values(spec, [1.0, 2.0], [1, 3])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    """NaN and infinities never reach an engine."""
    array = np.array([[0, value, 0]], np.float32)
    for read in (
        lambda: from_raw(spec_of("float32"), to_raw(array), [1, 3]),
        lambda: from_values(spec_of("float32"), array.ravel().tolist(), [1, 3]),
    ):
        with pytest.raises(InvalidArgument) as caught:
            read()
        assert caught.value.reason == "TENSOR_NOT_FINITE"


def test_a_bool_is_zero_or_one() -> None:
    """Another byte is no BOOL."""
    with pytest.raises(InvalidArgument, match="other than 0 and 1"):
        from_raw(spec_of("bool"), b"\x00\x01\x02", [1, 3])
