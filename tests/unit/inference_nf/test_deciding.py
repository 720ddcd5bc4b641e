"""Tests of deciding with a model, without one, and with one that fails."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from fakes.inference_nf.memory_engines import InlineWorker
from fakes.inference_nf.memory_peers import MemoryMeter, snapshot
from support.model_world import ModelWorld
from support.tiny_models import INFEASIBLE, golden_inputs, tiny_version

from inference_nf.deciding import Deciding
from inference_nf.decisions import FallbackReason, Source
from nf_runtime.clock import SystemClock
from nf_runtime.errors import Internal, InvalidArgument, ResourceExhausted

FULL = ResourceExhausted("full", reason="QUOTA_EXCEEDED")


class DecidingWorld(ModelWorld):
    """Models and what decides with them."""

    def __init__(self, *versions) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN002
        super().__init__(*versions)
        self.worker = InlineWorker()
        self.meter = MemoryMeter()
        self.deciding = Deciding(
            self.models, worker=self.worker, meter=self.meter, clock=SystemClock()
        )

    async def activate(self, version: int) -> None:
        """Load and activate a version."""
        model = await self.models.load("gan-gdm", version)
        await self.models.activate(model.key)


async def test_the_active_model_decides() -> None:
    """The decision names model and engine and is counted."""
    world = DecidingWorld(tiny_version(1, rate_bps_hz=9.0))
    await world.activate(1)
    decision = await world.deciding.decide(snapshot(), decision_id="d")
    assert decision.source is Source.MODEL
    assert decision.model is not None
    assert decision.model.version == 1
    assert decision.predicted_rate_bps_hz == 9.0
    assert world.meter.decisions == [decision]


async def test_a_repeated_decision_is_the_same() -> None:
    """Same id and context: same allocation; another id draws another one."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    first, again, other = [
        (await world.deciding.decide(snapshot(), decision_id=name)).allocation.beamformer_index
        for name in ("d1", "d1", "d2")
    ]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_without_a_model_the_fallback_decides_and_says_so() -> None:
    """NO_ACTIVE_MODEL, also after a deactivation."""
    world = DecidingWorld(tiny_version(1))
    for _ in range(2):
        decision = await world.deciding.decide(snapshot(), decision_id="d")
        assert decision.fallback_reason is FallbackReason.NO_ACTIVE_MODEL
        await world.activate(1)
        await world.models.deactivate()


async def test_an_engine_that_fails_is_covered_and_named() -> None:
    """ENGINE_FAILURE; the next decision is the model's again."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.builder.built[0].failure = RuntimeError("out of memory")
    decision = await world.deciding.decide(snapshot(), decision_id="d")
    assert decision.fallback_reason is FallbackReason.ENGINE_FAILURE
    world.builder.built[0].failure = None
    decision = await world.deciding.decide(snapshot(), decision_id="d")
    assert decision.source is Source.MODEL


async def test_an_answer_that_breaks_the_quota_never_leaves() -> None:
    """A model that puts everybody on one carrier counts as an engine failure."""
    world = DecidingWorld(tiny_version(1, carrier=INFEASIBLE))
    await world.activate(1)
    decision = await world.deciding.decide(snapshot(), decision_id="d")
    assert decision.fallback_reason is FallbackReason.ENGINE_FAILURE


async def test_a_context_of_another_size_is_the_callers_mistake() -> None:
    """It is no engine failure, and no fallback hides it."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    small = replace(
        snapshot(), context=replace(snapshot().context, beam_amplitude=np.ones((10, 3)))
    )
    with pytest.raises(InvalidArgument, match="beam_amplitude"):
        await world.deciding.decide(small, decision_id="d")


async def test_only_what_is_not_urgent_is_turned_away() -> None:
    """With a full queue a trigger still gets its decision."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.worker.full = FULL
    with pytest.raises(ResourceExhausted):
        await world.deciding.decide(snapshot(), decision_id="d")
    with pytest.raises(ResourceExhausted):
        await world.deciding.infer(world.models.find("gan-gdm"), golden_inputs())
    decision = await world.deciding.decide(snapshot(), decision_id="d", urgent=True)
    assert decision.source is Source.MODEL


async def test_inference_without_fallback() -> None:
    """What is asked for as a graph fails as a graph, with nothing of the library's on the wire."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    model = world.models.find("gan-gdm")
    outputs = await world.deciding.infer(model, golden_inputs(batch=2))
    assert outputs["carrier"].shape == (2, 10)
    world.builder.built[0].failure = RuntimeError("secret")
    with pytest.raises(Internal) as caught:
        await world.deciding.infer(model, golden_inputs())
    assert "secret" not in caught.value.message


async def test_a_swap_lies_between_two_decisions() -> None:
    """A decision that began with one model ends with it; the next is the new model's."""
    world = DecidingWorld(tiny_version(1, rate_bps_hz=1.0), tiny_version(2, rate_bps_hz=2.0))
    await world.activate(1)
    await world.models.load("gan-gdm", 2)
    running, go_on = asyncio.Event(), asyncio.Event()
    run = world.worker.run

    async def slow_run(work, *, urgent=False):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        running.set()
        await go_on.wait()
        return await run(work, urgent=urgent)

    world.worker.run = slow_run  # type: ignore[method-assign]
    deciding = asyncio.create_task(world.deciding.decide(snapshot(), decision_id="d"))
    await running.wait()
    await world.models.activate(tiny_version(2).key)
    go_on.set()
    begun_before = await deciding
    begun_after = await world.deciding.decide(snapshot(), decision_id="d")
    assert (begun_before.predicted_rate_bps_hz, begun_before.model) == (1.0, tiny_version(1).key)
    assert (begun_after.predicted_rate_bps_hz, begun_after.model) == (2.0, tiny_version(2).key)
