"""Control flags, deadlines and required performance of requests, over a real socket."""

from datetime import timedelta

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.grpc_repository import REJECTED
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

from nf_runtime.clock import SystemClock
from nf_runtime.events.catalogue import VersionStateChanged

TRAINING_PROCESS = f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=r1.1"
UPDATE_PROCESS = f"{ELEMENT},MLUpdateFunction=oam,MLUpdateProcess=r1.1"


async def effect(peers: FakePeers, wanted: str, consumer: Consumer, name: str) -> None:
    """Returns once the MTLF has done that."""
    await consumer.until(name, lambda _: wanted in peers.mtlf.effects)


async def running(consumer: Consumer, peers: FakePeers, name: str, percent: float = 50) -> None:
    """Returns once the process has come so far; its job may not finish."""
    peers.mtlf.may_finish.clear()
    await consumer.until(
        name, lambda moi: moi["progressStatus"].get("progressPercentage") == percent
    )


@pytest.fixture
async def in_use(consumer: Consumer, peers: FakePeers, broker: MemoryBroker) -> None:
    """Version 1 is in use, and its object is there."""
    peers.put_in_use()
    peers.repository.kpis[1] = {"ratio_to_exhaustive": 0.8, "violations": 3.0}
    told = VersionStateChanged(
        model_name="gan-gdm", version=1, from_state="TESTED", to_state="APPROVED", actor="a"
    )
    broker.append(message(told, "v1"))
    await consumer.until(model(1), lambda moi: moi["mLModelVersion"] == "1")


async def test_suspended_training_stands_still_at_the_mtlf(
    consumer: Consumer, peers: FakePeers
) -> None:
    """SuspendRequest suspends the job, taking it back resumes it; nothing is done twice."""
    peers.mtlf.may_finish.clear()
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await running(consumer, peers, TRAINING_PROCESS)
    assert (await consumer.modify(TRAINING, suspendRequest=True))["requestStatus"] == "SUSPENDED"
    await effect(peers, "suspend training", consumer, TRAINING)
    peers.mtlf.may_finish.set()
    process = await consumer.get(TRAINING_PROCESS)
    assert process["progressStatus"]["status"] == "SUSPENDED"
    assert (await consumer.modify(TRAINING, suspendRequest=False))["requestStatus"] == "IN_PROGRESS"
    await consumer.ended(TRAINING)
    assert peers.effects == ["train from 0", "suspend training", "resume training", "publish 1"]


async def test_suspended_training_can_be_cancelled(consumer: Consumer, peers: FakePeers) -> None:
    """The flag of the process alone does it; the suspended job ends without a version."""
    peers.mtlf.may_finish.clear()
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await running(consumer, peers, TRAINING_PROCESS)
    await consumer.modify(TRAINING_PROCESS, suspendProcess=True)
    await effect(peers, "suspend training", consumer, TRAINING)
    await consumer.modify(TRAINING_PROCESS, cancelProcess=True)
    await consumer.until(
        TRAINING_PROCESS, lambda moi: moi["progressStatus"]["status"] == "CANCELLED"
    )
    assert peers.effects == ["train from 0", "suspend training", "cancel training"]


async def test_training_that_ended_before_it_was_suspended_is_taken_up_on_resumption(
    consumer: Consumer, peers: FakePeers
) -> None:
    """The MTLF refuses to suspend it, which harms nobody."""
    peers.mtlf.may_finish.clear()
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await running(consumer, peers, TRAINING_PROCESS)
    (job,) = peers.mtlf.training_jobs.values()
    peers.mtlf.finish(job)
    await consumer.modify(TRAINING, suspendRequest=True)
    await consumer.until(TRAINING, lambda _: "SuspendTrainingJob" in peers.mtlf.refusals.asked)
    assert (await consumer.get(TRAINING))["requestStatus"] == "SUSPENDED"
    await consumer.modify(TRAINING, suspendRequest=False)
    await consumer.ended(TRAINING)
    assert peers.effects == ["train from 0", "publish 1"]


async def test_test_is_suspended_resumed_and_cancelled_at_the_mtlf(
    consumer: Consumer, peers: FakePeers
) -> None:
    """As a training, though no process shows it; a cancelled one leaves no verdict."""
    await consumer.create(TRAINING, aIMLInferenceName=NAME)
    await consumer.ended(TRAINING)
    peers.mtlf.effects.clear()
    peers.mtlf.may_finish.clear()
    await consumer.create(TESTING, mLModelRef=model(1))
    await effect(peers, "test 1", consumer, TESTING)
    await consumer.modify(TESTING, suspendRequest=True)
    await effect(peers, "suspend test", consumer, TESTING)
    await consumer.modify(TESTING, suspendRequest=False)
    await effect(peers, "resume test", consumer, TESTING)
    await consumer.modify(TESTING, cancelRequest=True)
    await consumer.ended(TESTING, "CANCELLED")
    assert peers.effects == ["test 1", "suspend test", "resume test", "cancel test"]


