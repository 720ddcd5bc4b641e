"""The run store on real databases, held to the same behaviour as the fake of the unit tests."""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from fakes.sql_runs import MemoryRunStore
from support.migrations import assert_migrations_match
from support.passes import pass_scenario
from support.ran_playing import allocation

from nf_runtime.database import Database
from ran_sim.adapters.sql_runs import SqlRunStore
from ran_sim.adapters.sql_tables import METADATA
from ran_sim.app import MIGRATIONS
from ran_sim.events import kpi_at, measurement_event
from ran_sim.outcomes import GroundTruth, Outcome, ServedContext
from ran_sim.ports import RunStore
from ran_sim.runs import Pace, Run, RunOrder, RunState, TriggerCount
from ran_sim.scenarios import TriggerKind
from ran_sim.simulation import Simulation
from ran_sim.triggers import Trigger

START = dt.datetime(2022, 9, 14, 11, 56, 43, tzinfo=dt.UTC)
FIRST = Run("pass", RunOrder(pass_scenario(), Pace.LOCKSTEP, pause_at_s=30.0), START)
KIND = TriggerKind.DOPPLER_SINR_DROP


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[RunStore]:
    """The store behind the port, of each kind."""
    if request.param == "fake":
        yield MemoryRunStore()
        return
    database = Database(request.getfixturevalue(f"{request.param}_url"), METADATA, MIGRATIONS)
    await database.open()
    yield SqlRunStore(database)
    await database.close()


def trigger(sequence: int, tick: int) -> Trigger:
    """A trigger."""
    return Trigger(KIND, sequence, tick, beam=2, esim=2, value=1.0)


def truth(decision_id: str, run_id: str, trigger_id: str = "") -> GroundTruth:
    """An applied decision."""
    pair = Simulation(pass_scenario()).contexts_at(3)
    served = ServedContext(
        context_id=f"{run_id}/context/3",
        run_id=run_id,
        satellite_id="48112",
        sim_offset_s=3.0,
        estimate_time=START,
        csi_age_s=0.02,
        context=pair.estimated,
    )
    return GroundTruth(
        outcome=Outcome(decision_id, served.context_id, run_id, trigger_id, 3.0, 20.25, 21.5),
        estimate=served,
        truth=replace(served, context=pair.true, csi_age_s=0.0),
        allocation=allocation(),
    )


async def test_an_empty_store(store: RunStore) -> None:
    """There is nothing in it."""
    assert await store.get("") is None
    assert await store.get("pass-1") is None
    assert await store.ordered_by("request-1") is None
    assert await store.outcome("decision-1") is None
    assert await store.latest_truth("pass-1") is None
    assert await store.rates("pass-1", -1, 10) == []
    assert await store.outcomes("pass-1", 0, 10) == []


async def test_runs_are_numbered(store: RunStore) -> None:
    """The store completes the identity; the latest is found without one."""
    first = await store.create("request-1", FIRST)
    second = await store.create("", FIRST)
    third = await store.create("", FIRST)
    assert [run.run_id for run in (first, second, third)] == ["pass-1", "pass-2", "pass-3"]
    assert await store.get("") == third
    assert await store.get("pass-1") == first
    assert await store.ordered_by("request-1") == first
    order = first.order
    named = replace(order.scenario.elements, name=FIRST.order.scenario.elements.name)
    assert replace(order, scenario=replace(order.scenario, elements=named)) == FIRST.order
    assert first.start_time == START


async def test_where_a_run_stands_is_kept(store: RunStore) -> None:
    """All that can change, and nothing of other runs."""
    run = await store.create("", FIRST)
    other = await store.create("", FIRST)
    changed = replace(
        run, state=RunState.PAUSED, holding=True, ticks_done=7, pause_at_s=12.5, unanswered_count=2
    )
    await store.save(changed)
    assert await store.get(run.run_id) == changed
    assert await store.get(other.run_id) == other


async def test_progress_and_counts(store: RunStore) -> None:
    """Rates of played ticks in order, and triggers counted as published and answered."""
    run = await store.create("", FIRST)
    for tick, rate in enumerate([1.5, None, 2.5]):
        fired = [(f"t{tick}", trigger(tick + 1, tick))]
        await store.advance(replace(run, ticks_done=tick + 1), fired, [], rate)
    assert list(await store.rates(run.run_id, -1, 10)) == [(0, 1.5), (1, None), (2, 2.5)]
    assert list(await store.rates(run.run_id, 0, 1)) == [(1, None)]
    await store.apply(truth("decision-1", run.run_id, "t1"))
    assert await store.answered(["t0", "t1", "unknown"]) == {"t1"}
    assert await store.answered([]) == frozenset()
    stored = await store.get(run.run_id)
    assert stored is not None
    assert stored.ticks_done == 3
    assert stored.applied_count == 1
    assert stored.trigger_counts == {KIND: TriggerCount(published=3, answered=1)}


async def test_applied_decisions(store: RunStore) -> None:
    """Found by identity, by run and in order, with all that was measured."""
    run = await store.create("", FIRST)
    other = await store.create("", FIRST)
    for number in range(3):
        await store.apply(truth(f"decision-{number}", run.run_id))
    await store.apply(truth("decision-x", other.run_id))
    expected = truth("decision-1", run.run_id)
    assert await store.outcome("decision-1") == expected.outcome
    found = await store.truth("decision-1")
    assert found is not None
    assert found.outcome == expected.outcome
    assert found.allocation.beamformer_index.tolist() == allocation().beamformer_index.tolist()
    assert found.estimate.context.gain_per_w == pytest.approx(
        expected.estimate.context.gain_per_w, rel=1e-6
    )
    latest = await store.latest_truth(run.run_id)
    assert latest is not None
    assert latest.outcome.decision_id == "decision-2"
    rows = await store.outcomes(run.run_id, 0, 2)
    assert [outcome.decision_id for _, outcome in rows] == ["decision-0", "decision-1"]
    rest = await store.outcomes(run.run_id, rows[-1][0], 10)
    assert [outcome.decision_id for _, outcome in rest] == ["decision-2"]


async def test_a_decision_is_stored_once(sqlite_url: str) -> None:
    """A second one with the same identity is a defect that the database refuses."""
    database = Database(sqlite_url, METADATA, MIGRATIONS)
    await database.open()
    store = SqlRunStore(database)
    run = await store.create("", FIRST)
    await store.apply(truth("decision-1", run.run_id))
    with pytest.raises(Exception, match="UNIQUE"):
        await store.apply(truth("decision-1", run.run_id))
    await database.close()


async def test_a_tick_is_stored_with_its_events_or_not_at_all(database_url: str) -> None:
    """A tick that cannot be stored leaves no event behind."""
    database = Database(database_url, METADATA, MIGRATIONS)
    await database.open()
    store = SqlRunStore(database)
    run = await store.create("", FIRST)
    simulation = Simulation(pass_scenario())
    event = measurement_event(simulation, kpi_at(simulation, run.run_id, 0, 1.0), 0)
    played = replace(run, ticks_done=1)
    await store.advance(played, [], [("48112", event)], 1.0)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.advance(played, [], [("48112", event)], 1.0)
    outbox = METADATA.tables["outbox"]
    rows = await database.transact(lambda connection: connection.execute(outbox.select()).all())
    assert len(rows) == 1
    await database.close()


async def test_migrations_make_the_tables(database_url: str) -> None:
    """The code and the migrations' head agree."""
    await assert_migrations_match(database_url, METADATA, MIGRATIONS)
