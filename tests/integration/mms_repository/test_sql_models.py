"""The tables, on both databases, and the fake that stands in for them: one behaviour."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from fakes.sql_models import MemoryModels
from hypothesis import settings
from sqlalchemy import select
from support.migrations import assert_migrations_match
from support.mms_machine import RepositoryMachine
from support.mms_uploads import MODEL, files, manifest_of

from mms_repository.adapters import tables
from mms_repository.adapters.sql_models import MIGRATIONS, SqlModels
from mms_repository.descriptions import (
    Description,
    Position,
    Region,
    TensorSignature,
    TensorSpec,
    Validity,
)
from mms_repository.groups import CoordinationGroup
from mms_repository.manifests import Signature
from mms_repository.models import AliasMove, Model
from mms_repository.ports import ModelReader, ModelStore, ModelWriter, NewVersion
from mms_repository.searches import VersionFilter
from mms_repository.versions import (
    AliasChange,
    Change,
    HistoryEntry,
    LabelChange,
    ModelVersion,
    StateChange,
    VersionState,
)
from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.events.cloud_event import decode
from nf_runtime.outbox import OutboxRelay
from nf_runtime.tracing import continued

NOW = ManualClock().now()
PUBLISHED = StateChange(None, VersionState.REGISTERED)


def model_named(name: str) -> Model:
    """A model without versions."""
    return Model(name, "BEAM_SELECTION", "One sentence.", NOW)


def new_version(request_id: str, *, model_name: str = MODEL, note: str = "") -> NewVersion:
    """A version to be stored."""
    return NewVersion(
        request_id=request_id,
        manifest=manifest_of(files(note=note), model_name=model_name, source_version=0),
        signature=Signature("k", b"\x00\xff"),
        kpis={"a": 0.1, "b": -1e300},
        training_job_id="job",
        create_time=NOW,
    )


def entry(version: int, change: Change, *, model: str = MODEL) -> HistoryEntry:
    """An entry of the history."""
    return HistoryEntry(model, version, change, "test", "because", NOW)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty, migrated database of either kind."""
    database = Database(database_url, tables.metadata, MIGRATIONS)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[ModelStore]:
    """An empty store: the fake, or the real one on either database."""
    if request.param == "memory":
        yield MemoryModels()
        return
    url: str = request.getfixturevalue(f"{request.param}_url")
    database = Database(url, tables.metadata, MIGRATIONS)
    await database.open()
    store = SqlModels(database)
    await store.open()
    yield store
    await database.close()


async def publish(store: ModelStore, request_id: str, *, model_name: str = MODEL) -> ModelVersion:
    """A version and its entry."""

    def work(writer: ModelWriter) -> ModelVersion:
        if writer.model(model_name) is None:
            writer.add_model(model_named(model_name))
        version = writer.add_version(new_version(request_id, model_name=model_name))
        writer.record(entry(version.version, PUBLISHED, model=model_name))
        return version

    return await store.write(work)


def add_noted(writer: ModelWriter, *, request_id: str, note: str) -> None:
    """A version whose card says `note`."""
    if writer.model(MODEL) is None:
        writer.add_model(model_named(MODEL))
    writer.add_version(new_version(request_id, note=note))


def archive(writer: ModelWriter, *, number: int, time: datetime) -> None:
    """Archive a version at a time."""
    version = writer.version(MODEL, number)
    assert version is not None
    writer.change_version(version, state=VersionState.ARCHIVED, kpis=version.kpis)
    change = StateChange(VersionState.REGISTERED, VersionState.ARCHIVED)
    writer.record(replace(entry(number, change), change_time=time))


TENSORS = TensorSignature(
    inputs=(TensorSpec("model.onnx", "x", "FP32", (-1, 4)),),
    outputs=(TensorSpec("model.onnx", "y", "INT64", ()),),
)
DESCRIPTION = Description(
    labels={"team": "ntn", "stage": ""},
    validity=Validity(
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        orbit_shells=("leo-1200", "leo-600"),
        regions=(Region(-10.5, 10, 170, -170), Region(40, 50, 0, 20)),
    ),
    target_environments=("onnxruntime-cpu", "tensorrt-sm90"),
    dataset_sha256="ab" * 32,
)


