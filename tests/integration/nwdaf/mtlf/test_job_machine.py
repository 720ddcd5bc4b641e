"""Any sequence of orders, crashes and outages: jobs end as ordered, each with at most one version.

The machine runs the real store on SQLite and the real loop on real folders, and compares them with
a small model: a list of jobs of which the oldest waiting one is worked on.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fakes.mtlf_peers import MemoryRepository
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nf_runtime.clock import ManualClock
from nf_runtime.database import Database
from nf_runtime.errors import FailedPrecondition
from nwdaf.mtlf.adapters.sql_jobs import SqlJobStore
from nwdaf.mtlf.adapters.sql_tables import METADATA
from nwdaf.mtlf.app import MIGRATIONS
from nwdaf.mtlf.job_folder import ARTIFACT_FOLDER, CHECKPOINT_FOLDER, GRAPH_FILE
from nwdaf.mtlf.jobs import Job, Phase, Profile, TrainingSpec, TrainingType
from nwdaf.mtlf.ports import OnProgress, WorkFailedError
from nwdaf.mtlf.procedures import Jobs
from nwdaf.mtlf.working import Working

SPEC = TrainingSpec("m", TrainingType.INITIAL_TRAINING, 0, Profile(), 10.0, 1)
STEP_TIMEOUT_S = 60.0  # for what never comes; a busy machine may take seconds over one step
CHOICE = st.integers(0, 20)

T = TypeVar("T")


@dataclass
class Expected:
    """One job as the model sees it."""

    job_id: str
    state: str = "QUEUED"
    publishing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anything may still happen to it."""
        return self.state in ("QUEUED", "RUNNING", "SUSPENDED")


