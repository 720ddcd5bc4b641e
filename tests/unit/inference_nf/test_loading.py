"""Tests of loading, activating, unloading and bringing back."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.model_world import ModelWorld
from support.tiny_models import STRANGER, TinyVersion, tiny_version
from support.waiting import until

from inference_nf.releases import EngineKind, Precision
from nf_runtime.errors import (
    DataLoss,
    FailedPrecondition,
    NfError,
    NotFound,
    PermissionDenied,
    Unavailable,
)

NAME = "gan-gdm"
FIRST = tiny_version(1)
SECOND = tiny_version(2, rate_bps_hz=8.0)


async def world_with_active_first(*others: TinyVersion) -> ModelWorld:
    """Version 1 decides; the others are published."""
    world = ModelWorld(FIRST, *others)
    await world.models.load(NAME, 1)
    await world.models.activate(FIRST.key)
    return world


async def test_a_loaded_version_is_ready_and_decides_nothing() -> None:
    """It was warmed up and checked; the active one is still none."""
    world = ModelWorld(FIRST)
    model = await world.models.load(NAME, 1)
    assert world.builder.built[0].runs == 3  # two to warm up, one against the golden samples
    assert model.key == FIRST.key
    assert model.artifact_sha256 == FIRST.release.artifact("model.onnx").sha256
    assert world.active_version() is None


async def test_only_what_serving_needs_is_downloaded() -> None:
    """Weights and whatever else a version holds stay in the repository."""
    heavy = replace(FIRST, files={**FIRST.files, "weights.safetensors": b"x" * 1000})
    world = ModelWorld(heavy)
    await world.models.load(NAME, 1)
    assert {name for name, _ in world.repository.served} == set(FIRST.files)


async def test_an_alias_is_resolved() -> None:
    """The version that the alias points to is loaded."""
    world = ModelWorld(FIRST, SECOND)
    world.repository.aliases["champion"] = 2
    assert (await world.models.load(NAME, "champion")).key.version == 2


async def test_loading_twice_builds_once() -> None:
    """Loading is idempotent, and by number needs no repository the second time."""
    world = ModelWorld(FIRST)
    first = await world.models.load(NAME, 1)
    world.repository.missing = True
    assert await world.models.load(NAME, 1) is first
    assert len(world.builder.built) == 1


async def test_activation_swaps_and_remembers() -> None:
    """The new version decides, the old one stays loaded for the way back."""
    world = await world_with_active_first(SECOND)
    await world.models.load(NAME, 2)
    assert world.active_version() == 1
    await world.models.activate(SECOND.key)
    assert world.active_version() == 2
    await world.models.activate(FIRST.key)  # without the repository's help
    assert world.active_version() == 1


async def test_what_is_not_loaded_cannot_be_activated() -> None:
    """The active version stays."""
    world = await world_with_active_first(SECOND)
    with pytest.raises(NotFound, match="load it first"):
        await world.models.activate(SECOND.key)
    assert world.active_version() == 1


def published(version: TinyVersion) -> Callable[[ModelWorld], None]:
    """The repository has this version."""

    def change(world: ModelWorld) -> None:
        world.repository.versions[version.key] = version

    return change


def fails_to_build(world: ModelWorld) -> None:
    """No engine can be made any more."""
    world.builder.failure = FailedPrecondition("no", reason="ARTIFACT_REFUSED")


def repository_missing(world: ModelWorld) -> None:
    """The repository does not answer."""
    world.repository.missing = True


def fails_to_run(world: ModelWorld) -> None:
    """What is built fails when it is warmed up."""
    world.repository.versions[SECOND.key] = SECOND
    world.builder.engine_failure = RuntimeError("out of memory")


def store_missing(world: ModelWorld) -> None:
    """The database does not answer."""
    world.store.missing = True


def with_card(version: TinyVersion, change: Callable[[dict[str, Any]], None]) -> TinyVersion:
    """The version with another card, signed as any other."""
    card = json.loads(version.files["model_card.json"])
    change(card)
    return replace(version, files={**version.files, "model_card.json": json.dumps(card).encode()})


OF_ANOTHER_GRAPH = with_card(SECOND, lambda c: c["signature"]["outputs"][1].update(shape=["N", 9]))
WITHOUT_CARD = replace(SECOND, files={"model.onnx": SECOND.files["model.onnx"]})
FAILURES = [
    (published(SECOND.with_flipped_bit("model.onnx")), DataLoss, "DIGEST_MISMATCH"),
    (published(SECOND.with_flipped_bit("golden.safetensors")), DataLoss, "DIGEST_MISMATCH"),
    (published(replace(SECOND, signer=STRANGER)), PermissionDenied, "SIGNATURE_INVALID"),
    (published(tiny_version(2, golden_shift=0.1)), FailedPrecondition, "GOLDEN_SAMPLE_MISMATCH"),
    (published(tiny_version(2, state="TESTED")), FailedPrecondition, "MODEL_NOT_APPROVED"),
    (published(tiny_version(2, state="REJECTED")), FailedPrecondition, "MODEL_NOT_APPROVED"),
    (published(WITHOUT_CARD), FailedPrecondition, "ARTIFACT_REFUSED"),
    (published(OF_ANOTHER_GRAPH), FailedPrecondition, "ARTIFACT_REFUSED"),
    (fails_to_build, FailedPrecondition, "ARTIFACT_REFUSED"),
    (fails_to_run, FailedPrecondition, "GOLDEN_SAMPLE_MISMATCH"),
    (repository_missing, Unavailable, "PEER_UNAVAILABLE"),
    (store_missing, Unavailable, "PEER_UNAVAILABLE"),
]


@pytest.mark.parametrize(("change", "kind", "reason"), FAILURES)
async def test_a_failed_load_leaves_everything_as_it_was(
    change: Callable[[ModelWorld], None], kind: type[NfError], reason: str
) -> None:
    """The error has its reason; the active version decides on, and the next load can succeed."""
    world = await world_with_active_first(SECOND)
    saved = world.store.saved
    change(world)
    with pytest.raises(kind) as caught:
        await world.models.load(NAME, 2)
    assert caught.value.reason == reason
    assert [(f.selector, f.reason) for f in world.models.failures] == [(2, reason)]
    assert world.active_version() == 1
    assert [model.key for model in world.models.serving] == [FIRST.key]
    assert world.store.saved == saved

    world.repository.versions[SECOND.key] = SECOND
    world.repository.missing = world.store.missing = False
    world.builder.failure = world.builder.engine_failure = None
    assert (await world.models.load(NAME, 2)).key == SECOND.key


async def test_a_manifest_of_another_model_is_refused() -> None:
    """A good signature over another model's files does not help."""
    world = ModelWorld(replace(FIRST, signed_as="other"))
    with pytest.raises(PermissionDenied, match="was signed for model other"):
        await world.models.load(NAME, 1)


