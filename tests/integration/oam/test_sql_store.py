"""The OAM's store in real databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import Executable, MetaData, Table, create_engine, delete, insert, update
from support.migrations import assert_migrations_match, migrate
from support.oam_samples import HAPPY, MODEL, NOW, POLICY, reference, started
from support.ran_events import decision, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import Aborted, FailedPrecondition, NotFound
from oam.adaptations import Adaptation
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA, RECORD_HEAD, STEPS
from oam.app import MIGRATIONS
from oam.audit import Verification, verify
from oam.lifecycles import Change, Lifecycle, begin, proceed, synchronised
from oam.monitoring import Sample, Watch
from oam.record import StepKind
from oam.transitions import AdaptationKind


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, empty database."""
    opened = Database(database_url, METADATA, MIGRATIONS)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def store(database: Database) -> SqlLifecycleStore:
    """A store over it."""
    store = SqlLifecycleStore(database, clock=ManualClock(NOW))
    await store.open()
    return store


def named(adaptation_id: str, model_name: str = MODEL, request_id: str = "") -> Adaptation:
    """A retraining that has just begun."""
    return replace(
        started(adaptation_id=adaptation_id), model_name=model_name, request_id=request_id
    )


async def run(store: SqlLifecycleStore, adaptation: Adaptation) -> None:
    """An adaptation for which everything goes well."""
    await store.change(adaptation.model_name, partial(begin, adaptation=adaptation, policy=POLICY))
    while (current := await store.adaptation(adaptation.adaptation_id)).in_progress:
        await store.change(
            adaptation.model_name,
            partial(
                proceed,
                adaptation_id=adaptation.adaptation_id,
                event=HAPPY[current.stage],
                policy=POLICY,
                now=NOW,
            ),
        )


async def test_migrations_match_the_tables(database_url: str) -> None:
    """What the migrations make is what the code uses."""
    await assert_migrations_match(database_url, METADATA, MIGRATIONS)


async def test_everything_is_read_as_it_was_written(
    database: Database, store: SqlLifecycleStore
) -> None:
    """Lifecycle with its window, adaptation, record and managed objects, by another store."""
    watch = Watch(
        model=reference(1), samples=(Sample(by_model=True, reliability=0.5, gain_bps_hz=-1.5),)
    )
    await store.change(
        MODEL, lambda lifecycle: Change(replace(lifecycle, active=reference(1), watch=watch))
    )
    await run(store, named("a1", request_id="r1"))
    other = SqlLifecycleStore(database, clock=ManualClock(NOW))
    await other.open()
    assert await other.lifecycle(MODEL) == await store.lifecycle(MODEL)
    assert (await other.lifecycle(MODEL)).active == reference(2)
    assert await other.adaptation_of_request("r1") == await store.adaptation("a1")
    steps = await other.steps(MODEL, after_sequence=0, limit=100)
    assert [recorded.sequence for recorded in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert steps[-1].step.kind is StepKind.ACTIVATED
    assert {recorded.step_time for recorded in steps} == {NOW}
    assert other.last_sequence == 7
    objects = await other.managed_objects("", "", after=0, limit=100)
    assert len(objects) == 10
    name = objects[3][1].managed_object.distinguished_name
    assert await other.managed_object(name) == objects[3][1]
    assert await other.model_names() == [MODEL]


async def test_objects_of_a_container_only(store: SqlLifecycleStore) -> None:
    """By class, by container, page after page."""
    await run(store, named("a1"))
    await run(store, named("a2"))
    requests = await store.managed_objects("MLTrainingRequest", "", after=0, limit=100)
    assert len(requests) == 2
    function = "SubNetwork=aimlnf,ManagedElement=ground-station,MLTestingFunction=mtlf"
    inside = await store.managed_objects("", function, after=0, limit=100)
    assert len(inside) == 4
    assert await store.managed_objects("", function, after=inside[1][0], limit=2) == inside[2:]
    assert await store.managed_objects("", "SubNetwork=aim%", after=0, limit=10) == []


async def test_failed_work_leaves_no_trace(store: SqlLifecycleStore) -> None:
    """A refused change is rolled back whole."""
    await store.change(MODEL, partial(begin, adaptation=named("a1"), policy=POLICY))
    with pytest.raises(FailedPrecondition):
        await store.change(MODEL, partial(begin, adaptation=named("a2"), policy=POLICY))
    with pytest.raises(NotFound):
        await store.adaptation("a2")
    assert [each.adaptation_id for each in await store.adaptations_in_progress()] == ["a1"]


async def test_database_itself_allows_one_adaptation_of_a_model(store: SqlLifecycleStore) -> None:
    """Even a defect that forgets to look cannot start a second one."""
    await store.change(MODEL, partial(begin, adaptation=named("a1"), policy=POLICY))

    def forgetful(lifecycle: Lifecycle) -> Change:
        return begin(replace(lifecycle, current=None), named("a2"), POLICY)

    with pytest.raises(Aborted):
        await store.change(MODEL, forgetful)
    await store.change("other", partial(begin, adaptation=named("b1", "other"), policy=POLICY))
    assert len(await store.adaptations_in_progress()) == 2


async def test_adaptations_are_listed_newest_first(store: SqlLifecycleStore) -> None:
    """Of one model or of all, from below a position."""
    for adaptation_id, model_name in (("a1", MODEL), ("b1", "other"), ("a2", MODEL)):
        await run(store, named(adaptation_id, model_name))
    everything = await store.adaptations("", before=0, limit=10)
    assert [each.adaptation_id for _, each in everything] == ["a2", "b1", "a1"]
    mine = await store.adaptations(MODEL, before=everything[0][0], limit=10)
    assert [each.adaptation_id for _, each in mine] == ["a1"]


async def test_waiting_for_steps_ends_with_the_next_one(store: SqlLifecycleStore) -> None:
    """Also when several wait, and when the step is there already."""
    waiting = [asyncio.create_task(store.wait_for_steps(0)) for _ in range(3)]
    await run(store, named("a1"))
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting)
        await store.wait_for_steps(5)