@dataclass
class Bench:
    """A workshop in which the machine decides what happens to the work."""

    going_on_from: list[tuple[str, str]] = field(default_factory=list)
    outcome: "asyncio.Future[str] | None" = None

    async def work(
        self, task: Mapping[str, Any], folder: Path, on_progress: OnProgress, cancel: asyncio.Event
    ) -> Mapping[str, Any] | None:
        """A child that leaves a checkpoint and then waits for its fate."""
        note = folder / CHECKPOINT_FOLDER / "of"
        if note.exists():
            self.going_on_from.append((task["job_id"], note.read_text()))
        note.parent.mkdir(exist_ok=True)
        note.write_text(task["job_id"])
        on_progress(0.25, Phase.TRAINING)
        outcome = self.outcome = asyncio.get_running_loop().create_future()
        cancelled = asyncio.ensure_future(cancel.wait())
        try:
            await asyncio.wait({outcome, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
            if self.outcome is outcome:
                self.outcome = None
        if not outcome.done():
            return None
        if outcome.result() == "fail":
            raise WorkFailedError("it was told to")
        (folder / ARTIFACT_FOLDER).mkdir()
        (folder / ARTIFACT_FOLDER / GRAPH_FILE).write_text(task["job_id"])
        return {"metrics": {"ratio_to_exhaustive": 0.9}}


class JobMachine(RuleBasedStateMachine):
    """Steps that consumers, the work, the repository and fate can take."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.repository = MemoryRepository()
        self.expected: list[Expected] = []
        self.start()

    def start(self) -> None:
        """Start the function on whatever database and folder hold."""
        here = Path(self.folder.name)
        self.database = Database(f"sqlite:///{here / 'jobs.db'}", METADATA, MIGRATIONS)
        self.run(self.database.open())
        store = SqlJobStore(self.database, clock=self.clock, most_queued=100)
        self.jobs = Jobs(store, self.repository, clock=self.clock)
        self.bench = Bench()
        working = Working(
            self.jobs,
            repository=self.repository,
            workshop=self.bench,
            clock=self.clock,
            folder=here / "work",
            pretrained=here,
            threads=1,
            patience_s=1e9,
        )
        self.working = self.loop.create_task(working.run(asyncio.Event()))
        self.settle()

    @rule()
    def create(self) -> None:
        """A new job."""
        job = self.run(self.jobs.create(SPEC, request_id=""))
        self.expected.append(Expected(job.job_id))
        self.settle()

    @rule(choice=CHOICE)
    def cancel(self, choice: int) -> None:
        """Allowed until the job is final or its version may exist."""
        self.order(choice, self.jobs.cancel, "CANCELLED", lambda job: job.is_open)

    @rule(choice=CHOICE)
    def suspend(self, choice: int) -> None:
        """Allowed as long; a suspended job stays so."""
        self.order(choice, self.jobs.suspend, "SUSPENDED", lambda job: job.is_open)

    @rule(choice=CHOICE)
    def resume(self, choice: int) -> None:
        """Only of a suspended job."""
        self.order(choice, self.jobs.resume, "QUEUED", lambda job: job.state == "SUSPENDED")

    @precondition(lambda self: self.bench.outcome is not None)
    @rule(answer_lost=st.booleans())
    def succeed(self, *, answer_lost: bool) -> None:
        """The work ends well; the repository's answer may get lost."""
        job = self.running()
        self.repository.missing_after_upload = answer_lost and not self.repository.missing
        if self.repository.missing or answer_lost:
            job.publishing = True
        else:
            job.state = "SUCCEEDED"
        self.decide("succeed")

    @precondition(lambda self: self.bench.outcome is not None)
    @rule()
    def fail(self) -> None:
        """The work fails."""
        self.running().state = "FAILED"
        self.decide("fail")

    @rule()
    def lose_repository(self) -> None:
        """It does not answer any more."""
        self.repository.missing = True

    @rule()
    def find_repository(self) -> None:
        """It answers; what waits for it goes on."""
        self.repository.missing = False
        for job in self.expected:
            if job.publishing and job.state == "RUNNING":
                job.state = "SUCCEEDED"
        self.run(self.clock.advance(10.0))
        self.settle()

    @rule()
    def crash(self) -> None:
        """The function ends without a word and is started again."""
        self.end_function()
        for job in self.expected:
            if job.state == "RUNNING":
                job.state = "QUEUED"
        self.start()

    @invariant()
    def versions_are_those_of_the_jobs_that_succeeded(self) -> None:
        """One each, in whatever order; a publication under way may have made its own."""
        made = [request_id for request_id, _ in self.repository.versions.values()]
        due = {job.job_id for job in self.expected if job.state == "SUCCEEDED"}
        under_way = {job.job_id for job in self.expected if job.publishing}
        assert len(made) == len(set(made))
        assert due <= set(made) <= due | under_way

    @invariant()
    def work_goes_on_only_from_its_own_checkpoints(self) -> None:
        """Whatever ran before or between."""
        assert all(job_id == note for job_id, note in self.bench.going_on_from)

    @invariant()
    def folders_are_those_of_open_jobs(self) -> None:
        """What final jobs have left goes."""
        folders = {entry.name for entry in (Path(self.folder.name) / "work").iterdir()}
        assert folders <= {job.job_id for job in self.expected if job.is_open}

    def order(
        self,
        choice: int,
        call: Callable[[str, type[TrainingSpec]], Awaitable[Job]],
        state: str,
        is_allowed: Callable[[Expected], bool],
    ) -> None:
        """One of the orders that a consumer may give to some job."""
        if not self.expected:
            return
        job = self.expected[choice % len(self.expected)]
        if is_allowed(job) and not job.publishing:
            self.run(call(job.job_id, TrainingSpec))
            job.state = state
        else:
            try:
                self.run(call(job.job_id, TrainingSpec))
            except FailedPrecondition as error:
                assert error.reason == "STATE_FORBIDS"  # noqa: PT017 - the call is made either way
            else:
                raise AssertionError(f"{state} was allowed for {job}")
        self.settle()

    def running(self) -> Expected:
        """The job that is worked on."""
        return next(job for job in self.expected if job.state == "RUNNING")

    def decide(self, outcome: str) -> None:
        """Let the work end that way."""
        assert self.bench.outcome is not None
        self.bench.outcome.set_result(outcome)
        self.settle()

    def settle(self) -> None:
        """Give the loop time until everything is as the model says."""
        self.take_turns()
        worked_on = any(job.state == "RUNNING" and not job.publishing for job in self.expected)
        # That a version may come into being is stored before one is asked for: a crash in between
        # is another story than the one that is told here.
        wanted = {
            job.job_id: (job.state, job.publishing and job.state == "RUNNING")
            for job in self.expected
        }

        async def reach() -> None:
            while (  # noqa: ASYNC110 - the store tells nobody when it has changed
                await self.states() != wanted
                or (self.bench.outcome is not None) != worked_on
                or self.leftovers()
            ):
                await asyncio.sleep(0.001)

        try:
            self.run(reach())
        except TimeoutError:
            raise AssertionError(
                f"{self.run(self.states())} instead of {wanted}; at work: "
                f"{self.bench.outcome is not None} instead of {worked_on}; "
                f"folders of final jobs: {self.leftovers()}"
            ) from None

    def take_turns(self) -> None:
        """The oldest waiting job runs; with the repository there, publications are soon over."""
        for job in self.expected:
            if any(each.state == "RUNNING" for each in self.expected):
                return
            if job.state == "QUEUED":
                is_soon_over = job.publishing and not self.repository.missing
                job.state = "SUCCEEDED" if is_soon_over else "RUNNING"

    async def states(self) -> dict[str, tuple[str, bool]]:
        """What the store says: state, and whether a version of a running job may exist."""
        jobs, _ = await self.jobs.page(TrainingSpec, size=1000, before=None)
        return {
            job.job_id: (str(job.state), job.is_publishing and job.state == "RUNNING")
            for job in jobs
        }

    def leftovers(self) -> bool:
        """Whether a final job has still got a folder."""
        work = Path(self.folder.name) / "work"
        is_open = {job.job_id for job in self.expected if job.is_open}
        return not work.is_dir() or any(entry.name not in is_open for entry in work.iterdir())

    def end_function(self) -> None:
        """Everything of the process goes at once."""
        self.working.cancel()
        with suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.working)
        self.run(self.database.close())

    def run(self, awaitable: Awaitable[T]) -> T:
        """Wait for it in the machine's event loop."""
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, STEP_TIMEOUT_S))

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.end_function()
        self.loop.close()
        self.folder.cleanup()


JobMachine.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestJobMachine = pytest.mark.timeout(1200)(JobMachine.TestCase)
