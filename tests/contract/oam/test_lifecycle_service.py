"""The lifecycle service over a real socket, with fake peers: what operators ask for."""

import asyncio

import pytest
from fakes.oam.grpc_repository import REJECTED
from fakes.oam.peers import FakePeers
from google.protobuf.duration_pb2 import Duration
from support.oam_client import (
    MODEL,
    adaptation_in,
    finished,
    kinds,
    lifecycle,
    steps_of,
    watch_until,
)

from aimlnf.nwdaf.v1 import model_training_service_pb2 as training_pb
from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
)
from oam.config import OamSettings

COMPLETED = lifecycle_pb2.ADAPTATION_STATE_COMPLETED
FAILED = lifecycle_pb2.ADAPTATION_STATE_FAILED
AWAITING = lifecycle_pb2.ADAPTATION_STATE_AWAITING_APPROVAL
TRAIN = pb.TrainRequest(model_name=MODEL, actor="ada", reason="the first one")
RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")
ROLLBACK = pb.RollbackRequest(model_name=MODEL, actor="ada", reason="it is worse")


@pytest.fixture
def manual(settings: OamSettings) -> OamSettings:
    """The same, but a person approves."""
    return settings.model_copy(update={"approval": "manual"})


async def test_initial_training_goes_the_whole_way(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """From nothing to a version that decides; each peer did its part once."""
    started = (await stub.Train(TRAIN)).adaptation
    assert started.state == lifecycle_pb2.ADAPTATION_STATE_TRAINING
    steps = await watch_until(stub, "activated", "failed")
    assert kinds(steps) == [
        *("requested", "trained", "published", "tested", "approved", "loaded", "activated")
    ]
    assert [step.sequence for step in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert steps[0].detail == "operator:ada asks for a first training: the first one."
    assert {step.adaptation_id for step in steps} == {started.adaptation_id}
    assert peers.effects == [
        *("train from 0", "publish 1", "test 1"),
        *("TESTED 1", "APPROVED 1", "candidate 1", "champion 1"),
        *("load 1", "activate 1"),
    ]
    done = await finished(stub, started.adaptation_id)
    assert (done.state, done.from_version, done.to_version) == (COMPLETED, 0, 1)
    standing = await lifecycle(stub)
    assert (standing.active_version, standing.previous_version) == (1, 0)
    assert not standing.HasField("current_adaptation")


async def test_initial_training_is_as_configured(
    stub: LifecycleServiceStub, peers: FakePeers, settings: OamSettings
) -> None:
    """Type, environment, time and seed come from the configuration; the test asks for its ratio."""
    started = (await stub.Train(TRAIN)).adaptation
    await finished(stub, started.adaptation_id)
    spec = next(iter(peers.mtlf.training_jobs.values())).spec
    assert spec.training_type == training_pb.ML_TRAINING_TYPE_PRE_SPECIALISED_TRAINING
    assert (spec.profile.name, spec.time_budget.seconds, spec.seed) == ("pass", 40, 1)
    test = next(iter(peers.mtlf.testing_jobs.values())).spec
    assert (test.version, test.required_ratio) == (1, settings.testing.required_ratio)
    assert peers.repository.test_metrics == {"ratio_to_exhaustive": 0.9}


async def test_explicit_order_wins(stub: LifecycleServiceStub, peers: FakePeers) -> None:
    """What the operator orders reaches the MTLF unchanged, and the analytics are not asked."""
    peers.put_in_use()
    order = lifecycle_pb2.TrainingOrder(
        profile=training_pb.ScenarioProfile(
            name="reference", rain_probability=0.0, power_budget_dbw=[5.0, 10.0]
        ),
        time_budget=Duration(seconds=7),
        seed=99,
    )
    request = pb.RetrainRequest(model_name=MODEL, order=order)
    await finished(stub, (await stub.Retrain(request)).adaptation.adaptation_id)
    spec = next(iter(peers.mtlf.training_jobs.values())).spec
    assert spec.profile == order.profile
    assert (spec.time_budget.seconds, spec.seed) == (7, 99)


async def test_retraining_follows_what_the_network_sees(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The rain that the NWDAF reports becomes the environment to train for."""
    version = peers.put_in_use()
    done = await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    assert (done.state, done.from_version, done.to_version) == (COMPLETED, version, version + 1)
    spec = next(iter(peers.mtlf.training_jobs.values())).spec
    assert spec.training_type == training_pb.ML_TRAINING_TYPE_RE_TRAINING
    assert spec.source_version == version
    assert spec.profile.rain_probability == pytest.approx(1.0)
    assert spec.profile.rain_mean_db == pytest.approx(4.0)
    steps = await steps_of(stub)
    assert kinds(steps) == [
        *("requested", "retrained", "published", "tested", "approved", "loaded", "activated")
    ]
    assert "since the NWDAF saw 4.0 dB of rain on average" in steps[1].detail
    standing = await lifecycle(stub)
    assert (standing.active_version, standing.previous_version) == (2, 1)


async def test_retraining_without_analytics_says_so(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The configured environment is used, and the record tells why."""
    peers.put_in_use()
    peers.anlf.refusal = NotFound("no data", reason="UNAVAILABLE_DATA")
    await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    spec = next(iter(peers.mtlf.training_jobs.values())).spec
    assert not spec.profile.HasField("rain_probability")
    detail = (await steps_of(stub))[1].detail
    assert "as configured, since the NWDAF gave no analytics (UNAVAILABLE_DATA)" in detail


async def test_retraining_needs_a_version_in_use(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """NO_ACTIVE_MODEL, and nothing was asked of the MTLF."""
    with pytest.raises(FailedPrecondition) as raised:
        await stub.Retrain(RETRAIN)
    assert raised.value.reason == "NO_ACTIVE_MODEL"
    assert peers.effects == []


async def test_rollback_returns_to_the_previous_version(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The previous version is loaded again, decides, and is the champion."""
    peers.put_in_use()
    await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    peers.inference.restart()
    before = len(peers.inference.effects)
    back = (await stub.Rollback(ROLLBACK)).adaptation
    assert (back.from_version, back.to_version) == (2, 1)
    await finished(stub, back.adaptation_id)
    assert kinds(await steps_of(stub))[-2:] == ["loaded", "rolled_back"]
    assert peers.inference.effects[before:] == ["load 1", "activate 1"]
    assert peers.repository.aliases["champion"] == 1
    standing = await lifecycle(stub)
    assert (standing.active_version, standing.previous_version) == (1, 2)


async def test_rollback_needs_a_previous_version(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """NO_PREVIOUS_VERSION."""
    peers.put_in_use()
    with pytest.raises(FailedPrecondition) as raised:
        await stub.Rollback(ROLLBACK)
    assert raised.value.reason == "NO_PREVIOUS_VERSION"


async def test_second_adaptation_is_refused_while_one_runs(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Whatever its kind; the first goes on."""
    peers.put_in_use()
    peers.mtlf.may_finish.clear()
    first = (await stub.Retrain(RETRAIN)).adaptation
    for second in (stub.Train(TRAIN), stub.Retrain(RETRAIN), stub.Rollback(ROLLBACK)):
        with pytest.raises(FailedPrecondition) as raised:
            await second
        assert raised.value.reason == "ADAPTATION_IN_PROGRESS"
        assert raised.value.metadata["adaptation_id"] == first.adaptation_id
    peers.mtlf.may_finish.set()
    assert (await finished(stub, first.adaptation_id)).state == COMPLETED


async def test_only_one_of_many_at_once_begins(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Ten operators at the same moment start one adaptation."""
    peers.put_in_use()
    peers.mtlf.may_finish.clear()
    calls = [stub.Retrain(RETRAIN) for _ in range(10)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, FailedPrecondition)]
    assert len(refused) == 9
    assert {error.reason for error in refused} == {"ADAPTATION_IN_PROGRESS"}
    peers.mtlf.may_finish.set()


async def test_repeated_request_starts_nothing_new(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The same request id gives the same adaptation, while it runs and after it ended."""
    request = pb.TrainRequest(model_name=MODEL, request_id="r1", actor="ada")
    calls = [stub.Train(request) for _ in range(5)]
    ids = {answer.adaptation.adaptation_id for answer in await asyncio.gather(*calls)}
    assert len(ids) == 1
    await finished(stub, ids.pop())
    again = (await stub.Train(request)).adaptation
    assert again.state == COMPLETED
    assert peers.mtlf.effects.count("train from 0") == 1
    with pytest.raises(AlreadyExists) as raised:
        await stub.Train(pb.TrainRequest(model_name=MODEL, request_id="r1", actor="bob"))
    assert raised.value.reason == "REQUEST_ID_REUSED"


class TestManualApproval:
    """An operator decides whether a version is loaded."""

    @pytest.fixture
    def settings(self, manual: OamSettings) -> OamSettings:
        """A person approves."""
        return manual

    async def waiting(self, stub: LifecycleServiceStub) -> str:
        """The id of an adaptation that waits."""
        adaptation_id: str = (await stub.Train(TRAIN)).adaptation.adaptation_id
        await adaptation_in(stub, adaptation_id, AWAITING)
        return adaptation_id

    async def test_nothing_is_loaded_before_approval(
        self, stub: LifecycleServiceStub, peers: FakePeers
    ) -> None:
        """It waits, and after the approval goes on to the end."""
        adaptation_id = await self.waiting(stub)
        assert peers.inference.effects == []
        request = pb.ApproveRequest(adaptation_id=adaptation_id, actor="bob", reason="fine")
        approved = (await stub.Approve(request)).adaptation
        assert approved.state == lifecycle_pb2.ADAPTATION_STATE_LOADING
        assert (await finished(stub, adaptation_id)).state == COMPLETED
        step = next(step for step in await steps_of(stub) if kinds([step]) == ["approved"])
        assert step.initiator == "operator:bob"
        assert step.detail == "Version 1 was approved by operator:bob: fine."

    async def test_rejected_version_is_rejected_in_the_repository(
        self, stub: LifecycleServiceStub, peers: FakePeers
    ) -> None:
        """The adaptation ends as REJECTED, and a new one can be started."""
        adaptation_id = await self.waiting(stub)
        request = pb.RejectRequest(adaptation_id=adaptation_id, actor="bob", reason="too risky")
        rejected = (await stub.Reject(request)).adaptation
        assert rejected.state == lifecycle_pb2.ADAPTATION_STATE_REJECTED
        assert rejected.failure == "it was turned down by operator:bob: too risky"
        await finished(stub, adaptation_id)
        assert peers.repository.states == {1: REJECTED}
        assert peers.inference.effects == []
        await self.waiting(stub)

    async def test_what_does_not_wait_cannot_be_decided(
        self, stub: LifecycleServiceStub, peers: FakePeers
    ) -> None:
        """STATE_FORBIDS while it trains and after it was decided; NOT_FOUND for an unknown one."""
        peers.mtlf.may_finish.clear()
        training = (await stub.Train(TRAIN)).adaptation.adaptation_id
        with pytest.raises(FailedPrecondition) as raised:
            await stub.Approve(pb.ApproveRequest(adaptation_id=training))
        assert raised.value.reason == "STATE_FORBIDS"
        peers.mtlf.may_finish.set()
        await adaptation_in(stub, training, AWAITING)
        await stub.Approve(pb.ApproveRequest(adaptation_id=training))
        await finished(stub, training)
        with pytest.raises(FailedPrecondition) as raised:
            await stub.Reject(pb.RejectRequest(adaptation_id=training))
        assert raised.value.reason == "STATE_FORBIDS"
        with pytest.raises(NotFound):
            await stub.Approve(pb.ApproveRequest(adaptation_id="nobody"))


@pytest.mark.parametrize(
    "call",
    [
        lambda stub: stub.Train(pb.TrainRequest()),
        lambda stub: stub.Retrain(pb.RetrainRequest(model_name="Not A Name")),
        lambda stub: stub.Rollback(pb.RollbackRequest(model_name=MODEL, actor="x" * 1000)),
        lambda stub: stub.GetLifecycle(pb.GetLifecycleRequest(model_name="")),
        lambda stub: stub.ListAdaptations(pb.ListAdaptationsRequest(page_token="x")),  # noqa: S106
        lambda stub: stub.ListAdaptations(pb.ListAdaptationsRequest(page_size=-1)),
        lambda stub: stub.ListManagedObjects(pb.ListManagedObjectsRequest(object_class="Model")),
        lambda stub: stub.Train(
            pb.TrainRequest(
                model_name=MODEL,
                order=lifecycle_pb2.TrainingOrder(time_budget=Duration(seconds=-1)),
            )
        ),
    ],
)
async def test_senseless_request_is_refused(stub: LifecycleServiceStub, call: object) -> None:
    """INVALID_FIELD, and nothing is started."""
    with pytest.raises(InvalidArgument) as raised:
        await call(stub)  # type: ignore[operator]
    assert raised.value.reason == "INVALID_FIELD"
    assert len((await stub.ListAdaptations(pb.ListAdaptationsRequest())).adaptations) == 0


async def test_unknown_model_stands_nowhere(stub: LifecycleServiceStub) -> None:
    """A lifecycle without versions, not an error."""
    standing = await lifecycle(stub)
    assert (standing.active_version, standing.previous_version) == (0, 0)
    with pytest.raises(NotFound):
        await stub.GetAdaptation(pb.GetAdaptationRequest(adaptation_id="nobody"))


async def test_adaptations_are_paged_newest_first(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Every adaptation once, over any number of pages."""
    peers.put_in_use()
    ids = []
    for _ in range(5):
        ids.append((await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
        await finished(stub, ids[-1])
    seen, token = [], ""
    while True:
        request = pb.ListAdaptationsRequest(model_name=MODEL, page_size=2, page_token=token)
        page = await stub.ListAdaptations(request)
        seen += [adaptation.adaptation_id for adaptation in page.adaptations]
        token = page.next_page_token
        if not token:
            break
    assert seen == ids[::-1]


async def test_watch_replays_and_then_follows(stub: LifecycleServiceStub, peers: FakePeers) -> None:
    """A late watcher sees the same record as an early one, from where it asked."""
    early = asyncio.create_task(watch_until(stub, "rolled_back"))
    await finished(stub, (await stub.Train(TRAIN)).adaptation.adaptation_id)
    await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    await finished(stub, (await stub.Rollback(ROLLBACK)).adaptation.adaptation_id)
    record = await early
    assert [step.sequence for step in record] == list(range(1, len(record) + 1))
    assert await watch_until(stub, "rolled_back") == record
    assert await watch_until(stub, "rolled_back", after_sequence=9) == record[9:]
    listed = await stub.ListLifecycleSteps(
        pb.ListLifecycleStepsRequest(model_name=MODEL, after_sequence=9, page_size=3)
    )
    assert list(listed.steps) == record[9:12]


async def test_watch_of_one_model_sees_nothing_of_another(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Its first step is the other model's, though this one had seven before."""
    request = pb.WatchLifecycleRequest(model_name="other")
    first = asyncio.ensure_future(anext(aiter(stub.WatchLifecycle(request, timeout=30))))
    await finished(stub, (await stub.Train(TRAIN)).adaptation.adaptation_id)
    peers.mtlf.training_failure = "out of memory"
    await stub.Train(pb.TrainRequest(model_name="other", actor="ada"))
    step = (await first).step
    assert (step.model_name, step.sequence, kinds([step])) == ("other", 8, ["requested"])


async def test_managed_objects_can_be_followed_by_their_names(
    stub: LifecycleServiceStub,
) -> None:
    """From a step of the record to the report, to its process, to its request."""
    await finished(stub, (await stub.Train(TRAIN)).adaptation.adaptation_id)
    trained = (await steps_of(stub))[1]

    async def get(name: str) -> object:
        response = await stub.GetManagedObject(pb.GetManagedObjectRequest(distinguished_name=name))
        return response.managed_object

    report = await get(trained.object_ref)
    process = await get(report.ml_training_report.training_process_ref)  # type: ignore[attr-defined]
    request = await get(process.ml_training_process.training_request_ref)  # type: ignore[attr-defined]
    assert request.ml_training_request.training_request_source == "operator:ada"  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        await get("SubNetwork=elsewhere")


async def test_managed_objects_are_listed_by_class_and_container(
    stub: LifecycleServiceStub,
) -> None:
    """In order of creation; a container lists what is in it, not itself."""
    await finished(stub, (await stub.Train(TRAIN)).adaptation.adaptation_id)
    everything = await stub.ListManagedObjects(pb.ListManagedObjectsRequest())
    assert len(everything.managed_objects) == 10
    function = "SubNetwork=aimlnf,ManagedElement=ground-station,AIMLInferenceFunction=inference_nf"
    inside = await stub.ListManagedObjects(
        pb.ListManagedObjectsRequest(base_distinguished_name=function)
    )
    assert [
        each.distinguished_name.removeprefix(function).split("=")[0]
        for each in inside.managed_objects
    ] == [",MLModelLoadingRequest", ",MLModelLoadingProcess"]
    functions = await stub.ListManagedObjects(
        pb.ListManagedObjectsRequest(object_class="AIMLInferenceFunction")
    )
    (found,) = functions.managed_objects
    assert found.aiml_inference_function.activation_status == "ACTIVATED"
    first = await stub.ListManagedObjects(pb.ListManagedObjectsRequest(page_size=7))
    second = await stub.ListManagedObjects(
        pb.ListManagedObjectsRequest(page_size=7, page_token=first.next_page_token)
    )
    assert [*first.managed_objects, *second.managed_objects] == list(everything.managed_objects)
