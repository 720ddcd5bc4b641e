"""The OAM dies at any point of an adaptation: nothing is done twice, and it completes.

Death comes right before or right after a stage's outcome is stored. Right before, the peer has
done its part and the OAM does not know it; right after, nobody has been told yet.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from fakes.oam.peers import FakePeers, fake_peers
from support.oam_samples import MANUAL_POLICY, MODEL, POLICY

from nf_runtime.client import open_channel
from nf_runtime.clock import SystemClock
from nf_runtime.config import ClientSettings
from nf_runtime.database import Database
from nf_runtime.errors import FailedPrecondition
from oam.adaptations import Adaptation
from oam.adapters.grpc_analytics import GrpcAnalytics
from oam.adapters.grpc_inference import GrpcInferenceFunction
from oam.adapters.grpc_repository import GrpcModelRepository
from oam.adapters.grpc_training import GrpcTrainingFunction
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA
from oam.app import MIGRATIONS
from oam.config import OamSettings
from oam.lifecycles import Change, Policy
from oam.ports import Work
from oam.procedures import LifecycleProcedures
from oam.record import StepKind
from oam.runner import AdaptationRunner
from oam.stages import Stages
from oam.start_requests import StartRequest
from oam.transitions import AdaptationState

REQUEST = StartRequest(model_name=MODEL, actor="ada", reason="rain has set in", request_id="r1")
NEVER = 10_000


class MortalStore(SqlLifecycleStore):
    """Dies at its n-th change: whoever asked for it never gets an answer."""

    def __init__(self, database: Database, *, dies_at: int, before: bool) -> None:
        super().__init__(database, clock=SystemClock())
        self._left = dies_at
        self._before = before
        self.dead = asyncio.Event()

    async def change(self, model_name: str, work: Work) -> Change | None:
        """As the store does, until its time has come."""
        self._left -= 1
        if self._left > 0:
            return await super().change(model_name, work)
        if not self._before:
            await super().change(model_name, work)
        self.dead.set()
        return await asyncio.Future()


class Oam:
    """One life of the OAM: store, procedures and runner, without a server."""

    def __init__(
        self, store: MortalStore, procedures: LifecycleProcedures, runner: AdaptationRunner
    ) -> None:
        self.store = store
        self.procedures = procedures
        self.runner = runner

    async def ended(self, adaptation_id: str) -> Adaptation:
        """The adaptation at its end."""
        return await self._once(adaptation_id, lambda adaptation: not adaptation.in_progress)

    async def waiting(self, adaptation_id: str) -> None:
        """Return when only an operator can let the adaptation go on."""
        await self._once(adaptation_id, lambda adaptation: adaptation.waits_for_operator)

    async def _once(
        self, adaptation_id: str, condition: Callable[[Adaptation], bool]
    ) -> Adaptation:
        async with asyncio.timeout(20):
            adaptation = await self.store.adaptation(adaptation_id)
            while not condition(adaptation):
                await asyncio.sleep(0.005)
                adaptation = await self.store.adaptation(adaptation_id)
        return adaptation


@asynccontextmanager
async def life(
    folder: Path, peers: FakePeers, policy: Policy, *, dies_at: int = NEVER, before: bool = False
) -> AsyncIterator[Oam]:
    """A life of the OAM over the database in `folder`; ends without any farewell."""
    async with AsyncExitStack() as stack:
        database = Database(f"sqlite:///{folder / 'oam.db'}", METADATA, MIGRATIONS)
        await database.open()
        stack.push_async_callback(database.close)
        store = MortalStore(database, dies_at=dies_at, before=before)
        await store.open()
        channel: grpc.aio.Channel = await stack.enter_async_context(
            open_channel(peers.address, settings=ClientSettings())
        )
        repository = GrpcModelRepository(channel)
        settings = OamSettings()
        stages = Stages(
            training=GrpcTrainingFunction(channel),
            repository=repository,
            inference=GrpcInferenceFunction(channel, load_deadline_s=5),
            analytics=GrpcAnalytics(channel, window_s=60),
            training_defaults=settings.training.defaults,
            test_defaults=settings.testing.defaults,
            canary=policy.canary,
            clock=SystemClock(),
        )
        runner = AdaptationRunner(store=store, stages=stages, policy=policy, clock=SystemClock())
        identities = iter(f"a{number}" for number in range(100))
        procedures = LifecycleProcedures(
            store=store,
            repository=repository,
            policy=policy,
            clock=SystemClock(),
            new_id=lambda: next(identities),
        )
        task = asyncio.create_task(runner.run(asyncio.Event()))
        try:
            yield Oam(store, procedures, runner)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def first_life(
    folder: Path,
    peers: FakePeers,
    ask: Callable[[LifecycleProcedures], Awaitable[Adaptation]],
    *,
    policy: Policy = POLICY,
    dies_at: int,
    before: bool,
) -> bool:
    """Ask the OAM and let it run until it dies; False if all was done before that."""
    async with life(folder, peers, policy, dies_at=dies_at, before=before) as oam:
        asking = asyncio.ensure_future(ask(oam.procedures))
        async with asyncio.timeout(20):
            while not oam.store.dead.is_set():
                await asyncio.sleep(0.005)
                if asking.done() and not (await oam.store.adaptation("a0")).in_progress:
                    break
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return oam.store.dead.is_set()


async def kinds(oam: Oam) -> list[StepKind]:
    """The kinds of all steps, once each."""
    steps = await oam.store.steps(MODEL, after_sequence=0, limit=100)
    assert [step.sequence for step in steps] == list(range(1, len(steps) + 1))
    return [step.step.kind for step in steps]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty database at the migrations' head; migrating it anew takes longer."""
    folder = tmp_path_factory.mktemp("migrated")

    async def migrate() -> None:
        database = Database(f"sqlite:///{folder / 'oam.db'}", METADATA, MIGRATIONS)
        await database.open()
        await database.close()

    asyncio.run(migrate())
    return folder


