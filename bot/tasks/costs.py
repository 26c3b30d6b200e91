"""What was spent, and what was pushed: sums and lists over runs and effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import EffectKind
from bot.tasks.database.tables import effects, runs, tasks

_USED = (("turns",), ("input_tokens", "output_tokens"), ("usd",), ("seconds",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What runs that are over used together; ``seconds`` of thinking."""

    turns: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


class Costs:
    """Read only."""

    engine: AsyncEngine

    async def spent(
        self, *, of: Sequence[int] | None = None, installation: int | None = None, hours: float | None = None
    ) -> Spent:
        """What the runs of some tasks, or of an installation, used; those of the last ``hours`` only."""
        query = select(*(_used(names) for names in _USED)).select_from(runs.join(tasks))
        if of is not None:
            query = query.where(runs.c.task.in_(of))
        if installation is not None:
            query = query.where(tasks.c.installation == installation)
        if hours is not None:
            query = query.where(runs.c.started_at > func.now() - timedelta(hours=hours))
        async with self.engine.connect() as connection:
            turns, tokens, usd, seconds = (await connection.execute(query)).one()
        return Spent(turns=int(turns), tokens=int(tokens), usd=float(usd), seconds=float(seconds))

    async def pushed(self, repo_id: int, pull: int) -> set[str]:
        """The commits that Hob recorded as its own when it pushed them to a pull request's branch."""
        about = or_(tasks.c.pull == pull, tasks.c.thread_key == f"{repo_id}#{pull}")
        query = (
            select(effects.c.answer["sha"].as_string())
            .join(tasks, tasks.c.id == effects.c.task)
            .where(tasks.c.repo_id == repo_id, about, effects.c.kind == EffectKind.PUSH)
        )
        async with self.engine.connect() as connection:
            return {sha for sha in await connection.scalars(query) if sha}


def _used(names: Sequence[str]) -> Any:
    """The sum over runs of numbers in their usage."""
    each = (func.coalesce(runs.c.usage[name].as_float(), 0.0) for name in names)
    return func.coalesce(func.sum(reduce(add, each)), 0.0)
