"""The list of tasks: what narrows it, as it stands in the URL, and its rows, page by page.

A page begins behind the last task of the one before (``before``), so that it costs the same however far back
it is and nothing moves when new tasks come.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy import Float, Select, cast, func, select, text, true

from bot.domain import TaskKind, TaskState
from bot.domain.proof import ProofState
from bot.tasks.database.tables import TASK_PERSON, TASK_WORDS, attempts, runs, tasks

PAGE = 50
PERIODS: Mapping[str, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
}
VERDICTS: Mapping[str, ProofState] = {
    "proved": ProofState.PROVED,
    "warned": ProofState.DOUBTFUL,
    "partly": ProofState.PARTLY,
    "fails": ProofState.FAILS,
    "not-run": ProofState.NOT_RUN,
}
_NOT_IN_URL = ("before", "only")
_LONGEST = 200  # characters of a value in the URL
_MOST_WORDS = 8
_MAX_ID = 2**63 - 1
_THREAD = re.compile(r"(?:^|\s)(?:([\w.-]+/[\w.-]+))?#([0-9]{1,9})(?=\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """What narrows the list; '' and 0: nothing. ``only`` is one task's number, and never in a URL."""

    words: str = ""
    repo: str = ""
    person: str = ""
    state: str = ""
    verdict: str = ""
    kind: str = ""
    period: str = ""
    before: int = 0
    only: int = 0

    @property
    def query(self) -> dict[str, str]:
        """The filter as it stands in the URL, without the page."""
        values = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in _NOT_IN_URL
        }
        return {name: value for name, value in values.items() if value}


def read_filter(arguments: Mapping[str, str]) -> TaskFilter:
    """The filter in a URL; what is none of the possible values narrows nothing."""
    given = {each.name: arguments.get(each.name, "") for each in fields(TaskFilter)}
    given = {name: value.replace("\0", "").strip()[:_LONGEST] for name, value in given.items()}
    known: Mapping[str, Sequence[str]] = {
        "state": list(TaskState),
        "kind": list(TaskKind),
        "verdict": list(VERDICTS),
        "period": list(PERIODS),
    }
    for name, values in known.items():
        if given[name] not in values:
            given[name] = ""
    before = given.pop("before")
    del given["only"]
    number = int(before) if re.fullmatch(r"[0-9]{1,18}", before) else 0
    return TaskFilter(**given, before=min(number, _MAX_ID), only=0)


def build_list_query(wanted: TaskFilter, seen: Sequence[int] | None) -> Select[Any]:
    """The newest tasks that fit, ``PAGE`` and one more, each with what its runs came to.

    ``seen`` are the repositories that may be shown, None for all of them.
    """
    task, run, attempt = tasks.c, runs.c, attempts.c
    page = _narrow(select(tasks.c.id), wanted, seen).order_by(task.id.desc()).limit(PAGE + 1).cte("page")
    took = func.extract("epoch", func.coalesce(run.ended_at, func.now()) - run.started_at)
    last = (
        select(run.id.label("run"), run.phase, run.proof, run.usage, took.label("seconds"))
        .where(run.task == task.id)
        .order_by(run.fence.desc())
        .limit(1)
        .lateral("last")
    )
    usd = func.sum(cast(run.usage["usd"].astext, Float)).label("usd")
    spent = select(usd).where(run.task == task.id).lateral("spent")
    by = (
        select(attempt.model)
        .where(attempt.maker == task.id)
        .order_by(attempt.chosen.desc(), attempt.ordinal)
        .limit(1)
        .lateral("by")
    )
    shown = (
        "id", "kind", "state", "repo_full_name", "thread", "thread_number", "requester", "request", "reason",
        "pull", "created_at", "attempts", "verdict", "not_before", "cancel_asked",
    )  # fmt: skip
    columns = [task[name] for name in shown]
    source = (
        tasks.join(page, page.c.id == task.id)
        .outerjoin(last, true())
        .outerjoin(spent, true())
        .outerjoin(by, true())
    )
    return select(*columns, last, spent.c.usd, by.c.model).select_from(source).order_by(task.id.desc())


def _narrow(query: Select[Any], wanted: TaskFilter, seen: Sequence[int] | None) -> Select[Any]:
    task = tasks.c
    for column, value in ((task.state, wanted.state), (task.kind, wanted.kind)):
        if value:
            query = query.where(column == value)
    if seen is not None:
        query = query.where(task.repo_id.in_(seen))
    if wanted.repo:
        query = query.where(task.repo_full_name == wanted.repo)
    if wanted.person:
        query = query.where(text(f"{TASK_PERSON} = :person").bindparams(person=wanted.person.lower()))
    if wanted.verdict:
        query = query.where(task.verdict == VERDICTS[wanted.verdict])
    if wanted.only:
        query = query.where(task.id == wanted.only)
    if wanted.before:
        query = query.where(task.id < wanted.before)
    if wanted.period:
        since = task.created_at >= func.now() - PERIODS[wanted.period]
        # Ids grow with time: the first one of the period bounds the list, so that its end is found at once.
        first = select(task.id).where(since).order_by(task.created_at).limit(1).correlate(None)
        query = query.where(since, task.id >= func.coalesce(first.scalar_subquery(), _MAX_ID))
    return _search(query, wanted.words)


def _search(query: Select[Any], words: str) -> Select[Any]:
    """Narrow a query to the tasks with all of these words, or beginnings of words; ``#12`` is a thread."""
    for repo, number in _THREAD.findall(words):
        query = query.where(tasks.c.thread_number == int(number))
        if repo:
            query = query.where(tasks.c.repo_full_name == repo)
    found = re.findall(r"\w+", _THREAD.sub(" ", words))[:_MOST_WORDS]
    if not found:
        return query
    wanted = " & ".join(f"'{word}':*" for word in found)
    return query.where(text(f"{TASK_WORDS} @@ to_tsquery('simple', :words)").bindparams(words=wanted))
