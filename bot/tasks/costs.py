"""What runs cost: added up over tasks, and over a day of an installation against its daily budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import TaskState
from bot.tasks.database.tables import attempt_turns, attempts, runs, tasks

_USED = (("turns",), ("input_tokens", "output_tokens"), ("usd",), ("seconds",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What runs used together: ``usd`` in US dollars, ``seconds`` of thinking."""

    turns: int = 0
    tokens: int = 0
    usd: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBudget:
    """What an installation may use in 24 hours (``limit_usd``, None: any amount) and has used of it."""

    limit_usd: float | None
    used: Cost

    @property
    def left_usd(self) -> float | None:
        """The US dollars that are left, at least 0; None when there is no limit."""
        return None if self.limit_usd is None else max(0.0, self.limit_usd - self.used.usd)


class CostRecords:
    """Sums over what runs used; nothing is written. A run that is not over counts by its stored turns."""

    engine: AsyncEngine

    async def sum_costs(self, task_ids: Sequence[int]) -> Cost:
        """What the runs of these tasks used."""
        return await self._sum(runs.c.task.in_(task_ids))

    async def load_daily_budget(self, installation: int, limit_usd: float | None) -> DailyBudget:
        """What the runs of an installation that began in the last 24 hours used of ``limit_usd``.

        With what those have used so far that are under way, or whose worker died.
        """
        return DailyBudget(
            limit_usd=limit_usd, used=await self._sum_day(tasks.c.installation == installation)
        )

    async def sum_day_of_person(self, person: int, repo_id: int | None = None) -> Cost:
        """What runs of the last 24 hours cost that a person asked for, in one repository or all."""
        which = tasks.c.requester["id"].astext == str(person)
        return await self._sum_day(which if repo_id is None else which & (tasks.c.repo_id == repo_id))

    async def sum_day_of_repository(self, repo_id: int) -> Cost:
        """What runs of the last 24 hours cost in a repository."""
        return await self._sum_day(tasks.c.repo_id == repo_id)

    async def _sum_day(self, which: ColumnElement[bool]) -> Cost:
        """What the runs of some tasks that began in the last 24 hours used, or have used so far."""
        which = which & (runs.c.started_at > func.now() - timedelta(hours=24))
        used, so_far = await self._sum(which), await self._sum_turns(which & runs.c.usage.is_(None))
        return Cost(**{name: value + getattr(so_far, name) for name, value in asdict(used).items()})

    async def count_running(self, installation: int) -> int:
        """How many tasks of an installation are being worked on."""
        query = select(func.count()).where(
            (tasks.c.installation == installation) & (tasks.c.state == TaskState.RUNNING.value)
        )
        async with self.engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def _sum_turns(self, which: ColumnElement[bool]) -> Cost:
        """What attempts of runs used until their last stored turn, which has the total of those before."""
        last = (
            select(attempt_turns.c.record["total"].label("total"))
            .where(attempt_turns.c.attempt == attempts.c.id)
            .order_by(attempt_turns.c.seq.desc())
            .limit(1)
            .lateral()
        )
        joined = runs.join(tasks).join(attempts, attempts.c.run == runs.c.id).join(last, true())
        query = select(*(_sum_usage(names, last.c.total) for names in _USED)).select_from(joined).where(which)
        async with self.engine.connect() as connection:
            turns, tokens, usd, seconds = (await connection.execute(query)).one()
        return Cost(turns=int(turns), tokens=int(tokens), usd=float(usd), seconds=float(seconds))

    async def _sum(self, which: ColumnElement[bool]) -> Cost:
        query = select(*(_sum_usage(names) for names in _USED)).select_from(runs.join(tasks)).where(which)
        async with self.engine.connect() as connection:
            turns, tokens, usd, seconds = (await connection.execute(query)).one()
        return Cost(turns=int(turns), tokens=int(tokens), usd=float(usd), seconds=float(seconds))


def _sum_usage(names: Sequence[str], usage: Any = runs.c.usage) -> Any:
    """The sum over runs of these numbers in their usage."""
    each = (func.coalesce(usage[name].as_float(), 0.0) for name in names)
    return func.coalesce(func.sum(reduce(add, each)), 0.0)
