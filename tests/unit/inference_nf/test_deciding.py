"""Tests of deciding with a model, without one, and with one that fails."""

import asyncio
import time
from dataclasses import replace

import numpy as np
import pytest
from fakes.inference_nf.memory_peers import snapshot
from support.model_world import ModelWorld
from support.tiny_models import INFEASIBLE, TinyVersion, golden_inputs, tiny_version
from support.waiting import until

from inference_nf.deciding import Request
from inference_nf.decisions import FallbackMethod, FallbackReason, Source
from inference_nf.releases import EngineKind, Precision
from nf_runtime.clock import SystemClock
from nf_runtime.errors import Internal, InvalidArgument, ResourceExhausted


class DecidingWorld(ModelWorld):
    """Models and what decides with them."""

    def __init__(self, *versions: TinyVersion, min_reliability: float = 0.0) -> None:
        super().__init__(*versions)
        self.decides = self.deciding(min_reliability=min_reliability)

    async def activate(self, version: int) -> None:
        """Load and activate a version."""
        model = await self.models.load("gan-gdm", version)
        await self.models.activate(model.key)


async def test_the_active_model_decides() -> None:
    """The decision names model and engine and is counted."""
    world = DecidingWorld(tiny_version(1, rate_bps_hz=9.0))
    await world.activate(1)
    decision = await world.decides.decide(snapshot(), decision_id="d")
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
        (await world.decides.decide(snapshot(), decision_id=name)).allocation.beamformer_index
        for name in ("d1", "d1", "d2")
    ]
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


async def test_without_a_model_the_fallback_decides_and_says_so() -> None:
    """NO_ACTIVE_MODEL, also after a deactivation."""
    world = DecidingWorld(tiny_version(1))
    for _ in range(2):
        decision = await world.decides.decide(snapshot(), decision_id="d")
        assert decision.fallback_reason is FallbackReason.NO_ACTIVE_MODEL
        await world.activate(1)
        await world.models.deactivate()


async def test_an_engine_that_fails_is_covered_and_named() -> None:
    """ENGINE_FAILURE; the next decision is the model's again."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.builder.built[0].failure = RuntimeError("out of memory")
    decision = await world.decides.decide(snapshot(), decision_id="d")
    assert decision.fallback_reason is FallbackReason.ENGINE_FAILURE
    world.builder.built[0].failure = None
    decision = await world.decides.decide(snapshot(), decision_id="d")
    assert decision.source is Source.MODEL


async def test_an_answer_that_breaks_the_quota_never_leaves() -> None:
    """A model that puts everybody on one carrier counts as an engine failure."""
    world = DecidingWorld(tiny_version(1, carrier=INFEASIBLE))
    await world.activate(1)
    decision = await world.decides.decide(snapshot(), decision_id="d")
    assert decision.fallback_reason is FallbackReason.ENGINE_FAILURE


async def test_a_context_of_another_size_is_the_callers_mistake() -> None:
    """It is no engine failure, and no fallback hides it."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    small = replace(
        snapshot(), context=replace(snapshot().context, beam_amplitude=np.ones((10, 3)))
    )
    with pytest.raises(InvalidArgument, match="beam_amplitude"):
        await world.decides.decide(small, decision_id="d")


async def test_a_quota_that_nobody_can_keep_is_the_callers_mistake() -> None:
    """No engine is bothered with it."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    ran = world.builder.built[0].runs
    with pytest.raises(InvalidArgument, match="do not fit"):
        await world.decides.decide(replace(snapshot(), carrier_quota=2), decision_id="d")
    assert world.builder.built[0].runs == ran


async def test_only_what_is_not_urgent_is_turned_away() -> None:
    """With a full queue a trigger still gets its decision."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.worker.hold = asyncio.Event()
    waiting = [
        asyncio.create_task(world.decides.decide(snapshot(), decision_id=f"w{n}"))
        for n in range(world.max_queued + 1)
    ]
    await until(lambda: world.worker.at_work == 1, what="the first run")
    waiting += [
        asyncio.create_task(world.decides.decide(snapshot(), decision_id=f"v{n}"))
        for n in range(world.max_queued)
    ]
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as caught:
        await world.decides.infer(world.models.find("gan-gdm"), golden_inputs())
    assert float(caught.value.metadata["retry_after_s"]) > 0
    urgent = asyncio.create_task(world.decides.decide(snapshot(), decision_id="d", urgent=True))
    await until(lambda: world.worker.at_work == 2, what="the urgent run")
    world.worker.hold.set()
    assert (await urgent).source is Source.MODEL
    assert world.meter.sheds >= 1
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_inference_without_fallback() -> None:
    """What is asked for as a graph fails as a graph, with nothing of the library's on the wire."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    model = world.models.find("gan-gdm")
    outputs = await world.decides.infer(model, golden_inputs(batch=2))
    assert outputs["carrier"].shape == (2, 10)
    world.builder.built[0].failure = RuntimeError("secret")
    with pytest.raises(Internal) as caught:
        await world.decides.infer(model, golden_inputs())
    assert "secret" not in caught.value.message


async def test_a_swap_lies_between_two_decisions() -> None:
    """A decision that began with one model ends with it; the next is the new model's."""
    world = DecidingWorld(tiny_version(1, rate_bps_hz=1.0), tiny_version(2, rate_bps_hz=2.0))
    await world.activate(1)
    await world.models.load("gan-gdm", 2)
    world.worker.hold = asyncio.Event()
    deciding = asyncio.create_task(world.decides.decide(snapshot(), decision_id="d"))
    await until(lambda: world.worker.at_work == 1, what="the run")
    await world.models.activate(tiny_version(2).key)
    world.worker.hold.set()
    begun_before = await deciding
    begun_after = await world.decides.decide(snapshot(), decision_id="d")
    assert (begun_before.predicted_rate_bps_hz, begun_before.model) == (1.0, tiny_version(1).key)
    assert (begun_after.predicted_rate_bps_hz, begun_after.model) == (2.0, tiny_version(2).key)


