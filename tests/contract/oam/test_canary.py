"""A candidate is compared with the champion on live decisions before it may replace it."""

import asyncio

import pytest
from fakes.oam.grpc_repository import REJECTED
from fakes.oam.peers import FakePeers
from support.oam_client import MODEL, adaptation_in, finished, kinds, lifecycle, steps_of
from support.waiting import until

from aimlnf.inference.v1 import inference_pb2
from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from oam.config import CanarySettings, OamSettings

RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")
NOTHING = inference_pb2.Shadow()


@pytest.fixture
def settings(settings: OamSettings) -> OamSettings:
    """Twenty decisions are compared."""
    return settings.model_copy(update={"canary": CanarySettings(decisions=20, patience_s=30)})


async def test_candidate_that_is_as_good_replaces_the_champion(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """It decided beside it first; the record has the figures of both."""
    peers.put_in_use()
    done = await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    assert done.state == lifecycle_pb2.ADAPTATION_STATE_COMPLETED
    assert done.comparison.candidate_rate_bps_hz == pytest.approx(10.4)
    assert peers.inference.effects == ["load 2", "compare 2", "activate 2"]
    (compared,) = [each for each in await steps_of(stub) if kinds([each]) == ["compared"]]
    assert "would have reached 10.400 b/s/Hz where the champion reached 10.000" in compared.detail
    assert compared.figures["better_count"] == 12


async def test_worse_candidate_is_rejected_and_the_champion_stays(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Nothing of it was ever applied."""
    peers.put_in_use()
    peers.inference.compared.candidate_mean_rate_bps_hz = 8.0
    done = await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
    assert done.state == lifecycle_pb2.ADAPTATION_STATE_REJECTED
    assert "worse than the champion" in done.failure
    assert peers.inference.effects == ["load 2", "compare 2", "compare 2 no more"]
    assert peers.repository.states[2] == REJECTED
    assert (await lifecycle(stub)).active_version == 1


async def test_comparison_goes_on_after_the_inference_function_has_forgotten_it(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Loaded again, compared from nothing, promoted."""
    peers.put_in_use()
    peers.inference.compared = inference_pb2.Shadow(compared_count=7)
    started = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await adaptation_in(stub, started, lifecycle_pb2.ADAPTATION_STATE_CANARY)
    await until(lambda: peers.inference.shadow is not None, what="the comparison")
    peers.inference.restart()
    peers.inference.compared = inference_pb2.Shadow(
        compared_count=20, active_mean_rate_bps_hz=1.0, candidate_mean_rate_bps_hz=1.0
    )
    done = await finished(stub, started)
    assert done.state == lifecycle_pb2.ADAPTATION_STATE_COMPLETED
    assert peers.inference.effects[:4] == ["load 2", "compare 2", "load 2", "compare 2"]


async def test_first_version_is_compared_with_nothing(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """There is no champion."""
    request = pb.TrainRequest(model_name=MODEL, actor="ada")
    await finished(stub, (await stub.Train(request)).adaptation.adaptation_id)
    assert peers.inference.effects == ["load 1", "activate 1"]


class TestWithoutDecisions:
    """No decisions come."""

    @pytest.fixture(params=["promote", "reject"])
    def settings(self, settings: OamSettings, request: pytest.FixtureRequest) -> OamSettings:
        """Patience is short."""
        canary = CanarySettings(decisions=20, patience_s=0.3, undecided=request.param)
        return settings.model_copy(update={"canary": canary})

    async def test_patience_ends_as_configured(
        self, stub: LifecycleServiceStub, peers: FakePeers, settings: OamSettings
    ) -> None:
        """And the record says that nothing was compared."""
        peers.put_in_use()
        peers.inference.compared = NOTHING
        async with asyncio.timeout(20):
            done = await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
        promoted = settings.canary.undecided == "promote"
        assert (await lifecycle(stub)).active_version == (2 if promoted else 1)
        told = [each.detail for each in await steps_of(stub)]
        assert any("only 0 of 20 live decisions came within 0.3 s" in each for each in told)
        assert bool(done.failure) is not promoted
