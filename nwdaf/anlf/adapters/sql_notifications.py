"""Triggers and notifications in the database."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, exists, insert, or_, select, update

from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.errors import InvalidArgument
from nf_runtime.events.catalogue import EVENT_TYPES
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.events.record import Record
from nf_runtime.inbox import accept
from nwdaf.anlf.adapters.sql_subscriptions import read_subscription
from nwdaf.anlf.adapters.sql_tables import NOTIFICATIONS, SUBSCRIPTIONS, TRIGGERS
from nwdaf.anlf.matching import Match
from nwdaf.anlf.notifications import Notification, notification_id_of
from nwdaf.anlf.triggers import Trigger

_FORGET_EVERY = 100


class SqlNotificationStore:
    """`nwdaf.anlf.ports.NotificationStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        clock: For creation times and the end of subscriptions.
        remembered_triggers: Triggers kept for immediate reports when nobody waits for them.
    """

    def __init__(self, database: Database, *, clock: Clock, remembered_triggers: int) -> None:
        self._database = database
        self._clock = clock
        self._remembered_triggers = remembered_triggers

    async def record_trigger(
        self, record: Record, trigger: Trigger, matches: Sequence[Match]
    ) -> Sequence[Notification]:
        """Notifications of those subscriptions that exist and have not expired."""
        tokens = {match.subscription_id: match.events for match in matches}

        def work(connection: Connection) -> Sequence[Notification]:
            if not accept(connection, record):
                return ()
            position = self._remember(connection, trigger)
            made = self._notifications(connection, trigger, tokens) if tokens else []
            if made:
                connection.execute(
                    insert(NOTIFICATIONS),
                    [
                        {
                            "subscription_id": notification.subscription_id,
                            "sequence": notification.sequence,
                            "notification_id": notification.notification_id,
                            "trigger_position": position,
                            "notif_corr_id": notification.notif_corr_id,
                            "events": _json(notification.events),
                            "create_time": notification.create_time,
                        }
                        for notification in made
                    ],
                )
            return made

        return await self._database.transact(work)

    async def notifications(
        self, subscription_id: str, *, after: int, size: int
    ) -> Sequence[Notification]:
        """At most `size` stored notifications with a higher sequence than `after`, in order."""
        query = (
            select(NOTIFICATIONS, *_TRIGGER_COLUMNS)
            .join(TRIGGERS, TRIGGERS.c.position == NOTIFICATIONS.c.trigger_position)
            .where(
                NOTIFICATIONS.c.subscription_id == subscription_id,
                NOTIFICATIONS.c.sequence > after,
            )
            .order_by(NOTIFICATIONS.c.sequence)
            .limit(size)
        )
        return await self._database.transact(
            lambda connection: [_notification(row) for row in connection.execute(query)]
        )

    async def acknowledge(self, subscription_id: str, sequence: int) -> None:
        """Forget the notifications up to `sequence`."""

        def work(connection: Connection) -> None:
            last = read_subscription(connection, subscription_id).report_count
            if not 0 <= sequence <= last:
                raise InvalidArgument(
                    f"sequence {sequence} is none of 0 to {last}; acknowledge what was received",
                    reason="INVALID_FIELD",
                    field="sequence",
                )
            connection.execute(
                delete(NOTIFICATIONS).where(
                    NOTIFICATIONS.c.subscription_id == subscription_id,
                    NOTIFICATIONS.c.sequence <= sequence,
                )
            )

        await self._database.transact(work)

    async def latest_triggers(self) -> Sequence[Trigger]:
        """The triggers that are still remembered, newest first."""
        query = (
            select(*_TRIGGER_COLUMNS)
            .order_by(TRIGGERS.c.position.desc())
            .limit(self._remembered_triggers)
        )
        return await self._database.transact(
            lambda connection: [_trigger(row) for row in connection.execute(query)]
        )

    def _remember(self, connection: Connection, trigger: Trigger) -> int:
        """The position of the stored trigger; now and then old ones are dropped."""
        event = trigger.event
        position: int = connection.execute(
            insert(TRIGGERS)
            .values(
                event_id=event.id,
                source=event.source,
                event_type=event.type,
                time=event.time,
                subject=event.subject,
                traceparent=event.traceparent,
                published_at_ns=event.published_at_ns,
                data=_json(event.data),
            )
            .returning(TRIGGERS.c.position)
        ).scalar_one()
        if position % _FORGET_EVERY == 0:
            connection.execute(
                delete(TRIGGERS).where(
                    TRIGGERS.c.position <= position - self._remembered_triggers,
                    ~exists().where(NOTIFICATIONS.c.trigger_position == TRIGGERS.c.position),
                )
            )
        return position

    def _notifications(
        self, connection: Connection, trigger: Trigger, tokens: dict[str, tuple[str, ...]]
    ) -> list[Notification]:
        now = self._clock.now()
        columns = SUBSCRIPTIONS.c
        open_ones = connection.execute(
            select(columns.subscription_id, columns.report_count, columns.notif_corr_id)
            .where(
                columns.subscription_id.in_(tokens),
                or_(columns.report_limit.is_(None), columns.report_count < columns.report_limit),
                or_(columns.expire_time.is_(None), columns.expire_time > now),
            )
            .order_by(columns.position)
            .with_for_update()
        ).all()
        connection.execute(
            update(SUBSCRIPTIONS)
            .where(columns.subscription_id.in_([row.subscription_id for row in open_ones]))
            .values(report_count=columns.report_count + 1)
        )
        return [
            Notification(
                notification_id=notification_id_of(row.subscription_id, trigger),
                subscription_id=row.subscription_id,
                sequence=row.report_count + 1,
                notif_corr_id=row.notif_corr_id,
                events=tokens[row.subscription_id],
                trigger=trigger,
                create_time=now,
            )
            for row in open_ones
        ]


_TRIGGER_COLUMNS = [column for column in TRIGGERS.c if column is not TRIGGERS.c.position]


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        notification_id=row.notification_id,
        subscription_id=row.subscription_id,
        sequence=row.sequence,
        notif_corr_id=row.notif_corr_id,
        events=msgspec.json.decode(row.events, type=tuple[str, ...]),
        trigger=_trigger(row),
        create_time=row.create_time,
    )


def _trigger(row: Row[Any]) -> Trigger:
    trigger = Trigger.from_event(
        CloudEvent(
            id=row.event_id,
            source=row.source,
            time=row.time,
            data=msgspec.json.decode(row.data, type=EVENT_TYPES[row.event_type]),
            subject=row.subject,
            traceparent=row.traceparent,
            published_at_ns=row.published_at_ns,
        )
    )
    if trigger is None:
        raise TypeError(f"the stored event type {row.event_type} is no trigger")
    return trigger


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
