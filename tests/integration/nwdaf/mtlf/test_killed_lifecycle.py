"""A whole lifecycle while nwdaf.anlf, nwdaf.mtlf and oam are killed at random times."""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from fakes.oam.grpc_repository import APPROVED
from fakes.oam.peers import FakePeers, fake_peers
from support.kafka_node import free_port
from support.mtlf_world import MtlfWorld
from support.nf_process import NfProcess
from support.notification_consumer import subscribed
from support.oam_client import kinds, lifecycle, steps_of
from support.postgres_server import PostgresServer
from support.ran_events import decision, doppler, event

from aimlnf.nwdaf.v1 import events_subscription_pb2 as sub
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings, KafkaSettings
from nf_runtime.errors import DeadlineExceeded, Unavailable
from nf_runtime.events.publisher import EventPublisher
from oam.audit import Head, head_of, verify
from oam.messages import step_from_message

MODEL = "gan-gdm"
TIMEOUT_S = 600.0
NAMES = ("oam", "nwdaf.anlf", "nwdaf.mtlf")
LONGEST_PEACE_S = 4.0
TRIGGER_PERIOD_S = 0.3
# The MTLF trains again from the start each time, so it has to be left alone in the end.
MOST_KILLS_OF_MTLF = 3

log = structlog.get_logger(__name__)

pytestmark = [pytest.mark.slow, pytest.mark.prove]


class Functions:
    """The processes: the three that are killed, and the repository that is not."""

    def __init__(
        self,
        folder: Path,
        broker: KafkaSettings,
        databases: Mapping[str, str],
        pretrained: Path,
        inference: FakePeers,
    ) -> None:
        for name in ("oam", "anlf"):
            (folder / name).mkdir()
        kafka: Mapping[str, Any] = broker.model_dump()
        ports = {name: free_port() for name in NAMES}
        self.world = MtlfWorld(
            folder,
            kafka=broker,
            worker={"pretrained_folder": str(pretrained)},
            mtlf_port=ports["nwdaf.mtlf"],
            databases=databases,
        )
        stored = {name: {"database": {"url": url}} for name, url in databases.items()}
        self.addresses = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        anlf = NfProcess(
            "nwdaf.anlf",
            {
                **stored.get("nwdaf.anlf", {}),
                "kafka": kafka,
                "server": {"port": ports["nwdaf.anlf"]},
            },
            folder / "anlf",
        )
        oam = NfProcess(
            "oam",
            {
                **stored.get("oam", {}),
                "kafka": kafka,
                "server": {"port": ports["oam"]},
                "peers": {
                    "nwdaf_anlf": self.addresses["nwdaf.anlf"],
                    "nwdaf_mtlf": self.addresses["nwdaf.mtlf"],
                    "mms_repository": self.world.repository_address,
                    "inference_nf": inference.address,
                },
                "training": {"time_budget_s": 1.0, "profile": {"name": "reference"}},
                "testing": {"sample_count": 2, "required_ratio": 0.01},
                "canary": {"decisions": 20},
                "monitoring": {
                    "window": 6,
                    "minimum_samples": 4,
                    "latent_reliability": {"threshold": 0.3, "hysteresis": 0.1},
                    "fresh_decisions": 12,
                    "retrain_cool_down_s": 0.0,
                },
            },
            folder / "oam",
        )
        self.killed: Mapping[str, NfProcess] = {
            "oam": oam,
            "nwdaf.anlf": anlf,
            "nwdaf.mtlf": self.world.mtlf,
        }

    async def start(self) -> None:
        """All four."""
        for process in (self.world.repository, *self.killed.values()):
            await asyncio.to_thread(process.start)

    def end(self) -> None:
        """All four."""
        for process in (*self.killed.values(), self.world.repository):
            process.kill()

    @asynccontextmanager
    async def oam(self) -> AsyncIterator[LifecycleServiceStub]:
        """A client of the OAM that is served right now."""
        async with open_channel(self.addresses["oam"], settings=ClientSettings()) as channel:
            yield LifecycleServiceStub(channel)


class Killer:
    """Kills one after the other at random times, and keeps the record's heads that it saw."""

    def __init__(self, functions: Functions, rng: random.Random) -> None:
        self._functions = functions
        self._rng = rng
        self.killed: Counter[str] = Counter()
        self.heads: dict[str, Head] = {}

    async def run(self, over: asyncio.Event) -> None:
        """Until it is over; whatever was killed serves again then."""
        while not over.is_set():
            await asyncio.sleep(self._rng.uniform(0.0, LONGEST_PEACE_S))
            spared = self.killed["nwdaf.mtlf"] == MOST_KILLS_OF_MTLF
            name = self._rng.choice(NAMES[:2] if spared else NAMES)
            await self._keep_head()
            process = self._functions.killed[name]
            process.kill()
            await asyncio.to_thread(process.start)
            self.killed[name] += 1

    async def _keep_head(self) -> None:
        try:
            async with self._functions.oam() as stub:
                answer = await stub.ListLifecycleSteps(pb.ListLifecycleStepsRequest(page_size=1))
        except (Unavailable, DeadlineExceeded):
            return
        head = Head(answer.head_sequence, answer.head_digest)
        self.heads[f"the killer at kill {self.killed.total()}"] = head


