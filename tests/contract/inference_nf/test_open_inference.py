"""The Open Inference Protocol over a real socket."""

from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest
from fakes.inference_nf.grpc_peers import RepositoryServicer
from grpc_health.v1 import health_pb2, health_pb2_grpc
from support.tiny_models import expected_outputs, golden_inputs, tiny_version

from aimlnf.inference.oip import open_inference_pb2 as pb
from aimlnf.inference.oip.open_inference_pb2_grpc import GRPCInferenceServiceStub
from aimlnf.inference.v1 import inference_function_service_pb2 as nf_pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from nf_runtime.errors import FailedPrecondition, InvalidArgument, NfError, NotFound

NAME = "gan-gdm"
DTYPES = {"FP32": np.float32, "INT64": np.int64}


@pytest.fixture
async def loaded(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> InferenceFunctionServiceStub:
    """Versions 1 and 2 are loaded, 1 decides."""
    for version in (tiny_version(1, rate_bps_hz=1), tiny_version(2, rate_bps_hz=2)):
        repository.versions[version.key] = version
        await inference.LoadModel(
            nf_pb.LoadModelRequest(model_name=NAME, version=version.key.version)
        )
    await inference.Activate(nf_pb.ActivateRequest(model_name=NAME, version=1))
    return inference


def request_of(
    *, raw: bool = True, batch: int = 2, version: str = "", **options: Any
) -> pb.ModelInferRequest:
    """A request that a client would send."""
    request = pb.ModelInferRequest(model_name=NAME, model_version=version, **options)
    for name, array in golden_inputs(batch).items():
        tensor = request.inputs.add(name=name, datatype="FP32", shape=array.shape)
        if raw:
            request.raw_input_contents.append(array.tobytes())
        else:
            tensor.contents.fp32_contents.extend(array.ravel().tolist())
    return request


def arrays_of(response: pb.ModelInferResponse) -> dict[str, npt.NDArray[Any]]:
    """The outputs of a response."""
    return {
        output.name: np.frombuffer(raw, DTYPES[output.datatype]).reshape(output.shape)
        for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
    }


async def test_live_and_ready(
    protocol: GRPCInferenceServiceStub, repository: RepositoryServicer
) -> None:
    """Live at once; ready once a model is loaded."""
    assert (await protocol.ServerLive(pb.ServerLiveRequest())).live
    assert not (await protocol.ServerReady(pb.ServerReadyRequest())).ready
    assert not (await protocol.ModelReady(pb.ModelReadyRequest(name=NAME))).ready


@pytest.mark.usefixtures("loaded")
async def test_ready_models(protocol: GRPCInferenceServiceStub) -> None:
    """With a version, without one, and what is not there."""
    assert (await protocol.ServerReady(pb.ServerReadyRequest())).ready
    ready = {
        (name, version): (
            await protocol.ModelReady(pb.ModelReadyRequest(name=name, version=version))
        ).ready
        for name, version in ((NAME, ""), (NAME, "2"), (NAME, "3"), (NAME, "x"), ("other", ""))
    }
    assert [key for key, value in ready.items() if value] == [(NAME, ""), (NAME, "2")]


@pytest.mark.usefixtures("loaded")
async def test_metadata(protocol: GRPCInferenceServiceStub) -> None:
    """Server, versions, inputs and outputs with the protocol's names."""
    server = await protocol.ServerMetadata(pb.ServerMetadataRequest())
    assert server.name == "aimlnf.inference_nf"
    assert server.version
    model = await protocol.ModelMetadata(pb.ModelMetadataRequest(name=NAME))
    assert list(model.versions) == ["1", "2"]
    assert model.platform == "onnxruntime_onnx"
    inputs = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in model.inputs}
    assert inputs["gain_per_w"] == ("FP32", [-1, 10, 20])
    assert inputs["power_budget_w"] == ("FP32", [-1])
    outputs = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in model.outputs}
    assert outputs["carrier"] == ("INT64", [-1, 10])


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("raw", [True, False])
async def test_infer_with_raw_and_typed_contents(
    protocol: GRPCInferenceServiceStub, raw: bool
) -> None:
    """Both give what numpy computes, for a batch."""
    response = await protocol.ModelInfer(request_of(raw=raw, id="q1"))
    assert (response.model_name, response.model_version, response.id) == (NAME, "1", "q1")
    expected = expected_outputs(golden_inputs(2), rate_bps_hz=1)
    outputs = arrays_of(response)
    assert list(outputs) == list(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(outputs[name], array, rtol=1e-5)


@pytest.mark.usefixtures("loaded")
async def test_infer_picks_version_and_outputs(protocol: GRPCInferenceServiceStub) -> None:
    """The version asked for, and the outputs asked for in that order."""
    request = request_of(version="2")
    for name in ("reliability", "predicted_rate_bps_hz"):
        request.outputs.add(name=name)
    outputs = arrays_of(await protocol.ModelInfer(request))
    assert list(outputs) == ["reliability", "predicted_rate_bps_hz"]
    assert outputs["predicted_rate_bps_hz"].tolist() == [2, 2]


@pytest.mark.usefixtures("loaded")
async def test_the_repository_extension_leaves_what_decides_alone(
    protocol: GRPCInferenceServiceStub, inference: InferenceFunctionServiceStub
) -> None:
    """Another load does not swap, and a model that decides cannot be freed."""
    await protocol.RepositoryModelLoad(
        pb.RepositoryModelLoadRequest(
            model_name=NAME,
            parameters={
                "config": pb.ModelRepositoryParameter(
                    string_param='{"version_policy": {"specific": {"versions": [2]}}}'
                )
            },
        )
    )
    with pytest.raises(FailedPrecondition) as caught:
        await protocol.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name=NAME))
    assert caught.value.reason == "STATE_FORBIDS"
    status = await inference.GetStatus(nf_pb.GetStatusRequest())
    assert {m.version: m.state for m in status.models} == {
        1: inference_pb2.LOADED_MODEL_STATE_ACTIVE,
        2: inference_pb2.LOADED_MODEL_STATE_READY,
    }
    with pytest.raises(InvalidArgument, match="repository other is unknown"):
        await protocol.RepositoryIndex(pb.RepositoryIndexRequest(repository_name="other"))


