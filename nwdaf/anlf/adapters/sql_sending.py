"""What is reported to a subscription, in the transaction of whoever reports it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from nwdaf.anlf.adapters.sql_tables import NOTIFICATIONS, SUBSCRIPTIONS
from nwdaf.anlf.adapters.stored_reports import content_json, held_json
from nwdaf.anlf.holding import Outcome, due_time
from nwdaf.anlf.notifications import Cause, Notification, notification_id_of
from nwdaf.anlf.ports import Recorded
from nwdaf.anlf.reports import Report
from nwdaf.anlf.subscriptions import Subscription
from nwdaf.sql_types import UtcDateTime

OVERLOAD = "NWDAF_OVERLOAD"

_OF = SUBSCRIPTIONS.c
_AMONG = _OF.subscription_id.in_(bindparam("ids", expanding=True))

# Statements of the way of each event: SQLAlchemy takes longer to build one than SQLite to run it.
_OPEN_ONES = (
    select(_OF.subscription_id, _OF.report_count, _OF.acknowledged, _OF.notif_corr_id, _OF.holding)
    .where(
        _AMONG,
        ~_OF.closed,
        or_(_OF.report_limit.is_(None), _OF.report_count < _OF.report_limit),
        or_(_OF.expire_time.is_(None), _OF.expire_time > bindparam("now", type_=UtcDateTime)),
    )
    .order_by(_OF.position)
    .with_for_update()
)
_COUNT_ONE_MORE = update(SUBSCRIPTIONS).where(_AMONG).values(report_count=_OF.report_count + 1)
_STORE = insert(NOTIFICATIONS)


class _Target(NamedTuple):
    """A subscription before it is told."""

    subscription_id: str
    report_count: int
    acknowledged: int
    notif_corr_id: str


@dataclass
class Sending:
    """Notifications in the making.

    Args:
        connection: In whose transaction.
        cause: Why.
        now: Wall-clock UTC.
        undelivered_limit: Notifications of one subscription that may wait for acknowledgement.
        terminate_on_overflow: Whether one more ends the subscription, or the oldest is forgotten.
    """

    connection: Connection
    cause: Cause
    now: datetime
    undelivered_limit: int
    terminate_on_overflow: bool
    recorded: Recorded = field(default_factory=Recorded)
    _contents: dict[int, tuple[tuple[Report, ...], str]] = field(default_factory=dict)

    def to_all(self, reports: Mapping[str, tuple[Report, ...]]) -> Sequence[str]:
        """Send to those subscriptions that report at once; the open ones that hold are returned."""
        rows = self.connection.execute(_OPEN_ONES, {"ids": list(reports), "now": self.now}).all()
        targets = [_Target(*row[:4]) for row in rows if not row.holding]
        self._send([(target, reports[target.subscription_id]) for target in targets])
        return [row.subscription_id for row in rows if row.holding]

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
            target = _Target(
                subscription_id,
                subscription.report_count,
                subscription.acknowledged,
                criteria.notif_corr_id,
            )
            self._send([(target, outcome.send)])

    def _send(self, told: Sequence[tuple[_Target, tuple[Report, ...]]]) -> None:
        if not told:
            return
        self.connection.execute(
            _COUNT_ONE_MORE, {"ids": [target.subscription_id for target, _ in told]}
        )
        made = [self._made(target, reports) for target, reports in told]
        self.connection.execute(
            _STORE,
            [
                {
                    "subscription_id": one.subscription_id,
                    "sequence": one.sequence,
                    "notification_id": one.notification_id,
                    "notif_corr_id": one.notif_corr_id,
                    "content": self._content(one.reports),
                    "term_cause": one.term_cause,
                    "create_time": one.create_time,
                }
                for one in made
            ],
        )
        self.recorded.notifications.extend(made)
        self._bound([target for target, _ in told if self._excess(target) > 0])

    def _excess(self, target: _Target) -> int:
        """How many notifications too many wait for acknowledgement, the next one counted."""
        return target.report_count + 1 - target.acknowledged - self.undelivered_limit

    def _made(self, target: _Target, reports: tuple[Report, ...]) -> Notification:
        ends = self.terminate_on_overflow and self._excess(target) > 0
        return Notification(
            notification_id=notification_id_of(target.subscription_id, self.cause),
            subscription_id=target.subscription_id,
            sequence=target.report_count + 1,
            notif_corr_id=target.notif_corr_id,
            reports=reports,
            cause=self.cause,
            create_time=self.now,
            term_cause=OVERLOAD if ends else "",
        )

    def _bound(self, late: Sequence[_Target]) -> None:
        """Forget the oldest of those who do not acknowledge, or end their subscriptions."""
        if not late:
            return
        mine = SUBSCRIPTIONS.c.subscription_id == bindparam("of")
        if self.terminate_on_overflow:
            self.connection.execute(
                update(SUBSCRIPTIONS).where(mine).values(closed=True, due_time=None),
                [{"of": target.subscription_id} for target in late],
            )
            for target in late:
                self.recorded.due_times[target.subscription_id] = None
                self.recorded.closed.append(target.subscription_id)
            return
        dropped = [
            {
                "of": target.subscription_id,
                "last": target.acknowledged + self._excess(target),
                "count": self._excess(target),
            }
            for target in late
        ]
        self.connection.execute(
            delete(NOTIFICATIONS).where(
                NOTIFICATIONS.c.subscription_id == bindparam("of"),
                NOTIFICATIONS.c.sequence <= bindparam("last"),
            ),
            dropped,
        )
        self.connection.execute(
            update(SUBSCRIPTIONS)
            .where(mine)
            .values(
                acknowledged=bindparam("last"),
                dropped_count=SUBSCRIPTIONS.c.dropped_count + bindparam("count"),
            ),
            dropped,
        )
        self.recorded.dropped += sum(self._excess(target) for target in late)

    def _content(self, reports: tuple[Report, ...]) -> str:
        """The JSON of reports, written once for all who are told the same."""
        known = self._contents.get(id(reports))
        if known is None:
            known = (reports, content_json(self.cause, reports))
            self._contents[id(reports)] = known
        return known[1]
