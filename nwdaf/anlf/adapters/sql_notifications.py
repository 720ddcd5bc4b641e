"""Notifications and the last observations in the database."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, bindparam, delete, insert, select, update

from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nwdaf.anlf.accuracy import AccuracyStatus
from nwdaf.anlf.adapters.sql_contents import Contents
from nwdaf.anlf.adapters.sql_sending import Sending
from nwdaf.anlf.adapters.sql_subscriptions import accuracy_json, read_subscription
from nwdaf.anlf.adapters.sql_tables import (
    CONTENTS,
    NOTIFICATIONS,
    OBSERVATIONS,
    SUBSCRIPTIONS,
)
from nwdaf.anlf.adapters.stored_reports import content_of, observation_json, observation_of
from nwdaf.anlf.holding import after_reports, after_time
from nwdaf.anlf.matching import Match
from nwdaf.anlf.notifications import Cause, Notification, notification_id_of
from nwdaf.anlf.observations import Observation
from nwdaf.anlf.ports import Recorded
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Subscription

_FORGET_EVERY = 100

# Statements of the way of each event: SQLAlchemy takes longer to build one than SQLite to run it.
_FORGET_SERIES = delete(OBSERVATIONS).where(OBSERVATIONS.c.series == bindparam("of"))
_KEEP_SERIES = insert(OBSERVATIONS)


class SqlNotificationStore:
    """`nwdaf.anlf.ports.NotificationStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        clock: For creation times and the end of subscriptions.
        remembered_series: Series whose last observation is kept; the oldest are forgotten.
        undelivered_limit: Notifications of one subscription that may wait for acknowledgement.
        terminate_on_overflow: Whether one more ends the subscription, or the oldest is forgotten.
        keep: What else a record does, in the same transaction.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        remembered_series: int = 10_000,
        undelivered_limit: int = 10_000,
        terminate_on_overflow: bool = False,
        keep: Callable[[Connection, Record], None] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._remembered_series = remembered_series
        self._sending = partial(
            Sending,
            contents=Contents(),
            undelivered_limit=undelivered_limit,
            terminate_on_overflow=terminate_on_overflow,
        )
        self._keep = keep

    async def record(
        self,
        record: Record | None,
        cause: Cause,
        matches: Sequence[Match],
        observations: Sequence[Observation],
        *,
        position: int,
    ) -> Recorded | None:
        """Notify those subscriptions that exist and have not expired; None: it was seen before."""
        reports = {match.subscription_id: match.reports for match in matches}

        def work(connection: Connection) -> Recorded | None:
            if record is not None:
                if not accept(connection, record):
                    return None
                if self._keep is not None:
                    self._keep(connection, record)
            self._remember(connection, observations, position)
            now = self._clock.now()
            sending = self._sending(connection, cause=cause, now=now)
            if reports:
                for subscription_id in sending.to_all(reports):
                    subscription = read_subscription(connection, subscription_id)
                    sending.settle(
                        subscription, after_reports(subscription, reports[subscription_id], now)
                    )
            return sending.recorded

        return await self._database.transact(work)

    async def fall_due(
        self, subscription: Subscription, reports: tuple[Report, ...], cause: Cause
    ) -> Recorded:
        """Send what has fallen due, held or periodic; nothing if the subscription has changed."""

        def work(connection: Connection) -> Recorded:
            now = self._clock.now()
            current = read_subscription(connection, subscription.subscription_id)
            sending = self._sending(connection, cause=cause, now=now)
            if (current.revision, current.due_time) != (
                subscription.revision,
                subscription.due_time,
            ):
                sending.recorded.due_times[current.subscription_id] = current.due_time
            elif current.has_expired(now):
                connection.execute(
                    update(SUBSCRIPTIONS)
                    .where(SUBSCRIPTIONS.c.subscription_id == current.subscription_id)
                    .values(due_time=None)
                )
                sending.recorded.due_times[current.subscription_id] = None
            else:
                outcome = after_time(current, now)
                if reports and not outcome.send:
                    outcome = after_reports(current, reports, now)
                sending.settle(current, outcome)
            return sending.recorded

        return await self._database.transact(work)

    async def tell_accuracy(
        self,
        subscription: Subscription,
        reports: tuple[Report, ...],
        accuracy: Sequence[AccuracyStatus | None],
        cause: Cause,
    ) -> tuple[Subscription, Recorded]:
        """Report accuracy and remember it; nothing if the subscription has changed."""

        def work(connection: Connection) -> tuple[Subscription, Recorded]:
            now = self._clock.now()
            current = read_subscription(connection, subscription.subscription_id)
            sending = self._sending(connection, cause=cause, now=now)
            unchanged = (current.revision, current.accuracy) == (
                subscription.revision,
                subscription.accuracy,
            )
            if not unchanged or current.has_expired(now):
                return current, sending.recorded
            connection.execute(
                update(SUBSCRIPTIONS)
                .where(SUBSCRIPTIONS.c.subscription_id == current.subscription_id)
                .values(accuracy=accuracy_json(accuracy))
            )
            sending.settle(current, after_reports(current, reports, now))
            return read_subscription(connection, current.subscription_id), sending.recorded

        return await self._database.transact(work)

    async def notifications(
        self, subscription_id: str, *, after: int, size: int
    ) -> Sequence[Notification]:
        """At most `size` stored notifications with a higher sequence than `after`, in order."""
        query = (
            select(
                *NOTIFICATIONS.c["sequence", "notification_id", "notif_corr_id", "term_cause"],
                *CONTENTS.c["content", "create_time"],
            )
            .join_from(NOTIFICATIONS, CONTENTS)
            .where(
                NOTIFICATIONS.c.subscription_position == _position_of(subscription_id),
                NOTIFICATIONS.c.sequence > after,
            )
            .order_by(NOTIFICATIONS.c.sequence)
            .limit(size)
        )
        return await self._database.transact(
            lambda connection: [
                _notification(subscription_id, row) for row in connection.execute(query)
            ]
        )

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Forget the notifications up to `sequence`."""

        def work(connection: Connection) -> None:
            current = read_subscription(connection, subscription_id)
            if not 0 <= sequence <= current.report_count:
                raise InvalidArgument(
                    f"sequence {sequence} is none of 0 to {current.report_count}; acknowledge "
                    "what was received",
                    reason="INVALID_FIELD",
                    field="sequence",
                )
            if sequence <= current.acknowledged:
                return
            # The subscription first, as whoever tells it something: they could wait for each other.
            connection.execute(
                update(SUBSCRIPTIONS)
                .where(SUBSCRIPTIONS.c.subscription_id == subscription_id)
                .values(acknowledged=sequence)
            )
            connection.execute(
                delete(NOTIFICATIONS).where(
                    NOTIFICATIONS.c.subscription_position == _position_of(subscription_id),
                    NOTIFICATIONS.c.sequence <= sequence,
                )
            )

        await self._database.transact(work)

    async def latest(self) -> Sequence[tuple[Observation, int]]:
        """The remembered observations with their positions, oldest first."""
        query = select(OBSERVATIONS).order_by(OBSERVATIONS.c.position)
        return await self._database.transact(
            lambda connection: [
                (observation_of(row.observation), row.position) for row in connection.execute(query)
            ]
        )

    def _remember(
        self, connection: Connection, observations: Sequence[Observation], position: int
    ) -> None:
        if not observations:
            return
        connection.execute(
            _FORGET_SERIES,
            [{"of": observation.series} for observation in observations],
        )
        connection.execute(
            _KEEP_SERIES,
            [
                {
                    "series": observation.series,
                    "position": position,
                    "observation": observation_json(observation),
                }
                for observation in observations
            ],
        )
        if position % _FORGET_EVERY == 0:
            too_old = connection.execute(
                select(OBSERVATIONS.c.position)
                .order_by(OBSERVATIONS.c.position.desc())
                .limit(1)
                .offset(self._remembered_series)
            ).scalar()
            if too_old is not None:
                connection.execute(delete(OBSERVATIONS).where(OBSERVATIONS.c.position <= too_old))


def _position_of(subscription_id: str) -> ScalarSelect[int]:
    return (
        select(SUBSCRIPTIONS.c.position)
        .where(SUBSCRIPTIONS.c.subscription_id == subscription_id)
        .scalar_subquery()
    )


def _notification(subscription_id: str, row: Row[Any]) -> Notification:
    content = content_of(row.content)
    return Notification(
        notification_id=row.notification_id or notification_id_of(subscription_id, content.cause),
        subscription_id=subscription_id,
        sequence=row.sequence,
        notif_corr_id=row.notif_corr_id,
        reports=content.reports,
        cause=content.cause,
        create_time=row.create_time,
        term_cause=row.term_cause,
    )
