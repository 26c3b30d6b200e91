"""What a run stores: phase, plan, change set, proof; written only while it holds its task.

Each of these writes may be repeated, so they are retried while the database is away, for WAIT_SECONDS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Outcome, Phase, Proof, Run, Step, TaskState, Usage
from bot.tasks.database.column_values import pack, plain, storable, unpack
from bot.tasks.database.reading import read_from, write_to
from bot.tasks.database.tables import attempt_turns, attempts, runs, tasks, turns
from bot.tasks.database.transactions import WAIT_SECONDS, retry_while_away
from bot.tasks.leases.fence import is_held, make_lease_lost


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as stored. ``state`` is the task's state that it ended in, ``running``, or ``lost``."""

    id: int
    task: int
    fence: int
    worker: str
    state: str
    phase: Phase | None
    started_at: datetime
    ended_at: datetime | None
    outcome: dict[str, Any] | None
    plan: list[dict[str, Any]] | None
    base_sha: str
    diff: str
    proof: dict[str, Any] | None
    usage: dict[str, Any] | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn of a run's transcript."""

    seq: int
    record: dict[str, Any]
    at: datetime


class RunRecords:
    """The runs table, and the turns of its attempts."""

    engine: AsyncEngine

    async def set_phase(self, run: Run, phase: Phase) -> None:
        """Store which phase the run is in, and when that began. Raises LeaseLost."""
        began = func.jsonb_build_object("phase", phase.value, "at", func.clock_timestamp())
        there = func.coalesce(runs.c.timeline, func.jsonb_build_array())
        await self._write(run, phase=phase, timeline=there.op("||")(func.jsonb_build_array(began)))

    async def set_base(self, run: Run, sha: str, *, branch: str | None = None) -> None:
        """Store which commit the run started from, and on the task the branch that it is for. Raises
        LeaseLost.
        """
        await self._write(run, {} if branch is None else {"branch": branch}, base_sha=sha)

    async def set_plan(self, run: Run, steps: Sequence[Step]) -> None:
        """Store the plan that the progress comment shows. Raises LeaseLost."""
        await self._write(run, plan=plain(steps))

    async def set_flags(self, run: Run, flags: Mapping[str, Any]) -> None:
        """Store what flags said to the run. Raises LeaseLost."""
        await self._write(run, flags=plain(flags))

    async def set_prompt(self, run: Run, version: str) -> None:
        """Store the version of the system prompt that the run goes by. Raises LeaseLost."""
        await self._write(run, prompt=version)

    async def set_estimate(self, run: Run, estimate: object) -> None:
        """Store what the work was taken to be before it began, a dataclass. Raises LeaseLost."""
        await self._write(run, estimate=plain(estimate))

    async def load_flags(self, task_id: int) -> dict[str, Any] | None:
        """What ``set_flags`` stored in the first run of a task that did; None: none has."""
        query = select(runs.c.flags).where(runs.c.task == task_id, runs.c.flags.is_not(None))

        async def once() -> dict[str, Any] | None:
            async with read_from(self.engine) as connection:
                found: dict[str, Any] | None = await connection.scalar(query.order_by(runs.c.id).limit(1))
            return found

        return await retry_while_away(once, seconds=WAIT_SECONDS)

    async def save_changes(self, run: Run, changes: Mapping[str, Any]) -> None:
        """Store what a later run of the task needs: JSON with bytes and dataclasses. Raises LeaseLost."""
        await self._write(run, changes=await asyncio.to_thread(pack, changes))

    async def finish_run(
        self,
        run: Run,
        *,
        outcome: Outcome | Mapping[str, Any] | None = None,
        diff: str = "",
        proof: Proof | Mapping[str, Any] | None = None,
        usage: Usage | Mapping[str, Any] | None = None,
        error: str = "",
    ) -> None:
        """Store the run's result; ``release`` then ends it. Raises LeaseLost.

        What the proof comes to is stored on the task too, for lists.
        """
        await self._write(
            run,
            {"verdict": proof.state.value} if isinstance(proof, Proof) else {},
            outcome=plain(outcome),
            diff=await asyncio.to_thread(storable, diff),
            proof=plain(proof),
            usage=plain(usage),
            error=storable(error),
        )

    async def update_task(
        self,
        run: Run,
        *,
        progress_comment: int | None = None,
        pull: int | None = None,
    ) -> None:
        """Store on the task what the run made on GitHub; None leaves a field as it is. Raises LeaseLost."""
        given = {"progress_comment": progress_comment, "pull": pull}
        values = {name: value for name, value in given.items() if value is not None}
        await self._update_task(run, **values)

    async def _update_task(self, run: Run, **values: Any) -> None:
        await self._execute_under_lease(run, _change_task(run, values))

    async def _write(self, run: Run, on_task: Mapping[str, Any] | None = None, /, **values: Any) -> None:
        """Store ``values`` of the run, and ``on_task`` of its task in the same statement."""
        held = is_held(run)
        if on_task:
            is_there = select(runs.c.id).where(runs.c.id == run.id).exists()  # or the task alone were changed
            changed = _change_task(run, on_task).where(is_there).returning(tasks.c.id).cte("changed")
            held = select(changed.c.id).exists()
        await self._execute_under_lease(run, update(runs).where(runs.c.id == run.id, held).values(**values))

    async def _execute_under_lease(self, run: Run, statement: Update) -> None:
        async def once() -> None:
            async with write_to(self.engine) as connection:
                if (await connection.execute(statement)).rowcount != 1:
                    raise make_lease_lost(run)

        await retry_while_away(once, seconds=WAIT_SECONDS)

    async def list_turns(self, run_id: int, after: int = -1, *, ordinal: int | None = None) -> list[Turn]:
        """A run's transcript after turn ``after``: of attempt ``ordinal``, or of the published or first one.

        An attempt that was continued after a crash has the turns of the earlier runs, too.
        """
        task = select(runs.c.task).where(runs.c.id == run_id).scalar_subquery()
        mine = attempts.c.maker == task
        if ordinal is not None:
            mine = mine & (attempts.c.ordinal == ordinal)
        which = select(attempts.c.id).where(mine).order_by(attempts.c.chosen.desc(), attempts.c.ordinal)
        new, old = attempt_turns.c, turns.c
        query = select(attempt_turns).where(new.attempt == which.limit(1).scalar_subquery(), new.seq > after)
        before = select(turns).where(old.run == run_id, old.seq > after)
        async with read_from(self.engine) as connection:
            rows = (await connection.execute(query.order_by(new.seq))).all()
            rows = rows or (await connection.execute(before.order_by(old.seq))).all()
        return [Turn(seq=row.seq, record=row.record, at=row.at) for row in rows]

    async def load_changes(self, task_id: int) -> dict[str, Any] | None:
        """What ``save_changes`` stored last in any run of the task; None: nothing."""
        query = (
            select(runs.c.changes)
            .where(runs.c.task == task_id, runs.c.changes.is_not(None))
            .order_by(runs.c.id.desc())
            .limit(1)
        )

        async def once() -> bytes | None:
            async with read_from(self.engine) as connection:
                packed: bytes | None = await connection.scalar(query)
            return packed

        packed = await retry_while_away(once, seconds=WAIT_SECONDS)
        return None if packed is None else await asyncio.to_thread(unpack, bytes(packed))

    async def get_run(self, run_id: int) -> RunRecord | None:
        """The run, or None."""
        async with read_from(self.engine) as connection:
            row = (await connection.execute(_columns().where(runs.c.id == run_id))).first()
        return _record(row) if row else None

    async def list_runs(self, task_id: int) -> list[RunRecord]:
        """Every run of a task, oldest first."""
        query = _columns().where(runs.c.task == task_id).order_by(runs.c.id)
        async with read_from(self.engine) as connection:
            return [_record(row) for row in await connection.execute(query)]


def _columns() -> Any:
    """What a record has; the change set may be large, and ``attempt`` is the fence again."""
    return select(*(runs.c[name] for name in RunRecord.__dataclass_fields__))


def _record(row: Row[Any]) -> RunRecord:
    fields = dict(row._mapping)
    fields["phase"] = Phase(row.phase) if row.phase else None
    return RunRecord(**fields)


def _change_task(run: Run, values: Mapping[str, Any]) -> Update:
    return (
        update(tasks)
        .where(tasks.c.id == run.task, tasks.c.fence == run.fence, tasks.c.state == TaskState.RUNNING)
        .values(updated_at=func.now(), **values)
    )
