"""Two versions of Hob over one database: kinds of task and schemas that only the newer one knows."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bot.domain import TaskState
from bot.errors import Parked
from bot.tasks.database.connection import Database, DatabaseTrouble
from bot.tasks.database.schema import migrate
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import make_request


async def execute(database: Database, *statements: str) -> None:
    """Run statements in one transaction."""
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_s27_a_kind_that_only_a_newer_version_knows_waits_for_its_worker(
    store: Store, database: Database
) -> None:
    task = await store.add_task(make_request(number=1))
    behind = await store.add_task(make_request(number=1))
    other = await store.add_task(make_request(number=2))
    await execute(
        database,
        "ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check",
        f"UPDATE tasks SET kind = 'translate' WHERE id = {task.id}",
        "DELETE FROM procrastinate_jobs",
    )
    for _ in range(4):
        assert await store.claim(task.id, "old") is None
        await sweep(database.engine)
    async with database.engine.connect() as connection:
        row = (await connection.execute(text(f"SELECT * FROM tasks WHERE id = {task.id}"))).one()
        jobs = await connection.scalars(text("SELECT args->>'task' FROM procrastinate_jobs"))
        assert [int(job) for job in jobs] == [other.id], "nobody who cannot do it is woken for it"
    assert (row.state, row.attempts, row.fence) == (TaskState.QUEUED, 0, 0)
    assert await store.claim(behind.id, "old") is None, "its thread goes on in order"
    assert await store.claim(other.id, "old")
    with pytest.raises(Parked, match="newer version"):  # a delivery about it is put off, and is not lost
        await store.list_tasks_on("11#1")


@pytest.mark.parametrize("oldest", ["0001", "0004"])
async def test_s27_a_newer_schema_is_fine_while_it_says_so(database: Database, oldest: str) -> None:
    await execute(
        database,
        "UPDATE alembic_version SET version_num = '0999'",
        f"INSERT INTO compatibility VALUES ('0999', '{oldest}')",
        "COMMENT ON TABLE procrastinate_jobs IS 'procrastinate 99.0.0'",
    )
    await migrate(database)
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT version_num FROM alembic_version")) == "0999"


@pytest.mark.parametrize(
    "said", ["INSERT INTO compatibility VALUES ('0999', '0998')", "DROP TABLE compatibility"]
)
async def test_s27_a_newer_schema_that_this_version_cannot_use_is_refused_in_one_sentence(
    database: Database, said: str
) -> None:
    await execute(database, "UPDATE alembic_version SET version_num = '0999'", said)
    with pytest.raises(DatabaseTrouble, match="schema 0999 of a newer version of Hob") as refused:
        await migrate(database)
    assert "\n" not in str(refused.value) and "restore a backup" in str(refused.value)
