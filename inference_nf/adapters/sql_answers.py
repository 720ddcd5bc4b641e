"""The subscription, what became of its notifications, and the reports, in the database.

Everything about one notification is one transaction: that it is dealt with, how far the stream is,
the counts, the report, and the events to be published. A notification that is recorded already
only moves the stream.

Not modelled: removal of old notifications and reports.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, delete, func, insert, select, update

from inference_nf.adapters.sql_tables import counts, notifications, reports, subscription
from inference_nf.answers import (
    Answer,
    Counts,
    Ending,
    Notification,
    Report,
    decision_event,
    reliability_event,
    report_of,
)
from inference_nf.ports import Subscription
from nf_runtime.database import Database
from nf_runtime.outbox import append


class SqlAnswers:
    """Keeps answers.

    Args:
        database: Where.
        source: CloudEvents source of what is published.
        reliability_window: Decisions of one version that make one reliability event.
        low_reliability: What that event counts as low.
    """

    def __init__(
        self,
        database: Database,
        *,
        source: str,
        reliability_window: int,
        low_reliability: float,
    ) -> None:
        self._database = database
        self._source = source
        self._window = reliability_window
        self._low = low_reliability

    async def subscription(self) -> Subscription | None:
        """The one that was saved last."""
        return await self._database.transact(_subscription)

    async def save_subscription(self, wanted: Subscription) -> None:
        """Keep it in place of the one before."""

        def save(connection: Connection) -> None:
            connection.execute(delete(subscription))
            connection.execute(insert(subscription).values(**asdict(wanted)))

        await self._database.transact(save)

    async def answered_above(self, subscription_id: str, sequence: int) -> frozenset[str]:
        """Ids of the subscription's notifications above `sequence` that are recorded already."""
        query = select(notifications.c.notification_id).where(
            notifications.c.subscription_id == subscription_id,
            notifications.c.sequence > sequence,
        )
        return await self._database.transact(
            lambda connection: frozenset(connection.execute(query).scalars())
        )

    async def record_answer(self, answer: Answer, *, processed_sequence: int) -> None:
        """Keep that the notification was answered, and have it published."""

        def record(connection: Connection) -> None:
            _advance(connection, answer.notification.subscription_id, processed_sequence)
            if _enter(connection, answer.notification, Ending.APPLIED, decision_made=True):
                self._report(connection, answer)

        await self._database.transact(record)

    async def record_unanswered(
        self,
        notification: Notification,
        *,
        ending: Ending,
        reason: str,
        detail: str,
        decision_made: bool,
        processed_sequence: int,
    ) -> None:
        """Keep that the notification could not be answered, and why."""

        def record(connection: Connection) -> None:
            _advance(connection, notification.subscription_id, processed_sequence)
            _enter(
                connection,
                notification,
                ending,
                reason=reason,
                detail=detail,
                decision_made=decision_made,
            )

        await self._database.transact(record)

    async def record_processed(self, subscription_id: str, processed_sequence: int) -> None:
        """Only move the stream."""
        await self._database.transact(
            lambda connection: _advance(connection, subscription_id, processed_sequence)
        )

    async def counts(self) -> Counts:
        """Notifications by how they ended."""
        return await self._database.transact(_counts)

    async def reports(self, *, after_sequence: int, limit: int) -> Sequence[Report]:
        """Reports of applied decisions, oldest first."""
        columns = [reports.c[field.name] for field in fields(Report)]
        query = (
            select(*columns)
            .where(reports.c.sequence > after_sequence)
            .order_by(reports.c.sequence)
            .limit(limit)
        )
        return await self._database.transact(
            lambda connection: [Report(**row) for row in connection.execute(query).mappings()]
        )

    def _report(self, connection: Connection, answer: Answer) -> None:
        report = report_of(answer)
        nth = 0
        if answer.decision.model is not None:
            nth = 1 + _decisions_of(connection, report)
        values = {k: v for k, v in asdict(report).items() if k != "sequence"}
        connection.execute(insert(reports).values(**values, model_decision=nth))
        append(connection, decision_event(answer, source=self._source), key=answer.satellite_id)
        if answer.decision.model is not None and nth % self._window == 0:
            event = reliability_event(
                answer,
                source=self._source,
                model=answer.decision.model,
                decisions=nth,
                window=_last_reliabilities(connection, report, nth - self._window),
                low_below=self._low,
            )
            append(connection, event, key=answer.satellite_id)


def _subscription(connection: Connection) -> Subscription | None:
    row = connection.execute(select(subscription)).mappings().first()
    return None if row is None else Subscription(**row)


def _advance(connection: Connection, subscription_id: str, processed_sequence: int) -> None:
    connection.execute(
        update(subscription)
        .where(subscription.c.subscription_id == subscription_id)
        .values(processed_sequence=processed_sequence)
    )


def _enter(
    connection: Connection,
    notification: Notification,
    ending: Ending,
    *,
    decision_made: bool,
    reason: str = "",
    detail: str = "",
) -> bool:
    """Record how the notification ended; False if that is recorded already."""
    known = select(notifications.c.sequence).where(
        notifications.c.notification_id == notification.notification_id
    )
    if connection.execute(known).first() is not None:
        return False
    connection.execute(
        insert(notifications).values(
            notification_id=notification.notification_id,
            subscription_id=notification.subscription_id,
            sequence=notification.sequence,
            trigger_id=notification.trigger_id,
            trigger_type=notification.trigger_type,
            ending=ending.value,
            reason=reason,
            detail=detail,
        )
    )
    counted = _counts(connection).counting(ending, decision_made=decision_made)
    connection.execute(update(counts).values(**asdict(counted)))
    return True


def _counts(connection: Connection) -> Counts:
    row = connection.execute(select(counts)).mappings().one()
    return Counts(**{field.name: row[field.name] for field in fields(Counts)})


def _decisions_of(connection: Connection, report: Report) -> int:
    query = select(func.max(reports.c.model_decision)).where(
        reports.c.model_name == report.model_name,
        reports.c.model_version == report.model_version,
    )
    return connection.execute(query).scalar() or 0


def _last_reliabilities(connection: Connection, report: Report, after: int) -> list[float]:
    query = (
        select(reports.c.reliability)
        .where(
            reports.c.model_name == report.model_name,
            reports.c.model_version == report.model_version,
            reports.c.model_decision > after,
        )
        .order_by(reports.c.model_decision)
    )
    return list(connection.execute(query).scalars())
