"""The inference function as a process that is killed at any time."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fakes.inference_nf.grpc_peers import (
    Peer,
    RadioServicer,
    RepositoryServicer,
    SubscriptionServicer,
)
from support.tiny_models import tiny_version
from support.waiting import until

from aimlnf.inference.v1 import inference_function_service_pb2 as pb
from aimlnf.inference.v1 import inference_pb2
from aimlnf.inference.v1.inference_function_service_pb2_grpc import InferenceFunctionServiceStub
from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.errors import NfError
from nf_runtime.events.catalogue import INFERENCE_REPORTS, Decision
from nf_runtime.events.subscriber import EventSubscriber

NAME = "gan-gdm"
SUBSCRIPTION = "s1"
START_TIMEOUT_S = 90.0  # the machine may be busy with other things


class World:
    """Peers that outlive the process, and the process."""

    def __init__(self, folder: Path, broker: KafkaSettings) -> None:
        self.folder = folder
        self.repository = RepositoryServicer()
        self.radio = RadioServicer()
        self.nwdaf = SubscriptionServicer()
        self.repository_peer = Peer("mms_repository", self.repository.register)
        self.radio_peer = Peer("ran_sim", self.radio.register)
        self.nwdaf_peer = Peer("nwdaf.anlf", self.nwdaf.register)
        self.broker = broker
        self.process: subprocess.Popen[bytes] | None = None
        key = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()
        (folder / "mtlf.pub").write_bytes(base64.b64encode(key.public_bytes_raw()))
        self._ready = folder / "ready.json"
        self._config = folder / "inference_nf.yaml"
        self._config.write_text(yaml.safe_dump(self._settings(broker)))

    def _settings(self, broker: KafkaSettings) -> dict[str, Any]:
        return {
            "server": {"port": 0, "metrics_port": None, "ready_file": str(self._ready)},
            "client": {"attempts": 1, "deadline_s": 2},
            "kafka": broker.model_dump(),
            "database": {"url": f"sqlite:///{self.folder / 'inference.db'}"},
            "repository": {"address": self.repository_peer.address},
            "radio": {"address": self.radio_peer.address},
            "notifications": {
                "address": self.nwdaf_peer.address,
                "concurrency": 3,
                "acknowledge_every": 5,
                "acknowledge_period_s": 0.1,
            },
            "models": {"cache_folder": str(self.folder / "cache")},
            "signing": {"trusted_keys": [str(self.folder / "mtlf.pub")]},
        }

    def start(self) -> None:
        """Start the process; `serving` waits for it."""
        self._ready.unlink(missing_ok=True)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "inference_nf", "--config", str(self._config)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )

    def kill(self) -> None:
        """End it without warning, from any thread."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)

    async def killed(self) -> None:
        """Wait until it is gone."""
        process = self.process
        assert process is not None
        await until(
            lambda: process.poll() is not None,
            timeout_s=START_TIMEOUT_S,
            what="the process to be gone",
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[InferenceFunctionServiceStub]:
        """A stub of the running process."""
        await until(self._ready.exists, timeout_s=START_TIMEOUT_S, what="the process to serve")
        address = json.loads(self._ready.read_text())["address"]
        async with open_channel(address, settings=ClientSettings(attempts=5)) as channel:
            yield InferenceFunctionServiceStub(channel)

    async def put(self, *numbers: int) -> None:
        """The NWDAF notifies of these triggers."""
        await until(lambda: SUBSCRIPTION in self.nwdaf.stored, timeout_s=START_TIMEOUT_S)
        for number in numbers:
            await self.nwdaf.put(SUBSCRIPTION, f"t{number}")

    async def all_acknowledged(self) -> None:
        """Wait until everything is dealt with, durably."""
        await until(
            lambda: not self.nwdaf.stored[SUBSCRIPTION],
            timeout_s=START_TIMEOUT_S,
            what="all to be acknowledged",
        )


@pytest.fixture
async def world(tmp_path: Path, embedded_broker: KafkaSettings) -> AsyncIterator[World]:
    """Peers that are there, and no process yet."""
    world = World(tmp_path, embedded_broker)
    world.repository.versions[tiny_version(1).key] = tiny_version(1)
    async with AsyncExitStack() as stack:
        for peer in (world.repository_peer, world.radio_peer, world.nwdaf_peer):
            await peer.start()
            stack.push_async_callback(peer.stop)
        try:
            yield world
        finally:
            if world.process is not None:
                world.process.kill()
                world.process.wait()


async def decisions_published(broker: KafkaSettings, *, count: int) -> set[str]:
    """Ids of the first `count` different decisions on the broker."""
    found: set[str] = set()
    async with (
        EventSubscriber(broker, [INFERENCE_REPORTS], clock=SystemClock()) as subscriber,
        asyncio.timeout(START_TIMEOUT_S),
    ):
        async for record in subscriber:
            assert record.event is not None
            if isinstance(record.event.data, Decision):
                found.add(record.event.id)
            if len(found) == count:
                break
    return found


async def activate(inference: InferenceFunctionServiceStub) -> None:
    """Version 1 decides."""
    await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=1))
    await inference.Activate(pb.ActivateRequest(model_name=NAME, version=1))