async def in_use(functions: Functions, version: int) -> None:
    """Return once that version decides and nothing is in progress."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                async with functions.oam() as stub:
                    standing = await lifecycle(stub)
            except (Unavailable, DeadlineExceeded):
                continue
            if standing.active_version == version and not standing.HasField("current_adaptation"):
                return
            await asyncio.sleep(0.2)


async def asked(functions: Functions, method: str, request: Any) -> None:
    """Ask the OAM; as long as no answer comes, again under the same request id."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                async with functions.oam() as stub:
                    await getattr(stub, method)(request)
            except (Unavailable, DeadlineExceeded):
                await asyncio.sleep(0.1)
            else:
                return


async def publish_low_reliability(broker: KafkaSettings, version: int) -> None:
    """Decisions of the version that were unsure of themselves."""
    async with EventPublisher(broker, clock=SystemClock()) as publisher:
        for number in range(4):
            data = msgspec.structs.replace(
                decision(decision_id=f"d-{number}", model_name=MODEL, model_version=version),
                reliability=0.1,
            )
            await publisher.publish(event(data, f"{MODEL}/{number}"), key=MODEL)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def surroundings(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[KafkaSettings, Mapping[str, str]]]:
    """The embedded broker and SQLite, or Kafka and a PostgreSQL database for each function."""
    if request.param == "embedded":
        yield request.getfixturevalue("embedded_broker"), {}
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    databases = {name: server.create_database() for name in (*NAMES, "mms_repository")}
    yield request.getfixturevalue("kafka_broker"), databases
    for url in databases.values():
        server.drop_database(url)


async def publish_triggers(broker: KafkaSettings, satellite_id: str, over: asyncio.Event) -> int:
    """How many triggers of the satellite were published until it was over."""
    count = 0
    async with EventPublisher(broker, clock=SystemClock()) as publisher:
        while not over.is_set():
            data = doppler(satellite_id=satellite_id)
            await publisher.publish(event(data, f"{satellite_id}/{count}"), key="1")
            count += 1
            await asyncio.sleep(TRIGGER_PERIOD_S)
    return count


async def test_lifecycle_completes_and_its_record_verifies(
    request: pytest.FixtureRequest,
    surroundings: tuple[KafkaSettings, Mapping[str, str]],
    pretrained: Path,
    tmp_path: Path,
    round_seed: int,
) -> None:
    """First training, retraining by rule with a canary, rollback: each step once, in a chain.

    Meanwhile a consumer of the AnLF is told of each trigger exactly once.
    """
    if request.config.getoption("rounds") == 1:
        pytest.skip("takes minutes: it runs with --rounds 2 or more, as 'make prove' has it")
    broker, databases = surroundings
    satellite_id = uuid.uuid4().hex  # a real broker keeps the topics of other tests
    rng = random.Random(round_seed)
    async with fake_peers() as inference:
        # The inference function asks nobody whether a version may be loaded: that is its own test.
        inference.repository.states = defaultdict(lambda: APPROVED)
        functions = Functions(tmp_path, broker, databases, pretrained, inference)
        try:
            await functions.start()
            consumer = await subscribed(
                functions.addresses["nwdaf.anlf"],
                sub.EventSubscription(event="DOPPLER", satellite_ids=[satellite_id]),
            )
            consuming = asyncio.create_task(consumer.run())
            killer = Killer(functions, rng)
            over = asyncio.Event()
            killing = asyncio.create_task(killer.run(over))
            publishing = asyncio.create_task(publish_triggers(broker, satellite_id, over))
            train = pb.TrainRequest(model_name=MODEL, request_id=uuid.uuid4().hex, actor="ada")
            await asked(functions, "Train", train)
            await in_use(functions, 1)
            await publish_low_reliability(broker, 1)
            await in_use(functions, 2)
            back = pb.RollbackRequest(model_name=MODEL, request_id=uuid.uuid4().hex, actor="ada")
            await asked(functions, "Rollback", back)
            await in_use(functions, 1)
            over.set()
            await killing
            triggers = [f"{satellite_id}/{number}" for number in range(await publishing)]
            consuming.cancel()
            async with asyncio.timeout(TIMEOUT_S):
                await consumer.run(len(triggers))  # what it has not seen yet
            async with functions.oam() as stub:
                record = await steps_of(stub)
        finally:
            functions.end()
    log.info("killed", **killer.killed, triggers=len(triggers))
    consumer.assert_each_once(triggers)
    assert set(killer.killed) == set(NAMES)
    assert kinds(record) == [
        *("requested", "trained", "published", "tested", "approved", "loaded", "activated"),
        *("degraded", "requested", "retrained", "published", "tested", "approved", "loaded"),
        *("compared", "activated"),
        *("requested", "loaded", "rolled_back"),
    ]
    entries = [step_from_message(step) for step in record]
    found = verify(entries, killer.heads)
    assert found.faults == ()
    assert found.head == head_of(entries[-1])
    assert inference.inference.active == 1
