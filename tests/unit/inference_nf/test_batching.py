"""Tests of running several callers' contexts together."""

import asyncio
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fakes.inference_nf.memory_engines import InlineWorker, MemoryEngine
from fakes.inference_nf.memory_peers import MemoryMeter
from support.tiny_models import expected_outputs, golden_inputs, tiny_version
from support.waiting import until

from inference_nf.batching import Batcher, Run
from inference_nf.releases import EngineKind, Precision
from nf_runtime.clock import Clock, SystemClock
from nf_runtime.errors import DeadlineExceeded, ResourceExhausted

GRAPH = tiny_version().files["model.onnx"]
MAX_BATCH = 4
MAX_QUEUED = 6


class SteppedClock(SystemClock):
    """Each reading is later than the one before by the same step."""

    def __init__(self, *, step_s: float) -> None:
        self.step_s = step_s
        self._read_s = 0.0

    def monotonic_s(self) -> float:
        """The next reading."""
        self._read_s += self.step_s
        return self._read_s


class World:
    """A batcher whose engine can be held."""

    def __init__(
        self, *, quick_s: float = 0.0, at_a_time: int = 1, clock: Clock | None = None
    ) -> None:
        self.worker = InlineWorker()
        self.meter = MemoryMeter()
        self.engine = MemoryEngine(EngineKind.ONNXRUNTIME, GRAPH, Precision.FP32)
        self.runs = Batcher(
            worker=self.worker,
            meter=self.meter,
            clock=clock or SystemClock(),
            max_batch=MAX_BATCH,
            max_queued=MAX_QUEUED,
            at_a_time=at_a_time,
            quick_s=quick_s,
        )

    async def hold(self) -> "asyncio.Task[Any]":
        """The engine is at work for somebody until `go_on`."""
        self.worker.hold = asyncio.Event()
        first = asyncio.create_task(self.runs.run(self.engine, golden_inputs(1)))
        await until(lambda: self.worker.at_work == 1, what="the first run")
        return first

    def go_on(self) -> None:
        """The engine answers again."""
        assert self.worker.hold is not None
        self.worker.hold.set()

    async def queue(self, *sizes: int, **options: Any) -> list["asyncio.Task[Any]"]:
        """Callers that wait, each with a batch of that size of its own."""
        tasks = [
            asyncio.create_task(self.runs.run(self.engine, inputs(size, seed), **options))
            for seed, size in enumerate(sizes)
        ]
        await asyncio.sleep(0)
        return tasks


def inputs(size: int, seed: int) -> dict[str, npt.NDArray[Any]]:
    """Inputs that differ from caller to caller."""
    noise = np.random.default_rng(seed)
    return {name: array + noise.random() for name, array in golden_inputs(size).items()}


async def test_callers_that_come_while_an_engine_is_at_work_share_the_next_run() -> None:
    """Up to the bound, in the order that they came; each gets its own part."""
    world = World()
    first = await world.hold()
    sizes = (1, 2, 1, 3, 1)
    waiting = await world.queue(*sizes)
    world.go_on()
    for seed, (size, task) in enumerate(zip(sizes, waiting, strict=True)):
        expected = expected_outputs(inputs(size, seed))
        outputs = (await task).outputs
        assert outputs.keys() == expected.keys()
        for name, array in expected.items():
            np.testing.assert_allclose(outputs[name], array, rtol=1e-5)
    await first
    assert world.meter.batches == [1, 4, 4]
    assert world.meter.stages["queue"] == 1 + len(sizes)


async def test_a_caller_that_comes_alone_waits_for_nobody() -> None:
    """No time is spent on filling a batch."""
    world = World()
    for _ in range(3):
        await world.runs.run(world.engine, golden_inputs(1))
    assert world.meter.batches == [1, 1, 1]


async def test_a_batch_larger_than_the_bound_runs_as_it_came() -> None:
    """It is one caller's; whoever took it in has bounded it."""
    world = World()
    await world.runs.run(world.engine, golden_inputs(MAX_BATCH + 2))
    assert world.meter.batches == [MAX_BATCH + 2]


