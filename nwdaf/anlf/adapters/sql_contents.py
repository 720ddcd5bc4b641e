"""What notifications tell, stored once for all subscriptions that are told the same."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from nwdaf.anlf.adapters.sql_tables import CONTENTS, NOTIFICATIONS
from nwdaf.anlf.adapters.stored_reports import content_json
from nwdaf.anlf.notifications import Cause
from nwdaf.anlf.reports import Report

_SWEEP_EVERY = 100
_SWEPT_AT_ONCE = 1_000

_ADD = insert(CONTENTS).returning(CONTENTS.c.content_id)
_NEXT = (
    select(CONTENTS.c.content_id)
    .where(CONTENTS.c.content_id > bindparam("after"))
    .order_by(CONTENTS.c.content_id)
    .limit(_SWEPT_AT_ONCE)
    .subquery()
)
_WHERE_NEXT_END = select(func.max(_NEXT.c.content_id), func.count())
_SWEEP = delete(CONTENTS).where(
    CONTENTS.c.content_id > bindparam("after"),
    CONTENTS.c.content_id <= bindparam("last"),
    ~select(NOTIFICATIONS.c.content_id)
    .where(NOTIFICATIONS.c.content_id == CONTENTS.c.content_id)
    .exists(),
)


class Contents:
    """The contents of notifications.

    Whether one is still of use is not asked at each acknowledgement, which all who acknowledge at
    the same time would have to agree on. Instead some are looked at now and then, in turns, ten for
    each that is added: of those that are kept about a tenth may be of no use.
    """

    def __init__(self) -> None:
        self._added = 0
        self._swept_to = 0

    def add(
        self, connection: Connection, cause: Cause, reports: tuple[Report, ...], now: datetime
    ) -> int:
        """The number of a new content; its notifications have to follow before the next one."""
        self._added += 1
        if self._added % _SWEEP_EVERY == 0:
            self._sweep(connection)
        content_id: int = connection.execute(
            _ADD, {"content": content_json(cause, reports), "create_time": now}
        ).scalar_one()
        return content_id

    def _sweep(self, connection: Connection) -> None:
        """Forget what no notification has, among the next few."""
        after = self._swept_to
        last, count = connection.execute(_WHERE_NEXT_END, {"after": after}).one()
        if count:
            connection.execute(_SWEEP, {"after": after, "last": last})
        self._swept_to = last if count == _SWEPT_AT_ONCE else 0