def add_described(
    writer: ModelWriter, *, description: Description, request_id: str = "r", name: str = MODEL
) -> ModelVersion:
    """A version about which this is said."""
    if writer.model(name) is None:
        writer.add_model(model_named(name))
    version = new_version(request_id, model_name=name)
    return writer.add_version(replace(version, description=description, tensors=TENSORS))


def add_derived(writer: ModelWriter, *, name: str, number: int, source: int) -> None:
    """A version trained from another one."""
    if writer.model(name) is None:
        writer.add_model(model_named(name))
    version = new_version(f"{name}-{number}", model_name=name)
    writer.add_version(replace(version, manifest=replace(version.manifest, source_version=source)))


def some_description(rng: random.Random) -> Description:
    """Few values, so that filters meet some of them."""
    times = [None, NOW, NOW + timedelta(hours=1), NOW + timedelta(hours=2)]
    regions = [Region(-10, 10, 170, -170), Region(0, 50, 0, 20), Region(-90, 90, -180, 180)]
    return Description(
        labels={name: rng.choice("ab") for name in rng.sample(["x", "y"], rng.randint(0, 2))},
        validity=Validity(
            valid_from=rng.choice(times[:2]),
            valid_until=rng.choice([None, *times[2:]]),
            orbit_shells=tuple(sorted(rng.sample(["geo", "leo", "meo"], rng.randint(0, 2)))),
            regions=tuple(rng.sample(regions, rng.randint(0, 2))),
        ),
        target_environments=tuple(sorted(rng.sample(["cpu", "gpu"], rng.randint(0, 1)))),
    )


def some_filter(rng: random.Random) -> VersionFilter:
    """One or two wishes."""
    wishes: list[dict[str, Any]] = [
        {"model_name": rng.choice([MODEL, "other"])},
        {"states": frozenset({rng.choice([VersionState.REGISTERED, VersionState.TESTED])})},
        {"labels": {"x": rng.choice("ab")}},
        {"labels": {"x": rng.choice("ab"), "y": rng.choice("ab")}},
        {"valid_at": NOW + timedelta(hours=rng.choice([-1, 0, 1, 1.5, 3]))},
        {"orbit_shell": rng.choice(["leo", "geo", "heo"])},
        {"position": Position(rng.uniform(-20, 60), rng.choice([-175, 175, 170, 10, 100]))},
        {"target_environment": rng.choice(["cpu", "gpu", "npu"])},
    ]
    first, second = rng.sample(wishes, 2)
    return VersionFilter(**(first | second if rng.random() < 0.5 else first))


def two_pages(
    reader: ModelReader, *, wanted: VersionFilter
) -> tuple[Sequence[ModelVersion], Sequence[ModelVersion]]:
    """The first three that are found, and the rest."""
    first = reader.search(wanted, before=None, limit=3)
    if not first:
        return first, []
    return first, reader.search(wanted, before=first[-1].model_unique_id, limit=100)


async def test_migrations_make_the_tables(database_url: str) -> None:
    """The migrations' head is what the code expects, on both databases."""
    await assert_migrations_match(database_url, tables.metadata, MIGRATIONS)