def first_input(**changes: Any) -> Callable[[pb.ModelInferRequest], None]:
    """Change fields of the first input, beam_amplitude."""

    def change(request: pb.ModelInferRequest) -> None:
        for name, value in changes.items():
            if name == "shape":
                request.inputs[0].shape[:] = value
            else:
                setattr(request.inputs[0], name, value)

    return change


def raw_of_first(content: bytes) -> Callable[[pb.ModelInferRequest], None]:
    """Other bytes for the first input."""

    def change(request: pb.ModelInferRequest) -> None:
        request.raw_input_contents[0] = content

    return change


def without_an_input(request: pb.ModelInferRequest) -> None:
    """Noise is not sent."""
    del request.inputs[-1], request.raw_input_contents[-1]


def without_raw_of_an_input(request: pb.ModelInferRequest) -> None:
    """One raw entry too few."""
    del request.raw_input_contents[-1]


def raw_and_typed(request: pb.ModelInferRequest) -> None:
    """The same input in two forms."""
    request.inputs[0].contents.fp32_contents.append(1.0)


def unequal_batches(request: pb.ModelInferRequest) -> None:
    """The last input has one more row than the others."""
    more = golden_inputs(3)["noise"]
    request.inputs[-1].shape[0] = 3
    request.raw_input_contents[-1] = more.tobytes()


def unknown_output(request: pb.ModelInferRequest) -> None:
    """An output that no model has."""
    request.outputs.add(name="weather")


def oversized_batch(request: pb.ModelInferRequest) -> None:
    """One context more than the settings allow."""
    request.CopyFrom(request_of(batch=5))


NAN = np.full((2, 10, 8), np.nan, np.float32).tobytes()
AMPLITUDES = golden_inputs(2)["beam_amplitude"]


