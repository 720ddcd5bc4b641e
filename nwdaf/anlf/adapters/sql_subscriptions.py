"""Subscriptions in the database."""

import asyncio
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from nf_runtime.clock import Clock
from nf_runtime.database import Database
from nf_runtime.errors import (
    Aborted,
    AlreadyExists,
    NotFound,
    ResourceExhausted,
)
from nwdaf.anlf.accuracy import AccuracyStatus
from nwdaf.anlf.adapters.sql_contents import Contents
from nwdaf.anlf.adapters.sql_sending import Sending
from nwdaf.anlf.adapters.sql_tables import SUBSCRIPTIONS
from nwdaf.anlf.adapters.stored_reports import held_of
from nwdaf.anlf.admission import Admission
from nwdaf.anlf.holding import after_modification, due_time
from nwdaf.anlf.notifications import Cause
from nwdaf.anlf.ports import Recorded
from nwdaf.anlf.subscriptions import Criteria, EventFailure, Subscription

_CRITERIA = msgspec.json.Decoder(Criteria)
_FAILURES = msgspec.json.Decoder(tuple[EventFailure, ...])
_ACCURACY = msgspec.json.Decoder(tuple[AccuracyStatus | None, ...])

# Statements that every call needs: SQLAlchemy takes longer to build one than SQLite to run it.
_OF_ID = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.subscription_id == bindparam("of"))
_OF_REQUEST = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.request_id == bindparam("of"))
_ADD = insert(SUBSCRIPTIONS)
_COUNT = select(func.count()).select_from(SUBSCRIPTIONS)
_COUNT_OWN = _COUNT.where(SUBSCRIPTIONS.c.consumer_nf_id == bindparam("of"))