class TestStore:
    """What the port promises."""

    async def test_empty(self, store: ModelStore) -> None:
        """Nothing is there."""
        assert await store.read(lambda reader: reader.model(MODEL)) is None
        assert await store.read(lambda reader: reader.version(MODEL, 1)) is None
        assert await store.read(lambda reader: reader.version_of_request("r")) is None
        assert await store.read(lambda reader: reader.last_position()) == 0
        assert (
            await store.read(lambda reader: reader.artifact_digests(archived_before=None))
            == frozenset()
        )

    async def test_model_comes_back(self, store: ModelStore) -> None:
        """With the same time, to the microsecond, in UTC."""
        model = replace(model_named("m"), create_time=NOW.replace(microsecond=123456))
        await store.write(lambda writer: writer.add_model(model))
        assert await store.read(lambda reader: reader.model("m")) == model

    async def test_version_comes_back(self, store: ModelStore) -> None:
        """As it was stored, by number and by request."""
        made = await publish(store, "r1")
        assert (made.version, made.model_unique_id, made.state) == (1, 1, VersionState.REGISTERED)
        assert await store.read(lambda reader: reader.version(MODEL, 1)) == made
        assert await store.read(lambda reader: reader.version_of_request("r1")) == made
        digests = await store.read(lambda reader: reader.artifact_digests(archived_before=None))
        assert digests == {artifact.sha256 for artifact in made.manifest.artifacts}

    async def test_models_in_the_order_of_their_bytes(self, store: ModelStore) -> None:
        """Hyphens and digits count, whatever the language of the database."""
        for name in ("ab", "a-c", "a1", "a", "b"):
            await publish(store, name, model_name=name)
        first = await store.read(lambda reader: reader.models(after=None, limit=3))
        rest = await store.read(lambda reader: reader.models(after="a1", limit=3))
        assert [model.model_name for model in (*first, *rest)] == ["a", "a-c", "a1", "ab", "b"]

    async def test_versions_newest_first(self, store: ModelStore) -> None:
        """Of one model only, in pages."""
        for number in range(5):
            await publish(store, f"r{number}")
            await publish(store, f"o{number}", model_name="other")
        first = await store.read(lambda reader: reader.versions(MODEL, before=None, limit=3))
        rest = await store.read(lambda reader: reader.versions(MODEL, before=3, limit=3))
        assert [v.version for v in (*first, *rest)] == [5, 4, 3, 2, 1]
        assert {v.model_name for v in first} == {MODEL}

    async def test_change_and_alias(self, store: ModelStore) -> None:
        """State, figures, revision and alias are what was last written."""
        made = await publish(store, "r1")
        kpis = {"a": 0.2, "test.c": 1.0}

        def work(writer: ModelWriter) -> ModelVersion:
            for target in (1, 1):
                writer.move_alias(MODEL, AliasMove("blue", target, None))
            return writer.change_version(made, state=VersionState.TESTED, kpis=kpis)

        changed = await store.write(work)
        found = await store.read(lambda reader: reader.version(MODEL, 1))
        assert found == replace(changed, aliases=("blue",))
        assert (changed.state, changed.kpis, changed.revision) == (VersionState.TESTED, kpis, 2)
        model = await store.read(lambda reader: reader.model(MODEL))
        assert model is not None
        assert (dict(model.aliases), model.latest_version) == ({"blue": 1}, 1)

    async def test_history(self, store: ModelStore) -> None:
        """Entries come back by model, version and position, as they were written."""
        await publish(store, "r1")
        await publish(store, "r2", model_name="other")
        await publish(store, "r3")
        moved = entry(1, AliasChange("champion", 2))
        tested = entry(1, StateChange(VersionState.REGISTERED, VersionState.TESTED))
        labelled = entry(1, LabelChange({"team": "ntn"}))

        def work(writer: ModelWriter) -> list[int]:
            return [writer.record(each).position for each in (moved, tested, labelled)]

        assert await store.write(work) == [4, 5, 6]

        def positions(**filters: Any) -> Any:
            wanted = {"model_name": None, "version": None, "after": 0, "limit": 10, **filters}
            return store.read(lambda reader: [p.position for p in reader.history(**wanted)])

        assert await positions() == [1, 2, 3, 4, 5, 6]
        assert await positions(model_name=MODEL) == [1, 3, 4, 5, 6]
        assert await positions(model_name=MODEL, version=1) == [1, 4, 5, 6]
        assert await positions(after=2, limit=2) == [3, 4]
        last = await store.read(
            lambda reader: reader.history(model_name=MODEL, version=1, after=3, limit=10)
        )
        assert [positioned.entry for positioned in last] == [moved, tested, labelled]

    async def test_description_comes_back(self, store: ModelStore) -> None:
        """All that a publisher says, and what the files take and give."""
        made = await store.write(partial(add_described, description=DESCRIPTION))
        assert await store.read(lambda reader: reader.version(MODEL, 1)) == made
        assert made.description == DESCRIPTION
        assert made.tensors == TENSORS

    async def test_alias_at_a_time(self, store: ModelStore) -> None:
        """Where it pointed then, not where it points now."""
        for number in (1, 2):
            await publish(store, f"r{number}")
        later = NOW + timedelta(seconds=10)

        def move(writer: ModelWriter) -> None:
            for number, time in ((1, NOW), (2, later)):
                moved = entry(number, AliasChange("champion", None))
                writer.record(replace(moved, change_time=time))

        await store.write(move)

        def at(time: datetime, alias: str = "champion") -> Any:
            return store.read(lambda reader: reader.alias_at(MODEL, alias, time))

        assert await at(NOW - timedelta(seconds=1)) is None
        assert await at(NOW) == 1
        assert await at(later - timedelta(microseconds=1)) == 1
        assert await at(later) == 2
        assert await at(later, "candidate") is None

    async def test_lineage(self, store: ModelStore) -> None:
        """Ancestors nearest first, children oldest first; other models do not mix in."""
        for number, source in enumerate([0, 1, 1, 3, 3], 1):
            for name in (MODEL, "other"):
                await store.write(partial(add_derived, name=name, number=number, source=source))

        def numbers(work: Any) -> Any:
            return store.read(lambda reader: [(v.model_name, v.version) for v in work(reader)])

        assert await numbers(lambda r: r.ancestors(MODEL, 5)) == [(MODEL, 3), (MODEL, 1)]
        assert await numbers(lambda r: r.ancestors(MODEL, 1)) == []
        assert await numbers(lambda r: r.descendants(MODEL, 1, limit=9)) == [(MODEL, 2), (MODEL, 3)]
        assert await numbers(lambda r: r.descendants(MODEL, 3, limit=1)) == [(MODEL, 4)]

    async def test_groups(self, store: ModelStore) -> None:
        """A group comes back with its members, and each member knows it."""
        for name in (MODEL, "other"):
            await publish(store, name, model_name=name)
        groups = [CoordinationGroup("b", {MODEL: 1, "other": 1}, NOW)]
        await store.write(lambda writer: writer.add_group(groups[0]))
        assert await store.read(lambda reader: reader.group("b")) == groups[0]
        assert await store.read(lambda reader: reader.group("a")) is None
        assert await store.read(lambda reader: reader.groups(after="a", limit=5)) == groups
        assert await store.read(lambda reader: reader.groups(after="b", limit=5)) == []
        member = await store.read(lambda reader: reader.version("other", 1))
        assert member is not None
        assert member.coordination_group == "b"

    async def test_search_finds_what_meets_the_filter(self, store: ModelStore) -> None:
        """Every store finds what the filter itself says that it means, in pages, newest first."""
        rng = random.Random(7)
        for number in range(40):
            description = some_description(rng)
            await store.write(
                partial(
                    add_described,
                    description=description,
                    request_id=f"r{number}",
                    name=rng.choice([MODEL, "other"]),
                )
            )
        everything = await store.read(
            lambda reader: reader.search(VersionFilter(), before=None, limit=100)
        )
        assert [version.model_unique_id for version in everything] == list(range(40, 0, -1))
        found_by_any = 0
        for _ in range(60):
            wanted = some_filter(rng)
            expected = [version for version in everything if wanted.meets(version)]
            first, rest = await store.read(partial(two_pages, wanted=wanted))
            assert [*first, *rest] == expected
            found_by_any += len(expected)
        assert found_by_any > 60

    async def test_digests_of_the_archive(self, store: ModelStore) -> None:
        """Those of versions archived before a time are left out, unless others share them."""
        for number, note in enumerate(["a", "b", "b"], 1):
            await store.write(partial(add_noted, request_id=f"r{number}", note=note))
        later = NOW + timedelta(seconds=10)
        for number, time in ((1, NOW), (2, NOW), (3, later)):
            await store.write(partial(archive, number=number, time=time))

        def digests(before: datetime | None) -> Any:
            return store.read(lambda reader: reader.artifact_digests(archived_before=before))

        whole = {artifact.sha256 for artifact in manifest_of(files(note="a")).artifacts}
        shared = {artifact.sha256 for artifact in manifest_of(files(note="b")).artifacts}
        assert await digests(None) == whole | shared
        assert await digests(NOW) == whole | shared
        assert await digests(later) == shared
        assert await digests(later + timedelta(seconds=1)) == set()

    async def test_write_that_raises_changes_nothing(self, store: ModelStore) -> None:
        """Neither rows nor numbers: the next version takes the number."""
        await publish(store, "r1")

        def failing(writer: ModelWriter) -> None:
            writer.add_version(new_version("r2"))
            writer.record(entry(2, PUBLISHED))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await store.write(failing)
        assert await store.read(lambda reader: reader.last_position()) == 1
        made = await publish(store, "r3")
        assert (made.version, made.model_unique_id) == (2, 2)

    async def test_writers_follow_each_other(self, store: ModelStore) -> None:
        """Many at once get numbers without gap, and positions in the order of their commits."""
        await publish(store, "first")
        made = await asyncio.gather(*(publish(store, f"r{number}") for number in range(20)))
        assert sorted(version.version for version in made) == list(range(2, 22))
        history = await store.read(
            lambda reader: reader.history(model_name=None, version=None, after=0, limit=100)
        )
        assert [p.position for p in history] == list(range(1, 22))
        assert [p.entry.version for p in history] == list(range(1, 22))

    async def test_waiting_for_a_change(self, store: ModelStore) -> None:
        """Waits while there is none, and tells the position of the last one."""
        await publish(store, "r1")
        assert await store.wait_for_change(0) == 1
        waiting = asyncio.ensure_future(store.wait_for_change(1))
        await store.read(lambda reader: reader.last_position())
        assert not waiting.done()
        await publish(store, "r2")
        assert await waiting == 2

    async def test_cancelled_write_still_wakes_watchers(self, store: ModelStore) -> None:
        """What was stored is told, even when nobody waits for the writer any more."""
        await publish(store, "r1")
        writing = asyncio.ensure_future(publish(store, "r2"))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.wait({writing})
        last = await store.read(lambda reader: reader.last_position())
        assert await store.wait_for_change(last - 1) == last