async def test_unapproved_versions_load_where_the_settings_allow() -> None:
    """A laboratory may try what nobody approved."""
    world = ModelWorld(tiny_version(1, state="REGISTERED"))
    world.policy = replace(world.policy, allow_unapproved=True)
    assert (await world.next_life().load(NAME, 1)).key.version == 1


async def test_a_broken_download_goes_on_where_it_broke() -> None:
    """Within one load it is taken up again, from the byte after the last."""
    world = ModelWorld(FIRST)
    world.repository.breaks = 2
    await world.models.load(NAME, 1)
    card_downloads = [o for name, o in world.repository.served if name == "model_card.json"]
    assert card_downloads == [0, 1, 2]


async def test_a_download_that_keeps_breaking_is_unavailable() -> None:
    """After the attempts of the settings the load fails; the next one goes on from there."""
    world = ModelWorld(FIRST)
    world.repository.breaks = 3
    with pytest.raises(Unavailable):
        await world.models.load(NAME, 1)
    await world.models.load(NAME, 1)
    assert ("model_card.json", 3) in world.repository.served


async def test_the_engine_asked_for_builds() -> None:
    """Else the one of the settings does; asked for another one, the version is built anew."""
    world = ModelWorld(FIRST)
    first = await world.models.load(NAME, 1)
    assert first.engine.kind is EngineKind.ONNXRUNTIME
    await world.models.activate(FIRST.key)
    second = await world.models.load(NAME, 1, EngineKind.TENSORRT)
    assert second.engine.kind is EngineKind.TENSORRT
    assert world.models.active is second
    assert world.next_life() is not None
    await world.models.restore()
    assert world.models.active is not None
    assert world.models.active.engine.kind is EngineKind.TENSORRT


