"""The job store on real databases."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from support.migrations import assert_migrations_match

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import AlreadyExists, NotFound, ResourceExhausted
from nwdaf.mtlf import jobs
from nwdaf.mtlf.adapters.sql_jobs import SqlJobStore
from nwdaf.mtlf.adapters.sql_tables import METADATA, PROVISION_SUBSCRIPTIONS
from nwdaf.mtlf.app import MIGRATIONS
from nwdaf.mtlf.jobs import JobState, Phase, Profile, TrainingSpec, TrainingType
from nwdaf.mtlf.provision_subscriptions import ProvisionSubscription, WantedModel
from nwdaf.sql_documents import SqlDocuments

PROFILE = Profile("pass", 0.5, 3.0, None, 0.5, (0.0, 12.5))
TRAINING = TrainingSpec("m", TrainingType.RE_TRAINING, 2, PROFILE, 10.25, 1)
TESTING = jobs.TestingSpec("m", 1, PROFILE, 10, 1, 0.9)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Open and empty, SQLite and PostgreSQL."""
    made = Database(database_url, METADATA, MIGRATIONS)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def store(database: Database) -> SqlJobStore:
    """The store under test, with room for three waiting jobs."""
    return SqlJobStore(database, clock=ManualClock(), most_queued=3)


async def test_the_migrations_make_the_tables_of_the_code(database_url: str) -> None:
    """An empty database, migrated to head, has exactly these tables."""
    await assert_migrations_match(database_url, METADATA, MIGRATIONS)


async def test_a_job_is_found_as_it_was_made(store: SqlJobStore) -> None:
    """Both kinds, with every field of their specs; each only as its own kind."""
    training = await store.create(TRAINING, request_id="")
    test = await store.create(TESTING, request_id="")
    assert await store.get(training.job_id, TrainingSpec) == training
    assert await store.get(test.job_id, jobs.TestingSpec) == test
    with pytest.raises(NotFound):
        await store.get(training.job_id, jobs.TestingSpec)


async def test_jobs_are_taken_in_order_of_creation(store: SqlJobStore) -> None:
    """Trainings and tests share one queue."""
    made = [await store.create(spec, request_id="") for spec in (TRAINING, TESTING, TRAINING)]
    taken = [await store.take_next() for _ in range(4)]
    assert [job.job_id if job else None for job in taken] == [*(job.job_id for job in made), None]
    assert all(job is None or job.state is JobState.RUNNING for job in taken)


async def test_a_change_is_stored_whole_or_not_at_all(store: SqlJobStore) -> None:
    """What the change raises is raised, and the job stays as it was."""
    job = await store.create(TRAINING, request_id="")

    def refuse(_: jobs.Job) -> jobs.Job:
        raise ValueError("no")

    changed = await store.change(
        job.job_id,
        lambda stored: replace(
            stored, phase=Phase.TRAINING, progress_percent=12.5, metrics={"a": 1.5}, failure="x"
        ),
    )
    with pytest.raises(ValueError, match="no"):
        await store.change(job.job_id, refuse)
    assert await store.get(job.job_id, TrainingSpec) == changed
    assert changed.metrics == {"a": 1.5}


async def test_interrupted_jobs_are_queued_again(store: SqlJobStore) -> None:
    """What they had reached is forgotten, except that one was being published."""
    training, publishing, waiting = [await store.create(TRAINING, request_id="") for _ in range(3)]
    for job, phase in ((training, Phase.TRAINING), (publishing, Phase.PUBLISHING)):
        await store.take_next()
        await store.change(
            job.job_id,
            lambda stored, phase=phase: replace(stored, phase=phase, progress_percent=50.0),
        )
    interrupted = await store.requeue_interrupted()
    found = [await store.get(job.job_id, TrainingSpec) for job in (training, publishing, waiting)]
    assert set(interrupted) == {training.job_id, publishing.job_id}
    assert [(job.state, job.phase, job.progress_percent) for job in found] == [
        (JobState.QUEUED, None, 0.0),
        (JobState.QUEUED, Phase.PUBLISHING, 50.0),
        (JobState.QUEUED, None, 0.0),
    ]


async def test_one_request_makes_one_job(store: SqlJobStore) -> None:
    """Also when it comes several times at once; with another spec it is refused."""
    made = await asyncio.gather(*(store.create(TRAINING, request_id="r") for _ in range(6)))
    with pytest.raises(AlreadyExists):
        await store.create(replace(TRAINING, seed=2), request_id="r")
    assert len({job.job_id for job in made}) == 1


async def test_a_request_that_comes_again_is_compared_with_what_it_asked_for(
    store: SqlJobStore,
) -> None:
    """Not with what the job was changed to since, which another request asks for."""
    changed = replace(TRAINING, seed=9)
    made = await store.create(TRAINING, request_id="r")
    await store.change(made.job_id, lambda job: replace(job, spec=changed))
    again = await store.create(TRAINING, request_id="r")
    assert (again.job_id, again.spec) == (made.job_id, changed)
    with pytest.raises(AlreadyExists):
        await store.create(changed, request_id="r")


async def test_the_queue_is_bounded(store: SqlJobStore) -> None:
    """Also when many ask at once; a job that is taken makes room."""
    outcomes = await asyncio.gather(
        *(store.create(TRAINING, request_id="") for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(outcome, ResourceExhausted) for outcome in outcomes) == 2
    await store.take_next()
    await store.create(TRAINING, request_id="")


async def test_pages_are_newest_first(store: SqlJobStore) -> None:
    """Each job comes once."""
    made = [(await store.create(TRAINING, request_id="")).job_id for _ in range(3)]
    first, position = await store.page(TrainingSpec, size=2, before=None)
    second, end = await store.page(TrainingSpec, size=2, before=position)
    assert [job.job_id for job in (*first, *second)] == made[::-1]
    assert end is None


async def test_subscriptions_to_models_are_bounded(database: Database) -> None:
    """QUOTA_EXCEEDED, until one is deleted."""
    subscriptions = SqlDocuments(database, PROVISION_SUBSCRIPTIONS, ProvisionSubscription, most=1)
    wanted = ProvisionSubscription((WantedModel("BEAMFORMING", expiry_time=ManualClock().now()),))
    made = await subscriptions.create(wanted)
    with pytest.raises(ResourceExhausted):
        await subscriptions.create(wanted)
    assert await subscriptions.get(made.subscription_id) == made
    await subscriptions.delete(made.subscription_id)
    with pytest.raises(NotFound):
        await subscriptions.replace(made)
    assert (await subscriptions.create(wanted)).wanted == wanted.wanted


async def test_unfinished_jobs_are_those_that_may_go_on(store: SqlJobStore) -> None:
    """Suspended ones too."""
    first = await store.create(TRAINING, request_id="")
    second = await store.create(TRAINING, request_id="")
    await store.change(first.job_id, lambda job: replace(job, state=JobState.SUSPENDED))
    await store.change(second.job_id, lambda job: replace(job, state=JobState.FAILED))
    assert await store.unfinished() == [first.job_id]
