"""Two that act on one lifecycle at the same time: operators, and whole OAM processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from fakes.memory_broker import MemoryBroker
from fakes.oam.grpc_repository import APPROVED
from fakes.oam.peers import FakePeers
from support.oam_client import MODEL, finished, kinds, steps_of
from support.oam_samples import NOW, POLICY, reference
from support.running_nf import running
from support.waiting import until

from aimlnf.oam.v1 import lifecycle_pb2
from aimlnf.oam.v1 import lifecycle_service_pb2 as pb
from aimlnf.oam.v1.lifecycle_service_pb2_grpc import LifecycleServiceStub
from nf_runtime.clock import SystemClock
from nf_runtime.database import Database
from nf_runtime.errors import Aborted, FailedPrecondition
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA
from oam.app import MIGRATIONS, serve
from oam.config import OamSettings
from oam.lifecycles import synchronised
from oam.ports import PublishedVersion, VersionState
from oam.procedures import LifecycleProcedures
from oam.start_requests import StartRequest

RETRAIN = pb.RetrainRequest(model_name=MODEL, actor="ada", reason="rain has set in")


class Repository:
    """The aliases of one model; something happens while an answer is on its way."""

    def __init__(self, meanwhile: Callable[[int], Awaitable[None]]) -> None:
        self.champion, self.previous = 2, 1
        self.asked = 0
        self._meanwhile = meanwhile

    async def aliases(self, model_name: str) -> Mapping[str, int]:
        """As they were when the question came."""
        found = {"champion": self.champion, "previous": self.previous}
        self.asked += 1
        await self._meanwhile(self.asked)
        return found

    async def version(self, model_name: str, version: int) -> PublishedVersion:
        """Any version."""
        return PublishedVersion(model=reference(version), state=VersionState.APPROVED)


class TestStart:
    """The aliases are read before the transaction that starts an adaptation."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqlLifecycleStore]:
        """Version 2 decides, version 1 did before."""
        database = Database(f"sqlite:///{tmp_path / 'oam.db'}", METADATA, MIGRATIONS)
        await database.open()
        store = SqlLifecycleStore(database, clock=SystemClock())
        await store.open()
        await self.moved(store, 2, 1)
        yield store
        await database.close()

    async def moved(self, store: SqlLifecycleStore, active: int, previous: int) -> None:
        """Another adaptation has come and gone."""
        work = partial(
            synchronised,
            active=reference(active),
            previous=reference(previous),
            policy=POLICY,
            now=NOW,
        )
        await store.change(MODEL, work)

    def procedures(self, store: SqlLifecycleStore, repository: Repository) -> LifecycleProcedures:
        """Over both."""
        return LifecycleProcedures(
            store=store,
            repository=repository,  # type: ignore[arg-type]
            policy=POLICY,
            clock=SystemClock(),
            new_id=lambda: "a1",
        )

    async def test_starts_from_the_version_that_decides_by_then(
        self, store: SqlLifecycleStore
    ) -> None:
        """An answer that another adaptation has overtaken is asked for again."""

        async def meanwhile(asked: int) -> None:
            if asked == 1:
                repository.champion, repository.previous = 3, 2
                await self.moved(store, 3, 2)

        repository = Repository(meanwhile)
        request = StartRequest(model_name=MODEL, actor="ada", reason="it is worse")
        started = await self.procedures(store, repository).roll_back(request)
        assert (started.from_model.version, started.to_model.version) == (3, 2)
        assert (await store.lifecycle(MODEL)).active.version == 3
        assert repository.asked == 2

    async def test_same_versions_as_before_are_no_excuse(self, store: SqlLifecycleStore) -> None:
        """There and back again between question and transaction is noticed, too."""

        async def meanwhile(asked: int) -> None:
            if asked == 1:
                await self.moved(store, 3, 2)
                await self.moved(store, 2, 3)
                repository.previous = 3

        repository = Repository(meanwhile)
        request = StartRequest(model_name=MODEL, actor="ada", reason="it is worse")
        started = await self.procedures(store, repository).roll_back(request)
        assert started.to_model.version == 3

    async def test_what_never_stands_still_is_given_up(self, store: SqlLifecycleStore) -> None:
        """ABORTED, and nothing has begun."""

        async def meanwhile(asked: int) -> None:
            await self.moved(store, 2 + asked, 1)

        request = StartRequest(model_name=MODEL, actor="ada", reason="it is worse")
        with pytest.raises(Aborted) as raised:
            await self.procedures(store, Repository(meanwhile)).retrain(request)
        assert raised.value.reason == "ETAG_MISMATCH"
        assert (await store.lifecycle(MODEL)).current is None


