"""Deleting what is kept of an installation from which the app was removed.

Its tasks with runs, transcripts and records of writes, its deliveries, what was refused there, how its pull
requests ended, corrections and the rules proposed of them, and who was admitted or blocked in its
repositories. The audit log stays: it is the operator's record of orders.
"""

from __future__ import annotations

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import removed_installations, tasks, write_turns

MIRROR_DAYS = 7  # for which workers look for mirrors of repositories whose installation is gone

_TASKS = text("""
    DELETE FROM tasks WHERE id IN (
        SELECT id FROM tasks
        WHERE installation = :installation AND state NOT IN ('queued', 'running', 'waiting') LIMIT 200)
""")
_DELIVERIES = text("""
    DELETE FROM deliveries WHERE guid IN (
        SELECT guid FROM deliveries WHERE installation = :installation AND state <> 'new' LIMIT 500)
""")
# Small tables, in which one installation has few rows.
_REST = tuple(
    text(statement)
    for statement in (
        "DELETE FROM refused_requests WHERE installation = :installation",
        "DELETE FROM corrections WHERE installation = :installation",
        "DELETE FROM proposed_rules WHERE installation = :installation",
        "DELETE FROM pauses WHERE scope = 'installation:' || CAST(:installation AS bigint)",
        "DELETE FROM admissions WHERE repo_id = ANY (:repositories)",
        "DELETE FROM pull_ends WHERE repo_id = ANY (:repositories)",
        "DELETE FROM blocks WHERE scope IN (SELECT 'repository:' || unnest(CAST(:repositories AS bigint[])))",
        "DELETE FROM pauses WHERE scope IN (SELECT 'repository:' || unnest(CAST(:repositories AS bigint[])))",
        "DELETE FROM thread_stops WHERE split_part(thread_key, '#', 1) IN"
        " (SELECT CAST(unnest(CAST(:repositories AS bigint[])) AS text))",
    )
)
_LEFT = text("""
    SELECT EXISTS (SELECT FROM tasks WHERE installation = :installation)
        OR EXISTS (SELECT FROM deliveries WHERE installation = :installation)
""")
_PURGED = text("UPDATE removed_installations SET purged_at = now() WHERE installation = :installation")
# One that the app was given again, by another installation, is left.
_REPOSITORIES = text("""
    SELECT DISTINCT gone.repository
    FROM removed_installations AS removed, unnest(removed.repositories) AS gone (repository)
    WHERE removed.removed_at > now() - make_interval(days => :days)
      AND NOT EXISTS (
        SELECT FROM tasks
        WHERE tasks.repo_id = gone.repository
          AND tasks.installation NOT IN (SELECT installation FROM removed_installations))
""")


class RemovalRecords:
    """Which installations are gone."""

    engine: AsyncEngine

    async def note_removal(self, installation: int) -> None:
        """Have everything that is kept of an installation deleted, by the next sweeps."""
        numbers = select(tasks.c.repo_id).where(tasks.c.installation == installation).distinct()
        async with self.engine.begin() as connection:
            repositories = sorted(await connection.scalars(numbers))
            await connection.execute(
                insert(removed_installations)
                .values(installation=installation, repositories=repositories)
                .on_conflict_do_nothing()
            )

    async def list_removed_repositories(self) -> list[int]:
        """The repositories, by id, of installations that were removed lately and that no other one has."""
        async with read_from(self.engine) as connection:
            return sorted(await connection.scalars(_REPOSITORIES, {"days": MIRROR_DAYS}))


async def delete_removed_installations(connection: AsyncConnection) -> None:
    """Delete some of what is kept of one removed installation; the next sweep deletes more."""
    some = select(removed_installations).where(removed_installations.c.purged_at.is_(None)).limit(1)
    row = (await connection.execute(some)).first()
    if row is None:
        return
    which = {"installation": row.installation}
    deleted = 0
    for statement in (_TASKS, _DELIVERIES):
        deleted += (await connection.execute(statement, which)).rowcount
    if deleted:
        return
    await connection.execute(delete(write_turns).where(write_turns.c.installation == row.installation))
    for statement in _REST:
        await connection.execute(statement, {**which, "repositories": row.repositories})
    if not await connection.scalar(_LEFT, which):  # what still runs is stopped first
        await connection.execute(_PURGED, which)