async def test_events_go_with_their_changes(database: Database) -> None:
    """Each entry is an event in the outbox of the same transaction, in the trace of its request."""
    store = SqlModels(database)
    await store.open()
    with continued(None, request_id="r") as traceparent:
        await publish(store, "r1")
        await store.write(lambda w: w.record(entry(1, AliasChange("champion", None))))

    def fail(writer: ModelWriter) -> None:
        writer.record(entry(1, PUBLISHED))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.write(fail)
    published: list[Any] = []
    stop = asyncio.Event()

    class Publisher:
        async def publish_message(self, message: Any) -> None:
            published.append(message)
            if len(published) == 2:
                stop.set()

    await OutboxRelay(database, Publisher()).run(stop)
    first, second = (decode(message.headers, message.value) for message in published)
    assert [message.key for message in published] == [MODEL.encode()] * 2
    assert first.type == "org.aimlnf.mms.version-state-changed.v1"
    assert (first.data.to_state, first.data.version) == ("REGISTERED", 1)  # type: ignore[attr-defined]
    assert second.type == "org.aimlnf.mms.alias-changed.v1"
    assert second.subject == "SubNetwork=aimlnf,MLModelRepository=mms,MLModel=gan-gdm-1"
    assert {first.traceparent, second.traceparent} == {traceparent}
    incarnation = await database.transact(
        lambda connection: connection.execute(select(tables.repository.c.incarnation)).scalar_one()
    )
    assert [first.id, second.id] == [f"{incarnation}/1", f"{incarnation}/2"]


class SqliteMachine(RepositoryMachine):
    """The machine on SQLite."""

    def open_store(self) -> ModelStore:
        """An empty database in a folder of its own."""
        self.folder = TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'models.db'}"
        self.database = Database(url, tables.metadata, MIGRATIONS)
        store = SqlModels(self.database)
        self.run(self.database.open())
        self.run(store.open())
        return store

    def close_store(self) -> None:
        """Close and remove it."""
        self.run(self.database.close())
        self.folder.cleanup()


TestLifecycle = SqliteMachine.TestCase
TestLifecycle.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
