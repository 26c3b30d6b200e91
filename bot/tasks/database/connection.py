"""Opening the database: a server that somebody runs, or one of our own below the state directory."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
import structlog
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from bot.tasks.database.embedded import (
    DatabaseTrouble,
    is_embedded_database_alive,
    open_embedded_database,
    revive_embedded_database,
)

log = structlog.get_logger(__name__)

ALIVE_EVERY = 1.0  # seconds between looks whether the embedded server lives
LOOKS_FOR_POOLER = 3  # at which process of the server answers, before it counts as one's own
PING_AFTER = 5.0  # seconds for which a silent connection is trusted

__all__ = [
    "Database",
    "DatabaseAway",
    "DatabaseTrouble",
    "connect",
    "open_database",
    "set_up_session",
    "sqlalchemy_url",
]

_SCHEMES = ("postgresql", "postgres")
# A transaction that we forget is ended by the server, so that it holds back no vacuum. No plan of ours is
# worth the 50 to 200 ms in which PostgreSQL compiles it. Set once a connection is open, not in its first
# message, which PgBouncer would refuse (https://www.pgbouncer.org/config.html, ignore_startup_parameters).
_SESSION = {
    "timezone": "UTC",
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
    # A client behind a dead switch says no goodbye. Its session, with its locks, ends after 25 s of silence
    # instead of two hours; a Unix socket ignores these.
    # https://www.postgresql.org/docs/current/runtime-config-connection.html
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
# The same from this side: a server that vanished is given up after 25 s (ms in the last, else seconds), where
# the system would wait 15 minutes. https://www.postgresql.org/docs/current/libpq-connect.html
_NOTICE_SILENCE = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
_SET_SESSION = "SELECT " + ", ".join(f"set_config('{name}', '{to}', false)" for name, to in _SESSION.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An open database. ``url`` is a plain libpq one, without a driver's name in it."""

    engine: AsyncEngine
    url: str


@asynccontextmanager
async def open_database(
    home: Path, database_url: str | None = None, *, connections: int = 20
) -> AsyncIterator[Database]:
    """The database at ``database_url``, or the embedded one below ``home``, open until the block ends.

    Raises DatabaseTrouble with what to mend when it cannot be reached.
    """
    async with AsyncExitStack() as stack:
        if database_url:
            url = _notice_silence(_plain(database_url))
        else:
            server = open_embedded_database(home)
            url = await asyncio.to_thread(server.__enter__)
            stack.push_async_callback(asyncio.to_thread, server.__exit__, None, None, None)
            await stack.enter_async_context(_keep_alive(home, url))
        database = connect(url, connections=connections)
        stack.push_async_callback(database.engine.dispose)
        await _reach(url)
        yield database


def _notice_silence(url: str) -> str:
    """The URL with what ends a connection whose other side is silent; what it says itself goes first."""
    said = make_url(url).query
    mine = urlencode({name: value for name, value in _NOTICE_SILENCE.items() if name not in said})
    return f"{url}{'&' if said else '' if url.endswith('?') else '?'}{mine}" if mine else url


@asynccontextmanager
async def _keep_alive(home: Path, url: str) -> AsyncIterator[None]:
    """Start the embedded server again whenever it dies during the block."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY)
            if is_embedded_database_alive(home):
                continue
            try:
                if await asyncio.to_thread(revive_embedded_database, home, url):
                    log.error("database.revived", home=str(home))
            except (DatabaseTrouble, OSError) as trouble:  # its last processes may still be ending
                log.warning("database.not_revived", error=str(trouble)[:500])

    watching = asyncio.create_task(watch(), name="embedded PostgreSQL")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def connect(url: str, *, connections: int = 20) -> Database:
    """A pool of at most ``connections`` to a server; nothing is opened yet."""
    engine = create_async_engine(
        sqlalchemy_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        pool_use_lifo=True,
        connect_args={"connect_timeout": 5, "application_name": "hob"},
    )
    event.listen(engine.sync_engine, "connect", set_up_session)
    _ping_doubtful_connections(engine)
    return Database(engine=engine, url=url)


def set_up_session(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Set the limits of a new session; a listener for the pool's event ``connect``."""
    cursor = connection.cursor()
    cursor.execute(_SET_SESSION)
    cursor.close()
    connection.commit()


