"""The kill switch: nothing new is begun there, and if asked, what runs is stopped.

A pause is part of the condition for a claim (``bot.tasks.leases.is_claimable``), so it holds for every worker
from the moment that it is committed. What runs is cancelled as a person's *stop* would: each run looks every
second (``bot.tasks.lease``). A run that has begun to publish ends that first: it is published whole or not.
"""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert

from bot.domain import TaskState
from bot.flags.known import FlagError
from bot.flags.records import Actor, record
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import pauses, tasks

_SCOPE = re.compile(r"all|(?:installation|repository):[0-9]{1,18}")
STOPPED = "whoever runs this Hob stopped it"


def is_scope(text: str) -> bool:
    """Whether a text names what can be paused."""
    return _SCOPE.fullmatch(text) is not None


def kill(connection: Connection, scope: str, by: Actor, *, running: bool = False, reason: str = "") -> int:
    """Begin nothing more in a scope and, where ``running``, stop what runs there; returns how many runs.

    Raises FlagError for a scope that is none.
    """
    where = _find_tasks(scope)
    if running:  # a claim that is under way ends before, and the next one sees the pause
        connection.execute(text("LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE"))
    connection.execute(insert(pauses).values(scope=scope, login=by.login).on_conflict_do_nothing())
    stopped = 0
    if running:
        why = storable(f"{STOPPED}: {' '.join(reason.split())[:200]}" if reason else STOPPED)
        mine = (tasks.c.state == TaskState.RUNNING) & ~tasks.c.cancel_asked & where
        stopped = connection.execute(
            update(tasks).where(mine).values(cancel_asked=True, cancel_reason=why, updated_at=func.now())
        ).rowcount
    words = (
        scope + (f"; runs stopped: {stopped}" if running else "") + (f" ({reason[:200]})" if reason else "")
    )
    record(connection, by, "kill" if running else "pause", words)
    return stopped


def resume(connection: Connection, scope: str, by: Actor) -> bool:
    """Begin tasks there again; the workers' next sweep finds them. False when it was not paused.

    Raises FlagError for a scope that is none.
    """
    _find_tasks(scope)
    there = connection.execute(delete(pauses).where(pauses.c.scope == scope)).rowcount > 0
    record(connection, by, "resume", scope, "done" if there else "it was not paused")
    return there


def is_paused(connection: Connection, installation: int, repository: int) -> bool:
    """Whether no task is begun in a repository now."""
    scopes = ["all", f"installation:{installation}", f"repository:{repository}"]
    return connection.scalar(select(pauses.c.scope).where(pauses.c.scope.in_(scopes)).limit(1)) is not None


def _find_tasks(scope: str) -> ColumnElement[bool]:
    if not is_scope(scope):
        raise FlagError(
            f"{scope[:80]!r} cannot be paused: name all, installation:NUMBER or repository:NUMBER"
        )
    kind, _, number = scope.partition(":")
    if kind == "installation":
        return tasks.c.installation == int(number)
    return tasks.c.repo_id == int(number) if kind == "repository" else true()