UNUSABLE_INPUTS = [
    (first_input(name="weather"), "INVALID_TENSOR", "weather is unknown"),
    (first_input(name="noise"), "INVALID_TENSOR", "noise"),
    (first_input(datatype="FP64"), "INVALID_TENSOR", "has datatype FP64; send FP32"),
    (first_input(datatype="BYTES"), "INVALID_TENSOR", "has datatype BYTES"),
    (first_input(datatype=""), "INVALID_TENSOR", "has datatype"),
    (first_input(shape=[2, 8, 10]), "INVALID_TENSOR", "has shape"),
    (first_input(shape=[2, 10]), "INVALID_TENSOR", "has shape"),
    (first_input(shape=[-2, 10, 8]), "INVALID_TENSOR", "has a batch of -2"),
    (first_input(shape=[2**40, 10, 8]), "INVALID_TENSOR", "has a batch of"),
    (raw_of_first(AMPLITUDES.tobytes()[:-1]), "INVALID_TENSOR", "its shape needs"),
    (raw_of_first(b""), "INVALID_TENSOR", "holds 0 bytes"),
    (raw_of_first(NAN), "TENSOR_NOT_FINITE", "NaN"),
    (without_an_input, "INVALID_TENSOR", "noise is missing"),
    (without_raw_of_an_input, "INVALID_FIELD", "6 entries for 7 inputs"),
    (raw_and_typed, "INVALID_TENSOR", "raw and typed contents"),
    (unequal_batches, "INVALID_TENSOR", "different batches"),
    (unknown_output, "INVALID_FIELD", "output weather is unknown"),
    (oversized_batch, "INVALID_TENSOR", "has a batch of 5; send 1 to 4"),
]


@pytest.mark.usefixtures("loaded")
async def test_an_input_that_cannot_be_fed_is_named(protocol: GRPCInferenceServiceStub) -> None:
    """INVALID_ARGUMENT says which and what to send."""
    for change, reason, message in UNUSABLE_INPUTS:
        request = request_of()
        change(request)
        with pytest.raises(InvalidArgument, match=message) as caught:
            await protocol.ModelInfer(request)
        assert caught.value.reason == reason, message


@pytest.mark.usefixtures("loaded")
async def test_an_unknown_model_is_not_found(protocol: GRPCInferenceServiceStub) -> None:
    """In ModelInfer and in ModelMetadata."""
    for name, version in (("other", ""), (NAME, "3"), (NAME, "one"), (NAME, "-1"), ("", "")):
        request = request_of()
        request.model_name, request.model_version = name, version
        with pytest.raises(NotFound):
            await protocol.ModelInfer(request)
        with pytest.raises(NotFound):
            await protocol.ModelMetadata(pb.ModelMetadataRequest(name=name, version=version))


@pytest.mark.parametrize(
    "method",
    [
        "/inference.GRPCInferenceService/ModelInfer",
        "/aimlnf.inference.v1.InferenceFunctionService/Decide",
        "/aimlnf.inference.v1.InferenceFunctionService/LoadModel",
    ],
)
async def test_bytes_that_are_no_message(channel: grpc.aio.Channel, method: str) -> None:
    """A clear status without a traceback, and the function serves on."""
    call = channel.unary_unary(
        method, request_serializer=lambda data: data, response_deserializer=lambda data: data
    )
    for garbage in (b"\xff\xff\xff", b"\x0a\xff\xff\xff\xff\x7f", b"\x08"):
        with pytest.raises(NfError) as caught:
            await call(garbage)
        assert caught.value.reason == "MALFORMED_REQUEST"
        assert "Traceback" not in caught.value.message
    live = await GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest())
    assert live.live


async def test_health_of_both_services(channel: grpc.aio.Channel) -> None:
    """Each answers under its full name."""
    stub = health_pb2_grpc.HealthStub(channel)
    for service in (
        "",
        "inference.GRPCInferenceService",
        "aimlnf.inference.v1.InferenceFunctionService",
    ):
        response = await stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert response.status == health_pb2.HealthCheckResponse.SERVING
