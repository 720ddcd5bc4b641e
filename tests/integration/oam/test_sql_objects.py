"""The tree of managed objects in real databases."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from fakes.oam.memory_tree import ELEMENT, FUNCTION, ROOT, MemoryTree, functions_tree, model
from support.oam_samples import NOW
from support.ran_events import eavesdropper, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import InvalidArgument
from oam.adapters.sql_objects import SqlObjectStore
from oam.adapters.sql_tables import METADATA
from oam.app import MIGRATIONS
from oam.nrm.names import parse_name
from oam.nrm.objects import INFERENCE, WORK, Moi, Tree
from oam.nrm.projection import typed
from oam.nrm.provisioning import create, modify

REQUEST = parse_name(f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=r")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlObjectStore]:
    """An empty tree in a database."""
    database = Database(database_url, METADATA, MIGRATIONS)
    await database.open()
    yield SqlObjectStore(database, clock=ManualClock(NOW))
    await database.close()


def filled(tree: Tree) -> None:
    """The same functions and models as the tree in memory has."""
    for moi in functions_tree().mois.values():
        tree.put(moi.name, moi.attributes, moi.notes)
    create(tree, REQUEST, {"aIMLInferenceName": "A", "mLModelRef": model(1)}, request_id="id")


QUESTIONS: list[Callable[[Tree], object]] = [
    lambda tree: _shown(tree.below(parse_name(ROOT), 0, None)),
    lambda tree: _shown(tree.below(parse_name(ELEMENT), 1, 1)),
    lambda tree: _shown(tree.below(parse_name(FUNCTION), 0, 0)),
    lambda tree: _shown(tree.of_class("MLModel", "MLTrainingRequest")),
    lambda tree: _shown(tree.open_work()),
    lambda tree: _shown(tree.referring_to(parse_name(model(1)))),
    lambda tree: tree.of_request("id") == tree.find(REQUEST) is not None,
    lambda tree: tree.of_request("other"),
    lambda tree: tree.find("SubNetwork=aim%"),
]


def _shown(mois: object) -> list[tuple[str, dict[str, object]]]:
    return [(str(moi.name), dict(moi.attributes)) for moi in mois]  # type: ignore[attr-defined]


async def test_database_answers_as_the_tree_in_memory(store: SqlObjectStore) -> None:
    """The fake that unit tests use does as the real one does."""
    memory = MemoryTree()
    filled(memory)
    await store.transact(filled)
    for question in QUESTIONS:
        assert await store.transact(question) == question(memory)
    await store.transact(lambda tree: tree.remove(REQUEST))
    assert await store.transact(lambda tree: tree.find(REQUEST)) is None


async def test_refused_work_leaves_nothing_behind(store: SqlObjectStore) -> None:
    """Not even what it did before it was refused."""
    await store.transact(filled)

    def work(tree: Tree) -> None:
        tree.put(REQUEST, {"requestStatus": "IN_PROGRESS"})
        modify(tree, REQUEST, {"colour": "red"})

    before = await store.transact(lambda tree: tree.find(REQUEST))
    with pytest.raises(InvalidArgument):
        await store.transact(work)
    assert await store.transact(lambda tree: tree.find(REQUEST)) == before


async def test_only_changes_count_and_wake_readers(store: SqlObjectStore) -> None:
    """Neither the etag nor the time moves for the same again; notes move neither."""
    await store.transact(filled)
    clock = store._clock
    assert isinstance(clock, ManualClock)
    await clock.advance(5.0)
    work, inference = store.changed(WORK), store.changed(INFERENCE)
    assert work.is_set()
    assert inference.is_set()
    work.clear()
    inference.clear()

    def put(tree: Tree, **changes: object) -> Moi:
        return tree.put(REQUEST, changes)

    same = await store.transact(partial(put, aIMLInferenceName="A"))
    assert (same.revision, same.update_time) == (1, NOW)
    assert not work.is_set()
    noted = await store.transact(lambda tree: tree.put(REQUEST, {}, {"job_id": "j"}))
    assert (noted.revision, noted.notes["job_id"]) == (1, "j")
    changed = await store.transact(partial(put, aIMLInferenceName="B"))
    assert (changed.revision, changed.update_time) == (2, NOW + timedelta(seconds=5))
    assert work.is_set()
    assert not inference.is_set()


async def test_event_is_taken_in_once(store: SqlObjectStore) -> None:
    """By its identity, together with what it does."""
    await store.transact(filled)
    seen: list[int] = []
    for offset in (0, 1):
        await store.take_in(record(eavesdropper(), "e", offset=offset), lambda _: seen.append(1))
    assert seen == [1]


def test_objects_of_the_first_release_are_converted() -> None:
    """Names become the specification's, vendor attributes notes, and the typed view stays."""
    from importlib import import_module  # noqa: PLC0415 - names of modules that begin with digits

    first, second = (
        import_module(f"{MIGRATIONS}.versions.{name}")
        for name in ("0001_first", "0002_managed_objects")
    )
    name = f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingProcess=a1"
    before = {
        "progress_status": {
            "status": "RUNNING",
            "progress_percent": 41.6,
            "progress_state_info": "TRAINING",
            "result_state_info": "",
        },
        "training_request_ref": f"{ELEMENT},MLTrainingFunction=mtlf,MLTrainingRequest=a1",
        "training_report_ref": "",
        "ml_model_generated_ref": "",
        "training_job_id": "job-1",
    }
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            first.upgrade()
        connection.execute(
            sa.text(
                "INSERT INTO managed_objects (distinguished_name, object_class, attributes, "
                "create_time, update_time) VALUES (:name, 'MLTrainingProcess', :attributes, "
                "'2026-03-01', '2026-03-01')"
            ),
            {"name": name, "attributes": json.dumps(before)},
        )
        with Operations.context(MigrationContext.configure(connection)):
            second.upgrade()
        row = connection.execute(sa.text("SELECT * FROM managed_objects")).one()
    engine.dispose()
    attributes = json.loads(row.attributes)
    assert attributes == {
        "progressStatus": {
            "status": "RUNNING",
            "progressPercentage": 42,
            "progressStateInfo": "TRAINING",
        },
        "trainingRequestRef": [before["training_request_ref"]],
    }
    assert row.level == 4
    moi = Moi(parse_name(name), attributes, json.loads(row.notes), 1, NOW, NOW)
    process = typed(moi).attributes
    assert process.training_job_id == "job-1"  # type: ignore[union-attr]
    assert moi.notes["adaptation"] == "a1"
