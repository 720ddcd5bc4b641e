"""Batches, candidates, roll-back and deadlines of InferenceFunctionService over a real socket."""

import asyncio

import pytest
from fakes.inference_nf.grpc_peers import RepositoryServicer, context_message
from support.tiny_models import tiny_version

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from nf_runtime.errors import (
    DataLoss,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)

NAME = "gan-gdm"
FIRST = tiny_version(1)
SECOND = tiny_version(2, rate_bps_hz=9, confidence=0.75)


@pytest.fixture
async def both(
    inference: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> InferenceFunctionServiceStub:
    """Both versions are loaded, the first decides."""
    for version in (FIRST, SECOND):
        repository.versions[version.key] = version
        await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=version.key.version))
    await inference.Activate(pb.ActivateRequest(model_name=NAME, version=1))
    return inference


def decide_request(number: int) -> pb.DecideRequest:
    """One of several contexts."""
    return pb.DecideRequest(context=context_message(f"t{number}"), decision_id=f"d{number}")


async def test_a_batch_is_decided_in_order(both: InferenceFunctionServiceStub) -> None:
    """Each is the decision that it would have been alone; one too many is refused."""
    requests = [decide_request(number) for number in range(4)]
    response = await both.DecideBatch(pb.DecideBatchRequest(requests=requests))
    for request, decision in zip(requests, response.decisions, strict=True):
        alone = (await both.Decide(request)).decision
        assert (decision.decision_id, decision.context_id) == (alone.decision_id, alone.context_id)
        assert decision.allocation.carrier == alone.allocation.carrier
        assert decision.source == inference_pb2.DECISION_SOURCE_MODEL
    for wrong in ([], [*requests, decide_request(4)]):
        with pytest.raises(InvalidArgument) as caught:
            await both.DecideBatch(pb.DecideBatchRequest(requests=wrong))
        assert caught.value.metadata["field"] == "requests"
    unusable = pb.DecideRequest(decision_id="d")
    with pytest.raises(InvalidArgument):
        await both.DecideBatch(pb.DecideBatchRequest(requests=[requests[0], unusable]))


async def test_a_decision_says_what_made_it(both: InferenceFunctionServiceStub) -> None:
    """Engine, precision and artifact; confidence where the model gives one, and not else."""
    first = (await both.Decide(decide_request(1))).decision
    assert first.precision == inference_pb2.PRECISION_FP32
    assert first.artifact_sha256 == FIRST.release.artifact("model.onnx").sha256
    assert not first.HasField("confidence")
    await both.Activate(pb.ActivateRequest(model_name=NAME, version=2))
    second = (await both.Decide(decide_request(1))).decision
    assert second.artifact_sha256 == SECOND.release.artifact("model.onnx").sha256
    assert second.confidence == 0.75
    await both.Deactivate(pb.DeactivateRequest())
    fallback = (await both.Decide(decide_request(1))).decision
    assert fallback.fallback_method == inference_pb2.FALLBACK_METHOD_LOCAL_SEARCH
    assert fallback.artifact_sha256 == ""
    assert not fallback.HasField("confidence")


async def test_roll_back_without_the_repository(
    both: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """Nothing is downloaded; without a previous version it says so."""
    with pytest.raises(FailedPrecondition) as caught:
        await both.Rollback(pb.RollbackRequest())
    assert caught.value.reason == "NO_PREVIOUS_VERSION"
    await both.Activate(pb.ActivateRequest(model_name=NAME, version=2))
    repository.versions.clear()
    repository.downloads.clear()
    response = await both.Rollback(pb.RollbackRequest())
    assert (response.model.version, response.model.state) == (
        1,
        inference_pb2.LOADED_MODEL_STATE_ACTIVE,
    )
    assert repository.downloads == []
    assert (await both.Decide(decide_request(1))).decision.model_version == 1


async def test_a_candidate_decides_beside_until_it_is_promoted(
    both: InferenceFunctionServiceStub,
) -> None:
    """Its comparison is in the status; what is answered stays the active model's."""
    started = await both.StartShadow(pb.StartShadowRequest(model_name=NAME, version=2, share=1))
    assert (started.shadow.version, started.shadow.compared_count) == (2, 0)
    for number in range(3):
        decision = (await both.Decide(decide_request(number))).decision
        assert decision.model_version == 1

    async with asyncio.timeout(10):
        while True:
            shadow = (await both.GetStatus(pb.GetStatusRequest())).shadow
            if shadow.compared_count == 3:
                break
    assert shadow.same_carriers_count == 3
    assert shadow.active_mean_rate_bps_hz == pytest.approx(shadow.candidate_mean_rate_bps_hz)
    assert shadow.candidate_mean_reliability == 0.5
    await both.Activate(pb.ActivateRequest(model_name=NAME, version=2))
    assert not (await both.GetStatus(pb.GetStatusRequest())).HasField("shadow")
    assert (await both.Decide(decide_request(1))).decision.model_version == 2
    assert not (await both.StopShadow(pb.StopShadowRequest())).HasField("shadow")


async def test_what_cannot_be_a_candidate(both: InferenceFunctionServiceStub) -> None:
    """The active version, one that is not loaded, and a share of nothing."""
    for version, share, kind in (
        (1, 0.5, FailedPrecondition),
        (3, 0.5, NotFound),
        (2, 0.0, InvalidArgument),
        (2, 1.5, InvalidArgument),
    ):
        with pytest.raises(kind):
            await both.StartShadow(
                pb.StartShadowRequest(model_name=NAME, version=version, share=share)
            )


async def test_a_failed_load_is_told_in_the_status(
    both: InferenceFunctionServiceStub, repository: RepositoryServicer
) -> None:
    """With reason and sentence, until the version is loaded."""
    third = tiny_version(3, rate_bps_hz=3)
    repository.versions[third.key] = third.with_flipped_bit("model.onnx")
    request = pb.LoadModelRequest(model_name=NAME, version=3)
    with pytest.raises(DataLoss):
        await both.LoadModel(request)
    (failure,) = (await both.GetStatus(pb.GetStatusRequest())).load_failures
    assert (failure.model_name, failure.selector, failure.reason) == (NAME, "3", "DIGEST_MISMATCH")
    assert "changed after it was published" in failure.message
    repository.versions[third.key] = third
    await both.LoadModel(request)
    assert not (await both.GetStatus(pb.GetStatusRequest())).load_failures


async def test_a_thousand_callers_at_once_all_hear_something(
    both: InferenceFunctionServiceStub,
) -> None:
    """Each gets a decision in time, by model or fallback, or is told when to come again."""
    callers = 1000
    answers = await asyncio.gather(
        *(both.Decide(decide_request(number), timeout=60) for number in range(callers)),
        return_exceptions=True,
    )
    made = [a.decision for a in answers if isinstance(a, pb.DecideResponse)]
    turned_away = [a for a in answers if isinstance(a, ResourceExhausted)]
    assert len(made) + len(turned_away) == callers
    assert made
    for error in turned_away:
        assert error.reason == "QUOTA_EXCEEDED"
        assert float(error.metadata["retry_after_s"]) > 0
    assert {decision.decision_id for decision in made} <= {f"d{n}" for n in range(callers)}
    assert (await both.Decide(decide_request(1))).decision.model_version == 1
