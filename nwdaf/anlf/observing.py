"""What is observed, and what falls due, becomes notifications."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from nf_runtime.client import keep_trying, wait_or_stop
from nf_runtime.errors import NotFound
from nf_runtime.events.record import Record
from nwdaf.anlf.desk import Desk
from nwdaf.anlf.holding import is_due
from nwdaf.anlf.notifications import Cause
from nwdaf.anlf.observations import TRIGGERS, Observation, Quantity, observations_of
from nwdaf.anlf.ping_pong import ping_pongs
from nwdaf.anlf.ports import NfUsage, NfUsages, OffsetStore
from nwdaf.anlf.reports import FailureCode, Report
from nwdaf.anlf.subscriptions import Subscription, WatchedEvent

log = structlog.get_logger(__name__)

_DUE_CHECK_S = 0.05


class Observing:
    """The use cases of the network: events, readings and the passing of time."""

    def __init__(self, desk: Desk, offsets: OffsetStore) -> None:
        self._desk = desk
        self._offsets = offsets

    async def take_in(self, record: Record) -> None:
        """Let the event of a record take effect: notifications, stored and then streamed."""
        if record.event is None:
            await self._offsets.skip(record)
            return
        observations = observations_of(record.event, received_time=self._desk.clock.now())
        observations += tuple(ping_pongs(observations, self._desk.book.latest))
        if not observations:
            await self._offsets.skip(record)
            return
        count = await self._report(record, Cause.of_event(record.event), observations)
        if observations[0].quantity in TRIGGERS:
            log.info(
                "trigger taken in",
                trigger_id=record.event.id,
                kind=observations[0].quantity.value,
                beam_id=observations[0].beam_id,
                notifications=count,
            )

    async def take_in_usages(self, usages: Sequence[NfUsage]) -> None:
        """Let the load of network functions take effect."""
        now = self._desk.clock.now()
        observations = [
            Observation(
                quantity,
                value,
                time=now,
                event_id=f"nf-load/{usage.nf_instance_id}/{now.isoformat()}",
                event_type="",
                received_time=now,
                nf_instance_id=usage.nf_instance_id,
            )
            for usage in usages
            for quantity, value in (
                (Quantity.NF_CPU_USAGE, usage.cpu_usage_percent),
                (Quantity.NF_MEMORY_USAGE, usage.memory_usage_percent),
            )
        ]
        if observations:
            await self._report(None, Cause(f"nf-load {now.isoformat()}"), observations)

    async def run_due(self, stop: asyncio.Event) -> None:
        """Send periodic reports and groups when they are due, until `stop` is set."""
        clock = self._desk.clock
        while not await wait_or_stop(_DUE_CHECK_S, clock=clock, stop=stop):
            await keep_trying(self.send_due, what="database", clock=clock, stop=stop)

    async def send_due(self) -> None:
        """Send what is due now."""
        desk = self._desk
        for subscription_id in desk.agenda.due(desk.clock.now()):
            try:
                async with desk.turn:
                    await self._send_due(subscription_id)
            except NotFound:
                continue  # it was deleted meanwhile
            except BaseException:
                desk.agenda.put(subscription_id, desk.clock.now())
                raise

    async def run_readings(self, usages: NfUsages, period_s: float, stop: asyncio.Event) -> None:
        """Read the load of network functions now and then, until `stop` is set."""
        clock = self._desk.clock
        while True:
            read = await usages.read()
            take_in = partial(self.take_in_usages, read)
            await keep_trying(take_in, what="database", clock=clock, stop=stop)
            if await wait_or_stop(period_s, clock=clock, stop=stop):
                return

    async def _report(
        self, record: Record | None, cause: Cause, observations: Sequence[Observation]
    ) -> int:
        """How many notifications the observations led to."""
        desk = self._desk
        async with desk.turn:
            position = desk.book.position + 1
            recorded = await desk.notifications.record(
                record,
                cause,
                desk.book.matching(observations),
                [one for one in observations if desk.book.is_watched(one.quantity)],
                position=position,
            )
            if recorded is None:
                return 0  # seen before: the last values are those of later observations
            desk.book.remember(observations, position)
            desk.tell(recorded)
        return len(recorded.notifications)

    async def _send_due(self, subscription_id: str) -> None:
        desk = self._desk
        subscription = await desk.subscriptions.get(subscription_id)
        if subscription.due_time is None:
            return
        now = desk.clock.now()
        recorded = await desk.notifications.fall_due(
            subscription,
            tuple(self._periodic_reports(subscription, subscription.due_time, now)),
            Cause(f"due {subscription.due_time.isoformat()}"),
        )
        desk.tell(recorded)

    def _periodic_reports(
        self, subscription: Subscription, due_time: datetime, now: datetime
    ) -> list[Report]:
        reports: list[Report] = []
        for watched in subscription.reported_events:
            period = subscription.criteria.period_of(watched)
            if period is not None and is_due(
                period, create_time=subscription.create_time, since=due_time, now=now
            ):
                reports += self._periodic_report(subscription, watched, period, due_time - period)
        return reports

    def _periodic_report(
        self, subscription: Subscription, watched: WatchedEvent, period: timedelta, since: datetime
    ) -> list[Report]:
        """What was observed in the period that ends, or that there is no data."""
        found = [
            report
            for report in self._desk.sampled(subscription, (watched,))
            if report.observation is not None and report.observation.received_time >= since
        ]
        nothing = Report(
            watched.event, fail_notify_code=FailureCode.UNAVAILABLE_DATA, rv_wait_time=period
        )
        return found or [nothing]
