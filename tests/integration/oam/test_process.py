"""The OAM as a process that is killed in the middle of its work."""

import asyncio
import random
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fakes.oam.peers import FakePeers, fake_peers
from support.kafka_node import free_port
from support.nf_process import NfProcess
from support.oam_client import kinds, lifecycle, steps_of
from support.ran_events import decision, event
from support.waiting import until

from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.errors import Unavailable
from nf_runtime.events.catalogue import OAM_EVENTS, LifecycleStep
from nf_runtime.events.publisher import EventPublisher
from nf_runtime.events.subscriber import EventSubscriber
from oam.audit import Head, verify
from oam.messages import step_from_message

TIMEOUT_S = 120.0


@pytest.fixture
def model_name() -> str:
    """A model of this test only: a real broker keeps the topics of other tests."""
    return f"m-{uuid.uuid4().hex[:12]}"


def settings_for(address: str, broker: Mapping[str, Any], database_url: str) -> dict[str, Any]:
    """Small windows and no cool-down; every peer at one address."""
    names = ("nwdaf_anlf", "nwdaf_mtlf", "mms_repository", "inference_nf")
    return {
        "kafka": broker,
        "database": {"url": database_url},
        "peers": dict.fromkeys(names, address),
        "canary": {"decisions": 0},
        "monitoring": {
            "window": 6,
            "minimum_samples": 4,
            "latent_reliability": {"threshold": 0.3, "hysteresis": 0.1},
            "fresh_decisions": 12,
            "retrain_cool_down_s": 0.0,
        },
    }


class Oam(NfProcess):
    """The process, and where it serves now."""

    address = ""

    async def run(self) -> None:
        """Start it, again or for the first time."""
        self.address = await asyncio.to_thread(self.start)


async def killed_at(oam: Oam, peers: FakePeers, counts: list[int]) -> dict[str, Head]:
    """Kill the OAM and start it again each time that so much was done at its peers.

    What comes back are the heads of its record that were seen right before.
    """
    seen: dict[str, Head] = {}
    for count in counts:
        await until(
            lambda count=count: len(peers.effects) >= count,
            timeout_s=TIMEOUT_S,
            what=f"effect {count} of {peers.effects}",
        )
        async with open_channel(oam.address, settings=ClientSettings()) as channel:
            request = pb.ListLifecycleStepsRequest(page_size=1)
            answer = await LifecycleServiceStub(channel).ListLifecycleSteps(request)
        seen[f"effect {count}"] = Head(answer.head_sequence, answer.head_digest)
        oam.kill()
        await oam.run()
    return seen


