"""Runs in SQLite or PostgreSQL."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from aimlnf.ransim.v1 import radio_pb2, radio_service_pb2
from nf_runtime.database import Database
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.outbox import append
from ran_sim.adapters.sql_tables import OUTCOMES, RUNS, TICKS, TRIGGERS
from ran_sim.messages import (
    order_from_message,
    order_to_message,
    truth_from_message,
    truth_to_message,
)
from ran_sim.outcomes import GroundTruth, Outcome
from ran_sim.runs import Run, RunState, TriggerCount
from ran_sim.scenarios import TriggerKind
from ran_sim.triggers import Trigger

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class SqlRunStore:
    """See `ran_sim.ports.RunStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ordered_by(self, request_id: str) -> Run | None:
        """The run that was started with this request identity."""
        return await self._database.transact(
            lambda connection: _run_where(connection, RUNS.c.request_id == request_id)
        )

    async def create(self, request_id: str, first: Run) -> Run:
        """Stores a new run with an identity of its own and returns it."""

        def work(connection: Connection) -> Run | None:
            newest = connection.execute(select(func.max(RUNS.c.number))).scalar() or 0
            connection.execute(
                insert(RUNS).values(
                    number=newest + 1,
                    run_id=f"{first.run_id}-{newest + 1}",
                    request_id=request_id or None,
                    order=order_to_message(first.order).SerializeToString(deterministic=True),
                    start_time_us=(first.start_time - _EPOCH) // _MICROSECOND,
                    **_standing(first),
                )
            )
            return _run_where(connection, RUNS.c.number == newest + 1)

        created = await self._database.transact(work)
        if created is None:
            raise RuntimeError("a run that was just stored is gone")
        return created

    async def get(self, run_id: str) -> Run | None:
        """The run of this identity; the latest for the empty one."""
        return await self._database.transact(
            lambda connection: _run_where(connection, RUNS.c.run_id == run_id if run_id else None)
        )

    async def save(self, run: Run) -> None:
        """Stores where a run stands."""
        await self._database.transact(lambda connection: _save(connection, run))

    async def advance(
        self,
        run: Run,
        triggers: Sequence[tuple[str, Trigger]],
        events: Sequence[tuple[str, CloudEvent[EventData]]],
        sum_secrecy_rate_bps_hz: float | None,
    ) -> None:
        """Stores a played tick and has its events published, both or neither."""

        def work(connection: Connection) -> None:
            number = _number_of(connection, run.run_id)
            _save(connection, run)
            connection.execute(
                insert(TICKS).values(
                    run_number=number,
                    tick=run.ticks_done - 1,
                    sum_secrecy_rate_bps_hz=sum_secrecy_rate_bps_hz,
                )
            )
            for identity, trigger in triggers:
                connection.execute(
                    insert(TRIGGERS).values(
                        trigger_id=identity,
                        run_number=number,
                        kind=trigger.kind.value,
                        answered=False,
                    )
                )
            for key, event in events:
                append(connection, event, key)

        await self._database.transact(work)

    async def rates(
        self, run_id: str, after_tick: int, limit: int
    ) -> Sequence[tuple[int, float | None]]:
        """Played ticks after one, with the sum secrecy rate at each, in order."""
        query = (
            select(TICKS.c.tick, TICKS.c.sum_secrecy_rate_bps_hz)
            .join(RUNS)
            .where(RUNS.c.run_id == run_id, TICKS.c.tick > after_tick)
            .order_by(TICKS.c.tick)
            .limit(limit)
        )
        rows = await self._read(query)
        return [(row.tick, row.sum_secrecy_rate_bps_hz) for row in rows]

    async def answered(self, trigger_ids: Sequence[str]) -> frozenset[str]:
        """Those of the triggers that an applied decision has named."""
        query = select(TRIGGERS.c.trigger_id).where(
            TRIGGERS.c.trigger_id.in_(trigger_ids), TRIGGERS.c.answered
        )
        return frozenset(row.trigger_id for row in await self._read(query))

    async def outcome(self, decision_id: str) -> Outcome | None:
        """The outcome of an applied decision."""
        truth = await self.truth(decision_id)
        return None if truth is None else truth.outcome

    async def apply(self, truth: GroundTruth) -> None:
        """Stores an applied decision and marks its trigger as answered."""
        outcome = truth.outcome
        message = truth_to_message(truth).SerializeToString(deterministic=True)

        def work(connection: Connection) -> None:
            connection.execute(
                insert(OUTCOMES).values(
                    decision_id=outcome.decision_id,
                    run_number=_number_of(connection, outcome.run_id),
                    ground_truth=message,
                )
            )
            connection.execute(
                update(TRIGGERS)
                .where(TRIGGERS.c.trigger_id == outcome.trigger_id)
                .values(answered=True)
            )

        await self._database.transact(work)

    async def latest_truth(self, run_id: str) -> GroundTruth | None:
        """The last applied decision of a run."""
        query = (
            select(OUTCOMES.c.ground_truth)
            .join(RUNS)
            .where(RUNS.c.run_id == run_id)
            .order_by(OUTCOMES.c.sequence.desc())
            .limit(1)
        )
        rows = await self._read(query)
        return _truth(rows[0].ground_truth) if rows else None

    async def truth(self, decision_id: str) -> GroundTruth | None:
        """An applied decision with its ground truth."""
        query = select(OUTCOMES.c.ground_truth).where(OUTCOMES.c.decision_id == decision_id)
        rows = await self._read(query)
        return _truth(rows[0].ground_truth) if rows else None

    async def outcomes(
        self, run_id: str, after_sequence: int, limit: int
    ) -> Sequence[tuple[int, Outcome]]:
        """Outcomes of a run after a sequence number, oldest first, with their numbers."""
        query = (
            select(OUTCOMES.c.sequence, OUTCOMES.c.ground_truth)
            .join(RUNS)
            .where(RUNS.c.run_id == run_id, OUTCOMES.c.sequence > after_sequence)
            .order_by(OUTCOMES.c.sequence)
            .limit(limit)
        )
        return [(row.sequence, _truth(row.ground_truth).outcome) for row in await self._read(query)]

    async def _read(self, query: Any) -> Sequence[Row[Any]]:
        work: Callable[[Connection], Sequence[Row[Any]]] = lambda connection: (  # noqa: E731
            connection.execute(query).all()
        )
        return await self._database.transact(work)


def _standing(run: Run) -> dict[str, Any]:
    return {
        "state": run.state.value,
        "holding": run.holding,
        "ticks_done": run.ticks_done,
        "pause_at_s": run.pause_at_s,
        "unanswered_count": run.unanswered_count,
    }


def _save(connection: Connection, run: Run) -> None:
    connection.execute(update(RUNS).where(RUNS.c.run_id == run.run_id).values(**_standing(run)))


def _number_of(connection: Connection, run_id: str) -> int:
    query = select(RUNS.c.number).where(RUNS.c.run_id == run_id)
    return int(connection.execute(query).scalar_one())


def _run_where(connection: Connection, condition: Any) -> Run | None:
    query = select(RUNS).order_by(RUNS.c.number.desc()).limit(1)
    if condition is not None:
        query = query.where(condition)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    applied = select(func.count()).where(OUTCOMES.c.run_number == row.number)
    message = radio_service_pb2.StartRunRequest.FromString(row.order)
    return Run(
        run_id=row.run_id,
        order=order_from_message(message),
        start_time=_EPOCH + row.start_time_us * _MICROSECOND,
        state=RunState(row.state),
        holding=row.holding,
        ticks_done=row.ticks_done,
        pause_at_s=row.pause_at_s,
        unanswered_count=row.unanswered_count,
        applied_count=connection.execute(applied).scalar_one(),
        trigger_counts=_trigger_counts(connection, row.number),
    )


def _trigger_counts(connection: Connection, number: int) -> dict[TriggerKind, TriggerCount]:
    query = (
        select(TRIGGERS.c.kind, TRIGGERS.c.answered, func.count().label("triggers"))
        .where(TRIGGERS.c.run_number == number)
        .group_by(TRIGGERS.c.kind, TRIGGERS.c.answered)
    )
    counts: dict[TriggerKind, TriggerCount] = {}
    for row in connection.execute(query):
        kind = TriggerKind(row.kind)
        old = counts.get(kind, TriggerCount())
        counts[kind] = TriggerCount(
            published=old.published + row.triggers,
            answered=old.answered + (row.triggers if row.answered else 0),
        )
    return counts


def _truth(message: bytes) -> GroundTruth:
    return truth_from_message(radio_pb2.GroundTruth.FromString(message))
