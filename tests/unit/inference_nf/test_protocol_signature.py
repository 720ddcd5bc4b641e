"""Tests of a model's inputs and outputs as the protocol says them."""

import numpy as np
import pytest

from aimlnf.inference.oip import open_inference_pb2 as pb
from inference_nf.model_card import TensorSpec
from inference_nf.protocol_signature import ProtocolSignature
from inference_nf.releases import ModelKey
from nf_runtime.errors import InvalidArgument


def signature() -> ProtocolSignature:
    """Two inputs and two outputs, at most eight contexts."""
    return ProtocolSignature(
        ModelKey("adder", 3),
        inputs=(TensorSpec("a", "float32", (None, 2)), TensorSpec("b", "int64", (None,))),
        outputs=(TensorSpec("sum", "float32", (None, 2)), TensorSpec("best", "int64", (None,))),
        max_batch=8,
    )


def request(
    a: object = ((1.0, 2.0),), b: object = (3,), *, raw: bool = True
) -> pb.ModelInferRequest:
    """Values for both inputs."""
    arrays = {"a": np.array(a, np.float32), "b": np.array(b, np.int64)}
    message = pb.ModelInferRequest(model_name="adder", id="r1")
    for name, datatype in (("a", "FP32"), ("b", "INT64")):
        tensor = message.inputs.add(name=name, datatype=datatype, shape=arrays[name].shape)
        if raw:
            message.raw_input_contents.append(arrays[name].tobytes())
        elif name == "a":
            tensor.contents.fp32_contents.extend(arrays[name].ravel().tolist())
        else:
            tensor.contents.int64_contents.extend(arrays[name].tolist())
    return message


@pytest.mark.parametrize("raw", [True, False])
def test_inputs_are_read_by_name_whatever_carries_them(raw: bool) -> None:
    """Also in another order, and again and again."""
    asked = signature()
    for a in ((1.0, 2.0), (4.0, 5.0)):
        feeds = asked.feeds(request(a=[a], raw=raw))
        assert feeds["a"].tolist() == [list(a)]
        assert feeds["b"].tolist() == [3]
    turned = request(raw=raw)
    turned.inputs.reverse()
    turned.raw_input_contents.reverse()
    assert asked.feeds(turned)["b"].tolist() == [3]


def test_what_was_refused_once_is_refused_again() -> None:
    """Only what passed is remembered."""
    asked = signature()
    for _ in range(3):
        with pytest.raises(InvalidArgument, match=r"input a has shape \[1, 3\]"):
            asked.feeds(request(a=[[1.0, 2.0, 3.0]]))
        assert asked.feeds(request()).keys() == {"a", "b"}


def test_contents_are_checked_in_every_call() -> None:
    """A description that passed before vouches for no contents."""
    asked = signature()
    asked.feeds(request())
    with pytest.raises(InvalidArgument) as caught:
        asked.feeds(request(a=[[1.0, float("nan")]]))
    assert caught.value.reason == "TENSOR_NOT_FINITE"
    short = request()
    short.raw_input_contents[0] = b"\0" * 7
    with pytest.raises(InvalidArgument, match="holds 7 bytes; its shape needs 8"):
        asked.feeds(short)
    both = request()
    both.inputs[0].contents.fp32_contents.extend([1.0, 2.0])
    with pytest.raises(InvalidArgument, match="raw and typed contents"):
        asked.feeds(both)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.inputs.pop(), "raw_input_contents holds 2 entries for 1 inputs"),
        (lambda r: (r.inputs.pop(), r.raw_input_contents.pop()), "input b is missing"),
        (lambda r: setattr(r.inputs[1], "name", "a"), "input a is given twice"),
        (lambda r: setattr(r.inputs[1], "name", "c"), "input c is unknown; there are a, b"),
        (lambda r: r.inputs[1].shape.__setitem__(0, 2), r"different batches: \[1, 2\]"),
    ],
)
def test_a_description_of_another_model_is_refused(change: object, message: str) -> None:
    """The message says what is wrong."""
    wrong = request()
    assert callable(change)
    change(wrong)
    with pytest.raises(InvalidArgument, match=message):
        signature().feeds(wrong)


def test_outputs_come_in_the_order_asked_for() -> None:
    """All of them where none is asked for; one that is unknown is refused."""
    asked = signature()
    outputs = {"sum": np.ones((1, 2), np.float32), "best": np.array([4])}
    every = asked.response(outputs, wanted=asked.wanted(request().outputs), request_id="r1")
    assert [output.name for output in every.outputs] == ["sum", "best"]
    assert (every.id, every.model_name, every.model_version) == ("r1", "adder", "3")
    message = request()
    message.outputs.add(name="best")
    message.outputs.add(name="sum")
    wanted = asked.wanted(message.outputs)
    ordered = asked.response(outputs, wanted=wanted, request_id="r2")
    assert [(o.name, o.datatype, list(o.shape)) for o in ordered.outputs] == [
        ("best", "INT64", [1]),
        ("sum", "FP32", [1, 2]),
    ]
    assert np.frombuffer(ordered.raw_output_contents[1], "<f4").tolist() == [1.0, 1.0]
    message.outputs.add(name="worst")
    with pytest.raises(InvalidArgument, match="output worst is unknown; there are sum, best"):
        asked.wanted(message.outputs)