async def test_precision_is_the_cards_unless_the_settings_say_otherwise() -> None:
    """A card that is silent means float32; what is built says what it computes in."""
    in_half = tiny_version(2, precision="fp16")
    world = ModelWorld(FIRST, in_half)
    assert (await world.models.load(NAME, 1)).engine.precision is Precision.FP32
    assert (await world.models.load(NAME, 2)).engine.precision is Precision.FP16
    world.policy = replace(world.policy, precision=Precision.FP32)
    assert (await world.next_life().load(NAME, 2)).engine.precision is Precision.FP32


async def test_the_golden_samples_are_checked_by_the_tolerance_of_the_precision() -> None:
    """Half precision may be off by what the exporter measured for it, single precision not."""
    measured = {"fp16": {"absolute": 2e-2, "relative": 2e-2}}
    shifted = tiny_version(2, golden_shift=0.1, precision="fp16")
    measured_too = with_card(shifted, lambda c: c["golden"].update(tolerance_by_precision=measured))
    world = ModelWorld(measured_too)
    assert (await world.models.load(NAME, 2)).engine.precision is Precision.FP16
    for version, precision in ((shifted, None), (measured_too, Precision.FP32)):
        world = ModelWorld(version)
        world.policy = replace(world.policy, precision=precision)
        with pytest.raises(FailedPrecondition, match="beamformer_index deviates"):
            await world.next_life().load(NAME, 2)


async def test_an_engine_that_this_host_lacks_leaves_the_other_serving() -> None:
    """ENGINE_UNAVAILABLE, and the version decides on with the engine that it has."""
    world = await world_with_active_first()
    world.other_builder.failure = FailedPrecondition("no GPU", reason="ENGINE_UNAVAILABLE")
    with pytest.raises(FailedPrecondition, match="no GPU"):
        await world.models.load(NAME, 1, EngineKind.TENSORRT)
    assert world.models.active is not None
    assert world.models.active.engine.kind is EngineKind.ONNXRUNTIME


async def test_a_version_past_the_bound_frees_the_oldest() -> None:
    """Engines of freed versions are gone from memory."""
    versions = [tiny_version(number) for number in range(1, 6)]
    world = ModelWorld(*versions)
    for version in versions:
        await world.models.load(NAME, version.key.version)
    assert [model.key.version for model in world.models.serving] == [3, 4, 5]
    with pytest.raises(NotFound):
        world.models.find(NAME, 1)


async def test_unloading_frees_and_keeps_the_active() -> None:
    """A version that decides cannot be unloaded, another one can."""
    world = await world_with_active_first(SECOND)
    await world.models.load(NAME, 2)
    await world.models.unload(SECOND.key)
    with pytest.raises(FailedPrecondition):
        await world.models.unload(FIRST.key)
    assert [model.key for model in world.models.serving] == [FIRST.key]


async def test_unloading_a_model_frees_all_its_versions_or_none() -> None:
    """While one of them decides, none goes."""
    world = await world_with_active_first(SECOND, tiny_version(1, name="other"))
    await world.models.load(NAME, 2)
    await world.models.load("other", 1)
    with pytest.raises(FailedPrecondition):
        await world.models.unload_all(NAME)
    assert len(world.models.serving) == 3
    await world.models.deactivate()
    await world.models.unload_all(NAME)
    assert [model.key.name for model in world.models.serving] == ["other"]
    with pytest.raises(NotFound):
        await world.models.unload_all(NAME)


async def test_rollback_needs_nothing_but_memory() -> None:
    """Neither repository nor cache; a second one goes forth again, and so after a restart."""
    world = await world_with_active_first(SECOND)
    with pytest.raises(FailedPrecondition, match="no version that decided before"):
        await world.models.rollback()
    await world.models.load(NAME, 2)
    await world.models.activate(SECOND.key)
    world.repository.missing = True
    served = list(world.repository.served)
    world.cache.files.clear()
    assert (await world.models.rollback()).key == FIRST.key
    assert world.active_version() == 1
    assert (await world.models.rollback()).key == SECOND.key
    assert world.repository.served == served
    assert world.store.saved.previous == FIRST.key


