"""The migrations build exactly the tables that the code believes in, and can be run at any time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from bot.tasks.database.connection import Database, DatabaseTrouble, connect
from bot.tasks.database.schema import (
    build_configuration,
    find_newest_revision,
    is_ours,
    list_migrations_after,
    migrate,
)
from bot.tasks.database.tables import metadata
from tests.conftest import at_database

CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text !~ '^(procrastinate|alembic)'
    ORDER BY 1, 2
"""
INDEXES = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename !~ '^(procrastinate|alembic)' ORDER BY 1
"""


@pytest.fixture
async def empty(postgres: str) -> AsyncIterator[Database]:
    """A database without any table."""
    async with await psycopg.AsyncConnection.connect(postgres, autocommit=True) as admin:
        await admin.execute("CREATE DATABASE blank STRATEGY file_copy")
        database = connect(at_database(postgres, "blank"))
        yield database
        await database.engine.dispose()
        await admin.execute("DROP DATABASE blank WITH (FORCE)")


async def described(database: Database) -> list[object]:
    """Every constraint and index as PostgreSQL writes it, which Alembic does not compare."""
    async with database.engine.connect() as connection:
        return [
            tuple(row) for query in (CONSTRAINTS, INDEXES) for row in await connection.execute(text(query))
        ]


def differences(connection: Connection) -> list[object]:
    """What Alembic would still change."""
    options = {"compare_server_default": True, "include_name": is_ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_tables_are_what_the_migrations_build(database: Database, empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    assert await described(database) == await described(empty)


async def test_many_migrate_at_once(empty: Database) -> None:
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    async with empty.engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0


async def test_migrating_again_keeps_what_is_there(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO deliveries VALUES ('g', 'e', 'a', 0, now(), '{}', '', '')")
        )
    await migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM deliveries")) == 1


async def test_a_newer_procrastinate_is_noted(database: Database) -> None:
    comment = text("SELECT obj_description('procrastinate_jobs'::regclass, 'pg_class')")
    async with database.engine.begin() as connection:
        first = await connection.scalar(comment)
        await connection.execute(text("COMMENT ON TABLE procrastinate_jobs IS 'procrastinate 3.9.0'"))
    await migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.scalar(comment) == first == f"procrastinate {version('procrastinate')}"


def test_the_steps_between_two_versions_of_procrastinate() -> None:
    scripts = list(list_migrations_after("3.3.0"))
    assert any("procrastinate_retry_job_v2" in script for script in scripts)
    assert not any("procrastinate_fetch_job_v2" in script for script in scripts)
    assert list(list_migrations_after("99.0")) == []


async def test_a_strangers_queue_is_refused_and_nothing_is_made(empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE procrastinate_jobs (id int)"))
    with pytest.raises(DatabaseTrouble, match="a database of its own"):
        await migrate(empty)
    async with empty.engine.connect() as connection:
        assert await connection.scalar(text("SELECT to_regclass('tasks')")) is None


async def test_a_current_schema_is_left_alone_and_anything_else_is_not(database: Database) -> None:
    """What is current takes no lock: another migration that is under way holds nobody up."""
    migrations = ScriptDirectory.from_config(build_configuration())
    assert find_newest_revision() == migrations.get_current_head()
    async with database.engine.begin() as other:
        await other.execute(text("LOCK TABLE alembic_version, procrastinate_jobs IN EXCLUSIVE MODE"))
        await asyncio.wait_for(migrate(database), 30)
    async with database.engine.begin() as connection:
        await connection.execute(text("DELETE FROM alembic_version"))
    with pytest.raises(ProgrammingError, match="already exists"):  # so it was tried
        await migrate(database)
