"""Transactions and migrations on SQLite and PostgreSQL."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from support.kafka_node import free_port
from support.migrations import assert_migrations_match
from support.thing_nf.tables import MIGRATIONS, metadata, parts, things

from nf_runtime.config import ConfigurationError
from nf_runtime.database import Database, announce
from nf_runtime.errors import Unavailable

ROOT = Path(__file__).parents[3]
TESTS = ROOT / "tests"


def names(connection: Connection) -> list[str]:
    """The names of all things."""
    return list(connection.scalars(select(things.c.name).order_by(things.c.name)))


def add(name: str, connection: Connection) -> None:
    """Store one thing."""
    connection.execute(insert(things).values(name=name))


async def test_work_is_committed(database: Database) -> None:
    """What a transaction did is there in the next one, with its result returned."""

    def work(connection: Connection) -> list[str]:
        add("a", connection)
        return names(connection)

    assert await database.transact(work) == ["a"]
    assert await database.transact(names) == ["a"]


async def test_exception_rolls_everything_back(database: Database) -> None:
    """A transaction that raises leaves nothing behind, and the exception arrives."""

    def half(connection: Connection) -> None:
        add("a", connection)
        raise LookupError("half-way")

    with pytest.raises(LookupError, match="half-way"):
        await database.transact(half)
    assert await database.transact(names) == []


async def test_constraints_hold(database: Database) -> None:
    """Primary and foreign keys are enforced on both databases."""
    await database.transact(partial(add, "a"))
    with pytest.raises(IntegrityError):
        await database.transact(partial(add, "a"))
    with pytest.raises(IntegrityError):
        await database.transact(
            lambda connection: connection.execute(insert(parts).values(name="p", thing="nothing"))
        )


async def test_concurrent_transactions_lose_no_update(database: Database) -> None:
    """Fifty increments at once add up to fifty."""
    await database.transact(partial(add, "a"))

    def increment(connection: Connection) -> None:
        connection.execute(update(things).values(size=things.c.size + 1))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(50):
            tasks.create_task(database.transact(increment))
    assert await database.transact(lambda c: c.scalar(select(func.max(things.c.size)))) == 50


async def test_work_runs_in_the_named_executor(database: Database) -> None:
    """Database work never runs in the event loop's thread."""
    name = await database.transact(lambda _: threading.current_thread().name)
    assert name.startswith("aimlnf-database")


async def test_second_opening_keeps_what_is_there(database: Database, database_url: str) -> None:
    """Opening a database that is at head changes nothing."""
    await database.transact(partial(add, "a"))
    again = Database(database_url, metadata, MIGRATIONS)
    await again.open()
    assert await again.transact(names) == ["a"]
    await again.close()


async def test_two_processes_may_open_at_once(database_url: str) -> None:
    """Migrating concurrently creates each table once."""
    databases = [Database(database_url, metadata, MIGRATIONS) for _ in range(4)]
    async with asyncio.TaskGroup() as tasks:
        for database in databases:
            tasks.create_task(database.open())
    for database in databases:
        await database.close()


async def test_migrations_match_the_tables(database_url: str) -> None:
    """The comparison that every network function's tests use agrees here."""
    await assert_migrations_match(database_url, metadata, MIGRATIONS)


REBUILD = """
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("things") as things:  # SQLite cannot alter a column in place
        things.alter_column("size", existing_type=sa.Integer, nullable=True)
    {more}
"""


def later_migrations(folder: Path, name: str, more: str = "") -> str:
    """A package with the migrations of things and one that rebuilds their table."""
    versions = folder / name / "versions"
    shutil.copytree(TESTS / "support" / "thing_nf" / "migrations" / "versions", versions)
    (versions / "0003_rebuild.py").write_text(REBUILD.format(more=more))
    return name


async def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration may rebuild a table that others refer to; keys are enforced again afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    database = Database(database_url, metadata, MIGRATIONS)
    await database.open()
    await database.transact(partial(add, "a"))
    await database.transact(lambda c: c.execute(insert(parts).values(name="p", thing="a")))
    await database.close()

    later = Database(database_url, metadata, later_migrations(tmp_path, "later_nf"))
    await later.open()
    assert await later.transact(lambda c: list(c.scalars(select(parts.c.thing)))) == ["a"]
    with pytest.raises(IntegrityError):
        await later.transact(lambda c: c.execute(insert(parts).values(name="q", thing="none")))
    await later.close()


