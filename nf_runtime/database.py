"""The database of a network function: SQLAlchemy Core, migrated to head when it is opened.

All work of one transaction is a plain function of a connection, run in the database's own thread::

    database = Database(settings.database.url, metadata, "mms_repository.adapters.migrations")
    if not await database.open_when_there(clock=clock, stop=stop):
        return                                      # told to stop while waiting for it

    def rename(connection: Connection) -> bool:
        accepted = inbox.accept(connection, record)
        connection.execute(update(models).where(models.c.id == 1).values(name="x"))
        return accepted

    accepted = await database.transact(rename)      # committed, or rolled back and raised
    await database.close()

Migrations are Alembic revisions in ``<migrations>/versions/*.py``; there is no env.py.
"""

import asyncio
import importlib.util
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError
from sqlalchemy.pool import QueuePool

from nf_runtime.client import keep_trying
from nf_runtime.clock import Clock
from nf_runtime.config import ConfigurationError
from nf_runtime.errors import Unavailable

_DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")
_POSTGRESQL_THREADS = 4
_POSTGRESQL_CONNECT_TIMEOUT_S = 5
_MIGRATION_LOCK = 0x61696D6C  # any number, the same in all processes
_ANNOUNCED = "aimlnf.announced"

# Alembic's `op` is one for the process, and databases migrate in threads of their own.
_ALEMBIC = threading.Lock()

T = TypeVar("T")


class Database:
    """One database, one bounded executor.

    SQLite gets a single thread, since it has a single writer: transactions are ``BEGIN IMMEDIATE``
    and never deadlock half-way. PostgreSQL gets four.

    Args:
        url: ``sqlite:///file.db`` or ``postgresql+psycopg://…``.
        metadata: The tables as the code sees them; a test compares them with the migrations' head.
        migrations: Package that holds ``versions/``.
        power_loss_safe: SQLite waits for the disk at each commit. Without it a commit survives
            the death of the process, not of the machine.
        busy_timeout_ms: How long SQLite waits for another process that writes.

    Raises:
        ConfigurationError: The URL names neither SQLite nor PostgreSQL.
    """

    def __init__(
        self,
        url: str,
        metadata: MetaData,
        migrations: str,
        *,
        power_loss_safe: bool = False,
        busy_timeout_ms: int = 5000,
    ) -> None:
        self._url = _checked(url)
        self.metadata = metadata
        self._migrations = migrations
        self._power_loss_safe = power_loss_safe
        self._busy_timeout_ms = busy_timeout_ms
        self._engine: Engine | None = None
        self._signals: dict[str, asyncio.Event] = {}
        self._executor = ThreadPoolExecutor(
            max_workers=1 if self._is_sqlite else _POSTGRESQL_THREADS,
            thread_name_prefix="aimlnf-database",
        )

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    async def open(self) -> None:
        """Connect and migrate to head.

        Raises:
            Unavailable: The database does not answer.
        """
        await self._run(self._open)

    async def open_when_there(self, *, clock: Clock, stop: asyncio.Event) -> bool:
        """Open as soon as the database answers, saying so once; False when stopped meanwhile."""

        async def attempt() -> bool:
            await self.open()
            return True

        return bool(await keep_trying(attempt, what="database", clock=clock, stop=stop))

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, after its transaction is committed.

        Whatever it raises rolls back and is raised here. Nothing is retried.

        Raises:
            Unavailable: The database went away or stayed locked.
        """
        loop = asyncio.get_running_loop()

        def committed() -> T:
            result, announced = self._transact(work)
            for signal in announced:
                # From here, so that a caller who has given up meanwhile leaves nothing untold.
                loop.call_soon_threadsafe(self.committed(signal).set)
            return result

        return await self._run(committed)

    async def close(self) -> None:
        """Finish what runs, then close the connections."""
        await asyncio.to_thread(self._executor.shutdown)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.dispose)
            self._engine = None

    def committed(self, signal: str) -> asyncio.Event:
        """An event that is set after each commit in which `announce` named `signal`."""
        return self._signals.setdefault(signal, asyncio.Event())

    async def _run(self, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, function)
        except (OperationalError, InterfaceError) as error:
            raise Unavailable(
                f"the database {self._url.render_as_string()} does not answer: {error.orig}",
                reason="PEER_UNAVAILABLE",
                peer="database",
            ) from error

    def _open(self) -> None:
        engine = self._create_engine()
        try:
            with engine.connect() as connection, _foreign_keys_off(connection), connection.begin():
                upgrade_to_head(connection, self._migrations)
        except BaseException:
            engine.dispose()
            raise
        self._engine = engine

    def _transact(self, work: Callable[[Connection], T]) -> tuple[T, Iterable[str]]:
        if self._engine is None:
            raise RuntimeError("the database is not open; await open() first")
        with self._engine.begin() as connection:
            connection.info.pop(_ANNOUNCED, None)  # left by a transaction that was rolled back
            result = work(connection)
            announced = connection.info.pop(_ANNOUNCED, ())
        return result, announced

    def _create_engine(self) -> Engine:
        if not self._is_sqlite:
            return create_engine(
                self._url,
                pool_size=_POSTGRESQL_THREADS,
                max_overflow=0,
                pool_pre_ping=True,
                connect_args={"connect_timeout": _POSTGRESQL_CONNECT_TIMEOUT_S},
            )
        if self._url.database not in (None, "", ":memory:"):
            Path(str(self._url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(
            self._url,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"check_same_thread": False},  # disposed of by another thread
        )
        event.listen(engine, "connect", self._prepare_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine

    def _prepare_sqlite(self, connection: Any, _record: object) -> None:
        # The driver must not begin transactions of its own: `_begin_immediate` does.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout = {self._busy_timeout_ms}",
            "journal_mode = WAL",
            f"synchronous = {'FULL' if self._power_loss_safe else 'NORMAL'}",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


def announce(connection: Connection, signal: str) -> None:
    """Set `Database.committed(signal)` once this transaction is committed, and only then."""
    connection.info.setdefault(_ANNOUNCED, set()).add(signal)


def upgrade_to_head(connection: Connection, migrations: str) -> None:
    """Apply the Alembic revisions of package `migrations` that the database does not have yet.

    Runs in the caller's transaction: all revisions are applied, or none.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start together must not both create the first table.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    script = ScriptDirectory(_folder_of(migrations))

    def revisions(current: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", current)  # noqa: SLF001 - as alembic's own command

    with _ALEMBIC, EnvironmentContext(Config(), script, fn=revisions) as environment:
        environment.configure(connection=connection, render_as_batch=True)
        environment.run_migrations()
    if connection.dialect.name == "sqlite":
        violations = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if violations:
            raise RuntimeError(f"{migrations} leaves rows without their parents: {violations[:5]}")


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    # SQLite changes a table by building another one; dropping the old one would take along, or
    # trip over, the rows that refer to it. The switch works outside transactions only.
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in _DRIVERS:
        raise ConfigurationError(
            "setting database.url: write sqlite:///file.db or postgresql+psycopg://user@host/name"
        )
    return parsed


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _folder_of(package: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"{package} is no package; name the one that holds versions/")
    return str(Path(next(iter(spec.submodule_search_locations))))