@pytest.mark.usefixtures("in_use")
async def test_update_is_held_and_cancelled_at_its_job(
    consumer: Consumer, peers: FakePeers
) -> None:
    """Its training is suspended and resumed, its test is ended; version 1 stays in use."""
    peers.mtlf.may_finish.clear()
    await consumer.create(UPDATE, mLModelRefList=[model(1)])
    await effect(peers, "train from 1", consumer, UPDATE)
    await consumer.modify(UPDATE, suspendRequest=True)
    await effect(peers, "suspend training", consumer, UPDATE)
    await consumer.modify(UPDATE, suspendRequest=False)
    await effect(peers, "resume training", consumer, UPDATE)
    for job in peers.mtlf.training_jobs.values():
        peers.mtlf.finish(job)
    await effect(peers, "test 2", consumer, UPDATE)
    await consumer.modify(UPDATE, cancelRequest=True)
    await consumer.ended(UPDATE, "CANCELLED")
    assert peers.mtlf.effects[-1] == "cancel test"
    assert peers.inference.active == 1


async def test_version_that_misses_its_requirements_is_held_back(
    consumer: Consumer, peers: FakePeers
) -> None:
    """It can be read and tested, and is never loaded; process, report and repository say why."""
    required = [
        {"performanceMetric": "ratio_to_exhaustive", "performanceScore": 0.95},
        {"performanceMetric": "decision_p50_ms", "performanceScore": 5},
    ]
    await consumer.create(TRAINING, aIMLInferenceName=NAME, performanceRequirements=required)
    await consumer.ended(TRAINING)
    process = await consumer.get(TRAINING_PROCESS)
    assert process["progressStatus"]["status"] == "FINISHED"
    why = process["progressStatus"]["resultStateInfo"]
    assert "ratio_to_exhaustive 0.91 instead of 0.95" in why
    assert "decision_p50_ms nothing that was measured instead of 5" in why
    verdict = await consumer.get(f"{process['trainingReportRef']},VsDataContainer=verdict")
    assert verdict["vsData"]["reason"] in why
    assert peers.repository.states[1] == REJECTED
    await consumer.create(TESTING, mLModelRef=model(1))
    await consumer.ended(TESTING)
    report = await consumer.get(f"{ELEMENT},MLTestingFunction=mtlf,MLTestingReport=r1.1")
    assert report["mLTestingResult"] == "PASSED"
    assert peers.repository.states[1] == REJECTED
    await consumer.create(LOADING, mLModelToLoadRef=model(1))
    await consumer.ended(LOADING)
    loading = await consumer.get(f"{FUNCTION},MLModelLoadingProcess=r1.1")
    assert loading["progressStatus"]["status"] == "FAILED"
    assert "held back" in loading["progressStatus"]["resultStateInfo"]
    assert peers.inference.effects == []


async def test_version_that_meets_its_requirements_is_loaded(
    consumer: Consumer, peers: FakePeers
) -> None:
    """Nothing is held back where the figures are as good as was asked for."""
    required = [{"performanceMetric": "ratio_to_exhaustive", "performanceScore": 0.91}]
    await consumer.create(TRAINING, aIMLInferenceName=NAME, performanceRequirements=required)
    await consumer.ended(TRAINING)
    await consumer.create(TESTING, mLModelRef=model(1))
    await consumer.ended(TESTING)
    await consumer.create(LOADING, mLModelToLoadRef=model(1))
    await consumer.ended(LOADING)
    assert peers.inference.effects == ["load 1"]


@pytest.mark.usefixtures("in_use")
@pytest.mark.parametrize(("least", "active"), [(0.05, 2), (0.2, 1)])
async def test_update_that_gains_too_little_is_not_used(
    consumer: Consumer, peers: FakePeers, least: float, active: int
) -> None:
    """PerformanceGainThreshold holds the version back: not loaded, rejected, with the reason."""
    gain = {"performanceMetric": "ratio_to_exhaustive", "performanceScore": least}
    await consumer.create(UPDATE, mLModelRefList=[model(1)], performanceGainThreshold=[gain])
    await consumer.ended(UPDATE)
    process = await consumer.get(UPDATE_PROCESS)
    assert peers.inference.active == active
    if active == 1:
        assert process["progressStatus"]["status"] == "FAILED"
        why = process["progressStatus"]["resultStateInfo"]
        assert "ratio_to_exhaustive gained 0.1 instead of 0.2" in why
        await consumer.until(UPDATE, lambda _: peers.repository.states[2] == REJECTED)
        assert peers.inference.effects == []
    else:
        report = await consumer.get(process["mLUpdateReportRef"])
        gained = report["updatedMLCapability"]["expectedPerformanceGains"]
        assert [each["performanceMetric"] for each in gained] == ["ratio_to_exhaustive"]
        assert gained[0]["performanceScore"] == pytest.approx(0.1)


@pytest.mark.usefixtures("in_use")
async def test_update_that_runs_past_its_deadline_is_ended(
    consumer: Consumer, peers: FakePeers
) -> None:
    """Its training is cancelled at the MTLF, and the process FAILED because of the deadline."""
    peers.mtlf.may_finish.clear()
    end = (SystemClock().now() + timedelta(seconds=5)).isoformat()
    await consumer.create(UPDATE, mLModelRefList=[model(1)], updateTimeDeadline={"endTime": end})
    await consumer.ended(UPDATE)
    process = await consumer.get(UPDATE_PROCESS)
    assert process["progressStatus"]["status"] == "FAILED"
    assert "updateTimeDeadline passed at" in process["progressStatus"]["resultStateInfo"]
    assert peers.mtlf.effects == ["train from 1", "cancel training"]
    assert peers.inference.active == 1
