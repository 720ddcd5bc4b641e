"""The procedure that keeps this function's subscription at the NWDAF."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import structlog

from inference_nf.ports import AnswerStore, EventFilter, Notifications, Subscription
from inference_nf.waiting import StoppedError, answer_of
from nf_runtime.client import wait_or_stop
from nf_runtime.clock import Clock
from nf_runtime.errors import NfError, NotFound

_REFUSED_WAIT_S = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Interest:
    """Whom we are and what we want to be notified of."""

    consumer_id: str
    filters: Sequence[EventFilter]

    @property
    def fingerprint(self) -> str:
        """The same for the same filters."""
        document = json.dumps([asdict(f) for f in self.filters], sort_keys=True)
        return hashlib.sha256(document.encode()).hexdigest()[:16]

    def request_id(self, generation: int) -> str:
        """Makes creation idempotent: a restarted function finds the subscription it had made."""
        return f"{self.consumer_id}/{self.fingerprint}/{generation}"


class Subscribing:
    """Finds, makes or changes the one subscription of this function.

    Args:
        notifications: The NWDAF.
        store: Remembers the subscription and how far it is dealt with.
        clock: For waits.
        interest: What to subscribe to.
    """

    def __init__(
        self,
        *,
        notifications: Notifications,
        store: AnswerStore,
        clock: Clock,
        interest: Interest,
    ) -> None:
        self._notifications = notifications
        self._store = store
        self._clock = clock
        self._interest = interest

    async def subscription(self, stop: asyncio.Event, *, gone: bool) -> Subscription:
        """The subscription to what this function is interested in, stored.

        Waits as long as the NWDAF is missing or refuses. `gone` says that the NWDAF does not know
        the stored one any more.

        Raises:
            StoppedError: `stop` is set first.
        """
        stored = await answer_of(
            self._store.subscription, what="database", clock=self._clock, stop=stop
        )
        wanted = await self._agreed(None if gone else stored, stored, stop)
        if wanted != stored:
            await answer_of(
                lambda: self._store.save_subscription(wanted),
                what="database",
                clock=self._clock,
                stop=stop,
            )
        log.info(
            "subscribed",
            subscription_id=wanted.subscription_id,
            events=[wanted_filter.event for wanted_filter in self._interest.filters],
            after_sequence=wanted.processed_sequence,
        )
        return wanted

    async def _agreed(
        self, valid: Subscription | None, last: Subscription | None, stop: asyncio.Event
    ) -> Subscription:
        while True:
            try:
                if valid is not None:
                    return await self._kept(valid, stop)
                return await self._made(1 if last is None else last.generation + 1, stop)
            except NfError as error:
                if isinstance(error, NotFound) and valid is not None:
                    valid = None
                    continue
                log.error(  # noqa: TRY400 - the reason says it all
                    "subscription refused; trying again", reason=error.reason, error=str(error)
                )
                if await wait_or_stop(_REFUSED_WAIT_S, clock=self._clock, stop=stop):
                    raise StoppedError("the subscription was refused") from error

    async def _kept(self, valid: Subscription, stop: asyncio.Event) -> Subscription:
        if valid.fingerprint == self._interest.fingerprint:
            return valid
        await answer_of(
            lambda: self._notifications.modify(
                valid.subscription_id,
                consumer_id=self._interest.consumer_id,
                filters=self._interest.filters,
            ),
            what="nwdaf.anlf",
            clock=self._clock,
            stop=stop,
        )
        return replace(valid, fingerprint=self._interest.fingerprint)

    async def _made(self, generation: int, stop: asyncio.Event) -> Subscription:
        subscription_id = await answer_of(
            lambda: self._notifications.subscribe(
                request_id=self._interest.request_id(generation),
                consumer_id=self._interest.consumer_id,
                filters=self._interest.filters,
            ),
            what="nwdaf.anlf",
            clock=self._clock,
            stop=stop,
        )
        return Subscription(subscription_id, self._interest.fingerprint, generation, 0)
