"""Peers that refuse, fail or are away: what is in use stays in use, and the record says why."""

import pytest
from fakes.oam.grpc_repository import APPROVED, REGISTERED, REJECTED
from fakes.oam.peers import FakePeers
from support.oam_client import MODEL, adaptation_in, finished, kinds, lifecycle, steps_of
from support.waiting import until

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.errors import (
    FailedPrecondition,
    NfError,
    PermissionDenied,
    ResourceExhausted,
    Unavailable,
)

FAILED = lifecycle_pb2.ADAPTATION_STATE_FAILED
COMPLETED = lifecycle_pb2.ADAPTATION_STATE_COMPLETED
RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")
AWAY = Unavailable("nobody is there", reason="PEER_UNAVAILABLE")
GOLDEN = FailedPrecondition("sample 3 differs by 0.2", reason="GOLDEN_SAMPLE_MISMATCH")


async def retrained(stub: LifecycleServiceStub) -> lifecycle_pb2.Adaptation:
    """A retraining at its end."""
    return await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)


async def test_version_that_fails_its_test_is_rejected(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """REJECTED in the repository; nothing is loaded."""
    peers.put_in_use()
    peers.mtlf.passes = False
    done = await retrained(stub)
    assert done.state == lifecycle_pb2.ADAPTATION_STATE_REJECTED
    assert done.failure == "it did not pass its test"
    steps = await steps_of(stub)
    assert kinds(steps) == ["requested", "retrained", "published", "rejected"]
    assert "ratio_to_exhaustive 0.4" in steps[-1].detail
    assert peers.repository.states == {1: APPROVED, 2: REJECTED}
    assert peers.inference.effects == []
    assert (await lifecycle(stub)).active_version == 1


async def test_version_that_cannot_be_loaded_is_rejected(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """After its approval: it is rejected in the repository and the champion stays."""
    peers.put_in_use()
    peers.inference.refusals["LoadModel"] = GOLDEN
    done = await retrained(stub)
    assert done.state == FAILED
    assert done.failure == ("inference_nf answered GOLDEN_SAMPLE_MISMATCH: sample 3 differs by 0.2")
    steps = await steps_of(stub)
    assert kinds(steps)[-3:] == ["approved", "failed", "rejected"]
    assert peers.repository.states == {1: APPROVED, 2: REJECTED}
    assert peers.repository.aliases["champion"] == 1
    assert peers.inference.active == 1


async def test_version_that_cannot_become_champion_decides_no_longer(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Activated already, it gives way to the one before and is rejected."""
    peers.put_in_use()
    peers.repository.refused_aliases.add("champion")
    done = await retrained(stub)
    assert done.state == FAILED
    assert peers.inference.effects[-2:] == ["activate 2", "activate 1"]
    assert peers.repository.states[2] == REJECTED
    assert (await lifecycle(stub)).active_version == 1


async def test_first_version_that_cannot_become_champion_leaves_the_fallback(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """There is nothing to go back to, so no model decides."""
    peers.repository.refused_aliases.add("champion")
    done = await finished(
        stub, (await stub.Train(pb.TrainRequest(model_name=MODEL))).adaptation.adaptation_id
    )
    assert done.state == FAILED
    assert peers.inference.effects == ["load 1", "activate 1", "deactivate"]


async def test_failed_training_leaves_nothing_behind(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The MTLF's reason is told; the next attempt works."""
    peers.put_in_use()
    peers.mtlf.training_failure = "out of memory"
    done = await retrained(stub)
    assert done.state == FAILED
    assert done.failure.endswith("failed: out of memory")
    assert kinds(await steps_of(stub)) == ["requested", "failed"]
    peers.mtlf.training_failure = ""
    assert (await retrained(stub)).state == COMPLETED


async def test_test_that_could_not_be_run_fails_the_adaptation(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """It says nothing of the version, which stays as it was."""
    peers.put_in_use()
    peers.mtlf.testing_failure = "no scenarios"
    done = await retrained(stub)
    assert done.state == FAILED
    assert peers.repository.states[2] == REGISTERED


@pytest.mark.parametrize(
    ("peer", "method"),
    [
        ("mtlf", "CreateTrainingJob"),
        ("mtlf", "WatchTrainingJob"),
        ("mtlf", "CreateTestingJob"),
        ("mtlf", "WatchTestingJob"),
        ("repository", "RecordTestResult"),
        ("repository", "ApproveModelVersion"),
        ("inference", "LoadModel"),
        ("inference", "Activate"),
    ],
)
async def test_final_answer_of_any_peer_ends_the_adaptation(
    stub: LifecycleServiceStub, peers: FakePeers, peer: str, method: str
) -> None:
    """FAILED with the peer's reason; the champion stays and decides."""
    peers.put_in_use()
    getattr(peers, peer).refusals[method] = PermissionDenied("no", reason="NOT_AUTHORISED")
    done = await retrained(stub)
    assert done.state == FAILED
    assert "answered NOT_AUTHORISED: no" in done.failure
    assert peers.repository.aliases["champion"] == 1
    assert peers.inference.active == 1
    assert peers.repository.states.get(2) != APPROVED
    assert kinds(await steps_of(stub)).count("failed") == 1


@pytest.mark.parametrize(
    ("peer", "method", "error"),
    [
        ("mtlf", "CreateTrainingJob", AWAY),
        (
            "mtlf",
            "CreateTrainingJob",
            ResourceExhausted("the queue is full", reason="QUOTA_EXCEEDED", retry_after_s="1"),
        ),
        ("mtlf", "WatchTestingJob", AWAY),
        ("repository", "ApproveModelVersion", AWAY),
        ("inference", "LoadModel", AWAY),
        ("inference", "Activate", AWAY),
    ],
)
async def test_peer_that_is_away_is_waited_for(
    stub: LifecycleServiceStub, peers: FakePeers, peer: str, method: str, error: NfError
) -> None:
    """The adaptation stands still meanwhile, and completes when the peer is back."""
    peers.put_in_use()
    refusals = getattr(peers, peer).refusals
    refusals[method] = error
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await until(lambda: refusals.asked.count(method) > 1, what=f"a second {method}")
    del refusals[method]
    done = await finished(stub, adaptation_id)
    assert done.state == COMPLETED
    assert peers.effects.count("train from 1") == 1


async def test_inference_function_that_restarts_before_activation_loads_again(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """What was loaded is gone; it is loaded again and activated."""
    peers.put_in_use()
    peers.inference.refusals["Activate"] = AWAY
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await adaptation_in(stub, adaptation_id, lifecycle_pb2.ADAPTATION_STATE_ACTIVATING)
    peers.inference.restart()
    del peers.inference.refusals["Activate"]
    assert (await finished(stub, adaptation_id)).state == COMPLETED
    assert peers.inference.effects == ["load 2", "load 2", "activate 2"]


async def test_repository_that_is_away_cannot_say_what_is_in_use(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Starting an adaptation needs it: UNAVAILABLE, nothing is started."""
    peers.put_in_use()
    peers.repository.refusals["GetModel"] = AWAY
    with pytest.raises(Unavailable):
        await stub.Retrain(RETRAIN)
    assert len((await stub.ListAdaptations(pb.ListAdaptationsRequest())).adaptations) == 0


async def test_version_rejected_meanwhile_is_not_resurrected(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Somebody rejected it in the repository while it was tested: that stands."""
    peers.put_in_use()
    peers.mtlf.refusals["WatchTestingJob"] = AWAY
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await adaptation_in(stub, adaptation_id, lifecycle_pb2.ADAPTATION_STATE_TESTING)
    peers.repository.states[2] = REJECTED
    del peers.mtlf.refusals["WatchTestingJob"]
    done = await finished(stub, adaptation_id)
    assert done.state == FAILED
    assert "was rejected in the repository meanwhile" in done.failure
    assert peers.repository.states[2] == REJECTED


async def test_champion_that_cannot_be_restored_leaves_the_fallback(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Neither version may decide: no model does, and the record says so."""
    peers.put_in_use()
    peers.repository.refused_aliases.add("champion")
    peers.mtlf.may_finish.clear()
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    # It is freed meanwhile, and its artifact is gone when it is wanted again.
    peers.repository.states[1] = REJECTED
    peers.inference.loaded.clear()
    peers.mtlf.may_finish.set()
    done = await finished(stub, adaptation_id)
    assert done.state == FAILED
    assert "version 1 could not be made to decide again" in done.failure
    assert done.failure.endswith("so no model decides")
    assert peers.inference.effects == ["load 2", "activate 2", "deactivate"]
    assert peers.repository.states[2] == REJECTED
