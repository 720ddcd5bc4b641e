"""Tests of a candidate beside the active model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fakes.inference_nf.memory_peers import snapshot
from support.model_world import ModelWorld
from support.tiny_models import INFEASIBLE, TinyVersion, tiny_version
from support.waiting import until

from inference_nf.comparison import Comparison, falls_in_share
from inference_nf.decisions import Source
from nf_runtime.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable

FIRST = tiny_version(1)
# One carrier less for the last ESIM: feasible, and another rate on the estimate.
OTHER = (0, 1, 2, 3, 0, 1, 2, 3, 0, 2)
SECOND = tiny_version(2, carrier=OTHER, reliability=0.25)


@asynccontextmanager
async def shadowed(candidate: TinyVersion, *, share: float = 1.0) -> AsyncIterator[ModelWorld]:
    """Version 1 decides, the candidate beside it."""
    world = ModelWorld(FIRST, candidate)
    for version in (FIRST, candidate):
        await world.models.load("gan-gdm", version.key.version)
    await world.models.activate(FIRST.key)
    await world.shadowing.start(candidate.key, share)
    stop = asyncio.Event()
    running = asyncio.create_task(world.shadowing.run(stop))
    yield world
    stop.set()
    await running


async def decide(world: ModelWorld, count: int) -> None:
    """So many decisions, each with an id of its own."""
    deciding = world.deciding()
    for number in range(count):
        decision = await deciding.decide(snapshot(), decision_id=f"d{number}")
        assert decision.source is Source.MODEL
        assert decision.model == world.models.active.key  # type: ignore[union-attr]


def comparison(world: ModelWorld) -> Comparison:
    """What was compared so far."""
    found = world.shadowing.comparison
    assert found is not None
    return found


async def test_a_candidate_is_compared_and_never_applied() -> None:
    """Both rates are those on the same estimate, not what the models say of themselves."""
    async with shadowed(SECOND) as world:
        await decide(world, 5)
        await until(lambda: comparison(world).compared == 5, what="the comparisons")
        found = comparison(world)
    assert found.same_carriers == 0
    assert found.active_rate_bps_hz != found.candidate_rate_bps_hz
    assert found.better == (5 if found.candidate_rate_bps_hz > found.active_rate_bps_hz else 0)
    assert found.candidate_reliability == pytest.approx(5 * 0.25)
    assert {d.model for d in world.meter.decisions} == {FIRST.key}
    assert len(world.meter.comparisons) == 5


async def test_only_a_share_is_compared_and_always_the_same() -> None:
    """About as many as the share says; which ones follows from their ids."""
    chosen = [number for number in range(1000) if falls_in_share(f"d{number}", 0.2)]
    assert 150 < len(chosen) < 250
    assert all(falls_in_share(f"d{number}", 0.3) for number in chosen)
    assert all(falls_in_share(f"d{number}", 1.0) for number in range(1000))
    async with shadowed(SECOND, share=0.2) as world:
        await decide(world, 20)
        expected = sum(number < 20 for number in chosen)
        await until(lambda: comparison(world).compared == expected, what="the comparisons")


async def test_a_candidate_that_fails_disturbs_nobody() -> None:
    """Neither one that breaks nor one whose answers cannot be applied."""
    async with shadowed(tiny_version(2, carrier=INFEASIBLE)) as world:
        await decide(world, 1)
        await until(lambda: comparison(world).failed == 1, what="the first failure")
        world.builder.built[1].failure = RuntimeError("out of memory")
        await decide(world, 1)
        await until(lambda: comparison(world).failed == 2, what="the second failure")
        assert comparison(world).compared == 0


async def test_it_ends_with_promotion_unloading_or_stop() -> None:
    """What decides is no candidate any more; promoted, it is applied like any other version."""
    async with shadowed(SECOND) as world:
        await world.models.activate(SECOND.key)
        assert world.shadowing.comparison is None
        await decide(world, 1)
        assert world.meter.decisions[-1].model == SECOND.key
    async with shadowed(SECOND) as world:
        await world.models.unload(SECOND.key)
        assert world.shadowing.comparison is None
        await decide(world, 1)
    async with shadowed(SECOND) as world:
        ended = await world.shadowing.stop()
        assert ended is not None
        assert ended.key == SECOND.key
        assert await world.shadowing.stop() is None


async def test_what_cannot_be_a_candidate_is_refused() -> None:
    """A version that is not in memory, the active one, and a share of nothing."""
    async with shadowed(SECOND) as world:
        with pytest.raises(NotFound):
            await world.shadowing.start(tiny_version(9).key, 0.5)
        with pytest.raises(FailedPrecondition, match="decides already"):
            await world.shadowing.start(FIRST.key, 0.5)
        for share in (0.0, -0.1, 1.1, float("nan")):
            with pytest.raises(InvalidArgument, match="share"):
                await world.shadowing.start(SECOND.key, share)
        assert comparison(world).share == 1.0


async def test_a_busy_host_spares_the_candidate() -> None:
    """Decisions that wait for comparison are bounded; what is past the bound is counted."""
    async with shadowed(SECOND) as world:
        await world.shadowing.stop()
        await world.shadowing.start(SECOND.key, 1.0)
        deciding = world.deciding()
        decision = await deciding.decide(snapshot(), decision_id="d")
        for _ in range(200):
            world.shadowing.consider(snapshot(), decision)
        assert comparison(world).skipped > 0
        total = 201
        await until(
            lambda: comparison(world).compared + comparison(world).skipped == total,
            what="all to be dealt with",
        )


async def test_it_goes_on_after_a_restart() -> None:
    """With the share and the counts that it had; what ended before stays ended."""
    async with shadowed(SECOND, share=0.5) as world:
        await decide(world, 5)
        expected = sum(falls_in_share(f"d{number}", 0.5) for number in range(5))
        await until(lambda: comparison(world).compared == expected, what="the comparisons")
        before = comparison(world)
    models = world.next_life()
    await models.restore()
    assert world.shadowing.comparison is None
    await world.shadowing.restore()
    assert comparison(world) == before
    await world.shadowing.stop()
    await world.next_life().restore()
    await world.shadowing.restore()
    assert world.shadowing.comparison is None


async def test_a_candidate_that_waits_for_the_repository_is_still_one() -> None:
    """After a restart it decides beside as soon as it is in memory; one that is lost is none."""
    async with shadowed(SECOND) as world:
        await until(lambda: world.shadow_store.saved is not None, what="the candidate's saving")
    world.repository.missing = True
    world.cache.files.clear()
    models = world.next_life()
    waiting = await models.restore()
    await world.shadowing.restore()
    assert {wanted.key for wanted in waiting} == {FIRST.key, SECOND.key}
    assert comparison(world).key == SECOND.key
    world.repository.missing = False
    await models.restore_rest(waiting, asyncio.Event())
    stop = asyncio.Event()
    running = asyncio.create_task(world.shadowing.run(stop))
    await decide(world, 1)
    await until(lambda: comparison(world).compared == 1, what="a comparison")
    stop.set()
    await running
    assert world.shadow_store.saved == comparison(world)


async def test_a_candidate_that_cannot_be_stored_does_not_begin() -> None:
    """Or it would be forgotten by a restart; counts that cannot be stored are stored later."""
    async with shadowed(SECOND) as world:
        await world.shadowing.stop()
        world.shadow_store.missing = True
        with pytest.raises(Unavailable):
            await world.shadowing.start(SECOND.key, 1.0)
        assert world.shadowing.comparison is None
        world.shadow_store.missing = False
