"""ModelProvisionService over a real socket, following a real model repository."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from aimlnf.nwdaf.v1 import model_provision_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as training_pb
from aimlnf.nwdaf.v1.model_provision_service_pb2_grpc import ModelProvisionServiceStub
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceStub
from nf_runtime.errors import InvalidArgument, NotFound

MODEL = "gan-gdm"
TIMEOUT_S = 10.0


@pytest.fixture
def stub(mtlf: grpc.aio.Channel) -> Any:
    """A client of the service."""
    return ModelProvisionServiceStub(mtlf)


@pytest.fixture
async def versions(mtlf: grpc.aio.Channel, workshop: Any) -> None:
    """Two published versions, neither of them approved."""
    workshop.go.set()
    training = ModelTrainingServiceStub(mtlf)
    for seed in (1, 2):
        spec = training_pb.TrainingSpec(
            model_name=MODEL,
            training_type=training_pb.ML_TRAINING_TYPE_INITIAL_TRAINING,
            time_budget=Duration(seconds=1),
            seed=seed,
        )
        created = await training.CreateTrainingJob(training_pb.CreateTrainingJobRequest(spec=spec))
        async with asyncio.timeout(TIMEOUT_S):
            async for _ in training.WatchTrainingJob(
                training_pb.WatchTrainingJobRequest(job_id=created.job.job_id)
            ):
                pass


async def approve(mms: Any, version: int) -> None:
    """Let the version pass its test and approve it."""
    which = {"model_name": MODEL, "version": version, "actor": "test", "reason": "test"}
    await mms.stub.RecordTestResult(mms_pb.RecordTestResultRequest(passed=True, **which))
    await mms.stub.ApproveModelVersion(mms_pb.ApproveModelVersionRequest(**which))


async def promote(mms: Any, version: int) -> None:
    """Make the version the champion."""
    await mms.stub.SetAlias(
        mms_pb.SetAliasRequest(
            model_name=MODEL, alias="champion", version=version, actor="test", reason="test"
        )
    )


async def get(stub: Any) -> pb.ProvisionedModel:
    """The provisioned version."""
    response = await stub.GetProvisionedModel(pb.GetProvisionedModelRequest(model_name=MODEL))
    model: pb.ProvisionedModel = response.model
    return model


async def following(call: Any) -> int:
    """The next version of a stream."""
    async with asyncio.timeout(TIMEOUT_S):
        version: int = (await call.read()).model.version
        return version


@pytest.mark.usefixtures("versions")
async def test_the_provisioned_version_has_its_address_and_time(stub: Any, mms: Any) -> None:
    """The newest approved one while there is no champion."""
    await approve(mms, 1)
    model = await get(stub)
    stored = (
        await mms.stub.GetModelVersion(mms_pb.GetModelVersionRequest(model_name=MODEL, version=1))
    ).model_version
    history = await mms.stub.ListVersionHistory(
        mms_pb.ListVersionHistoryRequest(model_name=MODEL, version=1)
    )
    assert (model.model_name, model.version) == (MODEL, 1)
    assert model.model_unique_id == stored.model_unique_id
    assert model.repository_address == mms.address
    assert model.approve_time.ToMicroseconds() == (history.entries[-1].change_time.ToMicroseconds())


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize("name", [MODEL, ""])
async def test_the_stream_follows_approval_promotion_and_rollback(
    stub: Any, mms: Any, name: str
) -> None:
    """From the first approval over a new champion back to the old one."""
    await approve(mms, 1)
    watching = stub.WatchProvisionedModels(pb.WatchProvisionedModelsRequest(model_name=name))
    assert await following(watching) == 1
    await promote(mms, 1)
    await approve(mms, 2)
    await promote(mms, 2)
    assert await following(watching) == 2
    await promote(mms, 1)
    assert await following(watching) == 1
    assert (await get(stub)).version == 1


@pytest.mark.usefixtures("versions")
async def test_without_approval_nothing_is_provisioned(stub: Any) -> None:
    """UNAVAILABLE_DATA; a model that does not exist is RESOURCE_NOT_FOUND."""
    with pytest.raises(NotFound) as none_approved:
        await get(stub)
    with pytest.raises(NotFound) as none_there:
        await stub.GetProvisionedModel(pb.GetProvisionedModelRequest(model_name="other"))
    assert none_approved.value.reason == "UNAVAILABLE_DATA"
    assert none_there.value.reason == "RESOURCE_NOT_FOUND"


async def test_a_model_has_to_be_named(stub: Any) -> None:
    """INVALID_FIELD."""
    with pytest.raises(InvalidArgument) as raised:
        await stub.GetProvisionedModel(pb.GetProvisionedModelRequest())
    assert raised.value.metadata == {"field": "model_name"}
