"""The procedure that decides without a model: as well as the deadline allows.

First comes the conservative decision, which takes microseconds and refuses what nobody can decide.
If there is time the network-free local search improves on it (98.5 % of exhaustive search on the
estimate, some tens of milliseconds of one core).
"""

import asyncio
from dataclasses import replace

import structlog

from inference_nf.decisions import (
    Decision,
    FallbackMethod,
    FallbackReason,
    RadioSnapshot,
    fallback_decision,
)
from inference_nf.fallback import local_search
from inference_nf.pacing import Pace
from inference_nf.ports import Meter, Worker
from nf_runtime.clock import Clock
from nf_runtime.errors import ResourceExhausted
from radio_math.secrecy import sum_secrecy_rate

# Left over for what comes after the decision: the way back.
RESERVE_S = 0.002
_SAFETY = 1.5
_FIRST_GUESS_S = 0.05

log = structlog.get_logger(__name__)


class FallingBack:
    """Decides without a model.

    Args:
        worker: The thread that searches; not one of those that run engines.
        meter: Where its time is observed.
        clock: For deadlines.
        search: Whether to search at all.
    """

    def __init__(self, *, worker: Worker, meter: Meter, clock: Clock, search: bool = True) -> None:
        self._worker = worker
        self._meter = meter
        self._clock = clock
        self._search = search
        self._pace = Pace(_FIRST_GUESS_S)

    async def decide(
        self,
        snapshot: RadioSnapshot,
        *,
        decision_id: str,
        reason: FallbackReason,
        deadline_s: float | None = None,
        instead_of: Decision | None = None,
    ) -> Decision:
        """A decision that can be applied, labelled with `reason` and the method.

        Args:
            snapshot: The radio state.
            decision_id: Also the seed of the search's start.
            reason: Why no model decides.
            deadline_s: Monotonic time by which the decision must be there.
            instead_of: What the model decided; the decision names that model and its reliability.

        Raises:
            InvalidArgument: INVALID_FIELD when no allocation fits the quota.
        """
        started_s = self._clock.monotonic_s()
        decision = fallback_decision(snapshot, decision_id=decision_id, reason=reason)
        if self._search and self._has_time(deadline_s):
            decision = await self._searched(snapshot, decision, deadline_s)
        self._meter.stage("fallback", self._clock.monotonic_s() - started_s)
        if instead_of is None:
            return decision
        return replace(
            decision,
            model=instead_of.model,
            engine=instead_of.engine,
            precision=instead_of.precision,
            artifact_sha256=instead_of.artifact_sha256,
            reliability=instead_of.reliability,
            confidence=instead_of.confidence,
            inference_s=instead_of.inference_s,
        )

    def _has_time(self, deadline_s: float | None) -> bool:
        if deadline_s is None:
            return True
        left_s = deadline_s - self._clock.monotonic_s() - RESERVE_S
        if left_s > _SAFETY * self._pace.expected_s:
            return True
        self._pace.ease()
        return False

    async def _searched(
        self, snapshot: RadioSnapshot, decision: Decision, deadline_s: float | None
    ) -> Decision:
        left_s = None
        if deadline_s is not None:
            left_s = deadline_s - self._clock.monotonic_s() - RESERVE_S
        started_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(left_s):
                allocation = await self._worker.run(
                    lambda: local_search(
                        snapshot.context, snapshot.carrier_quota, seed=decision.decision_id
                    )
                )
        except TimeoutError:  # how long it would have taken is not known, but longer than that
            waited_s = self._clock.monotonic_s() - started_s
            self._pace.observe(max(2 * waited_s, self._pace.expected_s))
            return decision
        except ResourceExhausted:
            return decision
        except Exception:  # whatever the search makes of a context, the terminals need an answer
            log.exception("local search failed", decision_id=decision.decision_id)
            return decision
        self._pace.observe(self._clock.monotonic_s() - started_s)
        rate_bps_hz = float(sum_secrecy_rate(snapshot.context, allocation))
        if rate_bps_hz < decision.predicted_rate_bps_hz:
            return decision
        return replace(
            decision,
            allocation=allocation,
            predicted_rate_bps_hz=rate_bps_hz,
            fallback_method=FallbackMethod.LOCAL_SEARCH,
        )
