"""What the OAM makes of what it sees: each decision's report, and what a ThresholdMonitor tells."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog

from nf_runtime.clock import Clock
from nf_runtime.events.catalogue import Decision
from nf_runtime.events.record import Record
from oam.adaptation_events import ModelReference
from oam.in_use import ATTEMPTS, keeps_changing, versions_in_use
from oam.lifecycles import Change, Lifecycle, Policy, synchronised
from oam.monitoring import Sample
from oam.ports import LifecycleStore, ModelRepository
from oam.rules import MonitorBreach, answer_monitor, report

log = structlog.get_logger(__name__)


class RuleProcedures:
    """The use cases without an operator.

    Args:
        store: What the OAM keeps.
        repository: Who knows which versions are in use.
        policy: What the configuration decides.
        clock: For times.
        new_id: Makes identities that nobody else has.
    """

    def __init__(
        self,
        *,
        store: LifecycleStore,
        repository: ModelRepository,
        policy: Policy,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._repository = repository
        self._policy = policy
        self._clock = clock
        self._new_id = new_id

    async def take_in(self, record: Record) -> None:
        """Let a record of the reports' topic take effect, once."""
        event = record.event
        if event is None or not isinstance(event.data, Decision):
            await self._store.take_in(record, None, None)
            return
        decision = event.data
        change = await self._store.take_in(
            record, decision.model_name or None, partial(self._observed, decision=decision)
        )
        if change is None:
            return
        for step in change.steps:
            log.warning("model degraded", model_name=step.model_name, detail=step.detail)

    async def answer_monitor(self, model_name: str, breach: MonitorBreach) -> None:
        """Retrain the version in use because a ThresholdMonitor saw a breach, if the rule may.

        What was seen, and what is done or why nothing is, stands in the record either way.

        Raises:
            Aborted: ETAG_MISMATCH; the versions in use keep changing.
        """
        adaptation_id, now = self._new_id(), self._clock.now()
        for _ in range(ATTEMPTS):
            before = await self._store.lifecycle(model_name)
            active, previous = await versions_in_use(self._repository, model_name)

            def answered(
                lifecycle: Lifecycle,
                before: Lifecycle = before,
                active: ModelReference = active,
                previous: ModelReference = previous,
            ) -> Change | None:
                if lifecycle.revision != before.revision:
                    return None
                known = Change(lifecycle)
                if lifecycle.current is None:  # else the adaptation moves the aliases itself
                    known = synchronised(lifecycle, active, previous, self._policy, now)
                change = answer_monitor(
                    known.lifecycle, breach, self._policy, adaptation_id=adaptation_id, now=now
                )
                objects = change.objects or known.objects
                return replace(change, alarms=known.alarms, objects=objects)

            if await self._store.change(model_name, answered) is not None:
                return
        raise keeps_changing(model_name)

    def _observed(self, lifecycle: Lifecycle, *, decision: Decision) -> Change | None:
        by_model = decision.source == "model"
        active = lifecycle.active.version
        if active == 0 or (by_model and decision.model_version != active):
            return None  # made by a version that is no longer, or not yet, in use
        sample = Sample(
            by_model=by_model,
            reliability=decision.reliability,
            gain_bps_hz=decision.achieved_after_bps_hz - decision.achieved_before_bps_hz,
            inference_ms=decision.timings.inference_ms,
        )
        return report(
            lifecycle,
            sample,
            self._policy,
            adaptation_id=self._new_id(),
            now=self._clock.now(),
        )
