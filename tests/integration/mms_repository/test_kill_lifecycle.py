"""`kill -9` at any point of a version's life: each change happened whole, or not at all.

Versions are published, tested, approved, pointed to, labelled and archived while the sweep runs all
the time and takes the bytes of archived versions; what the client was told is true after each kill.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, files, publish, upload_of
from support.waiting import until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.errors import NfError

pytestmark = [pytest.mark.slow, pytest.mark.prove]

KILLS = 2  # in the first round and place, which is a sample
MORE_KILLS = 8  # in each round after it: a life that goes on for longer
MOST_CHANGES_BETWEEN = 6
AUTHOR = {"actor": "oam", "reason": "because"}
ARCHIVED = "ARCHIVED"


@dataclass(frozen=True)
class World:
    """What the repository must say: the state of each version from 1 on, aliases, labels."""

    states: tuple[str, ...] = ()
    aliases: dict[str, int] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)

    def with_state(self, number: int, state: str) -> "World":
        """The same with another state of one version."""
        states = list(self.states)
        states[number - 1 : number] = [state]
        return replace(self, states=tuple(states))

    def with_alias(self, alias: str, number: int) -> "World":
        """The same with an alias moved; a champion leaves `previous` where it was."""
        moved = {**self.aliases, alias: number}
        former = self.aliases.get("champion")
        if alias == "champion" and former is not None:
            moved["previous"] = former
        return replace(self, aliases=moved)


Change = tuple[World, Callable[[Any], Awaitable[Any]]]


def some_change(world: World, rng: random.Random) -> Change:
    """One that is allowed: the world after it, and what does it."""
    changes: list[Callable[[], Change]] = [lambda: published(world, rng)]
    pointed = set(world.aliases.values())
    for number, state in enumerate(world.states, start=1):
        changes.append(lambda n=number: labelled(world, n, rng))
        if state in ("REGISTERED", "TESTED"):
            changes.append(lambda n=number: verb(world, n, "TESTED"))
        if state == "TESTED":
            changes.append(lambda n=number: verb(world, n, "APPROVED"))
        if state == "APPROVED" and world.aliases.get("champion") != number:
            changes.append(lambda n=number: aliased(world, n, "champion"))
        if state != ARCHIVED and world.aliases.get("candidate") != number:
            changes.append(lambda n=number: aliased(world, n, "candidate"))
        if state != ARCHIVED and number not in pointed:
            changes.append(lambda n=number: verb(world, n, ARCHIVED))
    return rng.choice(changes)()


def published(world: World, rng: random.Random) -> Change:
    """A version of its own card and of weights that others have too."""
    contents = files(weight_count=rng.choice([4, 200_000]), note=str(rng.random()))
    messages = upload_of(contents, chunk_bytes=64 * 1024)
    after = replace(world, states=(*world.states, "REGISTERED"))
    return after, lambda stub: publish(stub, messages)


def verb(world: World, number: int, state: str) -> Change:
    """A change of a version's state."""
    key = {"model_name": MODEL, "version": number, **AUTHOR}

    def change(stub: Any) -> Any:
        if state == "TESTED":
            return stub.RecordTestResult(pb.RecordTestResultRequest(passed=True, **key))
        if state == "APPROVED":
            return stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**key))
        return stub.ArchiveModelVersion(pb.ArchiveModelVersionRequest(**key))

    return world.with_state(number, state), change


def labelled(world: World, number: int, rng: random.Random) -> Change:
    """A version with another label."""
    value = str(rng.random())
    request = pb.SetModelVersionLabelsRequest(
        model_name=MODEL, version=number, labels={"run": value}, **AUTHOR
    )
    after = replace(world, labels={**world.labels, number: value})
    return after, lambda stub: stub.SetModelVersionLabels(request)


def aliased(world: World, number: int, alias: str) -> Change:
    """A move of an alias."""
    request = pb.SetAliasRequest(model_name=MODEL, version=number, alias=alias, **AUTHOR)
    return world.with_alias(alias, number), lambda stub: stub.SetAlias(request)


