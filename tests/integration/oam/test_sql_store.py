"""The OAM's store in real databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
from support.migrations import assert_migrations_match
from support.oam_samples import HAPPY, MODEL, NOW, POLICY, reference, started
from support.ran_events import decision, record

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import FailedPrecondition, NotFound
from oam.adaptations import Adaptation, AdaptationKind
from oam.adapters.sql_store import SqlLifecycleStore
from oam.adapters.sql_tables import METADATA
from oam.app import MIGRATIONS
from oam.lifecycles import Change, Lifecycle, begin, proceed, synchronised
from oam.monitoring import Sample, Watch
from oam.steps import StepKind


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
    assert [recorded.sequence for recorded in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1].step.kind is StepKind.ACTIVATED
    assert {recorded.step_time for recorded in steps} == {NOW}
    assert other.last_sequence == 6
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

    with pytest.raises(Exception, match=r"(?i)unique"):
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
