"""A candidate that decides beside the active model, on a share of the decisions.

What it decides is compared on the same estimate and thrown away: nothing of it is applied before
it is activated like any other version. It never holds up a decision: it comes after, takes its turn
with other callers, and is spared what the engines have no time for.

Not modelled: a comparison that outlives the process.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import structlog

from inference_nf.batching import Batcher
from inference_nf.decisions import Decision, RadioSnapshot, feeds_for, model_decision
from inference_nf.loading import Models
from inference_nf.ports import Meter
from inference_nf.releases import ModelKey
from nf_runtime.errors import FailedPrecondition, InvalidArgument, ResourceExhausted
from radio_math.secrecy import sum_secrecy_rate

_MOST_WAITING = 64
_SPAN = 2**64

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Comparison:
    """What the candidate did beside the active model.

    Attributes:
        key: The candidate.
        share: Of the decisions that it makes too, in (0, 1].
        compared: Decisions that both made.
        better: Of these, where the candidate's rate on the estimate is higher.
        same_carriers: Of these, where every ESIM is on the same carrier.
        failed: What the candidate could not decide.
        skipped: What it was spared.
        active_rate_bps_hz: Sum over what was compared of the active model's rates.
        candidate_rate_bps_hz: Likewise of the candidate's.
        candidate_reliability: Likewise of the reliabilities that it gives itself.
    """

    key: ModelKey
    share: float
    compared: int = 0
    better: int = 0
    same_carriers: int = 0
    failed: int = 0
    skipped: int = 0
    active_rate_bps_hz: float = 0.0
    candidate_rate_bps_hz: float = 0.0
    candidate_reliability: float = 0.0

    def with_pair(
        self, snapshot: RadioSnapshot, active: Decision, candidate: Decision
    ) -> "Comparison":
        """The comparison with one more pair of decisions for the same context."""
        ours = float(sum_secrecy_rate(snapshot.context, active.allocation))
        theirs = float(sum_secrecy_rate(snapshot.context, candidate.allocation))
        same = np.array_equal(active.allocation.carrier, candidate.allocation.carrier)
        return replace(
            self,
            compared=self.compared + 1,
            better=self.better + (theirs > ours),
            same_carriers=self.same_carriers + bool(same),
            active_rate_bps_hz=self.active_rate_bps_hz + ours,
            candidate_rate_bps_hz=self.candidate_rate_bps_hz + theirs,
            candidate_reliability=self.candidate_reliability + candidate.reliability,
        )


class Shadowing:
    """Lets one candidate at a time decide beside the active model.

    Args:
        models: What is in memory.
        runs: Runs engines.
        meter: Where comparisons are counted.
    """

    def __init__(self, models: Models, *, runs: Batcher, meter: Meter) -> None:
        self._models = models
        self._runs = runs
        self._meter = meter
        self._comparison: Comparison | None = None
        self._waiting: asyncio.Queue[tuple[RadioSnapshot, Decision]] = asyncio.Queue(_MOST_WAITING)

    @property
    def comparison(self) -> Comparison | None:
        """So far; None without a candidate, also once it was activated or freed."""
        if self._comparison is not None and not self._is_candidate(self._comparison.key):
            self._comparison = None
        return self._comparison

    def start(self, key: ModelKey, share: float) -> Comparison:
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
        self._comparison = Comparison(key, share)
        log.info("candidate decides beside the active model", model=str(key), share=share)
        return self._comparison

    def stop(self) -> Comparison | None:
        """End it; what was compared, if there was a candidate. Idempotent."""
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
        """Compare until `stop` is set."""
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

    async def _compare(self, snapshot: RadioSnapshot, active: Decision) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        model = self._models.find(comparison.key.name, comparison.key.version)
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
        active = self._models.active
        in_memory = any(model.key == key for model in self._models.serving)
        return in_memory and (active is None or active.key != key)


def falls_in_share(decision_id: str, share: float) -> bool:
    """Whether a decision is among that share of all; a larger share holds every smaller one."""
    drawn = int.from_bytes(hashlib.sha256(decision_id.encode()).digest()[:8], "big")
    return drawn < share * _SPAN