async def test_kill_in_the_middle_of_a_stream(world: World) -> None:
    """Killed four times at random places of 60 notifications: each is applied exactly once.

    As the radio network sees it, a decision id takes effect once; the function reports each once,
    and after each restart the model decides although the repository is gone.
    """
    world.start()
    async with world.serving() as inference:
        await activate(inference)
    await world.repository_peer.stop()
    # Killed just before or just after a decision took effect, which is the hardest moment.
    hooks = ["before_apply", "after_apply", "after_apply", "before_apply"]
    for turn, hook in enumerate(hooks):
        died_at = f"s1/t{15 * turn + 7}"

        def die(decision_id: str, died_at: str = died_at) -> None:
            if decision_id == died_at:
                world.kill()

        setattr(world.radio, hook, die)
        await world.put(*range(15 * turn, 15 * (turn + 1)))
        await world.killed()
        setattr(world.radio, hook, None)
        world.start()
    await world.all_acknowledged()
    assert world.radio.effects == {f"s1/t{n}": f"t{n}" for n in range(60)}
    async with world.serving() as inference:
        status = await inference.GetStatus(pb.GetStatusRequest())
        reports = (await inference.ListReports(pb.ListReportsRequest(page_size=1000))).reports
    assert sorted(report.outcome.trigger_id for report in reports) == sorted(
        f"t{n}" for n in range(60)
    )
    assert {report.decision.source for report in reports} == {inference_pb2.DECISION_SOURCE_MODEL}
    assert status.notifications_count == status.decisions_applied_count == 60
    assert status.decisions_failed_count == status.notifications_expired_count == 0
    assert len(world.nwdaf.by_request) == 1
    published = await decisions_published(world.broker, count=60)
    assert published == {f"s1/t{n}" for n in range(60)}


async def test_restart_restores_the_active_model_without_the_repository(world: World) -> None:
    """READY and ACTIVE come back from the cache, with the same digest."""
    world.repository.versions[tiny_version(2, rate_bps_hz=9).key] = tiny_version(2, rate_bps_hz=9)
    world.start()
    async with world.serving() as inference:
        await activate(inference)
        await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=2))
        before = await inference.GetStatus(pb.GetStatusRequest())
    await world.repository_peer.stop()
    world.kill()
    await world.killed()
    world.start()
    async with world.serving() as inference:
        after = await inference.GetStatus(pb.GetStatusRequest())
        assert [(m.version, m.state, m.artifact_sha256) for m in after.models] == [
            (m.version, m.state, m.artifact_sha256) for m in before.models
        ]
        assert after.activation_status == inference_pb2.ACTIVATION_STATUS_ACTIVATED
        # The version that was only loaded can take over, still without the repository.
        await inference.Activate(pb.ActivateRequest(model_name=NAME, version=2))
        await world.put(1)
        await world.all_acknowledged()
        (report,) = (await inference.ListReports(pb.ListReportsRequest())).reports
    assert report.decision.model_version == 2