async def test_a_decision_names_what_made_it() -> None:
    """Engine, precision and artifact; confidence only of models that give one."""
    with_confidence = tiny_version(2, confidence=0.75)
    world = DecidingWorld(tiny_version(1), with_confidence)
    await world.activate(1)
    decision = await world.decides.decide(snapshot(), decision_id="d")
    assert decision.artifact_sha256 == tiny_version(1).release.artifact("model.onnx").sha256
    assert (decision.engine, decision.precision) == (EngineKind.ONNXRUNTIME, Precision.FP32)
    assert decision.confidence is None
    await world.activate(2)
    assert (await world.decides.decide(snapshot(), decision_id="d")).confidence == 0.75


async def test_a_decision_that_is_not_reliable_enough_is_not_applied() -> None:
    """The fallback decides and says whose reliability was how low; at the threshold it is kept."""
    world = DecidingWorld(
        tiny_version(1, reliability=0.25), tiny_version(2, reliability=0.5), min_reliability=0.5
    )
    await world.activate(1)
    decision = await world.decides.decide(snapshot(), decision_id="d")
    assert decision.source is Source.FALLBACK
    assert decision.fallback_reason is FallbackReason.LOW_RELIABILITY
    assert decision.fallback_method is FallbackMethod.LOCAL_SEARCH
    assert (decision.model, decision.reliability) == (tiny_version(1).key, 0.25)
    assert decision.artifact_sha256
    await world.activate(2)
    assert (await world.decides.decide(snapshot(), decision_id="d")).source is Source.MODEL


async def test_a_model_that_would_be_late_is_not_asked() -> None:
    """What it took before says so; with time it is asked."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    clock = SystemClock()
    await world.decides.decide(snapshot(), decision_id="d", deadline_s=clock.monotonic_s() + 60)
    engine = world.builder.built[0]
    ran = engine.runs
    decision = await world.decides.decide(
        snapshot(), decision_id="d", deadline_s=clock.monotonic_s() + 1e-6
    )
    assert decision.fallback_reason is FallbackReason.DEADLINE
    assert decision.fallback_method is FallbackMethod.CONSERVATIVE
    assert engine.runs == ran


async def test_one_slow_turn_does_not_keep_a_model_out_for_ever() -> None:
    """After some decisions without it, it is asked again."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.worker.hold = asyncio.Event()
    slow = asyncio.create_task(world.decides.decide(snapshot(), decision_id="slow"))
    await until(lambda: world.worker.at_work == 1, what="the slow run")
    engine = world.builder.built[0]
    run = engine.run
    engine.run = lambda feeds: (time.sleep(0.05), run(feeds))[1]  # type: ignore[method-assign]
    world.worker.hold.set()
    await slow
    engine.run = run  # type: ignore[method-assign]
    world.worker.hold = None
    reasons = []
    for number in range(500):
        deadline_s = SystemClock().monotonic_s() + 0.03
        decision = await world.decides.decide(
            snapshot(), decision_id=f"d{number}", deadline_s=deadline_s
        )
        reasons.append(decision.fallback_reason)
        if decision.source is Source.MODEL:
            break
    assert reasons[0] is FallbackReason.DEADLINE
    assert reasons[-1] is None


async def test_a_model_that_is_late_is_not_waited_for() -> None:
    """The fallback decides in time although the engine has not answered."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    world.worker.hold = asyncio.Event()
    decision = await world.decides.decide(
        snapshot(), decision_id="d", deadline_s=SystemClock().monotonic_s() + 0.1
    )
    assert decision.fallback_reason is FallbackReason.DEADLINE
    assert decision.model is None
    world.worker.hold.set()


async def test_a_batch_is_decided_in_one_run() -> None:
    """Each as if it were alone, in order; a context that cannot be decided refuses the call."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    requests = [Request(snapshot(f"c{n}"), f"d{n}") for n in range(5)]
    alone = [await world.decides.decide(r.snapshot, decision_id=r.decision_id) for r in requests]
    world.meter.batches.clear()
    together = await world.decides.decide_all(requests)
    assert world.meter.batches == [5]
    for one, other in zip(alone, together, strict=True):
        assert (one.decision_id, one.context_id) == (other.decision_id, other.context_id)
        np.testing.assert_allclose(
            one.allocation.beamformer_index, other.allocation.beamformer_index, rtol=1e-6
        )
    bad = Request(replace(snapshot(), carrier_quota=1), "bad")
    await world.models.deactivate()
    with pytest.raises(InvalidArgument, match="do not fit"):
        await world.decides.decide_all([*requests, bad])


async def test_what_belongs_to_a_trigger_runs_alone() -> None:
    """It is the same bit for bit whatever else is asked at the time."""
    world = DecidingWorld(tiny_version(1))
    await world.activate(1)
    first = await world.decides.decide(snapshot(), decision_id="t", urgent=True)
    world.meter.batches.clear()
    among_others, *_ = await asyncio.gather(
        world.decides.decide(snapshot(), decision_id="t", urgent=True),
        *(world.decides.decide(snapshot(), decision_id=f"d{n}") for n in range(5)),
    )
    assert sorted(world.meter.batches) == [1, 5]
    assert np.array_equal(
        first.allocation.beamformer_index, among_others.allocation.beamformer_index
    )