def _ping_doubtful_connections(engine: AsyncEngine) -> None:
    """Have a connection tested before it is used again where it may be lost, and not each time.

    A server that ends one says so on it: then there is something to read. One that vanished says nothing, so
    a connection that was idle for ``PING_AFTER`` is tested too. A test of every one, as ``pool_pre_ping``
    makes it, is a third of what a short transaction costs.
    https://docs.sqlalchemy.org/en/20/core/pooling.html#custom-legacy-pessimistic-ping
    """

    def note_use(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _: PoolProxiedConnection) -> None:
        used_at = record.info.get("used_at")
        if used_at is None:  # it was opened just now
            return
        try:
            if time.monotonic() - used_at < PING_AFTER and not _has_something_to_read(record):
                return
            engine.dialect.do_ping(connection)
        except Exception as trouble:  # whatever a lost connection raises: the pool opens another one
            raise DisconnectionError("the server hung up") from trouble

    event.listen(engine.sync_engine, "checkin", note_use)
    event.listen(engine.sync_engine, "checkout", ping)


def _has_something_to_read(record: ConnectionPoolEntry) -> bool:
    driver: psycopg.AsyncConnection = record.driver_connection  # type: ignore[assignment]
    looking = select.poll()
    looking.register(driver.fileno(), select.POLLIN)
    return bool(looking.poll(0))


def sqlalchemy_url(url: str) -> str:
    """The same URL for SQLAlchemy's psycopg dialect, synchronous or asynchronous."""
    return "postgresql+psycopg://" + _plain(url).partition("://")[2]


def _plain(url: str) -> str:
    scheme, found, rest = url.partition("://")
    name = scheme.split("+", 1)[0]
    if not found or name not in _SCHEMES:
        raise DatabaseTrouble("HOB_DATABASE_URL must look like postgresql://user:password@host:5432/name")
    plain = f"postgresql://{rest}"
    try:
        make_url(plain)
    except (ArgumentError, ValueError) as trouble:
        raise DatabaseTrouble(f"HOB_DATABASE_URL cannot be read: {trouble}") from None
    return plain


class DatabaseAway(DatabaseTrouble):
    """The server does not answer; it may be starting."""


async def is_reachable(database_url: str) -> bool:
    """Whether the server answers now. Raises DatabaseTrouble when waiting will not help."""
    try:
        await _reach(_plain(database_url))
    except DatabaseAway:
        return False
    return True


async def wait_for_database(database_url: str, stop: asyncio.Event, *, every: float = 1.0) -> bool:
    """Wait until the server answers; False when ``stop`` came first. Logged once.

    Raises DatabaseTrouble when waiting will not help.
    """
    url, told = _plain(database_url), False
    while not stop.is_set():
        try:
            await _reach(url)
        except DatabaseAway as away:
            if not told:
                log.error("database.waiting", error=str(away))
                told = True
        else:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await stop.wait()
    return False


async def _reach(url: str) -> None:
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=5)
    except psycopg.OperationalError as trouble:
        where = urlsplit(url)
        said = str(trouble).strip().splitlines()
        raise DatabaseAway(
            f"PostgreSQL at {where.hostname or 'the local socket'}{where.path} cannot be reached"
            f" ({said[0].strip() if said else 'no answer'}): check HOB_DATABASE_URL and that the server runs"
        ) from None
    try:
        if connection.info.server_version < 140000:
            raise DatabaseTrouble(
                f"PostgreSQL {connection.info.server_version // 10000} is too old: Hob needs 14 or newer"
            )
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            raise DatabaseTrouble(
                f"the database's encoding is {encoding}, Hob needs UTF8: make it anew with "
                "CREATE DATABASE hob ENCODING 'UTF8' TEMPLATE template0"
            )
        await _refuse_shared_sessions(connection, url)
    finally:
        await connection.close()


async def _refuse_shared_sessions(first: psycopg.AsyncConnection, url: str) -> None:
    """Raise DatabaseTrouble behind a pooler that gives a session of the server to several clients in turn.

    Wake-ups (LISTEN), limits of a session and advisory locks are lost there. Two clients that are both
    connected then meet the same process of the server, which they never do otherwise. PgBouncer hands out
    the session that was given back last, others go round: so several are looked at.
    """
    await first.set_autocommit(True)
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=5, autocommit=True) as second:
        seen: set[int] = set()
        other: set[int] = set()
        for _ in range(LOOKS_FOR_POOLER):
            seen.add(await _find_process(first))
            other.add(await _find_process(second))
    if seen & other or len(seen) > 1:
        raise DatabaseTrouble(
            "HOB_DATABASE_URL leads to a pooler in transaction mode, in which wake-ups and locks of a session"
            " are lost: name PostgreSQL itself, or a pool in session mode (PgBouncer: pool_mode = session)"
        )


async def _find_process(connection: psycopg.AsyncConnection) -> int:
    row = await (await connection.execute("SELECT pg_backend_pid()")).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    return int(row[0])
