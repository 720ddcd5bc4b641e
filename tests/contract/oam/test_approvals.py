"""Steps that wait for a person, roles by client certificate, and time-out."""

import json
from functools import partial
from pathlib import Path

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.peers import FakePeers
from support.certificates import Authority
from support.oam_client import MODEL, adaptation_in, finished, kinds, steps_of
from support.running_nf import running

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.client import open_channel
from nf_runtime.config import ClientSettings
from nf_runtime.errors import FailedPrecondition, PermissionDenied, Unavailable
from oam.app import serve
from oam.approvals import ApprovalStep
from oam.config import ApprovalSettings, OamSettings, RoleSettings

AWAITING = lifecycle_pb2.ADAPTATION_STATE_AWAITING_APPROVAL
COMPLETED = lifecycle_pb2.ADAPTATION_STATE_COMPLETED
REJECTED = lifecycle_pb2.ADAPTATION_STATE_REJECTED
RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")
ROLES = {
    "trainer": RoleSettings(may=(ApprovalStep.RETRAIN, ApprovalStep.ROLLBACK), members=("ada",)),
    "operator": RoleSettings(may=(ApprovalStep.LOAD, ApprovalStep.ACTIVATE), members=("bob",)),
}
MANUAL = ApprovalSettings(manual=(ApprovalStep.LOAD, ApprovalStep.ACTIVATE), roles=ROLES)


@pytest.fixture
def approval() -> ApprovalSettings:
    """Loading and activation wait; trainers ask, operators decide."""
    return MANUAL


@pytest.fixture
def settings(settings: OamSettings, approval: ApprovalSettings) -> OamSettings:
    """With that."""
    return settings.model_copy(update={"approval": approval})


