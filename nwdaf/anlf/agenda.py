"""When which subscription falls due."""

import heapq
from collections.abc import Iterator
from datetime import datetime


class Agenda:
    """Subscriptions by the time at which something of them falls due, in memory."""

    def __init__(self) -> None:
        self._times: dict[str, datetime] = {}
        self._queue: list[tuple[datetime, str]] = []

    def put(self, subscription_id: str, due_time: datetime | None) -> None:
        """Enter or change a time; None strikes it."""
        if due_time is None:
            self._times.pop(subscription_id, None)
        elif self._times.get(subscription_id) != due_time:
            self._times[subscription_id] = due_time
            heapq.heappush(self._queue, (due_time, subscription_id))

    def due(self, now: datetime) -> Iterator[str]:
        """Take out those that are due, the earliest first."""
        while self._queue and self._queue[0][0] <= now:
            due_time, subscription_id = heapq.heappop(self._queue)
            # A time that was changed or struck is still in the queue.
            if self._times.get(subscription_id) == due_time:
                del self._times[subscription_id]
                yield subscription_id
