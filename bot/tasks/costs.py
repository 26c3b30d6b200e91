"""What runs cost: added up over tasks, and over a day of an installation against its daily budget."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Double,
    Integer,
    Select,
    Text,
    case,
    cast,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.selectable import LateralFromClause

from bot.domain import Phase, Run, TaskState
from bot.tasks.database.reading import read_from
from bot.tasks.database.tables import attempt_turns, attempts, runs, tasks
from bot.tasks.leases.fence import is_held, make_lease_lost

_RESERVING = 7_240_003  # advisory: reservations of one installation, one after the other
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
    """Sums over what runs used, and what is reserved for them. A run under way counts by its stored turns."""

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

    async def _sum_day(self, which: ColumnElement[bool], within: AsyncConnection | None = None) -> Cost:
        """What the runs of some tasks that began in the last 24 hours used, or have used so far.

        Asked ``within`` a transaction that there is already, else on a connection of its own.
        """
        which = which & (runs.c.started_at > func.now() - timedelta(hours=24))
        used = await self._sum(which, within)
        so_far = await self._sum_turns(which & runs.c.usage.is_(None), within)
        return Cost(**{name: value + getattr(so_far, name) for name, value in asdict(used).items()})

    async def reserve_daily_budget(
        self, run: Run, installation: int, *, limit_usd: float, most_usd: float
    ) -> float:
        """Reserve for a run US dollars of an installation's ``limit_usd`` of 24 hours: ``most_usd``, or what
        is left; 0 where nothing is.

        What other runs under way have reserved and not used yet is not left. A reservation ends with the
        run's lease, or with its result. Raises LeaseLost.
        """
        async with self.engine.begin() as connection:
            lock = func.pg_advisory_xact_lock(cast(_RESERVING, Integer), func.hashint8(installation))
            await connection.execute(select(lock))  # one at a time, and each sees the one before
            used = await self._sum_day(tasks.c.installation == installation, connection)
            others = await connection.execute(_select_reserved(installation).where(runs.c.id != run.id))
            reserved = sum(max(0.0, float(row.reserved) - float(row.used)) for row in others)
            usd = min(most_usd, max(0.0, limit_usd - used.usd - reserved))
            noted = update(runs).where(runs.c.id == run.id, is_held(run)).values(timeline=_note_usd(usd))
            if (await connection.execute(noted)).rowcount != 1:
                raise make_lease_lost(run)
        return usd

    async def _sum_turns(self, which: ColumnElement[bool], within: AsyncConnection | None) -> Cost:
        """What attempts of runs used until their last stored turn, which has the total of those before."""
        last = _select_last_total()
        joined = runs.join(tasks).join(attempts, attempts.c.run == runs.c.id).join(last, true())
        query = select(*(_sum_usage(names, last.c.total) for names in _USED)).select_from(joined)
        return await self._load_cost(query.where(which), within)

    async def _sum(self, which: ColumnElement[bool], within: AsyncConnection | None = None) -> Cost:
        query = select(*(_sum_usage(names) for names in _USED)).select_from(runs.join(tasks)).where(which)
        return await self._load_cost(query, within)

    async def _load_cost(self, query: Select[Any], within: AsyncConnection | None) -> Cost:
        async with nullcontext(within) if within is not None else read_from(self.engine) as connection:
            turns, tokens, usd, seconds = (await connection.execute(query)).one()
        return Cost(turns=int(turns), tokens=int(tokens), usd=float(usd), seconds=float(seconds))


async def keep_cost_so_far(connection: AsyncConnection, run: int) -> None:
    """Store with a run that never ended what its attempts used until their last turns.

    For turns that are about to be deleted: the day's budget counts what they cost all the same.
    """
    last = _select_last_total()
    query = select(last.c.total).select_from(attempts.join(last, true())).where(attempts.c.run == run)
    whole: dict[str, float] = {}
    for total in await connection.scalars(query):
        whole |= {name: whole.get(name, 0) + number for name, number in total.items()}
    if whole:
        kept = update(runs).where(runs.c.id == run, runs.c.usage.is_(None)).values(usage=whole)
        await connection.execute(kept)


def _select_last_total() -> LateralFromClause:
    """What an attempt used until its last stored turn."""
    return (
        select(attempt_turns.c.record["total"].label("total"))
        .where(attempt_turns.c.attempt == attempts.c.id)
        .order_by(attempt_turns.c.seq.desc())
        .limit(1)
        .lateral()
    )


def _select_reserved(installation: int) -> Select[Any]:
    """What each run under way of an installation has reserved, and what of it is used."""
    steps = func.jsonb_array_elements(func.coalesce(runs.c.timeline, func.jsonb_build_array()))
    step = steps.table_valued(column("value", JSONB), name="step")
    reserved = select(func.coalesce(func.max(step.c.value["usd"].as_float()), 0.0)).select_from(step)
    last = _select_last_total()
    used = select(_sum_usage(("usd",), last.c.total)).select_from(attempts.join(last, true()))
    return (
        select(
            reserved.scalar_subquery().label("reserved"),
            used.where(attempts.c.run == runs.c.id).scalar_subquery().label("used"),
        )
        .select_from(runs.join(tasks))
        .where(
            tasks.c.installation == installation,
            tasks.c.state == TaskState.RUNNING.value,
            tasks.c.fence == runs.c.fence,
            runs.c.usage.is_(None),
        )
    )


def _note_usd(usd: float) -> ColumnElement[Any]:
    """The run's timeline with what it may use from its last phase on."""
    there = func.coalesce(runs.c.timeline, func.jsonb_build_array())
    began = func.jsonb_build_object("phase", Phase.PREPARE.value, "at", func.clock_timestamp())
    noted = case((func.jsonb_array_length(there) == 0, func.jsonb_build_array(began)), else_=there)
    return func.jsonb_set(noted, cast(["-1", "usd"], ARRAY(Text)), func.to_jsonb(cast(usd, Double)))


def _sum_usage(names: Sequence[str], usage: Any = runs.c.usage) -> Any:
    """The sum over runs of these numbers in their usage."""
    each = (func.coalesce(usage[name].as_float(), 0.0) for name in names)
    return func.coalesce(func.sum(reduce(add, each)), 0.0)