async def test_each_step_waits_for_its_own_word(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """Nothing is loaded before the first, nothing decides before the second."""
    peers.put_in_use()
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    waiting = await adaptation_in(stub, adaptation_id, AWAITING)
    assert waiting.approval_step == "load"
    assert peers.inference.effects == []
    word = pb.ApproveRequest(
        adaptation_id=adaptation_id, actor="bob", reason="tested well", step="load"
    )
    await stub.Approve(word)
    waiting = await adaptation_in(stub, adaptation_id, AWAITING)
    assert waiting.approval_step == "activate"
    assert peers.inference.effects == ["load 2"]
    with pytest.raises(FailedPrecondition):
        await stub.Approve(word)  # repeated, since the answer got lost: it was for another step
    word.step = "activate"
    await stub.Approve(word)
    done = await finished(stub, adaptation_id)
    assert done.state == COMPLETED
    assert [each.step for each in done.approvals] == ["load", "activate"]
    assert kinds(await steps_of(stub)) == [
        *("requested", "retrained", "published", "tested", "waiting", "allowed", "approved"),
        *("loaded", "waiting", "allowed", "activated"),
    ]


async def test_activation_turned_down_leaves_the_champion(
    stub: LifecycleServiceStub, peers: FakePeers
) -> None:
    """The loaded version is rejected in the repository."""
    peers.put_in_use()
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await adaptation_in(stub, adaptation_id, AWAITING)
    await stub.Approve(pb.ApproveRequest(adaptation_id=adaptation_id, actor="bob"))
    await adaptation_in(stub, adaptation_id, AWAITING)
    await stub.Reject(pb.RejectRequest(adaptation_id=adaptation_id, actor="bob", reason="not now"))
    assert (await finished(stub, adaptation_id)).state == REJECTED
    assert peers.inference.active == 1
    assert peers.repository.aliases["champion"] == 1


async def test_whoever_has_no_role_is_refused(stub: LifecycleServiceStub, peers: FakePeers) -> None:
    """PERMISSION_DENIED names the roles that would do; nothing changes."""
    peers.put_in_use()
    with pytest.raises(PermissionDenied) as raised:
        await stub.Retrain(pb.RetrainRequest(model_name=MODEL, actor="bob"))
    assert raised.value.reason == "NOT_AUTHORISED"
    assert raised.value.metadata["roles"] == "trainer"
    adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
    await adaptation_in(stub, adaptation_id, AWAITING)
    record = await steps_of(stub)
    for call in (stub.Approve, stub.Reject):
        for actor in ("ada", "mallory", ""):
            kind = pb.ApproveRequest if call is stub.Approve else pb.RejectRequest
            with pytest.raises(PermissionDenied):
                await call(kind(adaptation_id=adaptation_id, actor=actor))
    assert await steps_of(stub) == record


class TestTimeOut:
    """Nobody decides."""

    @pytest.fixture(params=["reject", "approve"])
    def approval(self, request: pytest.FixtureRequest) -> ApprovalSettings:
        """Not for long."""
        return ApprovalSettings(
            manual=(ApprovalStep.LOAD,), timeout_s=0.3, on_timeout=request.param
        )

    async def test_step_is_decided_after_its_time(
        self, stub: LifecycleServiceStub, peers: FakePeers, approval: ApprovalSettings
    ) -> None:
        """As configured, and told as what it is."""
        peers.put_in_use()
        done = await finished(stub, (await stub.Retrain(RETRAIN)).adaptation.adaptation_id)
        assert done.state == (COMPLETED if approval.on_timeout == "approve" else REJECTED)
        decided = [step for step in await steps_of(stub) if step.initiator.endswith("time-out")]
        assert "nobody decided within 0.3 s" in decided[0].detail
        assert decided[0].initiator == "rule:approval-time-out"


async def test_time_that_ran_out_while_the_oam_was_away_has_run_out(
    settings: OamSettings, peers: FakePeers, broker: MemoryBroker
) -> None:
    """The step is decided at the next start."""
    peers.put_in_use()
    approval = ApprovalSettings(manual=(ApprovalStep.LOAD,))
    patient = settings.model_copy(update={"approval": approval})
    hasty = settings.model_copy(
        update={"approval": approval.model_copy(update={"timeout_s": 0.001})}
    )
    async with running(partial(serve, patient, broker=broker), patient) as channel:
        stub = LifecycleServiceStub(channel)
        adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
        await adaptation_in(stub, adaptation_id, AWAITING)
    async with running(partial(serve, hasty, broker=broker), hasty) as channel:
        assert (await finished(LifecycleServiceStub(channel), adaptation_id)).state == REJECTED


@pytest.mark.parametrize("claimed", ["spiffe://aimlnf/ada", "mallory"])
async def test_certificate_says_who_calls(
    settings: OamSettings, broker: MemoryBroker, tmp_path: Path, claimed: str
) -> None:
    """Mallory cannot be Ada by saying so, and Ada is Ada whatever she says."""
    authority = Authority(tmp_path)
    role = RoleSettings(may=tuple(ApprovalStep), members=("spiffe://aimlnf/ada",))
    secure = settings.model_copy(
        update={"approval": ApprovalSettings(roles={"all": role}), "tls": authority.issue("oam")}
    )
    request = pb.TrainRequest(model_name=MODEL, actor=claimed)
    async with running(partial(serve, secure, broker=broker), secure):
        address = json.loads((tmp_path / "ready.json").read_text())["address"]
        client = ClientSettings(attempts=1)
        async with open_channel(
            address, settings=client, tls=authority.issue("mallory")
        ) as channel:
            with pytest.raises(PermissionDenied) as raised:
                await LifecycleServiceStub(channel).Train(request)
            assert raised.value.metadata["actor"] == "spiffe://aimlnf/mallory"
        async with open_channel(address, settings=client, tls=authority.issue("ada")) as channel:
            # She may; that the peers here speak no TLS is another matter.
            with pytest.raises(Unavailable):
                await LifecycleServiceStub(channel).Train(request)
