"""What the repository does, beside an independent model and in its corners."""

import asyncio

import pytest
from fakes.file_artifacts import MemoryArtifacts
from fakes.sql_models import MemoryModels
from hypothesis import settings
from support.mms_machine import RepositoryMachine
from support.mms_uploads import MODEL, announced, bytes_of, files, publisher_on

from mms_repository.lookups import VersionKey
from mms_repository.ports import ModelStore
from mms_repository.procedures import Author, ModelRepository
from nf_runtime.clock import ManualClock
from nf_runtime.errors import InvalidArgument

AUTHOR = Author("test", "because")


class MemoryMachine(RepositoryMachine):
    """The machine on tables in memory."""

    def open_store(self) -> ModelStore:
        """An empty store."""
        return MemoryModels()


TestLifecycle = MemoryMachine.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.fixture
async def repository() -> ModelRepository:
    """A repository in which version 1 of the model exists."""
    store, artifacts, clock = MemoryModels(), MemoryArtifacts(), ManualClock()
    repository = ModelRepository(store=store, artifacts=artifacts, clock=clock)
    await repository.create_model(MODEL, aiml_inference_name="x", description="")
    publisher = publisher_on(store, artifacts, clock=clock)
    await publisher.publish(announced(files()), bytes_of(files()))
    return repository


async def test_watch_wakes_at_a_change(repository: ModelRepository) -> None:
    """A watch that has seen everything waits, and goes on with the next change."""
    changes = repository.changes("", after=0)
    assert (await anext(changes)).position == 1
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert not waiting.done()
    await repository.record_test_result(VersionKey(MODEL, 1), AUTHOR, passed=True, metrics={})
    assert (await waiting).position == 2


async def test_watch_of_another_model_stays_quiet(repository: ModelRepository) -> None:
    """Changes of other models wake nobody up to the surface."""
    waiting = asyncio.ensure_future(anext(repository.changes("other", after=0)))
    await repository.record_test_result(VersionKey(MODEL, 1), AUTHOR, passed=True, metrics={})
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_figures_stay_bounded(repository: ModelRepository) -> None:
    """Tests cannot pile up figures without end."""
    key = VersionKey(MODEL, 1)
    for part in ("a", "b"):
        metrics = {f"{part}{number}": 1.0 for number in range(60)}
        await repository.record_test_result(key, AUTHOR, passed=True, metrics=metrics)
    with pytest.raises(InvalidArgument) as caught:
        await repository.record_test_result(
            key, AUTHOR, passed=True, metrics={f"c{number}": 1.0 for number in range(60)}
        )
    assert caught.value.metadata["field"] == "kpis"
    assert len((await repository.get_version(key)).kpis) == 121
