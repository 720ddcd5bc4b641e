"""ModelProvisionService over a real socket, following a real model repository."""

import asyncio
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from support.mms_uploads import files, publish, upload_of
from support.running_nf import StartNf

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as mms_pb
from aimlnf.nwdaf.v1 import model_provision_service_pb2 as pb
from aimlnf.nwdaf.v1 import model_training_service_pb2 as training_pb
from aimlnf.nwdaf.v1.model_provision_service_pb2_grpc import ModelProvisionServiceStub
from aimlnf.nwdaf.v1.model_training_service_pb2_grpc import ModelTrainingServiceStub
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound
from nwdaf.mtlf.adapters.grpc_repository import AIML_INFERENCE_NAME as DECIDES
from nwdaf.mtlf.config import MtlfSettings

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


def subscription(*entries: pb.MLEventSubscription, **fields: Any) -> pb.ProvisionSubscription:
    """A subscription to what the MTLF's own models decide, unless told otherwise."""
    wanted = entries or (pb.MLEventSubscription(ml_event=DECIDES),)
    return pb.ProvisionSubscription(ml_event_subscs=wanted, notif_corre_id="mine", **fields)


async def subscribe(stub: Any, *entries: pb.MLEventSubscription) -> pb.ProvisionSubscription:
    """The subscription as it was accepted."""
    response = await stub.CreateProvisionSubscription(
        pb.CreateProvisionSubscriptionRequest(subscription=subscription(*entries))
    )
    made: pb.ProvisionSubscription = response.subscription
    return made


def notifications(stub: Any, subscription_id: str) -> Any:
    """The stream of a subscription."""
    return stub.WatchProvisionNotifications(
        pb.WatchProvisionNotificationsRequest(subscription_id=subscription_id)
    )


async def told(call: Any) -> pb.MLEventNotification:
    """The one model of the next notification."""
    async with asyncio.timeout(TIMEOUT_S):
        notification = (await call.read()).notification
    assert notification.notif_corre_id == "mine"
    (entry,) = notification.event_notifs
    return entry


@pytest.mark.usefixtures("versions")
async def test_a_subscriber_is_told_when_a_version_is_approved(
    stub: Any, mms: Any, mtlf_settings: MtlfSettings, start_mtlf: StartNf[MtlfSettings]
) -> None:
    """With an address that the file can be fetched from; another life of the MTLF knows it."""
    made = await subscribe(stub)
    call = notifications(stub, made.subscription_id)
    await approve(mms, 1)
    first = await told(call)
    await approve(mms, 2)
    second = await told(call)
    stored = (
        await mms.stub.GetModelVersion(mms_pb.GetModelVersionRequest(model_name=MODEL, version=1))
    ).model_version

    url = urlsplit(first.ml_file_addr.ml_model_url)
    query = dict(parse_qsl(url.query))
    async with open_channel(url.netloc, settings=ClientSettings()) as channel:
        download = channel.unary_stream(
            url.path,
            request_serializer=mms_pb.DownloadArtifactRequest.SerializeToString,
            response_deserializer=mms_pb.DownloadArtifactResponse.FromString,
        )
        request = mms_pb.DownloadArtifactRequest(
            model_name=query["model_name"],
            version=int(query["version"]),
            file_name=query["file_name"],
        )
        content = b"".join([chunk.data async for chunk in download(request)])
    assert url.scheme == "grpc"
    assert hashlib.sha256(content).hexdigest() == first.ml_file_addr.sha256
    assert len(content) == first.ml_file_addr.size_bytes
    assert first.add_model_info.model_unique_id == stored.model_unique_id
    assert (first.add_model_info.version, second.add_model_info.version) == (1, 2)

    ready_file = mtlf_settings.signing.key_file.with_name("again.json")
    restarted = mtlf_settings.model_copy(
        update={"server": mtlf_settings.server.model_copy(update={"ready_file": ready_file})}
    )
    async with start_mtlf(restarted) as channel:
        again = await told(notifications(ModelProvisionServiceStub(channel), made.subscription_id))
    assert again.add_model_info.version == 2