async def in_use(oam: Oam, model_name: str, version: int) -> None:
    """Return once that version decides, whatever happened to the OAM meanwhile."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                async with open_channel(oam.address, settings=ClientSettings()) as channel:
                    standing = await lifecycle(LifecycleServiceStub(channel), model_name)
            except Unavailable:
                continue
            if standing.active_version == version and not standing.HasField("current_adaptation"):
                return
            await asyncio.sleep(0.05)


@pytest.mark.slow
@pytest.mark.prove
async def test_killed_again_and_again_the_lifecycle_completes(
    broker: KafkaSettings, database_url: str, tmp_path: Path, model_name: str, round_seed: int
) -> None:
    """First training, retraining by rule, rollback: every effect and step once, in one chain."""
    rng = random.Random(round_seed)
    async with fake_peers(model_name=model_name) as peers:
        oam = Oam("oam", settings_for(peers.address, broker.model_dump(), database_url), tmp_path)
        try:
            await oam.run()
            async with open_channel(oam.address, settings=ClientSettings()) as channel:
                request = pb.TrainRequest(model_name=model_name, request_id=uuid.uuid4().hex)
                await LifecycleServiceStub(channel).Train(request)
            heads = await killed_at(oam, peers, sorted(rng.sample(range(1, 7), 2)))
            await in_use(oam, model_name, 1)
            await publish_low_reliability(broker, model_name, copies=2)
            heads |= await killed_at(oam, peers, sorted(rng.sample(range(10, 18), 3)))
            await in_use(oam, model_name, 2)
            async with open_channel(oam.address, settings=ClientSettings()) as channel:
                await LifecycleServiceStub(channel).Rollback(
                    pb.RollbackRequest(model_name=model_name, actor="ada")
                )
            heads |= await killed_at(oam, peers, [19])
            await in_use(oam, model_name, 1)
            async with open_channel(oam.address, settings=ClientSettings()) as channel:
                record = await steps_of(LifecycleServiceStub(channel), model_name)
            published = await lifecycle_events(broker, model_name, len(record))
            assert oam.stop() == 0
        finally:
            oam.kill()
    assert kinds(record) == [
        *("requested", "trained", "published", "tested", "approved", "loaded", "activated"),
        "degraded",
        *("requested", "retrained", "published", "tested", "approved", "loaded", "activated"),
        *("requested", "loaded", "rolled_back"),
    ]
    assert [step.sequence for step in record] == list(range(1, 19))
    assert [published[number].detail for number in range(1, 19)] == [step.detail for step in record]
    assert verify(map(step_from_message, record), heads).faults == ()
    assert peers.mtlf.effects == [
        *("train from 0", "publish 1", "test 1"),
        *("train from 1", "publish 2", "test 2"),
    ]
    assert peers.repository.effects == [
        *("TESTED 1", "APPROVED 1", "candidate 1", "champion 1"),
        *("TESTED 2", "APPROVED 2", "candidate 2", "champion 2"),
        "champion 1",
    ]
    assert peers.inference.effects == [
        *("load 1", "activate 1", "load 2", "activate 2", "activate 1")
    ]


async def publish_low_reliability(broker: KafkaSettings, model_name: str, *, copies: int) -> None:
    """Four decisions of version 1 that were unsure of themselves, each reported `copies` times."""
    async with EventPublisher(broker, clock=SystemClock()) as publisher:
        for number in range(4):
            data = msgspec.structs.replace(
                decision(decision_id=f"d-{number}", model_name=model_name), reliability=0.1
            )
            made = event(data, f"{model_name}/{number}")
            for _ in range(copies):
                await publisher.publish(made, key=model_name)


async def lifecycle_events(
    broker: KafkaSettings, model_name: str, count: int
) -> dict[int, LifecycleStep]:
    """The model's step events by sequence, once there are that many."""
    found: dict[int, LifecycleStep] = {}
    async with (
        asyncio.timeout(TIMEOUT_S),
        EventSubscriber(broker, [OAM_EVENTS], clock=SystemClock()) as subscriber,
    ):
        async for record in subscriber:
            data = None if record.event is None else record.event.data
            if isinstance(data, LifecycleStep) and data.model_name == model_name:
                found[data.sequence] = data
            if len(found) == count:
                break
    return found


async def test_started_before_everybody_else_it_works_when_they_come(
    sqlite_url: str, tmp_path: Path, model_name: str
) -> None:
    """Without peers and broker it answers, refuses to start anything, and goes on later."""
    port = free_port()
    nowhere = KafkaSettings(bootstrap=f"127.0.0.1:{free_port()}")
    oam = Oam("oam", settings_for(f"127.0.0.1:{port}", nowhere.model_dump(), sqlite_url), tmp_path)
    request = pb.TrainRequest(model_name=model_name, actor="ada")
    try:
        await oam.run()
        async with open_channel(oam.address, settings=ClientSettings(attempts=1)) as channel:
            stub = LifecycleServiceStub(channel)
            with pytest.raises(Unavailable):
                await stub.Train(request)
            assert (await lifecycle(stub, model_name)).active_version == 0
            async with fake_peers(port=port, model_name=model_name):
                await until_started(stub, request)
                await in_use(oam, model_name, 1)
        assert oam.stop() == 0
    finally:
        oam.kill()


async def until_started(stub: LifecycleServiceStub, request: pb.TrainRequest) -> None:
    """Train, again and again until the repository is found."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await stub.Train(request)
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return
