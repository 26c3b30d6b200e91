"""Reads from the tables what the pages show; no page writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine, ScalarSelect, Select, func, select, text

from bot.dashboard.task_list import PAGE, TaskFilter, build_list_query
from bot.tasks.database import tables
from bot.tasks.tasks import OPEN

Row = Mapping[str, Any]


class PageReader:
    """Synchronous reads for the pages, one short transaction each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check_database(self) -> None:
        """Raises SQLAlchemy's error when the database does not answer, or lacks our schema."""
        self.select(select(tables.tasks.c.id).limit(1))

    def count_open(self, seen: Sequence[int] | None) -> dict[str, int]:
        """How many tasks are open in each state, of the repositories ``seen`` (None: all of them)."""
        task = tables.tasks.c
        query = select(task.state, func.count().label("n")).where(task.state.in_(OPEN)).group_by(task.state)
        if seen is not None:
            query = query.where(task.repo_id.in_(seen))
        return {row["state"]: row["n"] for row in self.select(query)}

    def list_tasks(self, wanted: TaskFilter, seen: Sequence[int] | None) -> list[Row]:
        """A page of tasks, newest first, and one more where there are older ones."""
        return self.select(build_list_query(wanted, seen))

    def find_listed(self, number: int) -> Row | None:
        """One task as a list shows it, with what its runs came to; whoever asks has looked who may see it."""
        return next(iter(self.select(build_list_query(TaskFilter(only=number), None))), None)

    def failed_deliveries(self) -> list[Row]:
        """The newest deliveries that came and failed for good, ``PAGE`` of them, without their bodies."""
        delivery = tables.deliveries.c
        columns = (delivery.guid, delivery.event, delivery.received_at, delivery.reason)
        failed = select(*columns).where(delivery.state == tables.DeliveryState.FAILED)
        return self.select(failed.order_by(delivery.received_at.desc()).limit(PAGE))

    def task(self, number: int) -> Row | None:
        """One task."""
        return self._one(select(tables.tasks).where(tables.tasks.c.id == number))

    def runs(self, task: int) -> list[Row]:
        """All runs of a task, the first one first."""
        query = select(tables.runs).where(tables.runs.c.task == task).order_by(tables.runs.c.id)
        return self.select(query)

    def run(self, number: int) -> Row | None:
        """One run, with how long it took so far in seconds by the database's clock."""
        seconds = func.extract(
            "epoch", func.coalesce(tables.runs.c.ended_at, func.now()) - tables.runs.c.started_at
        )
        query = select(tables.runs, seconds.label("seconds")).where(tables.runs.c.id == number)
        return self._one(query)

    def find_shown_attempt(self, run: int) -> int:
        """The attempt that is shown by default: the chosen or first one of the task; 0: none yet."""
        attempt = tables.attempts.c
        task = select(tables.runs.c.task).where(tables.runs.c.id == run).scalar_subquery()
        query = select(attempt.ordinal).where(attempt.maker == task)
        row = self._one(query.order_by(attempt.chosen.desc(), attempt.ordinal).limit(1))
        return int(row["ordinal"]) if row else 0

    def last_turn(self, run: int, ordinal: int) -> Row | None:
        """The newest turn of an attempt, without its words: ``seq``, ``total``, ``model``."""
        turn = tables.attempt_turns.c
        total, model = turn.record["total"].label("total"), turn.record["model"].astext.label("model")
        query = select(turn.seq, total, model).where(turn.attempt == self._which(run, ordinal))
        return self._one(query.order_by(turn.seq.desc()).limit(1))

    def find_diff(self, run: int, ordinal: int) -> str:
        """An attempt's change as it is now; '' for none."""
        row = self._one(
            select(tables.attempts.c.diff).where(tables.attempts.c.id == self._which(run, ordinal))
        )
        return row["diff"] if row else ""

    def find_call(self, run: int, ordinal: int, after: int) -> Row | None:
        """The call that goes on in a turn behind ``after``: ``name``, ``args``, ``at``; None: not known."""
        query = select(tables.attempts.c.doing).where(tables.attempts.c.id == self._which(run, ordinal))
        row = self._one(query)
        doing = row["doing"] if row else None
        return doing if doing and doing["seq"] > after else None

    def turns(self, run: int, after: int = -1, ordinal: int = 0, *, limit: int = 200) -> list[Row]:
        """The transcript of a run from behind turn ``after``: of one attempt (0: chosen or first)."""
        new, old = tables.attempt_turns.c, tables.turns.c
        mine = select(tables.attempt_turns).where(new.attempt == self._which(run, ordinal), new.seq > after)
        rows = self.select(mine.order_by(new.seq).limit(limit))
        if rows or ordinal:
            return rows
        before = select(tables.turns).where(old.run == run, old.seq > after).order_by(old.seq).limit(limit)
        return self.select(before)

    @staticmethod
    def _which(run: int, ordinal: int) -> ScalarSelect[int]:
        """The id of an attempt that the run's task made (0: the chosen or first one)."""
        attempt = tables.attempts.c
        task = select(tables.runs.c.task).where(tables.runs.c.id == run).scalar_subquery()
        which = select(attempt.id).where(attempt.maker == task)
        if ordinal:
            which = which.where(attempt.ordinal == ordinal)
        return which.order_by(attempt.chosen.desc(), attempt.ordinal).limit(1).scalar_subquery()

    def attempts(self, task: int) -> list[Row]:
        """All attempts at a task's request, whoever made them, without their contents."""
        attempt = tables.attempts.c
        columns = [column for column in attempt if column.name not in ("changes", "work", "doing")]
        seconds = func.extract("epoch", func.coalesce(attempt.ended_at, func.now()) - attempt.started_at)
        query = select(*columns, seconds.label("seconds")).where(attempt.task == task)
        return self.select(query.order_by(attempt.ordinal))

    def select(self, query: Select[Any]) -> list[Row]:
        """The rows of a query, in a transaction that cannot write."""
        with self._engine.connect() as connection:
            connection.execute(text("SET TRANSACTION READ ONLY"))
            return [dict(row) for row in connection.execute(query).mappings()]

    def _one(self, query: Select[Any]) -> Row | None:
        rows = self.select(query)
        return rows[0] if rows else None
