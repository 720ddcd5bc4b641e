"""The loop that lets each record of some topics take effect, one after the other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.config import KafkaSettings
from nf_runtime.database import Database
from nf_runtime.events.broker import Broker
from nf_runtime.events.record import Record
from nf_runtime.events.subscriber import EventSubscriber
from nf_runtime.inbox import load_offsets
from nf_runtime.metrics import EventMetrics
from nf_runtime.tracing import continued

TakeIn = Callable[[Record], Awaitable[None]]


class Intake:
    """Reads topics from the stored offsets on.

    Args:
        settings: The broker.
        database: Where the offsets are.
        clock: For waiting.
        metrics: Counts of the process.
        broker: Instead of the one of the settings.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        database: Database,
        *,
        clock: Clock,
        metrics: EventMetrics,
        broker: Broker | None = None,
    ) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._broker = broker

    async def run(
        self,
        topics: Sequence[str],
        take_in: TakeIn,
        stop: asyncio.Event,
        *,
        needs: str = "database",
    ) -> None:
        """Give each record to `take_in` until `stop` is set.

        While what it `needs` does not answer, the record waits: `take_in` is called again.
        """
        offsets = await self._database.transact(load_offsets)
        async with EventSubscriber(
            self._settings,
            topics,
            offsets,
            clock=self._clock,
            metrics=self._metrics,
            broker=self._broker,
        ) as subscriber:
            async for record in subscriber.until(stop):
                with continued(record.event.traceparent if record.event else None):
                    await keep_trying(
                        partial(take_in, record), what=needs, clock=self._clock, stop=stop
                    )