async def test_a_full_queue_turns_away_with_a_hint() -> None:
    """RESOURCE_EXHAUSTED and the time that there is work for; room is made by the next run."""
    world = World()
    first = await world.hold()
    waiting = await world.queue(*[1] * MAX_QUEUED)
    with pytest.raises(ResourceExhausted) as caught:
        await world.runs.run(world.engine, golden_inputs(1))
    assert caught.value.reason == "QUOTA_EXCEEDED"
    assert float(caught.value.metadata["retry_after_s"]) > 0
    assert world.meter.sheds == 1
    world.go_on()
    await asyncio.gather(first, *waiting)
    await world.runs.run(world.engine, golden_inputs(1))


async def test_what_runs_alone_is_neither_batched_nor_turned_away() -> None:
    """It does not even wait for the run before it."""
    world = World()
    first = await world.hold()
    waiting = await world.queue(*[1] * MAX_QUEUED)
    alone = asyncio.create_task(world.runs.run(world.engine, golden_inputs(1), alone=True))
    await until(lambda: world.worker.at_work == 2, what="the run of its own")
    world.go_on()
    await asyncio.gather(first, alone, *waiting)
    assert sorted(world.meter.batches) == [1, 1, 2, 4]


async def test_a_deadline_that_passes_in_the_queue_costs_no_run() -> None:
    """DEADLINE_EXCEEDED, and the others are served."""
    world = World()
    first = await world.hold()
    (late,) = await world.queue(1, deadline_s=SystemClock().monotonic_s())
    (patient,) = await world.queue(1, deadline_s=SystemClock().monotonic_s() + 60)
    world.go_on()
    with pytest.raises(DeadlineExceeded):
        await late
    await asyncio.gather(first, patient)
    assert world.meter.batches == [1, 1]


async def test_a_caller_that_gives_up_costs_no_run() -> None:
    """Its place is free and nobody else notices."""
    world = World()
    first = await world.hold()
    gone, stays = await world.queue(1, 1)
    gone.cancel()
    world.go_on()
    await asyncio.gather(first, stays)
    assert world.meter.batches == [1, 1]
    assert gone.cancelled()


async def test_one_that_spoils_a_batch_spoils_it_for_itself_only() -> None:
    """The batch is taken apart; who is not to blame gets an answer."""
    world = World()
    first = await world.hold()
    good, bad = await world.queue(1, 1)
    run = world.engine.run

    def picky(feeds: Any) -> Any:
        if (feeds["noise"] > inputs(1, 0)["noise"].max() + 1e-6).any():
            raise RuntimeError("cannot digest this")
        return run(feeds)

    world.engine.run = picky  # type: ignore[method-assign]
    picked = inputs(1, 1)["noise"].max() > inputs(1, 0)["noise"].max()
    world.go_on()
    answers = await asyncio.gather(good, bad, return_exceptions=True)
    await first
    assert picked == isinstance(answers[1], RuntimeError)
    assert not isinstance(answers[0], Exception)


async def test_an_engine_that_fails_fails_its_callers_and_goes_on() -> None:
    """The next caller is served."""
    world = World()
    world.engine.failure = RuntimeError("out of memory")
    with pytest.raises(RuntimeError, match="out of memory"):
        await world.runs.run(world.engine, golden_inputs(1))
    world.engine.failure = None
    await world.runs.run(world.engine, golden_inputs(1))


async def test_the_wait_is_known_from_what_runs_took() -> None:
    """Nothing before the first run; then longer for who comes behind others."""
    world = World()
    assert world.runs.expected_s(world.engine) == 0
    await world.runs.run(world.engine, golden_inputs(1))
    idle_s = world.runs.expected_s(world.engine)
    assert idle_s > 0
    first = await world.hold()
    waiting = await world.queue(*[1] * MAX_QUEUED)
    assert world.runs.expected_s(world.engine) > idle_s
    world.go_on()
    await asyncio.gather(first, *waiting)
    await world.runs.close()


