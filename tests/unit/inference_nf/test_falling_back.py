"""Tests of deciding without a model."""

import asyncio

import numpy as np
import pytest
from fakes.inference_nf.memory_engines import InlineWorker
from fakes.inference_nf.memory_peers import MemoryMeter, snapshot

from inference_nf.decisions import Decision, FallbackMethod, FallbackReason, Source
from inference_nf.falling_back import FallingBack
from nf_runtime.clock import SystemClock
from nf_runtime.errors import ResourceExhausted
from radio_math.secrecy import quota_respected, sum_secrecy_rate

CLOCK = SystemClock()


class World:
    """What falls back, and the thread that it searches in."""

    def __init__(self, *, search: bool = True) -> None:
        self.worker = InlineWorker()
        self.meter = MemoryMeter()
        self.falling_back = FallingBack(
            worker=self.worker, meter=self.meter, clock=CLOCK, search=search
        )

    async def decide(self, left_s: float | None = None, decision_id: str = "d") -> Decision:
        """A decision with that much time."""
        return await self.falling_back.decide(
            snapshot(),
            decision_id=decision_id,
            reason=FallbackReason.NO_ACTIVE_MODEL,
            deadline_s=None if left_s is None else CLOCK.monotonic_s() + left_s,
        )


async def test_with_time_it_searches() -> None:
    """Better than the conservative decision, feasible, and labelled with reason and method."""
    searched = await World().decide()
    conservative = await World(search=False).decide()
    assert (searched.source, searched.fallback_reason) == (
        Source.FALLBACK,
        FallbackReason.NO_ACTIVE_MODEL,
    )
    assert searched.fallback_method is FallbackMethod.LOCAL_SEARCH
    assert conservative.fallback_method is FallbackMethod.CONSERVATIVE
    assert searched.predicted_rate_bps_hz >= conservative.predicted_rate_bps_hz
    context = snapshot().context
    assert quota_respected(searched.allocation, 4, 4)
    assert searched.allocation.power_w.sum() <= float(context.power_budget_w) * (1 + 1e-9)
    assert searched.predicted_rate_bps_hz == pytest.approx(
        float(sum_secrecy_rate(context, searched.allocation))
    )


async def test_a_repeated_decision_is_the_same() -> None:
    """Its id is the seed."""
    first, again = [(await World().decide()).allocation for _ in range(2)]
    assert np.array_equal(first.carrier, again.carrier)
    assert np.array_equal(first.power_w, again.power_w)


async def test_without_time_it_does_not_begin_to_search() -> None:
    """The conservative decision is there at once."""
    world = World()
    world.worker.full = AssertionError("searched")
    decision = await world.decide(left_s=0.01)
    assert decision.fallback_method is FallbackMethod.CONSERVATIVE


async def test_a_search_that_takes_too_long_is_not_waited_for() -> None:
    """Nor one that has no thread; the deadline holds, and the next time it is known."""
    world = World()
    world.worker.hold = asyncio.Event()
    decision = await world.decide(left_s=0.2)
    assert decision.fallback_method is FallbackMethod.CONSERVATIVE
    world.worker.hold.set()
    world.worker.full = ResourceExhausted("full", reason="QUOTA_EXCEEDED")
    decision = await world.decide()
    assert decision.fallback_method is FallbackMethod.CONSERVATIVE
    assert world.meter.stages["fallback"] == 2


async def test_a_search_that_fails_leaves_the_conservative_decision() -> None:
    """Whatever it makes of a context."""
    world = World()
    world.worker.full = FloatingPointError("overflow")
    decision = await world.decide()
    assert decision.fallback_method is FallbackMethod.CONSERVATIVE
