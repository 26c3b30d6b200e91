"""A workload from what was measured: the database's tasks of the last thirty days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Any

from sqlalchemy import Connection, text

from bot.forecast.workload import Workload

LEAST = 20  # ended tasks, from which on measured values stand in for defaults
DAYS = 30
_MOST = 2000  # tasks and turns that are looked at, the newest

_TASKS = text("""
    SELECT sum(coalesce((usage ->> 'turns')::int, 0)) AS turns, sum((usage ->> 'usd')::float) AS usd,
        sum((usage ->> 'input_tokens')::float) AS input_tokens,
        sum((usage ->> 'output_tokens')::float) AS output_tokens
    FROM runs WHERE usage IS NOT NULL AND started_at > now() - make_interval(days => :days)
    GROUP BY task HAVING sum(coalesce((usage ->> 'turns')::int, 0)) > 0
    ORDER BY max(id) DESC LIMIT :most
""")
_TURNS = text("""
    SELECT coalesce(nullif(record -> 'ms', 'null'), '{}') AS ms,
        coalesce(nullif(record -> 'usage', 'null'), '{}') AS usage FROM attempt_turns
    WHERE at > now() - make_interval(days => :days) ORDER BY at DESC LIMIT :most
""")
_MODELS = text("""
    SELECT model, count(*) AS answers,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY first_token) / 1000 AS first_token,
        sum(tokens) FILTER (WHERE rest > 0 AND tokens > 0)
            / sum(rest) FILTER (WHERE rest > 0 AND tokens > 0) * 1000 AS speed
    FROM (SELECT record ->> 'model' AS model, (record -> 'ms' ->> 'first_token')::float AS first_token,
            (record -> 'ms' ->> 'model')::float - (record -> 'ms' ->> 'first_token')::float AS rest,
            (record -> 'usage' ->> 'output_tokens')::float AS tokens
        FROM attempt_turns WHERE at > now() - make_interval(days => :days)
        ORDER BY at DESC LIMIT :most) AS turns
    WHERE model <> '' GROUP BY model ORDER BY answers DESC, model LIMIT 20
""")
_RUNS = text("""
    SELECT timeline, ended_at FROM runs
    WHERE timeline IS NOT NULL AND state = 'done' AND started_at > now() - make_interval(days => :days)
    ORDER BY id DESC LIMIT :most
""")
_EFFECTS = text("""
    SELECT count(DISTINCT task) AS tasks, sum(CASE kind WHEN 'push' THEN 2 WHEN 'edit' THEN 0
        WHEN 'reaction' THEN 0 ELSE 1 END) AS creating, sum(CASE kind WHEN 'push' THEN 2 ELSE 1 END) AS writes
    FROM effects WHERE task IS NOT NULL AND done_at > now() - make_interval(days => :days)
""")
_HOURS = text("""
    SELECT extract(hour FROM created_at)::int AS hour, count(*) AS tasks FROM tasks
    WHERE created_at > now() - make_interval(days => :days) GROUP BY 1
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpeed:
    """How a model answered lately: median seconds to the first token, tokens a second from there on.

    None where its answers do not stream, or say nothing of tokens.
    """

    model: str
    answers: int
    first_token: float | None
    speed: float | None


def measure_models(connection: Connection) -> list[ModelSpeed]:
    """Of each model that the newest turns name, the most used first."""
    rows = connection.execute(_MODELS, {"days": DAYS, "most": _MOST})
    return [ModelSpeed(**row._mapping) for row in rows]


def measure_workload(connection: Connection, *, least: int = LEAST) -> Workload:
    """The defaults with whatever is known of at least ``least`` tasks in its place."""
    found = Workload()
    made: dict[str, Any] = {}
    bounds = {"days": DAYS, "most": _MOST}
    tasks = connection.execute(_TASKS, bounds).all()
    if len(tasks) < least:
        return found
    turns = sum(row.turns for row in tasks)
    made["turns"] = tuple(int(row.turns) for row in tasks)
    made["usd"] = fmean(row.usd or 0.0 for row in tasks)
    for name in ("input_tokens", "output_tokens"):
        made[name] = sum(getattr(row, name) or 0.0 for row in tasks) / turns
    made |= _measure_turns([(row.ms, row.usage) for row in connection.execute(_TURNS, bounds)])
    made |= _measure_phases([(row.timeline, row.ended_at) for row in connection.execute(_RUNS, bounds)])
    effects = connection.execute(_EFFECTS, {"days": DAYS}).one()
    if effects.tasks:
        made |= {name: float(getattr(effects, name)) / effects.tasks for name in ("creating", "writes")}
    hours = [0.0] * 24
    for row in connection.execute(_HOURS, {"days": DAYS}):
        hours[row.hour] = float(row.tasks)
    if sum(hours) >= 24 * LEAST:  # of fewer the busiest hour is chance
        made["hours"] = tuple(hours)
    return replace(found, **made, origin=dict.fromkeys(made, f"measured, {len(tasks)} tasks"))


def _measure_turns(turns: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[str, float]:
    """Times of a turn, as transcripts have them."""
    if not turns:
        return {}
    streamed = [(ms, usage) for ms, usage in turns if ms.get("first_token") is not None and "model" in ms]
    made = {"tool": fmean(ms.get("tools", 0) for ms, _ in turns) / 1000}
    if streamed:
        rest = sum(ms["model"] - ms["first_token"] for ms, _ in streamed)
        tokens = sum(usage.get("output_tokens") or 0 for _, usage in streamed)
        made["first_token"] = fmean(ms["first_token"] for ms, _ in streamed) / 1000
        if tokens > 0 and rest > 0:
            made["tokens_per_second"] = tokens / (rest / 1000)
        return made
    # A model that does not stream: all of its time is until the answer.
    return made | {"first_token": fmean(ms.get("model", 0) for ms, _ in turns) / 1000, "output_tokens": 0.0}


def _measure_phases(timelines: Sequence[tuple[Sequence[Mapping[str, str]], datetime]]) -> dict[str, float]:
    """How long runs prepared and proved."""
    spent: dict[str, list[float]] = {"prepare": [], "prove": []}
    for timeline, ended in timelines:
        marks = [(each["phase"], datetime.fromisoformat(each["at"])) for each in timeline]
        ends = [*(at for _, at in marks[1:]), ended]
        for phase, all_spent in spent.items():
            took = [end - at for (name, at), end in zip(marks, ends, strict=True) if name == phase]
            if took:
                all_spent.append(sum(each.total_seconds() for each in took))
    return {phase: fmean(each) for phase, each in spent.items() if each}