async def test_two_processes_make_one_adaptation(
    settings: OamSettings, peers: FakePeers, broker: MemoryBroker, tmp_path: Path
) -> None:
    """Each is asked at once; one begins it, both may drive it, everything happens once."""
    peers.put_in_use()
    second = settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"ready_file": tmp_path / "second.json"})
        }
    )
    async with AsyncExitStack() as stack:
        stubs = []
        for each in (settings, second):
            start = running(partial(serve, each, broker=broker), each)
            stubs.append(LifecycleServiceStub(await stack.enter_async_context(start)))
        peers.mtlf.may_finish.clear()
        calls = [stub.Retrain(RETRAIN) for stub in stubs * 5]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        begun = [each for each in answers if not isinstance(each, BaseException)]
        refused = [each for each in answers if isinstance(each, FailedPrecondition)]
        assert (len(begun), len(refused)) == (1, 9)
        assert {error.reason for error in refused} == {"ADAPTATION_IN_PROGRESS"}
        peers.mtlf.may_finish.set()
        done = await finished(stubs[1], begun[0].adaptation.adaptation_id)
        assert done.state == lifecycle_pb2.ADAPTATION_STATE_COMPLETED
        records = [await steps_of(stub) for stub in stubs]
    assert records[0] == records[1]
    assert kinds(records[0]) == [
        *("requested", "retrained", "published", "tested", "approved", "loaded", "activated")
    ]
    # What a peer would do twice is told to it twice at most, and changes nothing the second time.
    assert peers.mtlf.effects == ["train from 1", "publish 2", "test 2"]
    assert peers.inference.effects == ["load 2", "activate 2"]
    assert peers.repository.states[2] == APPROVED
    assert peers.repository.aliases["champion"] == 2


async def test_two_processes_that_drive_the_same_adaptation_do_everything_once(
    settings: OamSettings, peers: FakePeers, broker: MemoryBroker, tmp_path: Path
) -> None:
    """The second one is started in the middle of it, and drives it too."""
    peers.put_in_use()
    peers.mtlf.may_finish.clear()
    second = settings.model_copy(
        update={
            "server": settings.server.model_copy(update={"ready_file": tmp_path / "second.json"})
        }
    )
    async with running(partial(serve, settings, broker=broker), settings) as channel:
        stub = LifecycleServiceStub(channel)
        adaptation_id = (await stub.Retrain(RETRAIN)).adaptation.adaptation_id
        async with running(partial(serve, second, broker=broker), second):
            asked = peers.mtlf.refusals.asked
            await until(lambda: asked.count("WatchTrainingJob") == 2, what="both to drive it")
            peers.mtlf.may_finish.set()
            done = await finished(stub, adaptation_id)
            record = await steps_of(stub)
    assert done.state == lifecycle_pb2.ADAPTATION_STATE_COMPLETED
    assert kinds(record) == [
        *("requested", "retrained", "published", "tested", "approved", "loaded", "activated")
    ]
    # What a peer would do twice is told to it twice at most, and changes nothing the second time.
    assert peers.mtlf.effects == ["train from 1", "publish 2", "test 2"]
    assert peers.inference.effects == ["load 2", "activate 2"]
    assert peers.repository.states[2] == APPROVED
    assert peers.repository.aliases["champion"] == 2
