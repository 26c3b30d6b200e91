"""The kill switch: nothing new is begun there, and if asked, what runs is stopped.

A pause is part of the condition for a claim (``leases.next_task.is_claimable``), and a claim looks at it once
more before it is committed, so it holds for every worker from the moment that it is committed, a claim that
waited for a lock meanwhile included. It is committed before anything is waited for. What runs is cancelled as
a person's *stop* would: each run looks every second (``leases.renew``). A run that has begun to publish
ends that first: it is published whole or not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from bot.domain import TaskState
from bot.flags.known import FlagError
from bot.flags.records import Actor, record
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import pauses, tasks

_SCOPE = re.compile(r"all|(?:installation|repository):[0-9]{1,18}")
STOPPED = "whoever runs this Hob stopped it"
PASSES = 10  # over the runs that are to be stopped, while some of their rows are held


def is_scope(text: str) -> bool:
    """Whether a text names what can be paused."""
    return _SCOPE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledRuns:
    """How many runs stop at their next look; ``left`` could not be stopped, since their rows were locked."""

    stopped: int = 0
    left: int = 0


def kill(
    connection: Connection,
    scope: str,
    by: Actor,
    *,
    running: bool = False,
    reason: str = "",
    patience: float = 2.0,
) -> KilledRuns:
    """Begin nothing more in a scope and, where ``running``, stop what runs there.

    It commits by itself: first the pause, so that no lock keeps it from holding. ``patience`` is how many
    seconds claims under way are waited for. Raises FlagError for a scope that is none.
    """
    where = _find_tasks(scope)
    connection.execute(insert(pauses).values(scope=scope, login=by.login).on_conflict_do_nothing())
    because = f" ({reason[:200]})" if reason else ""
    record(connection, by, "pause", scope + because)
    connection.commit()
    if not running:
        return KilledRuns()
    why = storable(f"{STOPPED}: {' '.join(reason.split())[:200]}" if reason else STOPPED)
    stopped, left = 0, 1
    for number in range(PASSES):
        if number:
            connection.execute(select(func.pg_sleep(0.2)))
        else:
            _wait_for_claims(connection, patience)
        mine = (tasks.c.state == TaskState.RUNNING) & ~tasks.c.cancel_asked & where
        free = select(tasks.c.id).where(mine).with_for_update(key_share=True, skip_locked=True)
        told = update(tasks).where(tasks.c.id.in_(free))
        values = {"cancel_asked": True, "cancel_reason": why, "updated_at": func.now()}
        stopped += connection.execute(told.values(values)).rowcount
        left = connection.scalar(select(func.count()).select_from(tasks).where(mine)) or 0
        connection.commit()
        if not left:
            break
    said = f"{scope}; runs stopped: {stopped}" + (f", not reached: {left}" if left else "")
    record(connection, by, "kill", said + because)
    connection.commit()
    return KilledRuns(stopped=stopped, left=left)


def _wait_for_claims(connection: Connection, patience: float) -> None:
    """Let the claims end that began before the pause: the next ones see it. At most ``patience`` seconds."""
    try:
        with connection.begin_nested():
            connection.execute(select(func.set_config("lock_timeout", f"{1000 * patience:.0f}", True)))
            connection.execute(text("LOCK TABLE tasks IN SHARE ROW EXCLUSIVE MODE"))
    except OperationalError:  # somebody writes for long: each claim looks for the pause itself
        pass


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
