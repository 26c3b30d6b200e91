"""Bringing a database's schema up to date: our tables by Alembic, procrastinate's by its own SQL files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psycopg
import structlog
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bot import __version__
from bot.tasks.database.connection import Database, DatabaseTrouble

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from alembic.config import Config

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_240_001  # advisory: one migration at a time, whoever starts it
_QUEUE_IS_CURRENT = f"procrastinate {version('procrastinate')}"  # the comment on its table, see below


async def migrate(database: Database) -> None:
    """Create or upgrade every table. Safe to call again, and from many processes at once.

    All of it is one transaction: a step that fails leaves the schema as it was. A schema that is up to date
    costs two queries, and neither a lock nor Alembic's import; one of a newer version is left as it is.
    Raises DatabaseTrouble, also when this version cannot work with it.
    """
    try:
        if await _is_current(database):
            return
        async with database.engine.begin() as connection:
            await connection.execute(text("SET LOCAL statement_timeout = 0"))
            await connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if await connection.run_sync(_is_newer):
                return
            await connection.run_sync(_upgrade)
            raw = (await connection.get_raw_connection()).driver_connection
            await _apply_queue_schema(cast(psycopg.AsyncConnection, raw))
    except ProgrammingError as trouble:
        if isinstance(trouble.orig, psycopg.errors.InsufficientPrivilege):
            raise DatabaseTrouble(f"the database's user may not create tables: {trouble.orig}") from None
        raise


def find_newest_revision() -> str:
    """The revision that Alembic would upgrade to: each migration's file name begins with its revision."""
    return max(_list_revisions())


def _list_revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").rglob("[0-9]*_*.py")}


async def _is_current(database: Database) -> bool:
    """Whether both Alembic and procrastinate have nothing to do; False where anything is in doubt."""
    async with database.engine.connect() as connection:
        row = await connection.execute(
            text(
                "SELECT to_regclass('alembic_version') IS NOT NULL,"
                " obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
            )
        )
        if tuple(row.one()) != (True, _QUEUE_IS_CURRENT):
            return False
        revisions = await connection.scalars(text("SELECT version_num FROM alembic_version"))
        return revisions.all() == [find_newest_revision()]


def build_configuration() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config  # costs 0.1 to 0.3 s, and most starts find nothing to upgrade

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("recursive_version_locations", "true")  # older ones are in folders of their own
    return config


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether Alembic may look at it: procrastinate's tables are not in our metadata."""
    return kind != "table" or not (name or "").startswith("procrastinate_")


def _is_newer(connection: Connection) -> bool:
    """Whether a newer version of Hob made the schema, and says that this one can work with it.

    Raises DatabaseTrouble when it cannot.
    """
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return False
    there = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if there is None or there in _list_revisions():
        return False
    head, oldest = find_newest_revision(), None
    if connection.scalar(text("SELECT to_regclass('compatibility')")) is not None:
        query = text("SELECT compatible_from FROM compatibility WHERE revision = :there")
        oldest = connection.scalar(query, {"there": there})
    if oldest is None or head < oldest:
        raise DatabaseTrouble(
            f"the database has the schema {there} of a newer version of Hob, and version {__version__}"
            f" (schema {head}) cannot work with it: start the newer version, or restore a backup"
        )
    log.warning("database.newer", schema=there, known=head, compatible_from=oldest)
    return True


def _upgrade(connection: Connection) -> None:
    from alembic import command  # only here: see build_configuration

    config = build_configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _apply_queue_schema(connection: psycopg.AsyncConnection) -> None:
    """Apply procrastinate's schema once, later its migrations; a comment on its table says which are in.

    https://procrastinate.readthedocs.io/en/stable/howto/production/migrations.html: the files are named by
    the version that needs them, and the library keeps no record of its own.
    """
    row = await (
        await connection.execute(
            "SELECT to_regclass('procrastinate_jobs') IS NOT NULL,"
            " obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
        )
    ).fetchone()
    present, comment = row if row else (False, None)
    applied = (comment or "").removeprefix("procrastinate ")
    if present and not comment:
        raise DatabaseTrouble(
            "this database has a procrastinate schema that Hob did not make: give Hob a database of its own"
        )
    if comment == _QUEUE_IS_CURRENT:
        return
    scripts = list_migrations_after(applied) if present else iter([SchemaManager.get_schema()])
    for script in scripts:
        await connection.execute(script.encode())
    await connection.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{_QUEUE_IS_CURRENT}'".encode())


def list_migrations_after(applied: str) -> Iterator[str]:
    """The migrations of versions later than ``applied``, in order."""
    have = tuple(int(part) for part in re.findall(r"\d+", applied)[:3])
    for path in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
        if tuple(int(part) for part in path.name.split("_")[0].split(".")) > have:
            yield path.read_text()