class SqlSubscriptionStore:
    """`nwdaf.anlf.ports.SubscriptionStore` in SQL.

    Args:
        database: Open, with the tables of `sql_tables`.
        clock: For creation times.
        per_consumer: Subscriptions that one consumer may have.
        total: Subscriptions that all consumers together may have.
        undelivered_limit: Notifications of one subscription that may wait for acknowledgement.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Clock,
        per_consumer: int,
        total: int,
        undelivered_limit: int = 10_000,
    ) -> None:
        self._database = database
        self._clock = clock
        self._per_consumer = per_consumer
        self._total = total
        self._undelivered_limit = undelivered_limit
        self._contents = Contents()
        # Quotas, request ids and etags are read before they are written, one change at a time.
        self._changing = asyncio.Lock()

    async def load(self) -> Sequence[Subscription]:
        """All subscriptions in order of creation."""
        query = select(SUBSCRIPTIONS).order_by(SUBSCRIPTIONS.c.position)
        return await self._database.transact(
            lambda connection: [_subscription(row) for row in connection.execute(query)]
        )

    async def create(
        self, requested: Criteria, admission: Admission, *, request_id: str, position: int
    ) -> Subscription:
        """The new subscription, or the one that the same request made before."""
        digest = hashlib.sha256(msgspec.json.encode(requested)).hexdigest()

        def work(connection: Connection) -> Subscription:
            if request_id:
                earlier = connection.execute(_OF_REQUEST, {"of": request_id}).first()
                if earlier is not None:
                    return _repeated(earlier, digest)
            self._check_quota(connection, requested.consumer_nf_id)
            subscription_id = uuid.uuid4().hex
            now, criteria = self._clock.now(), admission.criteria
            connection.execute(
                _ADD,
                {
                    "subscription_id": subscription_id,
                    "consumer_nf_id": requested.consumer_nf_id,
                    "request_id": request_id or None,
                    "request_digest": digest,
                    "revision": 1,
                    "report_count": 0,
                    "create_time": now,
                    "since_position": position,
                    "muted": criteria.muted,
                    "holding": criteria.muted or criteria.reporting.grp_rep_time is not None,
                    "due_time": due_time(
                        criteria, (), muted=criteria.muted, create_time=now, now=now
                    ),
                    **_content(admission),
                },
            )
            return read_subscription(connection, subscription_id)

        async with self._changing:
            return await self._database.transact(work)

    async def replace(
        self, subscription_id: str, admission: Admission, *, etag: str, position: int
    ) -> tuple[Subscription, Recorded]:
        """The subscription with new content; its sequence goes on."""

        def work(connection: Connection) -> tuple[Subscription, Recorded]:
            current = read_subscription(connection, subscription_id)
            same_events = admission.criteria.events == current.criteria.events
            if etag not in ("", current.etag):
                raise Aborted(
                    f"subscription {subscription_id} has changed; read it again and repeat",
                    reason="ETAG_MISMATCH",
                    resource=subscription_id,
                )
            connection.execute(
                update(SUBSCRIPTIONS)
                .where(SUBSCRIPTIONS.c.subscription_id == subscription_id)
                .values(
                    revision=current.revision + 1,
                    # Whoever changes only how it is told goes on from the same baseline.
                    since_position=current.since_position if same_events else position,
                    accuracy=accuracy_json(current.accuracy if same_events else ()),
                    **_content(admission),
                )
            )
            now, changed = self._clock.now(), read_subscription(connection, subscription_id)
            sending = Sending(
                connection,
                self._contents,
                Cause(f"modification {changed.revision}"),
                now,
                undelivered_limit=self._undelivered_limit,
                terminate_on_overflow=False,  # it has asked for them
            )
            if not changed.has_expired(now):
                sending.settle(changed, after_modification(changed, now))
            return read_subscription(connection, subscription_id), sending.recorded

        async with self._changing:
            return await self._database.transact(work)

    async def delete(self, subscription_id: str) -> None:
        """Remove the subscription; its notifications go with it."""

        def work(connection: Connection) -> None:
            removed = connection.execute(
                delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.subscription_id == subscription_id)
            )
            if not removed.rowcount:
                raise _not_found(subscription_id)

        await self._database.transact(work)

    async def get(self, subscription_id: str) -> Subscription:
        """One subscription."""
        return await self._database.transact(
            lambda connection: read_subscription(connection, subscription_id)
        )

    async def page(self, *, after: int, size: int) -> tuple[Sequence[Subscription], int | None]:
        """At most `size` subscriptions behind a position, and the position of the next page."""
        query = (
            select(SUBSCRIPTIONS)
            .where(SUBSCRIPTIONS.c.position > after)
            .order_by(SUBSCRIPTIONS.c.position)
            .limit(size + 1)
        )
        rows = await self._database.transact(lambda connection: connection.execute(query).all())
        page = [_subscription(row) for row in rows[:size]]
        return page, rows[size - 1].position if len(rows) > size else None

    def _check_quota(self, connection: Connection, consumer_nf_id: str) -> None:
        own = connection.execute(_COUNT_OWN, {"of": consumer_nf_id}).scalar_one()
        if own >= self._per_consumer:
            raise ResourceExhausted(
                f"consumer {consumer_nf_id or '(unnamed)'} has {own} subscriptions and may have "
                "no more; delete one first",
                reason="QUOTA_EXCEEDED",
                consumer_nf_id=consumer_nf_id,
                quota=str(self._per_consumer),
            )
        if connection.execute(_COUNT).scalar_one() >= self._total:
            raise ResourceExhausted(
                f"all {self._total} subscriptions are taken; delete one first",
                reason="QUOTA_EXCEEDED",
                quota=str(self._total),
            )


def _content(admission: Admission) -> dict[str, Any]:
    criteria = admission.criteria
    return {
        "criteria": _json(_without_defaults(criteria)),
        "failures": _json(admission.failures),
        "notif_corr_id": criteria.notif_corr_id,
        "report_limit": criteria.report_limit,
        "expire_time": criteria.expire_time,
    }


def _without_defaults(value: object) -> object:
    """A dataclass as what differs from its defaults.

    An event changes the row of each subscription that it concerns: it is a third as long without.
    """
    if isinstance(value, tuple):
        return [_without_defaults(one) for one in value]
    if not is_dataclass(value):
        return value
    given = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _without_defaults(one) for field, one in given if one != field.default}


def read_subscription(connection: Connection, subscription_id: str) -> Subscription:
    """The subscription, in the caller's transaction. NotFound if there is none."""
    row = connection.execute(_OF_ID, {"of": subscription_id}).first()
    if row is None:
        raise _not_found(subscription_id)
    return _subscription(row)


def accuracy_json(accuracy: Sequence[AccuracyStatus | None]) -> str:
    """What a subscription remembers of accuracy, as it is stored."""
    return _json(accuracy)


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        subscription_id=row.subscription_id,
        criteria=_CRITERIA.decode(row.criteria),
        failures=_FAILURES.decode(row.failures),
        revision=row.revision,
        create_time=row.create_time,
        report_count=row.report_count,
        acknowledged=row.acknowledged,
        dropped_count=row.dropped_count,
        held=held_of(row.held) if row.held != "[]" else (),
        muted=row.muted,
        due_time=row.due_time,
        since_position=row.since_position,
        closed=row.closed,
        accuracy=_ACCURACY.decode(row.accuracy),
    )


def _repeated(earlier: Row[Any], digest: str) -> Subscription:
    if earlier.request_digest != digest:
        raise AlreadyExists(
            f"request_id {earlier.request_id} came with another subscription before; use a new one",
            reason="REQUEST_ID_REUSED",
            request_id=earlier.request_id,
        )
    return _subscription(earlier)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _not_found(subscription_id: str) -> NotFound:
    return NotFound(
        f"subscription {subscription_id} does not exist; create it again",
        reason="RESOURCE_NOT_FOUND",
        resource=subscription_id,
    )