@pytest.mark.usefixtures("versions")
async def test_a_version_is_told_with_when_and_where_it_may_be_used(stub: Any, mms: Any) -> None:
    """`validityPeriod` and `spatialValidity` as the publisher signed them, or neither."""
    start, end = Timestamp(seconds=1_700_000_000), Timestamp(seconds=4_000_000_000)
    region = {
        "min_latitude_deg": 40.0,
        "max_latitude_deg": 55.0,
        "min_longitude_deg": 170.0,
        "max_longitude_deg": -170.0,
    }
    validity = model_pb2.Validity(
        valid_from=start, valid_until=end, regions=[model_pb2.Region(**region)]
    )
    bounded = await publish(mms.stub, upload_of(files(note="bounded"), validity=validity))
    made = await subscribe(stub)
    call = notifications(stub, made.subscription_id)
    await approve(mms, 1)
    anywhere = await told(call)
    await approve(mms, bounded.version)
    there = await told(call)
    assert not anywhere.HasField("validity_start")
    assert not anywhere.HasField("validity_end")
    assert list(anywhere.spatial_validity) == []
    assert (there.validity_start, there.validity_end) == (start, end)
    assert list(there.spatial_validity) == [pb.SpatialValidity(**region)]


@pytest.mark.usefixtures("versions")
async def test_what_no_model_decides_is_reported(stub: Any, mms: Any) -> None:
    """Partial acceptance, and FAILED_PRECONDITION when nothing is left; thresholds filter."""
    other = pb.MLEventSubscription(ml_event="OTHER")
    demanding = pb.MLEventSubscription(ml_event=DECIDES, ml_accuracy_threshold=5.0)
    made = await subscribe(stub, other, demanding)
    with pytest.raises(FailedPrecondition) as raised:
        await subscribe(stub, other)
    call = notifications(stub, made.subscription_id)
    for version, rate_bps_hz in ((1, 4.0), (2, 6.0)):
        which = {"model_name": MODEL, "version": version, "actor": "test", "reason": "test"}
        await mms.stub.RecordTestResult(
            mms_pb.RecordTestResultRequest(
                passed=True, metrics={"rate_mean_bps_hz": rate_bps_hz}, **which
            )
        )
        await mms.stub.ApproveModelVersion(mms_pb.ApproveModelVersionRequest(**which))
    entry = await told(call)
    assert [(each.ml_event, each.failure_code) for each in made.fail_event_reports] == [
        ("OTHER", "UNAVAILABLE_ML_MODEL")
    ]
    assert [each.ml_event for each in made.ml_event_subscs] == [DECIDES]
    assert raised.value.metadata["cause"] == "UNAVAILABLE_ML_MODEL"
    assert (entry.add_model_info.version, entry.add_model_info.acc_ml_model) == (2, 6.0)


@pytest.mark.usefixtures("versions")
async def test_a_subscription_is_replaced_and_deleted(stub: Any, mms: Any) -> None:
    """Its stream goes on with the new content, and ends with NOT_FOUND."""
    await approve(mms, 1)
    made = await subscribe(
        stub, pb.MLEventSubscription(ml_event=DECIDES, ml_accuracy_threshold=1e9)
    )
    call = notifications(stub, made.subscription_id)
    reading = asyncio.ensure_future(told(call))
    await asyncio.sleep(0)
    await stub.UpdateProvisionSubscription(
        pb.UpdateProvisionSubscriptionRequest(
            subscription=subscription(subscription_id=made.subscription_id)
        )
    )
    assert (await reading).add_model_info.version == 1
    deletion = pb.DeleteProvisionSubscriptionRequest(subscription_id=made.subscription_id)
    await stub.DeleteProvisionSubscription(deletion)
    with pytest.raises(NotFound):
        await call.read()
    with pytest.raises(NotFound):
        await stub.DeleteProvisionSubscription(deletion)
