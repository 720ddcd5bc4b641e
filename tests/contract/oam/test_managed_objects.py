"""The provisioning service over a real socket, with fake peers: what consumers ask for."""

from typing import Any

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.grpc_repository import REJECTED, TESTED
from fakes.oam.peers import FakePeers
from support.nrm_consumer import (
    ELEMENT,
    FUNCTION,
    LOADING,
    NAME,
    TESTING,
    TRAINING,
    UPDATE,
    Consumer,
    model,
)
from support.ran_events import message

from aimlnf.mms.v1 import model_pb2
from aimlnf.oam.v1 import provisioning_service_pb2 as pb
from nf_runtime.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NfError,
    NotFound,
)
from nf_runtime.events.catalogue import VersionStateChanged


async def test_training_request_trains_a_version(consumer: Consumer, peers: FakePeers) -> None:
    """Creating it starts a training; request, process, report and model name each other."""
    created = await consumer.create(TRAINING, aIMLInferenceName=NAME)
    assert created["requestStatus"] == "NOT_STARTED"
    await consumer.ended(TRAINING)
    process = await consumer.get(f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=r1.1")
    assert process["progressStatus"]["status"] == "FINISHED"
    assert process["progressStatus"]["progressPercentage"] == 100
    assert process["trainingRequestRef"] == [TRAINING]
    assert process["mLModelGeneratedRef"] == model(1)
    report = await consumer.get(process["trainingReportRef"])
    assert report["mLModelGeneratedRef"] == model(1)
    assert report["modelPerformanceTraining"] == [
        {"performanceMetric": "ratio_to_exhaustive", "performanceScore": 0.91}
    ]
    assert (await consumer.get(model(1)))["mLModelVersion"] == "1"
    assert peers.effects == ["train from 0", "publish 1"]


async def test_a_later_training_is_chained_to_the_one_before(
    consumer: Consumer, peers: FakePeers
) -> None:
    """lastTrainingRef, and a retraining begins from the model that its request names."""
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    again = TRAINING.replace("r1", "r2")
    await consumer.create(again, aIMLInferenceName=NAME, mLModelRef=model(1))
    await consumer.ended(again)
    assert peers.effects[2:] == ["train from 1", "publish 2"]
    reports = f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingReport="
    assert (await consumer.get(f"{reports}r2.1"))["lastTrainingRef"] == f"{reports}r1.1"


async def test_failure_is_told_by_the_process(consumer: Consumer, peers: FakePeers) -> None:
    """The request is FINISHED all the same: it has no FAILED."""
    peers.mtlf.training_failure = "out of memory"
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    process = await consumer.get(f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=r1.1")
    assert process["progressStatus"]["status"] == "FAILED"
    assert "out of memory" in process["progressStatus"]["resultStateInfo"]
    assert "mLModelGeneratedRef" not in process


async def test_cancelled_training_publishes_nothing(consumer: Consumer, peers: FakePeers) -> None:
    """The flag ends the MTLF's job; CANCELLED, and no flag is accepted any more."""
    peers.mtlf.may_finish.clear()
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    process = f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=r1.1"
    await consumer.until(process, lambda moi: moi["progressStatus"]["progressPercentage"] == 50)
    assert (await consumer.modify(TRAINING, cancelRequest=True))["requestStatus"] == "CANCELLING"
    await consumer.ended(TRAINING, "CANCELLED")
    assert (await consumer.get(process))["progressStatus"]["status"] == "CANCELLED"
    assert peers.effects == ["train from 0", "cancel training"]
    for flag in ("cancelRequest", "suspendRequest"):
        for value in (True, False):
            with pytest.raises(FailedPrecondition):
                await consumer.modify(TRAINING, "", **{flag: value})
    assert (await consumer.get(TRAINING))["requestStatus"] == "CANCELLED"


async def test_group_is_trained_member_by_member(
    consumer: Consumer, peers: FakePeers, broker: MemoryBroker
) -> None:
    """A process for each member; the request is finished when all are."""
    for _ in range(2):
        peers.repository.publish()
    group = "SubNetwork=aimlnf,MLModelRepository=mms,MLModelCoordinationGroup=pair"
    peers.repository.groups = [
        model_pb2.CoordinationGroup(
            group_name="pair",
            distinguished_name=group,
            members=[
                model_pb2.VersionReference(model_name="gan-gdm", version=version)
                for version in (1, 2)
            ],
        )
    ]
    for version in (1, 2):
        told = VersionStateChanged(
            model_name="gan-gdm", version=version, from_state="", to_state="REGISTERED", actor="a"
        )
        broker.append(message(told, f"v{version}"))
    await consumer.until(group, lambda moi: moi["memberMLModelRefList"] == [model(1), model(2)])
    await consumer.create(TRAINING, aIMLInferenceName=NAME, mLModelCoordinationGroupRef=group)
    await consumer.ended(TRAINING)
    assert sorted(peers.mtlf.effects) == [
        *("publish 3", "publish 4", "train from 1", "train from 2")
    ]
    for number in (1, 2):
        process = await consumer.get(
            f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=r1.{number}"
        )
        assert process["mLModelRef"] == model(number)
        assert process["mLModelCoordinationGroupRef"] == group
        assert process["progressStatus"]["status"] == "FINISHED"


async def test_test_request_gives_a_verdict(consumer: Consumer, peers: FakePeers) -> None:
    """PASSED makes the version TESTED, FAILED makes it REJECTED; there is no process."""
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    await consumer.create(TESTING, mLModelRef=model(1))
    await consumer.ended(TESTING)
    report = await consumer.get(f"{ELEMENT},MLTestingFunction=mtlf,MLTestingReport=r1.1")
    assert (report["mLTestingResult"], report["testingRequestRef"]) == ("PASSED", TESTING)
    assert peers.repository.states[1] == TESTED
    peers.mtlf.passes = False
    await consumer.create(TESTING.replace("r1", "r2"), mLModelRef=model(1))
    await consumer.ended(TESTING.replace("r1", "r2"))
    assert peers.repository.states[1] == REJECTED


async def trained_and_tested(consumer: Consumer, request: str = "r1") -> None:
    """The next version of the model, which has passed its test if the peers let it."""
    training, testing = TRAINING.replace("r1", request), TESTING.replace("r1", request)
    await consumer.create(training, aIMLInferenceName=NAME)
    await consumer.ended(training)
    process = await consumer.get(f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess={request}.1")
    await consumer.create(testing, mLModelRef=process["mLModelGeneratedRef"])
    await consumer.ended(testing)


async def test_only_what_passed_its_last_test_is_loaded(
    consumer: Consumer, peers: FakePeers
) -> None:
    """The loading process fails for an untested model and for one that failed."""
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    peers.mtlf.passes = False
    for request, tested in (("r1", False), ("r2", True)):
        if tested:
            await consumer.create(TESTING, mLModelRef=model(1))
            await consumer.ended(TESTING)
        loading = LOADING.replace("r1", request)
        await consumer.create(loading, mLModelToLoadRef=model(1))
        await consumer.ended(loading)
        process = await consumer.get(f"{FUNCTION},MLModelLoadingProcess={request}.1")
        assert process["progressStatus"]["status"] == "FAILED"
        assert "last test" in process["progressStatus"]["resultStateInfo"]
    assert peers.inference.effects == []


async def test_model_infers_when_it_is_loaded_listed_and_activated(
    consumer: Consumer, peers: FakePeers
) -> None:
    """From nothing to inference and back by managed objects only."""
    with pytest.raises(FailedPrecondition) as refused:
        await consumer.modify(FUNCTION, activationStatus="ACTIVATED")
    assert refused.value.reason == "NO_ACTIVE_MODEL"
    await trained_and_tested(consumer)
    with pytest.raises(FailedPrecondition) as refused:
        await consumer.modify(FUNCTION, mLModelRefList=[model(1)])
    assert refused.value.reason == "MODEL_NOT_APPROVED"
    await consumer.create(LOADING, mLModelToLoadRef=model(1))
    await consumer.ended(LOADING)
    process = await consumer.get(f"{FUNCTION},MLModelLoadingProcess=r1.1")
    assert process["loadedMLModelRef"] == model(1)
    assert peers.inference.effects == ["load 1"]
    await consumer.modify(FUNCTION, activationStatus="ACTIVATED")
    gate = f"{FUNCTION},VsDataContainer=gate"
    await consumer.until(gate, lambda moi: moi["vsData"]["isOpen"])
    assert peers.inference.effects == ["load 1", "activate 1"]
    await consumer.modify(FUNCTION, activationStatus="DEACTIVATED")
    await consumer.until(gate, lambda moi: not moi["vsData"]["isOpen"])
    assert peers.inference.effects == ["load 1", "activate 1", "deactivate"]


async def test_first_listed_model_infers(consumer: Consumer, peers: FakePeers) -> None:
    """The order is the consumer's; a model that is taken from the list infers no more."""
    for request, version in (("r1", 1), ("r2", 2)):
        await trained_and_tested(consumer, request)
        loading = LOADING.replace("r1", request)
        await consumer.create(loading, mLModelToLoadRef=model(version))
        await consumer.ended(loading)
    gate = f"{FUNCTION},VsDataContainer=gate"
    await consumer.modify(FUNCTION, activationStatus="ACTIVATED")
    await consumer.until(gate, lambda moi: moi["vsData"].get("mLModelRef") == model(1))
    await consumer.modify(FUNCTION, mLModelRefList=[model(2), model(1)])
    await consumer.until(gate, lambda moi: moi["vsData"].get("mLModelRef") == model(2))
    await consumer.modify(FUNCTION, mLModelRefList=[model(1)])
    await consumer.until(gate, lambda moi: moi["vsData"].get("mLModelRef") == model(1))
    assert peers.inference.effects[-3:] == ["activate 1", "activate 2", "activate 1"]


async def test_scope_closes_and_opens_inference(consumer: Consumer, peers: FakePeers) -> None:
    """Outside its time window a function that is ACTIVATED does not infer."""
    await trained_and_tested(consumer)
    await consumer.create(LOADING, mLModelToLoadRef=model(1))
    await consumer.ended(LOADING)
    past = {"timeWindow": [{"endTime": "2020-01-01T00:00:00Z"}]}
    await consumer.modify(FUNCTION, activationStatus="ACTIVATED", managedActivationScope=past)
    gate = f"{FUNCTION},VsDataContainer=gate"
    await consumer.until(gate, lambda moi: not moi["vsData"]["isOpen"])
    always = {"timeWindow": [{"startTime": "2020-01-01T00:00:00Z"}]}
    await consumer.modify(FUNCTION, managedActivationScope=always)
    await consumer.until(gate, lambda moi: moi["vsData"]["isOpen"])
    assert peers.inference.effects == ["load 1", "deactivate", "activate 1"]
    await consumer.modify(FUNCTION, managedActivationScope=None)


async def test_update_request_retrains_tests_loads_and_reports(
    consumer: Consumer, peers: FakePeers
) -> None:
    """As an adaptation of the OAM, which other objects tell of."""
    peers.put_in_use()
    await consumer.create(TRAINING, aIMLInferenceName=NAME)  # brings version 1 into the tree
    await consumer.ended(TRAINING)
    await consumer.create(TESTING, mLModelRef=model(2))
    await consumer.ended(TESTING)
    peers.mtlf.effects.clear()
    with pytest.raises(InvalidArgument):
        await consumer.create(UPDATE, mLModelRefList=[])
    await consumer.create(UPDATE, mLModelRefList=[model(2)])
    await consumer.ended(UPDATE)
    request = await consumer.get(UPDATE)
    process = await consumer.get(request["mLUpdateProcessRef"])
    assert process["progressStatus"]["status"] == "FINISHED"
    report = await consumer.get(process["mLUpdateReportRef"])
    assert report["mLModelRefList"] == [model(3)]
    assert peers.mtlf.effects == ["train from 1", "publish 3", "test 3"]
    assert peers.inference.active == 3


async def test_bad_requests_leave_everything_as_it_was(
    consumer: Consumer, peers: FakePeers
) -> None:
    """Each with its reason; the tree is the same afterwards."""
    before = await consumer.select("SubNetwork=aimlnf")
    function = f"{ELEMENT},MLTrainingFunction=mtlf"
    refusals: list[tuple[Any, type[NfError], str]] = [
        (consumer.create("nonsense"), InvalidArgument, "INVALID_FIELD"),
        (consumer.create("SubNetwork=a,,b=c"), InvalidArgument, "INVALID_FIELD"),
        (consumer.create(f"{ELEMENT},Toaster=1"), InvalidArgument, "INVALID_FIELD"),
        (consumer.create(f"{ELEMENT},MLTrainingRequest=1"), InvalidArgument, "INVALID_FIELD"),
        (
            consumer.create(
                f"{ELEMENT},MLTrainingFunction=x,MLTrainingRequest=1", aIMLInferenceName=NAME
            ),
            NotFound,
            "RESOURCE_NOT_FOUND",
        ),
        (consumer.create(TRAINING), InvalidArgument, "INVALID_FIELD"),
        (
            consumer.create(TRAINING, aIMLInferenceName=NAME, requestStatus="FINISHED"),
            InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            consumer.create(TRAINING, aIMLInferenceName=NAME, mLModelRef=model(9)),
            NotFound,
            "RESOURCE_NOT_FOUND",
        ),
        (
            consumer.create(TRAINING, aIMLInferenceName=NAME, mLTrainingType="RE_TRAINING"),
            InvalidArgument,
            "INVALID_FIELD",
        ),
        (
            consumer.create(f"{function},MLTrainingProcess=p"),
            FailedPrecondition,
            "NOT_SUPPORTED",
        ),
        (
            consumer.create("SubNetwork=aimlnf,MLModelRepository=mms"),
            FailedPrecondition,
            "NOT_SUPPORTED",
        ),
        (consumer.modify(TRAINING, cancelRequest=True), NotFound, "RESOURCE_NOT_FOUND"),
        (consumer.modify(FUNCTION, etag="77", userLabel="x"), NfError, "ETAG_MISMATCH"),
        (consumer.modify(FUNCTION, colour="red"), InvalidArgument, "INVALID_FIELD"),
        (
            consumer.modify(FUNCTION, managedActivationScope={"dNList": [], "timeWindow": []}),
            InvalidArgument,
            "INVALID_FIELD",
        ),
        (consumer.get("SubNetwork=elsewhere"), NotFound, "RESOURCE_NOT_FOUND"),
        (consumer.select(ELEMENT, filter_="requestStatus ="), InvalidArgument, "INVALID_FIELD"),
    ]
    for call, kind, reason in refusals:
        with pytest.raises(kind) as refused:
            await call
        assert refused.value.reason == reason, refused.value.message
    assert await consumer.select("SubNetwork=aimlnf") == before
    assert peers.effects == []


async def test_creation_is_idempotent_by_its_request_id(
    consumer: Consumer, peers: FakePeers
) -> None:
    """The same call again changes nothing; another one with the same id is refused."""
    for _ in range(2):
        await consumer.create(TRAINING, "id-1", aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    assert peers.effects == ["train from 0", "publish 1"]
    with pytest.raises(AlreadyExists) as refused:
        await consumer.create(TRAINING, "id-1", aIMLInferenceName="OTHER")
    assert refused.value.reason == "REQUEST_ID_REUSED"
    with pytest.raises(AlreadyExists) as refused:
        await consumer.create(TRAINING, "id-2", aIMLInferenceName=NAME)
    assert refused.value.reason == "RESOURCE_EXISTS"


async def test_several_changes_are_made_or_none(consumer: Consumer, peers: FakePeers) -> None:
    """ChangeMOIs: the second is refused, so the first is not made either."""
    request = pb.ChangeMoisRequest()
    first = request.changes.add().create
    first.distinguished_name = TRAINING
    first.attributes.update({"aIMLInferenceName": NAME})
    request.changes.add().delete.distinguished_name = FUNCTION
    with pytest.raises(FailedPrecondition):
        await consumer.stub.ChangeMois(request)
    with pytest.raises(NotFound):
        await consumer.get(TRAINING)
    assert peers.effects == []


async def test_scopes_and_filters(consumer: Consumer) -> None:
    """BASE_ONLY, BASE_NTH_LEVEL, BASE_SUBTREE and BASE_ALL, with conditions on attributes."""
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)

    async def names(*arguments: Any, **options: Any) -> list[str]:
        found = await consumer.select(*arguments, **options)
        return [moi.distinguished_name.removeprefix(ELEMENT) for moi in found]

    assert await names(ELEMENT, pb.SCOPE_TYPE_BASE_ONLY) == [""]
    level_1 = await names(ELEMENT, pb.SCOPE_TYPE_BASE_NTH_LEVEL, 1)
    assert level_1 == [
        *(",MLTrainingFunction=mtlf", ",MLTestingFunction=mtlf", ",MLUpdateFunction=oam"),
        ",AIMLInferenceFunction=inference_nf",
    ]
    assert await names(ELEMENT, pb.SCOPE_TYPE_BASE_SUBTREE, 1) == ["", *level_1]
    everything = await names(ELEMENT)
    assert ",MLTrainingFunction=mtlf,MLTrainingReport=r1.1" in everything
    finished = 'requestStatus == "FINISHED" and cancelRequest == false'
    assert await names(ELEMENT, filter_=finished) == [TRAINING.removeprefix(ELEMENT)]
    assert await names(ELEMENT, filter_="progressStatus.progressPercentage < 100") == []
