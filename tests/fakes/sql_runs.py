# ruff: noqa: D102 - the port describes them
"""Runs in memory behind the port `ran_sim.ports.RunStore`; they outlive the procedures' objects."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nf_runtime.errors import Unavailable
from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent, Message, encode
from ran_sim.outcomes import GroundTruth, Outcome
from ran_sim.runs import Run, TriggerCount
from ran_sim.triggers import Trigger


@dataclass
class MemoryRunStore:
    """`messages` is what was published, in order. `missing` makes every call fail."""

    messages: list[Message] = field(default_factory=list)
    missing: bool = False
    _runs: dict[str, Run] = field(default_factory=dict)
    _requests: dict[str, str] = field(default_factory=dict)
    _ticks: dict[str, dict[int, float | None]] = field(default_factory=dict)
    _triggers: dict[str, tuple[str, Trigger]] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _truths: list[GroundTruth] = field(default_factory=list)

    async def ordered_by(self, request_id: str) -> Run | None:
        self._check()
        run_id = self._requests.get(request_id)
        return None if run_id is None else await self.get(run_id)

    async def create(self, request_id: str, first: Run) -> Run:
        self._check()
        run = replace(first, run_id=f"{first.run_id}-{len(self._runs) + 1}")
        self._runs[run.run_id] = run
        self._ticks[run.run_id] = {}
        if request_id:
            self._requests[request_id] = run.run_id
        return run

    async def get(self, run_id: str) -> Run | None:
        self._check()
        if not run_id:
            run_id = list(self._runs)[-1] if self._runs else ""
        run = self._runs.get(run_id)
        if run is None:
            return None
        own = {name: one for name, (owner, one) in self._triggers.items() if owner == run_id}
        published = Counter(trigger.kind for trigger in own.values())
        answered = Counter(own[name].kind for name in own.keys() & self._answered)
        return replace(
            run,
            applied_count=sum(truth.outcome.run_id == run_id for truth in self._truths),
            trigger_counts={
                kind: TriggerCount(count, answered[kind]) for kind, count in published.items()
            },
        )

    async def save(self, run: Run) -> None:
        self._check()
        self._runs[run.run_id] = run

    async def advance(
        self,
        run: Run,
        triggers: Sequence[tuple[str, Trigger]],
        events: Sequence[tuple[str, CloudEvent[EventData]]],
        sum_secrecy_rate_bps_hz: float | None,
    ) -> None:
        self._check()
        self._runs[run.run_id] = run
        self._ticks[run.run_id][run.ticks_done - 1] = sum_secrecy_rate_bps_hz
        self._triggers.update((name, (run.run_id, trigger)) for name, trigger in triggers)
        self.messages += [encode(event, key=key) for key, event in events]

    async def rates(
        self, run_id: str, after_tick: int, limit: int
    ) -> Sequence[tuple[int, float | None]]:
        self._check()
        rows = sorted(self._ticks.get(run_id, {}).items())
        return [(tick, rate) for tick, rate in rows if tick > after_tick][:limit]

    async def answered(self, trigger_ids: Sequence[str]) -> frozenset[str]:
        self._check()
        return frozenset(trigger_ids) & self._answered

    async def outcome(self, decision_id: str) -> Outcome | None:
        truth = await self.truth(decision_id)
        return None if truth is None else truth.outcome

    async def apply(self, truth: GroundTruth) -> None:
        self._check()
        self._truths.append(truth)
        if truth.outcome.trigger_id in self._triggers:
            self._answered.add(truth.outcome.trigger_id)

    async def latest_truth(self, run_id: str) -> GroundTruth | None:
        self._check()
        own = [truth for truth in self._truths if truth.outcome.run_id == run_id]
        return own[-1] if own else None

    async def truth(self, decision_id: str) -> GroundTruth | None:
        self._check()
        found = [one for one in self._truths if one.outcome.decision_id == decision_id]
        return found[0] if found else None

    async def outcomes(
        self, run_id: str, after_sequence: int, limit: int
    ) -> Sequence[tuple[int, Outcome]]:
        self._check()
        rows = [
            (number, truth.outcome)
            for number, truth in enumerate(self._truths, start=1)
            if truth.outcome.run_id == run_id and number > after_sequence
        ]
        return rows[:limit]

    def _check(self) -> None:
        if self.missing:
            raise Unavailable("switched off", reason="PEER_UNAVAILABLE", peer="database")
