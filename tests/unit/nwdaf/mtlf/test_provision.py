"""Which version consumers are told to use."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fakes.mtlf_peers import MemoryRepository
from support.ran_events import START

from nf_runtime.errors import NotFound, Unavailable
from nf_runtime.events.catalogue import AliasChanged, EventData, VersionStateChanged
from nf_runtime.events.cloud_event import CloudEvent
from nf_runtime.events.record import RawRecord, Record
from nwdaf.mtlf.ports import ProvisionedModel
from nwdaf.mtlf.provision import Provision


class Scene:
    """A provision over a repository in memory."""

    def __init__(self) -> None:
        self.repository = MemoryRepository()
        self.remembered: list[Record] = []
        self.provision = Provision(self.repository, self.remember)

    async def remember(self, record: Record) -> bool:
        """Store that the record was dealt with."""
        self.remembered.append(record)
        return True

    async def hear(self, data: EventData) -> None:
        """Let an event of the repository take effect."""
        event = CloudEvent(id="1", source="/mms_repository", time=START, data=data)
        await self.provision.take_in(Record("mms.events", 0, 0, event, RawRecord((), None, b"")))


def approved(version: int) -> VersionStateChanged:
    """A version was approved."""
    return VersionStateChanged(
        model_name="m", version=version, from_state="TESTED", to_state="APPROVED", actor="oam"
    )


def champion(version: int) -> AliasChanged:
    """`champion` was moved."""
    return AliasChanged(model_name="m", alias="champion", version=version, actor="oam")


async def following(models: AsyncIterator[ProvisionedModel]) -> int:
    """The next version that is told."""
    async with asyncio.timeout(5):
        return (await anext(models)).version


async def test_the_stream_starts_with_the_present_version_and_tells_each_new_one() -> None:
    """A version that is approved before there is a champion is provisioned."""
    scene = Scene()
    scene.repository.approved = [1]
    models = scene.provision.watch("m")
    assert await following(models) == 1
    scene.repository.approved = [1, 2]
    await scene.hear(approved(2))
    assert await following(models) == 2


async def test_a_rollback_provisions_the_older_version_again() -> None:
    """The champion goes before the newest approved one."""
    scene = Scene()
    scene.repository.approved, scene.repository.champion = [1, 2], 2
    models = scene.provision.watch("m")
    assert await following(models) == 2
    scene.repository.champion = 1
    await scene.hear(champion(1))
    assert await following(models) == 1


async def test_what_changes_nothing_is_not_told() -> None:
    """An approval beside a champion, another alias, another state."""
    scene = Scene()
    scene.repository.approved, scene.repository.champion = [1], 1
    models = scene.provision.watch("m")
    assert await following(models) == 1
    scene.repository.approved = [1, 2]
    await scene.hear(approved(2))
    await scene.hear(AliasChanged(model_name="m", alias="candidate", version=2, actor="oam"))
    scene.repository.champion = 2
    await scene.hear(champion(2))
    assert await following(models) == 2
    assert len(scene.remembered) == 3


async def test_all_models_are_watched_with_an_empty_name() -> None:
    """The stream starts with what is provisioned of each."""
    scene = Scene()
    scene.repository.approved = [3]
    assert await following(scene.provision.watch("")) == 3


async def test_without_an_approved_version_there_is_nothing_yet() -> None:
    """NOT_FOUND when asked, silence until the first approval when watched."""
    scene = Scene()
    with pytest.raises(NotFound):
        await scene.provision.provisioned("m")
    models = scene.provision.watch("m")
    waiting = asyncio.create_task(following(models))
    await asyncio.sleep(0)
    scene.repository.approved = [1]
    await scene.hear(approved(1))
    assert await waiting == 1


async def test_an_event_is_not_done_with_while_the_repository_is_silent() -> None:
    """It is not remembered, so that it is taken in again."""
    scene = Scene()
    scene.repository.missing = True
    with pytest.raises(Unavailable):
        await scene.hear(approved(1))
    assert scene.remembered == []
