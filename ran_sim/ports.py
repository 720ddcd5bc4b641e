"""What the procedures need from outside: a store whose every method is one transaction."""

from collections.abc import Sequence
from typing import Protocol

from nf_runtime.events.catalogue import EventData
from nf_runtime.events.cloud_event import CloudEvent
from ran_sim.outcomes import GroundTruth, Outcome
from ran_sim.runs import Run
from ran_sim.triggers import Trigger


class RunStore(Protocol):
    """Runs, their progress and their outcomes, kept through crashes.

    Runs are returned with their counts of triggers and decisions.
    """

    async def ordered_by(self, request_id: str) -> Run | None:
        """The run that was started with this request identity."""
        ...

    async def create(self, request_id: str, first: Run) -> Run:
        """Stores a new run with an identity of its own and returns it.

        Args:
            request_id: of the request that starts it; empty for none.
            first: the run; its `run_id` is the stem, to which the store appends a number.
        """
        ...

    async def get(self, run_id: str) -> Run | None:
        """The run of this identity; the latest for the empty one; None where there is none."""
        ...

    async def save(self, run: Run) -> None:
        """Stores where a run stands: all but its order and its counts of triggers and decisions."""
        ...

    async def advance(
        self,
        run: Run,
        triggers: Sequence[tuple[str, Trigger]],
        events: Sequence[tuple[str, CloudEvent[EventData]]],
        sum_secrecy_rate_bps_hz: float | None,
    ) -> None:
        """Stores a played tick and has its events published, both or neither.

        Args:
            run: after the tick.
            triggers: of the tick, with their identities.
            events: of the tick, with their keys, in publishing order.
            sum_secrecy_rate_bps_hz: achieved at the tick.
        """
        ...

    async def rates(
        self, run_id: str, after_tick: int, limit: int
    ) -> Sequence[tuple[int, float | None]]:
        """Played ticks after one, with the sum secrecy rate at each, in order."""
        ...

    async def answered(self, trigger_ids: Sequence[str]) -> frozenset[str]:
        """Those of the triggers that an applied decision has named."""
        ...

    async def outcome(self, decision_id: str) -> Outcome | None:
        """The outcome of an applied decision."""
        ...

    async def apply(self, truth: GroundTruth) -> None:
        """Stores an applied decision and marks its trigger as answered."""
        ...

    async def latest_truth(self, run_id: str) -> GroundTruth | None:
        """The last applied decision of a run."""
        ...

    async def truth(self, decision_id: str) -> GroundTruth | None:
        """An applied decision with its ground truth."""
        ...

    async def outcomes(
        self, run_id: str, after_sequence: int, limit: int
    ) -> Sequence[tuple[int, Outcome]]:
        """Outcomes of a run after a sequence number, oldest first, with their numbers."""
        ...
