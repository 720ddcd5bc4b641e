"""The process as an operator meets it: events at the broker, restarts, exit statuses."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.kafka_node import free_port
from support.mms_process import MmsProcess
from support.mms_uploads import MODEL, files, publish, upload_of
from support.waiting import wait_until

from aimlnf.mms.v1 import model_pb2
from aimlnf.mms.v1 import model_repository_service_pb2 as pb
from nf_runtime.clock import SystemClock
from nf_runtime.config import KafkaSettings
from nf_runtime.events.catalogue import MMS_EVENTS, AliasChanged, VersionStateChanged
from nf_runtime.events.subscriber import EventSubscriber

pytestmark = pytest.mark.slow

AUTHOR = {"actor": "oam", "reason": "test"}


@pytest.fixture
def repository(tmp_path: Path, database_url: str, broker: KafkaSettings) -> Iterator[MmsProcess]:
    """A running repository with a broker of either kind."""
    process = MmsProcess(tmp_path, database_url, kafka=broker.model_dump(mode="json"))
    process.start()
    yield process
    process.kill()


async def live(stub: Any) -> None:
    """Bring a version of the model from nothing to champion."""
    model = model_pb2.Model(model_name=MODEL, aiml_inference_name="BEAM_SELECTION")
    await stub.CreateModel(pb.CreateModelRequest(model=model))
    version = (await publish(stub, upload_of(files()))).version
    key = {"model_name": MODEL, "version": version, **AUTHOR}
    await stub.RecordTestResult(pb.RecordTestResultRequest(**key, passed=True))
    await stub.ApproveModelVersion(pb.ApproveModelVersionRequest(**key))
    await stub.SetAlias(pb.SetAliasRequest(**key, alias="champion"))


async def events_of(
    broker: KafkaSettings, wanted: set[tuple[Any, ...]], *, since: datetime
) -> list[tuple[Any, ...]]:
    """What each event on `mms.events` says, each id once, until all that is wanted is there.

    Other tests use the same broker: only events from `since` on count.
    """
    found: dict[str, tuple[Any, ...]] = {}
    async with EventSubscriber(broker, [MMS_EVENTS], {}, clock=SystemClock()) as records:
        async for record in records:
            assert record.event is not None
            if record.event.time < since:
                continue
            data = record.event.data
            if isinstance(data, VersionStateChanged):
                found[record.event.id] = (data.version, data.from_state, data.to_state)
            elif isinstance(data, AliasChanged):
                found[record.event.id] = (data.version, data.alias)
            if wanted <= set(found.values()):
                break
    return list(found.values())


async def test_changes_reach_the_broker(repository: MmsProcess, broker: KafkaSettings) -> None:
    """Each change is one event on `mms.events`, in order."""
    since = SystemClock().now()
    async with repository.stub() as stub:
        await live(stub)
    expected: list[tuple[Any, ...]] = [
        (1, "", "REGISTERED"),
        (1, "REGISTERED", "TESTED"),
        (1, "TESTED", "APPROVED"),
        (1, "champion"),
    ]
    assert await events_of(broker, set(expected), since=since) == expected


async def test_killed_with_events_unpublished(
    tmp_path: Path, sqlite_url: str, embedded_broker: KafkaSettings
) -> None:
    """What could not be published before a kill is published after the next start."""
    since = SystemClock().now()
    process = MmsProcess(tmp_path, sqlite_url)
    process.start()
    async with process.stub() as stub:
        await live(stub)
    process.kill()
    process = MmsProcess(tmp_path, sqlite_url, kafka=embedded_broker.model_dump(mode="json"))
    process.start()
    try:
        wanted = {(1, "", "REGISTERED"), (1, "TESTED", "APPROVED"), (1, "champion")}
        assert len(await events_of(embedded_broker, wanted, since=since)) == 4
        async with process.stub() as stub:
            model = (await stub.GetModel(pb.GetModelRequest(model_name=MODEL))).model
        assert dict(model.aliases) == {"champion": 1}
    finally:
        process.kill()


def test_stops_when_asked(tmp_path: Path, sqlite_url: str) -> None:
    """SIGTERM ends it with status 0, also while the broker is missing."""
    process = MmsProcess(tmp_path, sqlite_url)
    process.start()
    assert process.stop() == 0


def test_waits_for_its_database(tmp_path: Path) -> None:
    """Started before its database it says what it waits for, and still stops when asked."""
    process = MmsProcess(tmp_path, f"postgresql+psycopg://a:b@127.0.0.1:{free_port()}/mms")
    running = process.spawn()
    try:
        wait_until(
            lambda: '"peer": "database"' in process.log.read_text(), timeout_s=30.0, what="its word"
        )
        assert running.poll() is None
        assert process.stop() == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("artifacts: {folder: /dev/null/x}", "artifacts.folder"),
        ("signing: {trusted_keys: [/nowhere.pub]}", "signing.trusted_keys"),
        ("artifacts: {max_artifacts: 0}", "artifacts.max_artifacts"),
        ("colour: red", "colour"),
    ],
)
def test_unusable_settings(tmp_path: Path, setting: str, said: str) -> None:
    """Wrong settings end it with status 2 and one sentence that names the setting."""
    config = tmp_path / "mms.yaml"
    own = setting.split(":", maxsplit=1)[0]
    lines = {
        "server": "server: {port: 0, metrics_port: 0}",
        "database": f"database: {{url: 'sqlite:///{tmp_path}/m.db'}}",
        "artifacts": f"artifacts: {{folder: '{tmp_path}/artifacts'}}",
    }
    config.write_text("\n".join([*(text for key, text in lines.items() if key != own), setting]))
    result = subprocess.run(
        [sys.executable, "-m", "mms_repository", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert said in result.stderr
    assert "Traceback" not in result.stderr
