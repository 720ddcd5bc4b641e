"""What is reported to a subscription, in the transaction of whoever reports it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from sqlalchemy import (
    Connection,
    Executable,
    Integer,
    String,
    bindparam,
    cast,
    delete,
    insert,
    or_,
    select,
    update,
)

from nwdaf.anlf.adapters.sql_contents import Contents
from nwdaf.anlf.adapters.sql_json import as_lists, numbers_of, texts_of
from nwdaf.anlf.adapters.sql_tables import NOTIFICATIONS, SUBSCRIPTIONS
from nwdaf.anlf.adapters.stored_reports import held_json
from nwdaf.anlf.holding import Outcome, due_time
from nwdaf.anlf.notifications import Cause, Notification, notification_id_of
from nwdaf.anlf.ports import Recorded
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Subscription
from nwdaf.sql_types import COUNTER, UtcDateTime

OVERLOAD = "NWDAF_OVERLOAD"

_OF = SUBSCRIPTIONS.c
_AMONG = _OF.position.in_(numbers_of("positions"))

# Statements of the way of each event: SQLAlchemy takes longer to build one than SQLite to run it.
# Each does its work for all subscriptions at once, without a row of it passing through Python.
_OPEN_ONES = as_lists(
    select(
        _OF.position,
        _OF.subscription_id,
        _OF.report_count,
        _OF.acknowledged,
        _OF.notif_corr_id,
        cast(_OF.holding, Integer),
    )
    .where(
        _OF.subscription_id.in_(texts_of("ids")),
        ~_OF.closed,
        or_(_OF.report_limit.is_(None), _OF.report_count < _OF.report_limit),
        or_(_OF.expire_time.is_(None), _OF.expire_time > bindparam("now", type_=UtcDateTime)),
    )
    .order_by(_OF.position)
    .with_for_update()
    .subquery()
)
_COUNT_ONE_MORE = update(SUBSCRIPTIONS).where(_AMONG).values(report_count=_OF.report_count + 1)
_STORE = insert(NOTIFICATIONS).from_select(
    ["subscription_position", "sequence", "content_id", "notif_corr_id", "term_cause"],
    select(
        _OF.position,
        _OF.report_count,
        bindparam("content_id", type_=COUNTER),
        _OF.notif_corr_id,
        bindparam("term_cause", type_=String),
    ).where(_AMONG),
)
_CLOSE = update(SUBSCRIPTIONS).where(_AMONG).values(closed=True, due_time=None)
_KEPT_AFTER = _OF.report_count - bindparam("limit", type_=Integer)
_FORGET = delete(NOTIFICATIONS).where(
    NOTIFICATIONS.c.subscription_position.in_(numbers_of("positions")),
    NOTIFICATIONS.c.sequence
    <= select(_KEPT_AFTER)
    .where(_OF.position == NOTIFICATIONS.c.subscription_position)
    .scalar_subquery(),
)
_COUNT_FORGOTTEN = (
    update(SUBSCRIPTIONS)
    .where(_AMONG)
    .values(
        acknowledged=_KEPT_AFTER, dropped_count=_OF.dropped_count + _KEPT_AFTER - _OF.acknowledged
    )
)


class _Target(msgspec.Struct, array_like=True, gc=False):
    """A subscription before it is told; the fields are those of `_OPEN_ONES`."""

    position: int
    subscription_id: str
    report_count: int
    acknowledged: int
    notif_corr_id: str
    holding: int = 0


_TARGETS = msgspec.json.Decoder(list[_Target])


@dataclass
class Sending:
    """Notifications in the making.

    Args:
        connection: In whose transaction.
        contents: Of notifications.
        cause: Why.
        now: Wall-clock UTC.
        undelivered_limit: Notifications of one subscription that may wait for acknowledgement.
        terminate_on_overflow: Whether one more ends the subscription, or the oldest is forgotten.
    """

    connection: Connection
    contents: Contents
    cause: Cause
    now: datetime
    undelivered_limit: int
    terminate_on_overflow: bool
    recorded: Recorded = field(default_factory=Recorded)

    def to_all(self, reports: Mapping[str, tuple[Report, ...]]) -> Sequence[str]:
        """Send to those subscriptions that report at once; the open ones that hold are returned."""
        listed = self.connection.execute(
            _OPEN_ONES, {"ids": _json(list(reports)), "now": self.now}
        ).scalar_one()
        open_ones = _TARGETS.decode(listed or "[]")
        self._send([(one, reports[one.subscription_id]) for one in open_ones if not one.holding])
        return [one.subscription_id for one in open_ones if one.holding]

    def settle(self, subscription: Subscription, outcome: Outcome) -> None:
        """Let a subscription stand as the outcome says, and send what it sends."""
        criteria = subscription.criteria
        due = None
        if not outcome.closed:
            due = due_time(
                criteria,
                outcome.held,
                muted=outcome.muted,
                create_time=subscription.create_time,
                now=self.now,
            )
        subscription_id = subscription.subscription_id
        self.connection.execute(
            update(SUBSCRIPTIONS)
            .where(SUBSCRIPTIONS.c.subscription_id == subscription_id)
            .values(
                held=held_json(outcome.held),
                muted=outcome.muted,
                holding=outcome.muted or criteria.reporting.grp_rep_time is not None,
                due_time=due,
                closed=outcome.closed,
            )
        )
        self.recorded.due_times[subscription_id] = due
        if outcome.closed:
            self.recorded.closed.append(subscription_id)
        if outcome.send:
            position = self.connection.execute(
                select(_OF.position).where(_OF.subscription_id == subscription_id)
            ).scalar_one()
            target = _Target(
                position,
                subscription_id,
                subscription.report_count,
                subscription.acknowledged,
                criteria.notif_corr_id,
            )
            self._send([(target, outcome.send)])

    def _send(self, told: Sequence[tuple[_Target, tuple[Report, ...]]]) -> None:
        if not told:
            return
        self._execute(_COUNT_ONE_MORE, [target for target, _ in told])
        late = [target for target, _ in told if self._excess(target) > 0]
        ending = {target.position for target in late} if self.terminate_on_overflow else set()
        alike: dict[tuple[int, str], tuple[tuple[Report, ...], list[_Target]]] = {}
        for target, reports in told:
            term_cause = OVERLOAD if target.position in ending else ""
            alike.setdefault((id(reports), term_cause), (reports, []))[1].append(target)
        for (_, term_cause), (reports, targets) in alike.items():
            self._store(targets, reports, term_cause)
        self._bound(late)

    def _store(
        self, targets: Sequence[_Target], reports: tuple[Report, ...], term_cause: str
    ) -> None:
        cause, now = self.cause, self.now
        content_id = self.contents.add(self.connection, cause, reports, now)
        self._execute(_STORE, targets, content_id=content_id, term_cause=term_cause)
        self.recorded.notifications += [
            Notification(
                notification_id_of(target.subscription_id, cause),
                target.subscription_id,
                target.report_count + 1,
                target.notif_corr_id,
                reports,
                cause,
                now,
                term_cause,
            )
            for target in targets
        ]

    def _excess(self, target: _Target) -> int:
        """How many notifications too many wait for acknowledgement, the next one counted."""
        return target.report_count + 1 - target.acknowledged - self.undelivered_limit

    def _bound(self, late: Sequence[_Target]) -> None:
        """Forget the oldest of those who do not acknowledge, or end their subscriptions."""
        if not late:
            return
        if self.terminate_on_overflow:
            self._execute(_CLOSE, late)
            for target in late:
                self.recorded.due_times[target.subscription_id] = None
                self.recorded.closed.append(target.subscription_id)
            return
        self._execute(_FORGET, late, limit=self.undelivered_limit)
        self._execute(_COUNT_FORGOTTEN, late, limit=self.undelivered_limit)
        self.recorded.dropped += sum(self._excess(target) for target in late)

    def _execute(self, statement: Executable, targets: Sequence[_Target], **given: object) -> None:
        """For all targets at once."""
        positions = _json([target.position for target in targets])
        self.connection.execute(statement, {"positions": positions, **given})


def _json(values: Sequence[object]) -> str:
    return msgspec.json.encode(values).decode()
