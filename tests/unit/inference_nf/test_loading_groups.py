"""Tests of coordination groups: loaded, in force, rolled back and unloaded as one."""

import pytest
from support.model_world import ModelWorld
from support.tiny_models import STRANGER, TinyVersion, tiny_version

from inference_nf.releases import ModelKey
from nf_runtime.errors import FailedPrecondition, NfError, NotFound, PermissionDenied

ALONE = tiny_version(1)
GAN, GDM = tiny_version(2), tiny_version(2, name="gdm")


async def world_of_a_pair(gdm: TinyVersion = GDM, *, max_loaded: int = 3) -> ModelWorld:
    """Version 1 decides; a group of two is published."""
    world = ModelWorld(ALONE, GAN, gdm, max_loaded=max_loaded)
    world.repository.groups["pair"] = [GAN.key, gdm.key]
    await world.models.load("gan-gdm", 1)
    await world.models.activate(ALONE.key)
    return world


def in_memory(world: ModelWorld) -> set[ModelKey]:
    """What is loaded."""
    return {model.key for model in world.models.serving}


async def test_all_members_are_loaded_and_none_decides_yet() -> None:
    """What decided decides on; a repetition builds nothing again."""
    world = await world_of_a_pair()
    models = await world.models.load_group("pair")
    assert [model.key for model in models] == [GAN.key, GDM.key]
    assert in_memory(world) == {ALONE.key, GAN.key, GDM.key}
    assert world.active_version() == 1
    assert await world.models.load_group("pair") == models
    assert len(world.builder.built) == 3


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (tiny_version(2, name="gdm", golden_shift=1.0), FailedPrecondition),
        (tiny_version(2, name="gdm", state="TESTED"), FailedPrecondition),
        (tiny_version(2, name="gdm", signer=STRANGER), PermissionDenied),
    ],
    ids=["golden samples", "not approved", "signature"],
)
async def test_none_is_loaded_where_one_fails(bad: TinyVersion, error: type[NfError]) -> None:
    """Neither in memory nor in the store, and which one failed is remembered with its reason."""
    world = await world_of_a_pair(bad)
    with pytest.raises(error):
        await world.models.load_group("pair")
    assert in_memory(world) == {ALONE.key}
    assert [model.key for model in world.store.saved.models] == [ALONE.key]
    assert [failure.name for failure in world.models.failures] == ["gdm"]


async def test_what_is_no_group_is_told() -> None:
    """NOT_FOUND from the repository, and nothing changes."""
    world = await world_of_a_pair()
    with pytest.raises(NotFound):
        await world.models.load_group("other")
    assert in_memory(world) == {ALONE.key}


async def test_a_group_without_room_is_not_even_fetched() -> None:
    """Three beside the version that decides are one too many."""
    world = await world_of_a_pair()
    third = tiny_version(2, name="third")
    world.repository.versions[third.key] = third
    world.repository.groups["pair"].append(third.key)
    with pytest.raises(FailedPrecondition, match="max_loaded"):
        await world.models.load_group("pair")
    assert len(world.builder.built) == 1


async def test_all_of_a_group_is_in_force_and_rolled_back() -> None:
    """One activation and one rollback move what each member's name stands for."""
    world = await world_of_a_pair(max_loaded=4)  # the group before and the group after
    old = (tiny_version(3), tiny_version(3, name="gdm"))
    world.repository.versions |= {version.key: version for version in old}
    world.repository.groups["old"] = [version.key for version in old]
    await world.models.load_group("old")
    await world.models.activate(old[0].key)
    await world.models.load_group("pair")
    await world.models.activate(GAN.key)
    assert world.models.find("gdm").key == GDM.key
    assert (await world.models.rollback()).key == old[0].key
    assert world.models.find("gdm").key == old[1].key
    assert (await world.models.rollback()).key == GAN.key
    assert world.models.find("gdm").key == GDM.key


async def test_all_of_a_group_is_unloaded() -> None:
    """With one of its members, unless another one decides."""
    world = await world_of_a_pair()
    await world.models.load_group("pair")
    await world.models.activate(GAN.key)
    with pytest.raises(FailedPrecondition, match="decides"):
        await world.models.unload(GDM.key)
    await world.models.activate(ALONE.key)
    await world.models.unload(GDM.key)
    assert in_memory(world) == {ALONE.key}


async def test_a_group_comes_back_whole_or_not_at_all() -> None:
    """After a restart; where one of its members can no longer be had, the other one is not kept."""
    world = await world_of_a_pair()
    await world.models.load_group("pair")
    await world.next_life().restore()
    assert in_memory(world) == {ALONE.key, GAN.key, GDM.key}
    assert world.models.wanted.group_of(GDM.key) == {GAN.key, GDM.key}
    del world.cache.files[GDM.release.artifact("model_card.json").sha256]
    world.repository.versions[GDM.key] = tiny_version(2, name="gdm", rate_bps_hz=1.0)
    world.repository.versions[GDM.key].files["model_card.json"] += b" "
    await world.next_life().restore()
    assert in_memory(world) == {ALONE.key}