async def test_migration_that_orphans_rows_is_undone(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that leaves rows without their parents fails, and everything is as before."""
    monkeypatch.syspath_prepend(tmp_path)
    database = Database(sqlite_url, metadata, MIGRATIONS)
    await database.open()
    await database.transact(partial(add, "a"))
    await database.transact(lambda c: c.execute(insert(parts).values(name="p", thing="a")))
    await database.close()

    migrations = later_migrations(tmp_path, "orphaning_nf", 'op.execute("DELETE FROM things")')
    orphaning = Database(sqlite_url, metadata, migrations)
    with pytest.raises(RuntimeError, match="without their parents"):
        await orphaning.open()
    await orphaning.close()
    await database_still_has(sqlite_url, "a")


async def database_still_has(url: str, name: str) -> None:
    """Open it as it was before, and look."""
    database = Database(url, metadata, MIGRATIONS)
    await database.open()
    assert await database.transact(names) == [name]
    await database.close()


async def test_databases_of_one_process_migrate_side_by_side(tmp_path: Path) -> None:
    """Several network functions in one process do not get into each other's migrations."""
    databases = [
        Database(f"sqlite:///{tmp_path / f'{number}.db'}", metadata, MIGRATIONS)
        for number in range(6)
    ]
    async with asyncio.TaskGroup() as tasks:
        for database in databases:
            tasks.create_task(database.open())
    for database in databases:
        assert await database.transact(names) == []
        await database.close()


async def test_failed_migration_leaves_nothing(database_url: str) -> None:
    """A migration that fails half-way leaves no table behind, not even its own version's."""
    broken = Database(database_url, metadata, "support.broken_nf.migrations")
    with pytest.raises(RuntimeError, match="half-way"):
        await broken.open()
    await broken.close()
    fresh = Database(database_url, metadata, MIGRATIONS)
    await fresh.open()
    tables = await fresh.transact(lambda connection: inspect(connection).get_table_names())
    assert "half" not in tables
    await fresh.close()


async def test_commit_sets_the_announced_signal(database: Database) -> None:
    """A signal is set by the commit that announced it, never by a rollback or another one."""
    signalled = database.committed("news")

    def fail(connection: Connection) -> None:
        announce(connection, "news")
        raise LookupError

    with pytest.raises(LookupError):
        await database.transact(fail)
    await database.transact(names)
    assert not signalled.is_set()
    await database.transact(lambda connection: announce(connection, "news"))
    assert signalled.is_set()


async def test_closed_database_says_so(database_url: str) -> None:
    """Work before open is a mistake with a sentence."""
    database = Database(database_url, metadata, MIGRATIONS)
    with pytest.raises(RuntimeError, match="open"):
        await database.transact(names)
    await database.close()


async def test_missing_postgres_is_unavailable_without_the_password() -> None:
    """A server that does not answer is Unavailable; the message keeps the password."""
    url = f"postgresql+psycopg://user:swordfish@127.0.0.1:{free_port()}/db"
    database = Database(url, metadata, MIGRATIONS)
    with pytest.raises(Unavailable) as caught:
        await database.open()
    assert "swordfish" not in str(caught.value)
    assert caught.value.metadata["peer"] == "database"
    await database.close()


async def test_locked_sqlite_is_unavailable(sqlite_url: str) -> None:
    """Another process that holds the lock for too long makes it Unavailable, and no longer."""
    database = Database(sqlite_url, metadata, MIGRATIONS, busy_timeout_ms=50)
    await database.open()
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await database.transact(partial(add, "a"))
    other.execute("ROLLBACK")
    other.close()
    await database.transact(partial(add, "a"))
    await database.close()


async def test_sqlite_is_in_wal_mode(sqlite_url: str) -> None:
    """Readers beside the network function do not block it."""
    database = Database(sqlite_url, metadata, MIGRATIONS)
    await database.open()
    mode = await database.transact(
        lambda connection: connection.scalar(text("PRAGMA journal_mode"))
    )
    assert mode == "wal"
    await database.close()


@pytest.mark.parametrize("url", ["nonsense", "sqlite+nothing:///x", "mysql://host/db"])
def test_unusable_url_is_a_configuration_error(url: str) -> None:
    """A URL that names no database of ours is refused when the settings are used."""
    with pytest.raises(ConfigurationError, match=r"database\.url"):
        Database(url, metadata, MIGRATIONS)


WRITER = """
import asyncio, sys
from functools import partial
from sqlalchemy import insert
from nf_runtime.database import Database
from support.thing_nf.tables import MIGRATIONS, metadata, things

async def main():
    database = Database(sys.argv[1], metadata, MIGRATIONS)
    await database.open()
    for number in range(1_000_000):
        name = f"{number:06}"
        await database.transact(lambda c: c.execute(insert(things).values(name=name)))
        print(name, flush=True)

asyncio.run(main())
"""


def killed_writer(url: str) -> list[str]:
    """The names that a process reported as stored before it was killed."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "gen"), str(TESTS)])
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    reported = [writer.stdout.readline().strip() for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    reported += writer.stdout.read().split()
    writer.wait()
    writer.stdout.close()
    return reported


async def test_commit_survives_kill_9(database_url: str) -> None:
    """Every transaction that was reported as committed is there after the process is killed."""
    reported = await asyncio.to_thread(killed_writer, database_url)
    database = Database(database_url, metadata, MIGRATIONS)
    await database.open()
    stored = await database.transact(names)
    await database.close()
    assert reported == stored[: len(reported)]
    assert len(stored) - len(reported) <= 1  # the last one may not have been reported yet