async def test_a_graph_that_is_known_to_be_quick_is_not_handed_to_a_thread() -> None:
    """The first run shows how long it takes; a slow one goes to the thread each time."""
    for quick_s, handed_over in ((60.0, 1), (1e-9, 3)):
        world = World(quick_s=quick_s)
        for _ in range(3):
            outputs = (await world.runs.run(world.engine, golden_inputs(1))).outputs
            assert outputs.keys() == expected_outputs(golden_inputs(1)).keys()
        assert world.worker.taken == handed_over
        assert world.meter.batches == [1, 1, 1]


async def test_one_slow_turn_does_not_make_a_quick_graph_slow() -> None:
    """A busy host delays a run now and then; the next one is still run where it is asked for."""
    clock = SteppedClock(step_s=0.001)
    world = World(quick_s=0.01, clock=clock)
    for step_s in (0.001, 5.0, 0.001):
        clock.step_s = step_s
        await world.runs.run(world.engine, golden_inputs(1))
    assert world.worker.taken == 1


async def test_a_large_batch_of_a_quick_graph_is_handed_to_a_thread() -> None:
    """It would hold up everybody else."""
    world = World(quick_s=0.01, clock=SteppedClock(step_s=0.004))
    for size, handed_over in ((1, 1), (2, 1), (3, 2)):
        await world.runs.run(world.engine, inputs(size, 0))
        assert world.worker.taken == handed_over


@pytest.mark.parametrize("at_a_time", [1, 2])
async def test_callers_of_a_quick_graph_who_come_together_share_a_run(at_a_time: int) -> None:
    """Also when the loop takes some turns from one to the next, and each gets its own part."""
    world = World(quick_s=60.0, at_a_time=at_a_time)
    await world.runs.run(world.engine, golden_inputs(1))

    async def come(number: int) -> Run:
        for _ in range(5 * number):
            await asyncio.sleep(0)
        return await world.runs.run(world.engine, inputs(1, number))

    runs = await asyncio.gather(*map(come, range(MAX_BATCH + 1)))
    for number, run in enumerate(runs):
        for name, array in expected_outputs(inputs(1, number)).items():
            np.testing.assert_allclose(run.outputs[name], array, rtol=1e-5)
    assert world.meter.batches == [1, MAX_BATCH, 1]
    assert world.worker.taken == 1


async def test_gathering_ends_however_many_come() -> None:
    """Those who came first are not kept for those who come later and later."""
    clock = SteppedClock(step_s=0.004)
    world = World(quick_s=0.01, clock=clock)
    await world.runs.run(world.engine, golden_inputs(1))

    async def come(number: int) -> None:
        for _ in range(2 * number):
            await asyncio.sleep(0)
        await world.runs.run(world.engine, inputs(1, number))

    await asyncio.gather(*map(come, range(MAX_BATCH)))
    assert max(world.meter.batches) < MAX_BATCH


async def test_who_calls_a_quick_graph_alone_is_soon_answered_at_once() -> None:
    """Without a turn of the loop in between."""
    world = World(quick_s=60.0)
    for _ in range(10):
        await world.runs.run(world.engine, golden_inputs(1))
    with pytest.raises(StopIteration):
        world.runs.run(world.engine, golden_inputs(1)).send(None)


async def test_everyone_is_answered_whenever_they_come() -> None:
    """Callers who come while others are gathered, by more than one at a time, are not lost."""
    world = World(quick_s=60.0, at_a_time=3)
    turns = np.random.default_rng(5)

    async def come(number: int) -> None:
        for _ in range(int(turns.integers(200))):
            await asyncio.sleep(0)
        size = 1 + number % MAX_BATCH
        run = await world.runs.run(world.engine, inputs(size, number))
        assert {len(array) for array in run.outputs.values()} == {size}

    async with asyncio.timeout(30):
        for _ in range(20):
            await asyncio.gather(*map(come, range(MAX_QUEUED)))
    assert max(world.meter.batches) > 1
