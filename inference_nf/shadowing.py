"""A candidate that decides beside the active model, on a share of the decisions.

What it decides is compared on the same estimate and thrown away: nothing of it is applied before
it is activated like any other version. It never holds up a decision: it comes after, takes its turn
with other callers, and is spared what the engines have no time for.

The candidate and what was compared outlive the process: they are stored when it begins and ends,
and every second meanwhile.

Not modelled: what was compared in the last second before the process was killed.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from inference_nf.batching import Batcher
from inference_nf.comparison import Comparison, falls_in_share
from inference_nf.decisions import Decision, RadioSnapshot, feeds_for, model_decision
from inference_nf.loading import Models
from inference_nf.ports import Meter, ShadowStore
from inference_nf.releases import ModelKey
from nf_runtime.client import wait_or_stop
from nf_runtime.clock import Clock
from nf_runtime.errors import (
    FailedPrecondition,
    InvalidArgument,
    NfError,
    NotFound,
    ResourceExhausted,
)

_MOST_WAITING = 64
_SAVE_PERIOD_S = 1.0

log = structlog.get_logger(__name__)


class Shadowing:
    """Lets one candidate at a time decide beside the active model.

    Args:
        models: What is in memory.
        runs: Runs engines.
        store: Where the candidate and its comparison are kept.
        meter: Where comparisons are counted.
        clock: For the time between two savings.
    """

    def __init__(
        self, models: Models, *, runs: Batcher, store: ShadowStore, meter: Meter, clock: Clock
    ) -> None:
        self._models = models
        self._runs = runs
        self._store = store
        self._meter = meter
        self._clock = clock
        self._comparison: Comparison | None = None
        self._saved: Comparison | None = None
        self._waiting: asyncio.Queue[tuple[RadioSnapshot, Decision]] = asyncio.Queue(_MOST_WAITING)

    @property
    def comparison(self) -> Comparison | None:
        """So far; None without a candidate, also once it was activated or freed."""
        if self._comparison is not None and not self._is_candidate(self._comparison.key):
            self._comparison = None
        return self._comparison

    async def restore(self) -> None:
        """Go on with the candidate of the process's last life, once it is in memory again."""
        self._comparison = self._saved = await self._store.shadow()

    async def start(self, key: ModelKey, share: float) -> Comparison:
        """Let a loaded version decide too, from the next decision on, counted from nothing.

        Raises:
            InvalidArgument: INVALID_FIELD for a share outside (0, 1].
            NotFound: RESOURCE_NOT_FOUND when it is not in memory.
            FailedPrecondition: STATE_FORBIDS when it is the one that decides.
        """
        if not 0 < share <= 1:
            raise InvalidArgument(
                f"share is {share}; it lies above 0 and up to 1",
                reason="INVALID_FIELD",
                field="share",
            )
        self._models.find(key.name, key.version)
        if not self._is_candidate(key):
            raise FailedPrecondition(
                f"{key} decides already; name another version",
                reason="STATE_FORBIDS",
                state="ACTIVE",
                wanted="SHADOW",
            )
        started = Comparison(key, share)
        await self._save(started)
        self._comparison = started
        log.info("candidate decides beside the active model", model=str(key), share=share)
        return started

    async def stop(self) -> Comparison | None:
        """End it; what was compared, if there was a candidate. Idempotent."""
        await self._save(None)
        ended, self._comparison = self.comparison, None
        return ended

    def consider(self, snapshot: RadioSnapshot, decision: Decision) -> None:
        """A decision was made by the active model; the candidate may have to make it too.

        Which ones follows from their ids alone: the same decisions whenever they are repeated.
        """
        comparison = self.comparison
        if comparison is None or not falls_in_share(decision.decision_id, comparison.share):
            return
        try:
            self._waiting.put_nowait((snapshot, decision))
        except asyncio.QueueFull:
            self._update(comparison.key, lambda c: replace(c, skipped=c.skipped + 1))

    async def run(self, stop: asyncio.Event) -> None:
        """Compare, and save what was compared, until `stop` is set."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._compare_all(stop))
            tasks.create_task(self._save_regularly(stop))

    async def _compare_all(self, stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                getting = asyncio.create_task(self._waiting.get())
                await asyncio.wait({getting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                    return
                await self._compare(*getting.result())
        finally:
            stopping.cancel()

    async def _save_regularly(self, stop: asyncio.Event) -> None:
        said = False
        stopped = False
        while not stopped:
            stopped = await wait_or_stop(_SAVE_PERIOD_S, clock=self._clock, stop=stop)
            try:
                await self._save(self.comparison)
                said = False
            except NfError as error:  # it is saved with the next ones
                if not said:
                    log.warning("comparison could not be saved", error=str(error))
                said = True

    async def _save(self, comparison: Comparison | None) -> None:
        if comparison != self._saved:
            await self._store.save_shadow(comparison)
            self._saved = comparison

    async def _compare(self, snapshot: RadioSnapshot, active: Decision) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        try:
            model = self._models.find(comparison.key.name, comparison.key.version)
        except NotFound:  # it waits for the repository
            return
        try:
            feeds = feeds_for(model.card.inputs, snapshot.context, decision_id=active.decision_id)
            run = await self._runs.run(model.engine, feeds)
            candidate = model_decision(
                run.outputs,
                snapshot,
                decision_id=active.decision_id,
                model=model.key,
                engine=model.engine.kind,
                precision=model.engine.precision,
                artifact_sha256=model.artifact_sha256,
                inference_s=run.inference_s,
            )
        except ResourceExhausted:
            self._update(model.key, lambda c: replace(c, skipped=c.skipped + 1))
        except Exception:  # whatever it is, only the candidate suffers
            log.exception("candidate failed", model=str(model.key), decision_id=active.decision_id)
            self._update(model.key, lambda c: replace(c, failed=c.failed + 1))
        else:
            self._update(model.key, lambda c: c.with_pair(snapshot, active, candidate))

    def _update(self, key: ModelKey, change: Callable[[Comparison], Comparison]) -> None:
        comparison = self.comparison
        if comparison is None or comparison.key != key:
            return
        self._comparison = changed = change(comparison)
        if changed.compared > comparison.compared:
            self._meter.compared(key, better=changed.better > comparison.better)

    def _is_candidate(self, key: ModelKey) -> bool:
        wanted = self._models.wanted
        return wanted.find(key) is not None and wanted.active != key
