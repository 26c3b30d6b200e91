"""Tasks of a release as they would have ended, written into the database directly."""

from __future__ import annotations

import json

from sqlalchemy import text

from bot.tasks.database.connection import Database

_TASKS = text("""
    WITH made AS (
        INSERT INTO tasks (kind, state, installation, repo, repo_id, repo_full_name, thread, thread_number,
            trigger, requester, request, thread_key, delivery, verdict)
        SELECT 'change', :state, 5, '{}', :repo, 'octo/app', '{}', 1, '{}', '{"id": 7, "login": "ann"}',
            'fix', gen_random_uuid(), gen_random_uuid(), :verdict
        FROM generate_series(1, :count) RETURNING id)
    INSERT INTO runs (task, attempt, fence, worker, state, flags, usage, started_at)
    SELECT id, 1, 1, 'w', :state, cast(:flags AS jsonb), jsonb_build_object('usd', :usd + 0.01 * (id % 9)),
        now() - make_interval(hours => :hours) FROM made
""")


async def add_ended_tasks(
    database: Database,
    release: int,
    *,
    taken: bool,
    proved: int = 0,
    failed: int = 0,
    waiting: int = 0,
    flag: str = "prompt",
    step: float = 50,
    usd: float = 0.5,
    hours: int = 0,
    repo: int = 11,
) -> None:
    """So many tasks whose first run was told of the release, by how they ended.

    ``hours`` ago they began.
    """
    told = {"value": None, "release": release, "taken": taken, "step": step}
    flags = json.dumps({flag: told})
    async with database.engine.begin() as connection:
        for state, verdict, count in (
            ("done", "proved", proved),
            ("failed", "", failed),
            ("waiting", "", waiting),
        ):
            given = {"state": state, "verdict": verdict, "count": count, "flags": flags, "usd": usd}
            await connection.execute(_TASKS, given | {"hours": hours, "repo": repo})
