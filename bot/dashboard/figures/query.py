"""What the figures count: tasks of a period by group, and what became of their pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    cast,
    func,
    literal_column,
    nulls_last,
    select,
)

from bot.domain import TaskKind, TaskState
from bot.domain.proof import ProofState
from bot.tasks.database.tables import attempts, pull_ends, runs, tasks

PERIODS: Mapping[str, timedelta] = {
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
    "year": timedelta(days=365),
}
MOST_ROWS = 200
NOT_SET = literal_column("'not set'", Text)  # a parameter would not be the same twice in GROUP BY
_OF_TASK: Mapping[str, ColumnElement[Any]] = {
    "week": func.to_char(func.timezone("UTC", tasks.c.created_at), 'IYYY-"W"IW'),
    "repository": tasks.c.repo_full_name,
    "person": func.jsonb_extract_path_text(tasks.c.requester, "login"),
    "kind": tasks.c.kind,
}
# Of a task's runs in the period: the version of the prompt, and what flags said, the same to all of them.
_OF_RUN: Mapping[str, ColumnElement[Any]] = {
    "prompt": func.max(func.nullif(runs.c.prompt, "")),
    "model-flag": func.min(runs.c.flags["model"]["value"].astext),
    "prompt-flag": func.min(runs.c.flags["prompt"]["value"].astext),
}
GROUPS = (*_OF_TASK, "model", *_OF_RUN)
# usd: dollars. minutes: the median from a request to its end, of what is done. merge_rate: of the pull
# requests that are closed. hours_to_merge: the median from the first request. rounds: of feedback, a mean.
COLUMNS = (
    *("tasks", "done", "failed", "pulls", "proved", "usd", "usd_per_pull", "minutes"),
    *("merged", "closed", "merge_rate", "hours_to_merge", "rounds", "reverted", "usd_per_merged"),
    *("thumbs_up", "thumbs_down"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureChoice:
    """What is counted: by what, and how far back."""

    by: str
    period: str


def read_choice(arguments: Mapping[str, str]) -> FigureChoice:
    """The choice in a URL; by week and of the last quarter where it is none."""
    by, period = arguments.get("by", ""), arguments.get("period", "")
    return FigureChoice(by=by if by in GROUPS else "week", period=period if period in PERIODS else "quarter")


def build_figures_query(choice: FigureChoice, seen: Sequence[int] | None) -> Select[Any]:
    """One row for each group of tasks that began in the period, of the repositories ``seen`` (None: all)."""
    counted = _select_tasks(choice, seen)
    by_pull = _select_pulls(counted)
    task, pull = counted.c, by_pull.c
    usd = func.coalesce(func.sum(task.usd), 0.0)
    took = func.extract("epoch", task.ended - task.created_at) / 60
    done = task.state == TaskState.DONE
    of_tasks = (
        select(
            task.name,
            func.count().label("tasks"),
            func.count().filter(done).label("done"),
            func.count().filter(task.state == TaskState.FAILED).label("failed"),
            func.count().filter(task.verdict == ProofState.PROVED).label("proved"),
            usd.label("usd"),
            func.percentile_cont(0.5).within_group(took).filter(done).label("minutes"),
        )
        .group_by(task.name)
        .cte("of_tasks")
    )
    merged, closed = func.count().filter(pull.merged), func.count().filter(~pull.merged)
    hours = func.extract("epoch", pull.at - pull.began) / 3600
    of_pulls = (
        select(
            pull.name,
            func.count().label("pulls"),
            merged.label("merged"),
            closed.label("closed"),
            func.count().filter(pull.reverted_by > 0).label("reverted"),
            func.percentile_cont(0.5).within_group(hours).filter(pull.merged).label("hours_to_merge"),
            cast(func.avg(pull.rounds), Float).label("rounds"),
            cast(func.coalesce(func.sum(pull.thumbs_up), 0), Integer).label("thumbs_up"),
            cast(func.coalesce(func.sum(pull.thumbs_down), 0), Integer).label("thumbs_down"),
        )
        .group_by(pull.name)
        .cte("of_pulls")
    )
    tasks_, pulls = of_tasks.c, of_pulls.c
    counts = {name: func.coalesce(pulls[name], 0) for name in _COUNTED_PULLS}
    columns = [tasks_[name].label(name) for name in ("tasks", "done", "failed", "proved", "usd", "minutes")]
    columns += [count.label(name) for name, count in counts.items()]
    columns += [pulls.hours_to_merge.label("hours_to_merge"), pulls.rounds.label("rounds")]
    ended = func.nullif(counts["merged"] + counts["closed"], 0)
    columns += [
        (tasks_.usd / func.nullif(counts["pulls"], 0)).label("usd_per_pull"),
        (tasks_.usd / func.nullif(counts["merged"], 0)).label("usd_per_merged"),
        (cast(counts["merged"], Float) / ended).label("merge_rate"),
    ]
    query = select(tasks_.name.label("name"), *columns)
    query = query.select_from(of_tasks.outerjoin(of_pulls, pulls.name.is_not_distinct_from(tasks_.name)))
    first = tasks_.name.desc() if choice.by == "week" else tasks_.tasks.desc()
    return query.order_by(nulls_last(first), tasks_.name).limit(MOST_ROWS)


_COUNTED_PULLS = ("pulls", "merged", "closed", "reverted", "thumbs_up", "thumbs_down")


def _select_tasks(choice: FigureChoice, seen: Sequence[int] | None) -> CTE:
    """The tasks of the period, each with its group, dollars and the end of its last run."""
    since = func.now() - PERIODS[choice.period]
    used = (
        select(
            runs.c.task,
            func.sum(cast(runs.c.usage["usd"].astext, Float)).label("usd"),
            func.max(runs.c.ended_at).label("ended"),
            _OF_RUN.get(choice.by, _OF_RUN["prompt"]).label("said"),
        )
        .where(runs.c.started_at >= since)
        .group_by(runs.c.task)
        .subquery("used")
    )
    name, source = _OF_TASK.get(choice.by), tasks.outerjoin(used, used.c.task == tasks.c.id)
    if choice.by == "model":
        by_task = select(attempts.c.maker, func.max(func.nullif(attempts.c.model, "")).label("model"))
        model = by_task.where(attempts.c.started_at >= since).group_by(attempts.c.maker).subquery("by_model")
        source = source.outerjoin(model, model.c.maker == tasks.c.id)
        name = func.coalesce(model.c.model, NOT_SET)
    if name is None:
        name = func.coalesce(used.c.said, NOT_SET)
    task = tasks.c
    columns = (task.state, task.verdict, task.kind, task.repo_id, task.pull, task.created_at)
    query = select(name.label("name"), *columns, used.c.usd, used.c.ended).select_from(source)
    query = query.where(task.created_at >= since)
    if seen is not None:
        query = query.where(task.repo_id.in_(seen))
    return query.cte("counted")


def _select_pulls(counted: CTE) -> CTE:
    """The pull requests of those tasks, each with its first request, rounds of feedback, and its end."""
    task = counted.c
    by_pull = (
        select(
            task.name,
            task.repo_id,
            task.pull,
            func.min(task.created_at).label("began"),
            func.count().filter(task.kind == TaskKind.REVISE).label("rounds"),
        )
        .where(task.pull > 0)
        .group_by(task.name, task.repo_id, task.pull)
        .subquery("by_pull")
    )
    end = pull_ends.c
    joined = by_pull.outerjoin(pull_ends, (end.repo_id == by_pull.c.repo_id) & (end.pull == by_pull.c.pull))
    ends = (end.merged, end.reverted_by, end.thumbs_up, end.thumbs_down, end.at)
    of_pull = (by_pull.c.name, by_pull.c.began, by_pull.c.rounds)
    return select(*of_pull, *ends).select_from(joined).cte("pulls")