async def test_caller_that_goes_away_takes_nothing_back(store: SqlLifecycleStore) -> None:
    """The change is committed and announced though nobody waits for it any more."""
    changing = asyncio.create_task(
        store.change(MODEL, partial(begin, adaptation=named("a1"), policy=POLICY))
    )
    await asyncio.sleep(0)
    changing.cancel()
    async with asyncio.timeout(10):
        await store.adaptation_written.wait()
    assert (await store.adaptation("a1")).in_progress


async def test_event_takes_effect_once(store: SqlLifecycleStore) -> None:
    """Its second copy, at another offset, changes nothing."""
    seen: list[str] = []

    def note(lifecycle: Lifecycle) -> Change:
        seen.append(lifecycle.model_name)
        return Change(lifecycle)

    await store.take_in(record(decision(), "e1", offset=0), MODEL, note)
    await store.take_in(record(decision(), "e1", offset=1), MODEL, note)
    await store.take_in(record(None, offset=2), None, None)
    assert seen == [MODEL]


async def test_nameless_event_belongs_to_what_was_activated_last(
    store: SqlLifecycleStore,
) -> None:
    """None while nothing was."""
    seen: list[str] = []

    def note(lifecycle: Lifecycle) -> Change:
        seen.append(lifecycle.model_name)
        return Change(lifecycle)

    await store.take_in(record(decision(), "e1", offset=0), None, note)
    for day, model_name in ((2, "newest"), (1, "older")):
        await store.change(
            model_name,
            partial(
                synchronised,
                active=reference(1),
                previous=reference(0),
                policy=POLICY,
                now=NOW.replace(day=day),
            ),
        )
    await store.take_in(record(decision(), "e2", offset=1), None, note)
    assert seen == ["newest"]


@pytest.mark.parametrize("kind", AdaptationKind)
async def test_every_kind_can_be_kept_at_every_stage(
    store: SqlLifecycleStore, kind: AdaptationKind
) -> None:
    """What an adaptation holds survives the database, whatever its kind."""
    adaptation = started(kind)
    await run(store, adaptation)
    assert not (await store.adaptation("a1")).in_progress