@pytest.fixture(
    params=[
        ("sqlite_url", ""),
        pytest.param(("postgres_url", ""), marks=pytest.mark.postgres),
        ("sqlite_url", "s3_url"),
    ],
    ids=["sqlite-file", "postgres-file", "sqlite-s3"],
)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    """A running repository in which the model exists, and its database."""
    database, store = request.param
    database_url: str = request.getfixturevalue(database)
    repository = MmsProcess(
        tmp_path,
        database_url,
        artifacts={
            "url": request.getfixturevalue(store) if store else "",
            "archived_keep_s": 0,
            "sweep_period_s": 0.2,
        },
    )
    repository.start()
    async with repository.stub() as stub:
        model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
        await stub.CreateModel(pb.CreateModelRequest(model=model))
    yield repository, database_url
    repository.kill()


async def test_killed_in_any_change(place: Any, round_seed: int) -> None:
    """What was acknowledged is there, what was not is whole or absent, and no byte is left over."""
    repository, database_url = place
    rng = random.Random(round_seed)
    world = World()
    usual_s = 0.05
    clock = asyncio.get_running_loop().time
    for _ in range(MORE_KILLS if round_seed else KILLS):
        async with repository.stub() as stub:
            for _ in range(rng.randint(0, MOST_CHANGES_BETWEEN)):
                world, change = some_change(world, rng)
                begun_s = clock()
                await change(stub)
                usual_s = clock() - begun_s
            after, change = some_change(world, rng)
            changing = asyncio.ensure_future(awaited(change(stub)))
            await asyncio.wait({changing}, timeout=rng.uniform(0, 1.5 * usual_s))
            repository.kill()
            await asyncio.wait({changing})
        acknowledged = changing.exception() is None
        assert acknowledged or isinstance(changing.exception(), NfError)
        repository.start()
        found = await checked(repository, database_url)
        assert found in ([after] if acknowledged else [world, after])
        world = found


async def awaited(call: Awaitable[Any]) -> Any:
    """What a call answers."""
    return await call


async def checked(repository: MmsProcess, database_url: str) -> World:
    """What the repository says, which its history, its events and its bytes say as well."""
    async with repository.stub() as stub:
        request = pb.ListModelVersionsRequest(model_name=MODEL, page_size=1000)
        versions = list((await stub.ListModelVersions(request)).model_versions)[::-1]
        model = (await stub.GetModel(pb.GetModelRequest(model_name=MODEL))).model
        told = World(
            tuple(state_name(v.state) for v in versions),
            dict(model.aliases),
            {v.version: v.labels["run"] for v in versions if v.labels},
        )
        entries = (
            await stub.ListVersionHistory(
                pb.ListVersionHistoryRequest(model_name=MODEL, page_size=1000)
            )
        ).entries
        kept = [version for version in versions if state_name(version.state) != ARCHIVED]
        for version in kept:
            for artifact in version.manifest.artifacts:
                pieces = [
                    piece.data
                    async for piece in stub.DownloadArtifact(
                        pb.DownloadArtifactRequest(
                            model_name=MODEL,
                            version=version.version,
                            file_name=artifact.file_name,
                        )
                    )
                ]
                assert hashlib.sha256(b"".join(pieces)).hexdigest() == artifact.sha256
    replayed = World()
    for entry in entries:
        if entry.alias:
            moved = {**replayed.aliases, entry.alias: entry.version}
            replayed = replace(replayed, aliases=moved)
        elif entry.HasField("labels"):
            said = {**replayed.labels, entry.version: entry.labels.labels["run"]}
            replayed = replace(replayed, labels=said)
        else:
            replayed = replayed.with_state(entry.version, state_name(entry.to_state))
    assert replayed == told
    assert unpublished_events(database_url) == len(entries)
    wanted = {artifact.sha256 for version in kept for artifact in version.manifest.artifacts}
    await until(
        lambda: repository.blobs() == wanted,
        timeout_s=60,
        what="the sweep to leave what is wanted",
    )
    assert repository.incoming() == []
    return told


def state_name(number: int) -> str:
    """The state of that number, as `World` calls it."""
    name = model_pb2.ModelVersionState.Name(number)  # type: ignore[arg-type]
    return name.removeprefix("MODEL_VERSION_STATE_")


def unpublished_events(database_url: str) -> int:
    """How many events wait for a broker; here there is none, so each change has one."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM outbox")).scalar_one())
    finally:
        engine.dispose()
