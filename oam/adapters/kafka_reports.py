"""Events of other functions from Kafka, each taking effect once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.config import KafkaSettings
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.catalogue import INFERENCE_REPORTS
from nf_runtime.events.record import Record
from nf_runtime.events.subscriber import EventSubscriber
from nf_runtime.inbox import load_offsets
from nf_runtime.metrics import EventMetrics
from nf_runtime.tracing import continued


class KafkaReports:
    """Reads topics from where the database says they have got to.

    Args:
        settings: Which broker.
        database: Holds the offsets.
        take_in: What to do with each record; stores its offset.
        clock: For waiting.
        metrics: Where counts go.
        broker: Instead of the one of the settings.
        topics: Which.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        database: Database,
        take_in: Callable[[Record], Awaitable[None]],
        clock: Clock,
        metrics: EventMetrics,
        broker: Broker | None = None,
        topics: Sequence[str] = (INFERENCE_REPORTS,),
    ) -> None:
        self._settings = settings
        self._database = database
        self._take_in = take_in
        self._clock = clock
        self._metrics = metrics
        self._broker = broker
        self._topics = topics

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop` is set; what is unread then is read at the next start."""
        offsets = await self._database.transact(load_offsets)
        subscriber = EventSubscriber(
            self._settings,
            self._topics,
            offsets,
            clock=self._clock,
            metrics=self._metrics,
            broker=self._broker,
        )
        async with subscriber:
            async for record in subscriber.until(stop):
                with continued(None if record.event is None else record.event.traceparent):
                    await keep_trying(
                        partial(self._take_in, record),
                        what="database",
                        clock=self._clock,
                        stop=stop,
                    )