@pytest.fixture
def folder(tmp_path: Path, migrated: Path) -> Path:
    """A folder with a database of its own."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    return tmp_path


@dataclass(frozen=True)
class Story:
    """What is asked of the OAM and how its peers behave; what must come of it, once.

    `changes` counts what is stored; `effects` lists what is done at peers, peer by peer.
    """

    changes: int
    ask: Callable[[LifecycleProcedures], Awaitable[Adaptation]]
    prepare: Callable[[FakePeers], None]
    state: AdaptationState
    effects: str
    steps: str


def in_use(peers: FakePeers) -> None:
    """Version 1 decides."""
    peers.put_in_use()


def two_versions(peers: FakePeers) -> None:
    """Version 2 decides, version 1 did before."""
    peers.repository.aliases["previous"] = peers.put_in_use()
    peers.put_in_use()


def bad_version(peers: FakePeers) -> None:
    """The next version will not pass its test."""
    peers.put_in_use()
    peers.mtlf.passes = False


def unloadable(peers: FakePeers) -> None:
    """The next version cannot be loaded."""
    peers.put_in_use()
    peers.inference.refusals["LoadModel"] = FailedPrecondition(
        "sample 3 differs", reason="GOLDEN_SAMPLE_MISMATCH"
    )


def frozen(peers: FakePeers) -> None:
    """The next version cannot become champion."""
    peers.put_in_use()
    peers.repository.refused_aliases.add("champion")


STORIES = {
    "retrain": Story(
        changes=13,
        ask=lambda procedures: procedures.retrain(REQUEST),
        prepare=in_use,
        state=AdaptationState.COMPLETED,
        effects="train from 1, publish 2, test 2, TESTED 2, APPROVED 2, candidate 2, champion 2, "
        "load 2, activate 2",
        steps="REQUESTED RETRAINED PUBLISHED TESTED APPROVED LOADED ACTIVATED",
    ),
    "rollback": Story(
        changes=4,
        ask=lambda procedures: procedures.roll_back(REQUEST),
        prepare=two_versions,
        state=AdaptationState.COMPLETED,
        effects="champion 1, activate 1",
        steps="REQUESTED LOADED ROLLED_BACK",
    ),
    "test-failed": Story(
        changes=9,
        ask=lambda procedures: procedures.retrain(REQUEST),
        prepare=bad_version,
        state=AdaptationState.REJECTED,
        effects="train from 1, publish 2, test 2, REJECTED 2",
        steps="REQUESTED RETRAINED PUBLISHED REJECTED",
    ),
    "load-failed": Story(
        changes=12,
        ask=lambda procedures: procedures.retrain(REQUEST),
        prepare=unloadable,
        state=AdaptationState.FAILED,
        effects="train from 1, publish 2, test 2, TESTED 2, APPROVED 2, candidate 2, REJECTED 2",
        steps="REQUESTED RETRAINED PUBLISHED TESTED APPROVED FAILED REJECTED",
    ),
    "promotion-failed": Story(
        changes=15,
        ask=lambda procedures: procedures.retrain(REQUEST),
        prepare=frozen,
        state=AdaptationState.FAILED,
        effects="train from 1, publish 2, test 2, TESTED 2, APPROVED 2, candidate 2, REJECTED 2, "
        "load 2, activate 2, activate 1",
        steps="REQUESTED RETRAINED PUBLISHED TESTED APPROVED LOADED FAILED REJECTED",
    ),
}


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("name", "dies_at"),
    [
        pytest.param(name, dies_at, id=f"{name}-{dies_at}")
        for name, story in STORIES.items()
        for dies_at in range(1, story.changes + 1)
    ],
)
async def test_nothing_is_done_twice(
    folder: Path, name: str, dies_at: int, *, before: bool
) -> None:
    """Every effect once, every step once, and the same end as without a death."""
    story = STORIES[name]
    async with fake_peers() as peers:
        story.prepare(peers)
        assert await first_life(folder, peers, story.ask, dies_at=dies_at, before=before)
        async with life(folder, peers, POLICY) as oam:
            started = await story.ask(oam.procedures)  # the operator repeats the call
            done = await oam.ended(started.adaptation_id)
            steps = await kinds(oam)
        assert done.state is story.state
        assert peers.effects == story.effects.split(", ")
        assert steps == story.steps.split()


@pytest.mark.parametrize("name", STORIES)
async def test_stories_have_as_many_changes_as_they_say(folder: Path, name: str) -> None:
    """Otherwise a boundary would be left out above."""
    story = STORIES[name]
    async with fake_peers() as peers:
        story.prepare(peers)
        died = await first_life(folder, peers, story.ask, dies_at=story.changes + 1, before=True)
    assert not died


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("approves", [True, False], ids=["approve", "reject"])
@pytest.mark.parametrize("dies_at", range(1, 5))
async def test_operator_is_asked_once(
    folder: Path, dies_at: int, *, approves: bool, before: bool
) -> None:
    """A decision that was stored holds; one that was not is asked for again."""
    async with fake_peers() as peers:
        peers.put_in_use()
        async with life(folder, peers, MANUAL_POLICY) as oam:
            started = await oam.procedures.retrain(REQUEST)
            await oam.waiting(started.adaptation_id)

        def decide(procedures: LifecycleProcedures) -> Awaitable[Adaptation]:
            verb = procedures.approve if approves else procedures.reject
            return verb("a0", actor="bob", reason="seen")

        died = await first_life(
            folder, peers, decide, policy=MANUAL_POLICY, dies_at=dies_at, before=before
        )
        assert died == (dies_at <= (5 if approves else 2))
        async with life(folder, peers, MANUAL_POLICY) as oam:
            if dies_at == 1 and before:
                await decide(oam.procedures)
            done = await oam.ended("a0")
        assert done.approver == "operator:bob"
        if approves:
            assert done.state is AdaptationState.COMPLETED
            assert peers.effects.count("APPROVED 2") == 1
            assert peers.effects.count("activate 2") == 1
        else:
            assert done.state is AdaptationState.REJECTED
            assert peers.effects.count("REJECTED 2") == 1
            assert peers.inference.effects == []