async def test_the_last_failure_of_a_version_is_told_until_it_is_loaded() -> None:
    """With its reason; by the number or the alias that was asked for; not without end."""
    world = ModelWorld(FIRST, SECOND.with_flipped_bit("model.onnx"))
    for selector in (2, "champion", 2):
        with pytest.raises(NfError):
            await world.models.load(NAME, selector)
    assert [(f.selector, f.reason) for f in world.models.failures] == [
        ("champion", "RESOURCE_NOT_FOUND"),
        (2, "DIGEST_MISMATCH"),
    ]
    published(SECOND)(world)
    world.repository.aliases["champion"] = 2
    await world.models.load(NAME, "champion")
    assert world.models.failures == []
    for number in range(3, 100):
        with pytest.raises(NotFound):
            await world.models.load(NAME, number)
    assert [f.selector for f in world.models.failures] == list(range(80, 100))


async def test_find_prefers_the_active_then_the_newest() -> None:
    """Without a number the one that decides is meant."""
    world = ModelWorld(FIRST, SECOND)
    await world.models.load(NAME, 1)
    await world.models.load(NAME, 2)
    assert world.models.find(NAME).key.version == 2
    await world.models.activate(FIRST.key)
    assert world.models.find(NAME).key.version == 1
    with pytest.raises(NotFound):
        world.models.find("other")


async def test_a_restart_brings_back_what_decided_without_the_repository() -> None:
    """Files come from the cache; every check is made again."""
    world = await world_with_active_first(SECOND)
    await world.models.load(NAME, 2)
    world.repository.missing = True
    models = world.next_life()
    assert await models.restore() == []
    assert world.active_version() == 1
    assert [model.key.version for model in models.serving] == [1, 2]


async def test_a_restart_without_cache_waits_for_the_repository() -> None:
    """Until it answers nobody decides; then the active version is back by itself."""
    world = await world_with_active_first()
    world.repository.missing = True
    world.cache.files.clear()
    models = world.next_life()
    waiting = await models.restore()
    assert [wanted.key for wanted in waiting] == [FIRST.key]
    assert world.active_version() is None
    stop = asyncio.Event()
    restoring = asyncio.create_task(models.restore_rest(waiting, stop))
    world.repository.missing = False
    await until(lambda: world.active_version() == 1, what="the version to be back")
    await restoring


async def test_waiting_for_the_repository_ends_with_the_process() -> None:
    """A stop is not held up, and the next life still knows what is to decide."""
    world = await world_with_active_first()
    world.repository.missing = True
    world.cache.files.clear()
    models = world.next_life()
    waiting = await models.restore()
    stop = asyncio.Event()
    stop.set()
    await models.restore_rest(waiting, stop)
    assert world.store.saved.active == FIRST.key


async def test_a_version_that_fails_its_checks_after_a_restart_does_not_decide() -> None:
    """Nobody decides rather than somebody wrong; the others are back, and so is it once mended."""
    world = await world_with_active_first(SECOND)
    await world.models.load(NAME, 2)
    graph = FIRST.release.artifact("model.onnx").sha256
    world.cache.files[graph] = SECOND.files["model.onnx"]  # computes something else
    models = world.next_life()
    assert await models.restore() == []
    assert world.active_version() is None
    assert [model.key for model in models.serving] == [SECOND.key]
    world.cache.files[graph] = FIRST.files["model.onnx"]
    await world.next_life().restore()
    assert world.active_version() == 1


async def test_a_caller_that_gives_up_leaves_no_half_swap() -> None:
    """A cancelled activation is either done in memory and store, or in neither."""
    world = await world_with_active_first(SECOND)
    await world.models.load(NAME, 2)
    storing = asyncio.Event()
    go_on = asyncio.Event()
    save = world.store.save_model_set

    async def slow_save(models):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        storing.set()
        await go_on.wait()
        await save(models)

    world.store.save_model_set = slow_save  # type: ignore[method-assign]
    activating = asyncio.create_task(world.models.activate(SECOND.key))
    await storing.wait()
    activating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await activating
    assert world.active_version() == 1
    go_on.set()
    await until(lambda: world.active_version() == 2, what="the swap to finish")
    assert world.store.saved.active == SECOND.key


async def test_activation_does_not_wait_for_a_load() -> None:
    """A slow download never holds up a roll-back."""
    world = await world_with_active_first(SECOND, tiny_version(3))
    await world.models.load(NAME, 2)
    await world.models.activate(SECOND.key)
    world.repository.hold = asyncio.Event()
    world.cache.files.clear()
    loading = asyncio.create_task(world.models.load(NAME, 3))
    await world.models.activate(FIRST.key)
    assert world.active_version() == 1
    world.repository.hold.set()
    await loading
