"""Real brokers and databases for the integration tests.

`broker` and `database_url` run a test once for each kind. What a machine does not have is skipped
with the reason. Topics of `kafka_broker` live as long as the session: use `topic` for a fresh one.
"""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.kafka_node import KafkaNode, KafkaNotHereError
from support.postgres_server import PostgresNotHereError, PostgresServer
from support.waiting import wait_until

from nf_runtime.config import KafkaSettings


@pytest.fixture(scope="session")
def kafka_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A real Apache Kafka for the session."""
    node = KafkaNode(tmp_path_factory.mktemp("kafka"))
    try:
        node.start()
    except KafkaNotHereError as error:
        pytest.skip(str(error))
    yield node
    node.kill()


@pytest.fixture
def kafka_broker(kafka_node: KafkaNode) -> KafkaSettings:
    """How to reach the real Kafka."""
    return KafkaSettings(bootstrap=kafka_node.address, log_identity="kafka")


@pytest.fixture
def embedded_broker(tmp_path: Path) -> Iterator[KafkaSettings]:
    """How to reach an embedded broker that only this test uses."""
    ready = tmp_path / "broker.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "nf_runtime.embedded_broker", "--ready-file", str(ready)],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_until(ready.exists, what="the embedded broker")
        content = json.loads(ready.read_text())
        yield KafkaSettings(
            bootstrap=content["address"], embedded=True, log_identity=content["log_identity"]
        )
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> KafkaSettings:
    """Either broker."""
    settings: KafkaSettings = request.getfixturevalue(f"{request.param}_broker")
    return settings


@pytest.fixture
def topic() -> str:
    """The name of a topic that does not exist yet."""
    return f"test.{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL for the session."""
    try:
        server = PostgresServer()
    except PostgresNotHereError as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty PostgreSQL database that only this test uses."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Either database, empty."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses a real server by the fixture it asks for."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        for fixture, marker in (("kafka_broker", "kafka"), ("postgres_url", "postgres")):
            if fixture in names:
                item.add_marker(marker)
