# ruff: noqa: D101, D102 - the ports describe them
"""The MTLF's job store, model repository and workshop in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nf_runtime.errors import AlreadyExists, NotFound, Unavailable
from nwdaf.mtlf.job_folder import ARTIFACT_FOLDER, GRAPH_FILE
from nwdaf.mtlf.jobs import Job, JobState, Phase, Spec, TrainingSpec
from nwdaf.mtlf.ports import OnProgress, ProvisionedModel

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryJobStore:
    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.history: list[tuple[JobState, Phase | None]] = []

    async def create(self, spec: Spec, *, request_id: str) -> Job:
        job = Job(f"job-{len(self.jobs) + 1}", spec, JobState.QUEUED, NOW, NOW)
        self.jobs[job.job_id] = job
        return job

    async def get(self, job_id: str, kind: type[Spec]) -> Job:
        if job_id not in self.jobs or not isinstance(self.jobs[job_id].spec, kind):
            raise NotFound("no such job", reason="RESOURCE_NOT_FOUND", resource=job_id)
        return self.jobs[job_id]

    async def page(
        self, kind: type[Spec], *, size: int, before: int | None
    ) -> tuple[Sequence[Job], int | None]:
        return [job for job in self.jobs.values() if isinstance(job.spec, kind)][:size], None

    async def take_next(self) -> Job | None:
        for job in self.jobs.values():
            if job.state is JobState.QUEUED:
                return await self.change(job.job_id, lambda j: replace(j, state=JobState.RUNNING))
        return None

    async def change(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        job = self.jobs[job_id] = change(self.jobs[job_id])
        if not self.history or self.history[-1] != (job.state, job.phase):
            self.history.append((job.state, job.phase))
        return job

    async def requeue_interrupted(self) -> Sequence[str]:
        interrupted = [j.job_id for j in self.jobs.values() if j.state is JobState.RUNNING]
        for job_id in interrupted:
            job = self.jobs[job_id]
            phase = job.phase if job.phase is Phase.PUBLISHING else None
            self.jobs[job_id] = replace(job, state=JobState.QUEUED, phase=phase)
        return interrupted

    async def unfinished(self) -> Sequence[str]:
        return [job.job_id for job in self.jobs.values() if not job.is_final]


@dataclass
class MemoryRepository:
    """Versions by number; as the real one it refuses another manifest under a known request."""

    versions: dict[int, tuple[str, dict[str, bytes]]] = field(default_factory=dict)
    champion: int = 0
    approved: list[int] = field(default_factory=list)
    missing: bool = False
    missing_after_upload: bool = False
    calls: int = 0

    def _answer(self) -> None:
        self.calls += 1
        if self.missing:
            raise Unavailable("no answer", reason="PEER_UNAVAILABLE", peer="mms_repository")

    async def check_exists(self, model_name: str, version: int) -> None:
        self._answer()
        if version not in self.versions:
            raise NotFound("no such version", reason="RESOURCE_NOT_FOUND", resource=str(version))

    async def fetch(
        self, model_name: str, version: int, file_names: Sequence[str], folder: Path
    ) -> None:
        await self.check_exists(model_name, version)
        for file_name in file_names:
            (folder / file_name).write_bytes(self.versions[version][1].get(file_name, b""))

    async def publish(
        self, spec: TrainingSpec, folder: Path, *, job_id: str, kpis: Mapping[str, float]
    ) -> int:
        self._answer()
        files = _contents(folder)
        for version, (request_id, stored) in self.versions.items():
            if request_id == job_id:
                if stored != files:
                    raise AlreadyExists(
                        "another manifest", reason="REQUEST_ID_REUSED", request_id=job_id
                    )
                return version
        version = len(self.versions) + 1
        self.versions[version] = (job_id, files)
        if self.missing_after_upload:
            self.missing, self.missing_after_upload = True, False
            raise Unavailable("the answer got lost", reason="PEER_UNAVAILABLE")
        return version

    async def provisioned(self, model_name: str) -> ProvisionedModel:
        self._answer()
        version = self.champion or max(self.approved, default=0)
        if not version:
            raise NotFound("none approved", reason="UNAVAILABLE_DATA", model_name=model_name)
        return ProvisionedModel(
            model_name,
            version,
            100 + version,
            NOW,
            aiml_inference_name="BEAMFORMING",
            kpis={"test.rate_mean_bps_hz": float(version)},
        )

    async def models(self) -> Mapping[str, str]:
        self._answer()
        return {"m": "BEAMFORMING"}


@dataclass
class FakeWorkshop:
    """Works as long as `go` is not set; every training makes other bytes."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    metrics: dict[str, float] = field(
        default_factory=lambda: {"ratio_to_exhaustive": 0.9, "violations": 0.0}
    )
    failure: Exception | None = None
    tasks: list[Mapping[str, Any]] = field(default_factory=list)
    cancelled: int = 0

    async def work(
        self, task: Mapping[str, Any], folder: Path, on_progress: OnProgress, cancel: asyncio.Event
    ) -> Mapping[str, Any] | None:
        self.tasks.append(task)
        on_progress(0.25, Phase.TRAINING)
        waits = {asyncio.ensure_future(self.go.wait()), asyncio.ensure_future(cancel.wait())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if cancel.is_set():
            self.cancelled += 1
            return None
        if self.failure is not None:
            raise self.failure
        if task["kind"] == "train":
            (folder / ARTIFACT_FOLDER).mkdir()
            content = f"{task['job_id']} {len(self.tasks)}".encode()
            (folder / ARTIFACT_FOLDER / GRAPH_FILE).write_bytes(content)
        return {"metrics": self.metrics}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
