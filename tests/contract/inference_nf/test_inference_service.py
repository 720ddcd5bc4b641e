"""InferenceFunctionService over a real socket."""

import contextlib
from dataclasses import replace

import grpc
import numpy as np
import pytest
from fakes.inference_nf.grpc_peers import RepositoryServicer, context_message
from support.bad_versions import (
    SECOND,
    other_signature,
    unknown_operator,
    weights_gone_bad,
    with_files,
)
from support.tiny_models import STRANGER, TinyVersion, tiny_version

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from aimlnf.ransim.v1 import radio_pb2, tensor_pb2
from inference_nf.engines.compiling import installed_library
from inference_nf.engines.cuda import Cuda
from nf_runtime.errors import (
    DataLoss,
    FailedPrecondition,
    InvalidArgument,
    NfError,
    NotFound,
    PermissionDenied,
)
from nf_runtime.wire import allocation_from_message, tensor_to_message
from radio_math.secrecy import quota_respected

NAME = "gan-gdm"


def publish(repository: RepositoryServicer, *versions: TinyVersion) -> None:
    """The repository has these versions."""
    repository.versions |= {version.key: version for version in versions}


async def load(
    inference: InferenceFunctionServiceStub, version: int, *, activate: bool = False
) -> inference_pb2.LoadedModel:
    """Load and, where asked, activate a version."""
    response = await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=version))
    if activate:
        await inference.Activate(pb.ActivateRequest(model_name=NAME, version=version))
    return response.model


async def status(inference: InferenceFunctionServiceStub) -> pb.GetStatusResponse:
    """What is loaded and active."""
    return await inference.GetStatus(pb.GetStatusRequest())


def states(response: pb.GetStatusResponse) -> dict[int, str]:
    """State of each loaded version."""
    return {
        model.version: inference_pb2.LoadedModelState.Name(model.state).removeprefix(
            "LOADED_MODEL_STATE_"
        )
        for model in response.models
    }


async def test_a_version_goes_from_published_to_active(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """READY after LoadModel, ACTIVE after Activate, with engine and digest; by alias too."""
    publish(repository, tiny_version(1))
    repository.aliases["champion"] = 1
    before = await status(inference)
    assert before.activation_status == inference_pb2.ACTIVATION_STATUS_DEACTIVATED
    loaded = await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, alias="champion"))
    assert loaded.model.state == inference_pb2.LOADED_MODEL_STATE_READY
    assert loaded.model.engine == inference_pb2.ENGINE_ONNXRUNTIME
    assert loaded.model.engine_version
    assert loaded.model.artifact_sha256 == tiny_version(1).release.artifact("model.onnx").sha256
    assert loaded.model.load_time.ToNanoseconds() > 0
    assert loaded.model.ready_time.seconds > 0
    activated = await inference.Activate(pb.ActivateRequest(model_name=NAME, version=1))
    assert activated.model.state == inference_pb2.LOADED_MODEL_STATE_ACTIVE
    after = await status(inference)
    assert after.activation_status == inference_pb2.ACTIVATION_STATUS_ACTIVATED
    assert states(after) == {1: "ACTIVE"}