async def whole_record(store: SqlLifecycleStore) -> Verification:
    """What comes of verifying all steps against the head beside them."""
    record = await store.steps("", after_sequence=0, limit=1000)
    return verify(record, {"the head": await store.head()})


async def test_record_is_a_chain(store: SqlLifecycleStore) -> None:
    """Over all models, and as it is read back."""
    for adaptation_id, model_name in (("a1", MODEL), ("b1", "other"), ("a2", MODEL)):
        await run(store, named(adaptation_id, model_name))
    found = await whole_record(store)
    assert found.faults == ()
    assert found.head == await store.head()
    assert found.head.sequence == 21


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            update(STEPS).where(STEPS.c.sequence == 3).values(initiator="operator:nobody"),
            "entry 3 is not what was recorded",
        ),
        (
            update(STEPS).where(STEPS.c.sequence == 3).values(figures='{"ratio": 1.0}'),
            "entry 3 is not what was recorded",
        ),
        (delete(STEPS).where(STEPS.c.sequence == 4), "after entry 3 comes entry 5"),
        (delete(STEPS).where(STEPS.c.sequence > 5), "its tail was cut off"),
        (update(RECORD_HEAD).values(digest="0" * 64), "is not the one that the head knows"),
    ],
)
async def test_who_changes_the_database_is_seen(
    database: Database, store: SqlLifecycleStore, statement: Executable, fault: str
) -> None:
    """An entry that is edited or removed, the tail cut off, another head."""
    await run(store, named("a1"))
    await database.transact(lambda connection: connection.execute(statement))
    found = await whole_record(store)
    assert any(fault in each for each in found.faults), found.faults


async def test_two_stores_over_one_database_write_one_chain(
    database_url: str, database: Database, store: SqlLifecycleStore
) -> None:
    """As two processes do: no number twice, no gap, one adaptation of a model at a time."""
    second_database = Database(database_url, METADATA, MIGRATIONS)
    await second_database.open()
    second = SqlLifecycleStore(second_database, clock=ManualClock(NOW))
    await second.open()

    async def begun(by: SqlLifecycleStore, number: int) -> bool:
        model_name = f"m{number % 5}"
        adaptation = named(f"{'ab'[by is second]}{number}", model_name)
        try:
            await by.change(model_name, partial(begin, adaptation=adaptation, policy=POLICY))
        except (FailedPrecondition, Aborted):
            return False
        return True

    try:
        tries = [begun(by, number) for number in range(10) for by in (store, second)]
        assert sum(await asyncio.gather(*tries)) == 5
        found = await whole_record(store)
        assert found == await whole_record(second)
    finally:
        await second_database.close()
    assert (found.faults, found.head.sequence) == ((), 5)


async def test_record_of_an_earlier_release_is_chained(database_url: str) -> None:
    """What was recorded before there were digests gets them, in its order."""
    sync = create_engine(database_url)
    with sync.begin() as connection:
        migrate(connection, MIGRATIONS, "0001")
        old = Table("lifecycle_steps", MetaData(), autoload_with=connection)
        for sequence in (1, 2, 3):
            values = {
                "sequence": sequence,
                "kind": "TRAINED",
                "adaptation_id": "a1",
                "model_name": MODEL,
                "version": 1,
                "initiator": "operator:ada",
                "detail": f"Step {sequence}.",
                "object_ref": "DN=1",
                "step_time": NOW,
            }
            connection.execute(insert(old).values(**values))
    sync.dispose()
    database = Database(database_url, METADATA, MIGRATIONS)
    await database.open()
    try:
        store = SqlLifecycleStore(database, clock=ManualClock(NOW))
        await store.open()
        found = await whole_record(store)
        await run(store, named("a1"))
        after = await whole_record(store)
    finally:
        await database.close()
    assert (found.faults, found.head.sequence) == ((), 3)
    assert (after.faults, after.head.sequence) == ((), 10)
