"""What decides the use of a version: signed with its files, and minded when it is promoted."""

from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from support.mms_uploads import MODEL, SIGNER, files, manifest_of, publish, upload_of

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.clock import ManualClock
from nf_runtime.errors import AlreadyExists, FailedPrecondition, PermissionDenied

AUTHOR = {"actor": "oam", "reason": "because"}
SHELL = model_pb2.Validity(orbit_shells=["leo-600"])

pytestmark = pytest.mark.usefixtures("model")


def until(clock: ManualClock, seconds: float) -> model_pb2.Validity:
    """For so long from now on."""
    end = Timestamp()
    end.FromDatetime(clock.now() + timedelta(seconds=seconds))
    return model_pb2.Validity(valid_until=end)


async def approved(stub: Any, *, model_name: str = MODEL, **said: Any) -> int:
    """The number of an approved version about which this is said."""
    version = await publish(stub, upload_of(files(note=str(said)), model_name=model_name, **said))
    place = {"model_name": model_name, "version": version.version, **AUTHOR}
    await stub.RecordTestResult(pb.RecordTestResultRequest(passed=True, **place))
    await stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**place))
    return version.version


async def promote(stub: Any, version: int) -> None:
    """Make a version the champion."""
    await stub.SetAlias(
        pb.SetAliasRequest(model_name=MODEL, alias="champion", version=version, **AUTHOR)
    )


@pytest.mark.parametrize(
    "said", [{"validity": SHELL}, {"target_environments": ["onnxruntime-cpu"]}]
)
async def test_terms_are_signed(stub: Any, said: dict[str, Any]) -> None:
    """A signature over the files alone does not cover them, and one with them does."""
    contents = files()
    key_id, value = SIGNER.sign(manifest_of(contents).signed())
    signature = model_pb2.Signature(key_id=key_id, value=value)
    with pytest.raises(PermissionDenied) as caught:
        await publish(stub, upload_of(contents, signature=signature, **said))
    assert caught.value.reason == "SIGNATURE_INVALID"
    assert (await publish(stub, upload_of(contents, **said))).version == 1


async def test_labels_are_not_signed(stub: Any) -> None:
    """They decide nothing, so they may differ from what was signed."""
    contents = files()
    key_id, value = SIGNER.sign(manifest_of(contents).signed())
    signature = model_pb2.Signature(key_id=key_id, value=value)
    await publish(stub, upload_of(contents, signature=signature, labels={"team": "ntn"}))


async def test_one_request_for_one_use(stub: Any) -> None:
    """The same files for another use are another upload."""
    contents = files()
    await publish(stub, upload_of(contents, request_id="r"))
    with pytest.raises(AlreadyExists) as caught:
        await publish(stub, upload_of(contents, request_id="r", validity=SHELL))
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_promotion_and_rollback_mind_the_time(stub: Any, clock: ManualClock) -> None:
    """Neither makes a version the champion whose time is over."""
    short = await approved(stub, validity=until(clock, 10))
    lasting = await approved(stub)
    await promote(stub, short)
    await promote(stub, lasting)
    await clock.advance(10)
    with pytest.raises(FailedPrecondition, match="may not be used") as caught:
        await promote(stub, short)
    assert caught.value.reason == "STATE_FORBIDS"
    model = (await stub.GetModel(pb.GetModelRequest(model_name=MODEL))).model
    assert dict(model.aliases) == {"champion": lasting, "previous": short}


async def test_a_group_minds_the_time_of_each(stub: Any, clock: ManualClock) -> None:
    """One member whose time is over keeps all of them back."""
    other = model_pb2.Model(model_name="other", aiml_inference_name="x")
    await stub.CreateModel(pb.CreateModelRequest(model=other))
    members = [
        model_pb2.VersionReference(
            model_name="other",
            version=await approved(stub, model_name="other", validity=until(clock, 10)),
        ),
        model_pb2.VersionReference(model_name=MODEL, version=await approved(stub)),
    ]
    group = model_pb2.CoordinationGroup(group_name="parts", members=members)
    await stub.CreateCoordinationGroup(pb.CreateCoordinationGroupRequest(group=group))
    request = pb.PromoteCoordinationGroupRequest(group_name="parts", **AUTHOR)
    await clock.advance(10)
    with pytest.raises(FailedPrecondition, match="may not be used"):
        await stub.PromoteCoordinationGroup(request)
    for name in ("other", MODEL):
        model = (await stub.GetModel(pb.GetModelRequest(model_name=name))).model
        assert dict(model.aliases) == {}