async def test_a_coordination_group_is_loaded_as_one(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """Every member says its group; where one of them is refused, no other is there."""
    good = (tiny_version(2), tiny_version(2, name="gdm"))
    bad = (tiny_version(3), tiny_version(3, name="gdm", signer=STRANGER))
    publish(repository, *good, *bad)
    repository.groups = {"good": [m.key for m in good], "bad": [m.key for m in bad]}
    with pytest.raises(PermissionDenied):
        await inference.LoadCoordinationGroup(pb.LoadCoordinationGroupRequest(group_name="bad"))
    assert not (await status(inference)).models
    request = pb.LoadCoordinationGroupRequest(group_name="good")
    loaded = (await inference.LoadCoordinationGroup(request)).models
    assert [(model.model_name, model.version) for model in loaded] == [(NAME, 2), ("gdm", 2)]
    assert {model.coordination_group for model in (await status(inference)).models} == {"good"}
    with pytest.raises(InvalidArgument, match="group_name"):
        await inference.LoadCoordinationGroup(pb.LoadCoordinationGroupRequest())


async def test_swap_roll_back_and_unload(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """The way there and back, and freeing what does not decide."""
    publish(repository, tiny_version(1), tiny_version(2, rate_bps_hz=8))
    await load(inference, 1, activate=True)
    await load(inference, 2, activate=True)
    assert states(await status(inference)) == {1: "READY", 2: "ACTIVE"}
    await inference.Activate(pb.ActivateRequest(model_name=NAME, version=1))
    assert states(await status(inference)) == {1: "ACTIVE", 2: "READY"}
    await inference.UnloadModel(pb.UnloadModelRequest(model_name=NAME, version=2))
    assert states(await status(inference)) == {1: "ACTIVE"}
    with pytest.raises(FailedPrecondition) as caught:
        await inference.UnloadModel(pb.UnloadModelRequest(model_name=NAME, version=1))
    assert caught.value.reason == "STATE_FORBIDS"
    await inference.Deactivate(pb.DeactivateRequest())
    await inference.Deactivate(pb.DeactivateRequest())
    assert states(await status(inference)) == {1: "READY"}


REFUSED = (FailedPrecondition, "ARTIFACT_REFUSED")


@pytest.mark.parametrize(
    ("version", "kind", "reason"),
    [
        (SECOND.with_flipped_bit("model.onnx"), DataLoss, "DIGEST_MISMATCH"),
        (replace(SECOND, signer=STRANGER), PermissionDenied, "SIGNATURE_INVALID"),
        (tiny_version(2, golden_shift=1), FailedPrecondition, "GOLDEN_SAMPLE_MISMATCH"),
        (tiny_version(2, state="REGISTERED"), FailedPrecondition, "MODEL_NOT_APPROVED"),
        (
            replace(SECOND, files={**SECOND.files, "model.onnx": b"no graph"}),
            FailedPrecondition,
            "ARTIFACT_REFUSED",
        ),
        (
            replace(SECOND, files={**SECOND.files, "model_card.json": b"[]"}),
            FailedPrecondition,
            "ARTIFACT_REFUSED",
        ),
        (other_signature(), FailedPrecondition, "ARTIFACT_REFUSED"),
        (weights_gone_bad(in_golden=False), FailedPrecondition, "GOLDEN_SAMPLE_MISMATCH"),
        (weights_gone_bad(in_golden=True), FailedPrecondition, "GOLDEN_SAMPLE_MISMATCH"),
        (unknown_operator(), FailedPrecondition, "ARTIFACT_REFUSED"),
        (with_files(model__onnx=SECOND.files["model.onnx"][:-40]), *REFUSED),
        (with_files(golden__safetensors=b"\x00" * 64), *REFUSED),
        (tiny_version(3), NotFound, "RESOURCE_NOT_FOUND"),
    ],
)
async def test_a_version_that_must_not_serve_does_not(
    inference: InferenceFunctionServiceStub,
    repository: RepositoryServicer,
    version: TinyVersion,
    kind: type[NfError],
    reason: str,
) -> None:
    """Status and reason say why; the active version decides on."""
    publish(repository, tiny_version(1), version)
    await load(inference, 1, activate=True)
    with pytest.raises(kind) as caught:
        await load(inference, 2)
    assert caught.value.reason == reason
    assert "Traceback" not in caught.value.message
    assert states(await status(inference)) == {1: "ACTIVE"}
    response = await inference.Decide(pb.DecideRequest(context=context_message()))
    assert response.decision.model_version == 1
    (failure,) = (await status(inference)).load_failures
    assert (failure.selector, failure.reason) == ("2", reason)


async def test_an_interrupted_download_is_unavailable_and_goes_on(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """The next LoadModel asks for the rest only."""
    publish(repository, tiny_version(1))
    repository.breaks = 1
    with pytest.raises(NfError) as caught:
        await load(inference, 1)
    assert caught.value.status is grpc.StatusCode.UNAVAILABLE
    await load(inference, 1)
    assert repository.downloads[:2] == [("model_card.json", 0), ("model_card.json", 1000)]


async def test_tensorrt_where_it_cannot_run(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """ENGINE_UNAVAILABLE with a sentence that names the other engine, not a stand-in."""
    with contextlib.suppress(FailedPrecondition):
        installed_library()
        Cuda.open()
        pytest.skip("this host can run TensorRT; tests/gpu does")
    publish(repository, tiny_version(1))
    await load(inference, 1, activate=True)
    with pytest.raises(FailedPrecondition, match="ask for engine onnxruntime") as caught:
        await inference.LoadModel(
            pb.LoadModelRequest(model_name=NAME, version=1, engine=inference_pb2.ENGINE_TENSORRT)
        )
    assert caught.value.reason == "ENGINE_UNAVAILABLE"
    assert states(await status(inference)) == {1: "ACTIVE"}


async def test_decide_by_the_model_and_by_the_fallback(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """Both are feasible and labelled; nothing is applied and nothing counted as a trigger."""
    request = pb.DecideRequest(context=context_message(), decision_id="d1")
    fallback = (await inference.Decide(request)).decision
    assert fallback.source == inference_pb2.DECISION_SOURCE_FALLBACK
    assert fallback.fallback_reason == inference_pb2.FALLBACK_REASON_NO_ACTIVE_MODEL
    publish(repository, tiny_version(1, rate_bps_hz=9))
    await load(inference, 1, activate=True)
    by_model = (await inference.Decide(request)).decision
    assert by_model.source == inference_pb2.DECISION_SOURCE_MODEL
    assert (by_model.model_name, by_model.model_version) == (NAME, 1)
    assert by_model.predicted_rate_bps_hz == 9
    assert by_model.reliability == 0.5
    assert by_model.inference_time.ToNanoseconds() > 0
    for decision in (fallback, by_model):
        allocation = allocation_from_message(decision.allocation, esim_count=10)
        assert quota_respected(allocation, 4, 4)
        assert allocation.power_w.sum() == pytest.approx(request.context.power_budget_w)
        assert (decision.decision_id, decision.context_id) == ("d1", "context of t1")
    assert (await status(inference)).decisions_made_count == 0


async def test_a_repeated_decide_is_the_same_decision(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """The seed is the decision's id, or the context's where there is none."""
    publish(repository, tiny_version(1))
    await load(inference, 1, activate=True)
    first, again, unnamed, renamed = [
        (await inference.Decide(request)).decision
        for request in (
            pb.DecideRequest(context=context_message(), decision_id="d1"),
            pb.DecideRequest(context=context_message(), decision_id="d1"),
            pb.DecideRequest(context=context_message()),
            pb.DecideRequest(context=context_message(), decision_id="context of t1"),
        )
    ]
    assert first.allocation == again.allocation
    assert unnamed.allocation == renamed.allocation != first.allocation
    assert unnamed.decision_id == "context of t1"


def damaged(field: str, array: np.ndarray, dtype: type = np.float32) -> radio_pb2.RadioContext:
    """A context with another tensor in `field`."""
    message = context_message()
    getattr(message, field).CopyFrom(tensor_to_message(array, dtype))
    return message


def with_fields(**fields: object) -> radio_pb2.RadioContext:
    """A context with other scalar fields."""
    message = context_message()
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def short_bytes() -> radio_pb2.RadioContext:
    """A context whose tensor has fewer bytes than its shape needs."""
    message = context_message()
    message.ici_factor.raw = message.ici_factor.raw[:-1]
    return message


def no_dtype() -> radio_pb2.RadioContext:
    """A context whose tensor says no data type."""
    message = context_message()
    message.ici_factor.data_type = tensor_pb2.DATA_TYPE_UNSPECIFIED
    return message


UNUSABLE_CONTEXTS = [
    ("empty", radio_pb2.RadioContext(), "INVALID_FIELD"),
    ("nine ESIMs", damaged("ici_factor", np.zeros(9)), "INVALID_TENSOR"),
    ("an axis too many", damaged("ici_factor", np.zeros((10, 1))), "INVALID_TENSOR"),
    ("float64", damaged("ici_factor", np.zeros(10), np.float64), "INVALID_TENSOR"),
    ("NaN", damaged("gain_per_w", np.full((10, 20), np.nan)), "TENSOR_NOT_FINITE"),
    ("infinite", damaged("beam_amplitude", np.full((10, 8), np.inf)), "TENSOR_NOT_FINITE"),
    ("no leakage at all", damaged("leakage_per_w", np.zeros((10, 20))), "INVALID_FIELD"),
    ("noise below thermal", damaged("carrier_noise", np.zeros(4)), "INVALID_FIELD"),
    ("a byte too few", short_bytes(), "INVALID_TENSOR"),
    ("no data type", no_dtype(), "INVALID_TENSOR"),
    ("power NaN", with_fields(power_budget_w=float("nan")), "INVALID_FIELD"),
    ("power negative", with_fields(power_budget_w=-1.0), "INVALID_FIELD"),
    ("quota 0", with_fields(carrier_quota=0), "INVALID_FIELD"),
    ("quota too small for ten", with_fields(carrier_quota=2), "INVALID_FIELD"),
    ("long id", with_fields(context_id="x" * 201), "INVALID_FIELD"),
    ("no id", with_fields(context_id=""), "INVALID_FIELD"),
]


@pytest.mark.parametrize("active", [False, True])
async def test_a_context_that_makes_no_sense_is_refused(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer, active: bool
) -> None:
    """INVALID_ARGUMENT with the reason, with and without a model."""
    if active:
        publish(repository, tiny_version(1))
        await load(inference, 1, activate=True)
    for what, context, reason in UNUSABLE_CONTEXTS:
        with pytest.raises(InvalidArgument) as caught:
            await inference.Decide(pb.DecideRequest(context=context))
        assert caught.value.reason == reason, what


async def test_a_context_of_another_size_than_the_models(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """The tensor is named, as is what the model takes."""
    publish(repository, tiny_version(1))
    await load(inference, 1, activate=True)
    context = damaged("carrier_noise", np.ones(5))
    with pytest.raises(InvalidArgument, match=r"carrier_noise has shape \[5\].*takes \[4\]"):
        await inference.Decide(pb.DecideRequest(context=context))


FIELDS_OUT_OF_RANGE = [
    (pb.LoadModelRequest(version=1), "model_name"),
    (pb.LoadModelRequest(model_name="x" * 64, version=1), "model_name"),
    (pb.LoadModelRequest(model_name=NAME), "version"),
    (pb.LoadModelRequest(model_name=NAME, version=0), "version"),
    (pb.LoadModelRequest(model_name=NAME, version=-1), "version"),
    (pb.LoadModelRequest(model_name=NAME, alias=""), "alias"),
    (pb.LoadModelRequest(model_name=NAME, version=1, engine=9), "engine"),
    (pb.ActivateRequest(model_name=NAME), "version"),
    (pb.UnloadModelRequest(version=1), "model_name"),
    (pb.ListReportsRequest(page_size=1001), "page_size"),
    (pb.ListReportsRequest(page_size=-1), "page_size"),
    (pb.DecideRequest(context=context_message(), decision_id="x" * 201), "decision_id"),
]


async def test_a_field_out_of_range_is_named(inference: InferenceFunctionServiceStub) -> None:
    """INVALID_FIELD with the field in the metadata."""
    for request, field in FIELDS_OUT_OF_RANGE:
        method = type(request).__name__.removesuffix("Request")
        with pytest.raises(InvalidArgument) as caught:
            await getattr(inference, method)(request)
        assert caught.value.reason == "INVALID_FIELD", request
        assert caught.value.metadata["field"] == field, request


async def test_a_version_that_is_not_loaded(inference: InferenceFunctionServiceStub) -> None:
    """NOT_FOUND, naming it."""
    with pytest.raises(NotFound, match="gan-gdm version 7 is not loaded"):
        await inference.Activate(pb.ActivateRequest(model_name=NAME, version=7))
    with pytest.raises(NotFound, match="gan-gdm version 7 is not loaded"):
        await inference.UnloadModel(pb.UnloadModelRequest(model_name=NAME, version=7))


async def test_no_reports_before_the_first_trigger(
    inference: InferenceFunctionServiceStub,
) -> None:
    """An empty page, not an error."""
    assert list((await inference.ListReports(pb.ListReportsRequest())).reports) == []