@pytest.mark.prove
async def test_killed_while_a_version_is_loaded(world: World, round_seed: int) -> None:
    """At a random chunk of its download or some time after the last: compiling, checking, storing.

    What decided decides again, what was loaded is there as a whole or not at all, and the load can
    be taken up again.
    """
    rng = random.Random(round_seed)
    second = tiny_version(2, rate_bps_hz=9)
    world.repository.versions[second.key] = second
    chunks = [
        (name, offset)
        for name in ("model_card.json", "golden.safetensors", "model.onnx")
        for offset in range(0, len(second.files[name]), 1000)
    ]
    world.start()
    async with world.serving() as inference:
        await activate(inference)
    timers: list[asyncio.TimerHandle] = []
    for _ in range(3):
        died_at = rng.choice([*chunks, chunks[-1], chunks[-1]])
        delay_s = rng.uniform(0, 0.1) if died_at == chunks[-1] else 0.0

        def die(name: str, offset: int, at: tuple[str, int] = died_at, s: float = delay_s) -> None:
            if (name, offset) == at:
                timers.append(asyncio.get_running_loop().call_later(s, world.kill))

        world.repository.before_chunk = die
        async with world.serving() as inference:
            load = pb.LoadModelRequest(model_name=NAME, version=2)
            # It may be loaded before it dies; then it is killed as it is.
            with contextlib.suppress(NfError):
                await inference.LoadModel(load)
            world.kill()
        await world.killed()
        world.repository.before_chunk = None
        for timer in timers:  # or it would hit the next life
            timer.cancel()
        world.start()
        async with world.serving() as inference:
            status = await inference.GetStatus(pb.GetStatusRequest())
            states = {model.version: model.state for model in status.models}
            assert states[1] == inference_pb2.LOADED_MODEL_STATE_ACTIVE
            assert states.get(2) in (None, inference_pb2.LOADED_MODEL_STATE_READY)
            await inference.LoadModel(load)
            await inference.UnloadModel(pb.UnloadModelRequest(model_name=NAME, version=2))
            assert not list((world.folder / "cache" / "partial").iterdir())
        shutil.rmtree(world.folder / "cache" / "sha256")  # to be downloaded anew
        async with world.serving() as inference:
            await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=1))


@pytest.mark.prove
async def test_killed_while_versions_swap(world: World, round_seed: int) -> None:
    """One of the two decides after the restart: the one confirmed last, or the one after it."""
    rng = random.Random(round_seed)
    second = tiny_version(2, rate_bps_hz=9)
    world.repository.versions[second.key] = second
    world.start()
    async with world.serving() as inference:
        await activate(inference)
        await inference.LoadModel(pb.LoadModelRequest(model_name=NAME, version=2))
    for _ in range(3):
        asked = confirmed = 0
        async with world.serving() as inference:
            timer = asyncio.get_running_loop().call_later(rng.uniform(0.05, 0.3), world.kill)
            with contextlib.suppress(NfError):
                for version in itertools.cycle((1, 2)):
                    asked = version
                    await inference.Activate(pb.ActivateRequest(model_name=NAME, version=version))
                    confirmed = version
            world.kill()
        await world.killed()
        timer.cancel()  # or it would hit the next life
        world.start()
        async with world.serving() as inference:
            status = await inference.GetStatus(pb.GetStatusRequest())
            (active,) = [
                model.version
                for model in status.models
                if model.state == inference_pb2.LOADED_MODEL_STATE_ACTIVE
            ]
            assert active in {asked, confirmed}
            assert {model.version for model in status.models} == {1, 2}
            await inference.Rollback(pb.RollbackRequest())


async def test_starts_before_all_its_peers(world: World) -> None:
    """No peer is there: it serves, waits, and goes on when they come."""
    peers = (world.repository_peer, world.radio_peer, world.nwdaf_peer)
    for peer in peers:
        await peer.stop()
    world.start()
    async with world.serving() as inference:
        status = await inference.GetStatus(pb.GetStatusRequest())
        assert status.activation_status == inference_pb2.ACTIVATION_STATUS_DEACTIVATED
        for peer in peers:
            await peer.start()
        await world.put(1)
        await world.all_acknowledged()
    assert world.radio.effects == {"s1/t1": "t1"}
    assert "waiting for peer" in (world.folder / "log.txt").read_text()


async def test_sigterm_finishes_what_is_in_work(world: World) -> None:
    """Status 0, the ready file is gone, and what was applied is recorded."""
    world.start()
    async with world.serving():
        await world.put(*range(5))
        process = world.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(process.wait, START_TIMEOUT_S)
    assert status == 0
    assert not (world.folder / "ready.json").exists()
    applied = set(world.radio.effects)
    world.start()
    await world.all_acknowledged()
    assert set(world.radio.effects) == {f"s1/t{n}" for n in range(5)} >= applied
    assert all(world.radio.calls[decision_id] == 1 for decision_id in applied)
    assert "Traceback" not in (world.folder / "log.txt").read_text()
