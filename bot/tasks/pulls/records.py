"""How a pull request of Hob's ended, whether it was reverted later, and the thumbs that it got."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.tasks.database.reading import write_to
from bot.tasks.database.tables import pull_ends


class PullRecords:
    """The table ``pull_ends``."""

    engine: AsyncEngine

    async def note_pull_end(
        self, repo_id: int, pull: int, *, merged: bool, thumbs_up: int, thumbs_down: int
    ) -> None:
        """Store how it was closed, over what an earlier closing said."""
        seen = {"merged": merged, "thumbs_up": thumbs_up, "thumbs_down": thumbs_down}
        row = insert(pull_ends).values(repo_id=repo_id, pull=pull, **seen)
        change = row.on_conflict_do_update(index_elements=["repo_id", "pull"], set_=seen | {"at": func.now()})
        async with write_to(self.engine) as connection:
            await connection.execute(change)

    async def note_revert(self, repo_id: int, pull: int, *, by: int) -> bool:
        """Store that ``by``, which was merged, reverts ``pull``; False where ``pull`` is not one of Hob's."""
        change = (
            pull_ends.update()
            .where(pull_ends.c.repo_id == repo_id, pull_ends.c.pull == pull)
            .values(reverted_by=by)
        )
        async with write_to(self.engine) as connection:
            return (await connection.execute(change)).rowcount > 0
