"""How the tasks of each variant ended, read from what is stored; a variant is what a flag said to a task.

A task counts by the values of its first run. Left out are tasks that go on, runs from before flags were
stored, and runs whose flag was not followed (hob.yml named another value, or the worker did not have it).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, text

from bot.flags.guard import ArmFigures
from bot.flags.known import FlagError, find_flag

PROMPT_VERSION = "prompt-version"  # stands for a flag: variants are the versions of the system prompt
NOT_SET = "not set"

_OUTCOMES = text("""
    WITH told AS (
        SELECT DISTINCT ON (task) task, prompt, flags -> :flag AS given FROM runs
        WHERE flags IS NOT NULL AND started_at >= now() - make_interval(days => :days) ORDER BY task, id),
    ended AS (
        SELECT CASE WHEN :flag = :by_prompt THEN told.prompt ELSE told.given ->> 'value' END AS name,
            tasks.kind, tasks.verdict, tasks.state = 'failed' AS failed, tasks.pull > 0 AS has_pull,
            extract(epoch FROM tasks.updated_at - tasks.created_at) / 60 AS minutes,
            (SELECT coalesce(sum((runs.usage ->> 'usd')::float), 0) FROM runs WHERE task = tasks.id) AS usd,
            (SELECT count(*) FROM tasks AS later WHERE later.repo_id = tasks.repo_id
                AND later.pull = tasks.pull AND later.kind = 'revise' AND later.id > tasks.id) AS rounds,
            ends.merged, ends.reverted_by, ends.thumbs_up, ends.thumbs_down
        FROM told JOIN tasks ON tasks.id = told.task
        LEFT JOIN pull_ends AS ends ON ends.repo_id = tasks.repo_id AND ends.pull = tasks.pull
            AND tasks.pull > 0 AND tasks.kind = 'change'
        WHERE tasks.state IN ('done', 'failed') AND coalesce(told.given ->> 'ignored', '') = '')
    SELECT coalesce(name, '') AS name, count(*) AS tasks, count(*) FILTER (WHERE failed) AS failed,
        count(*) FILTER (WHERE kind IN ('change', 'revise')) AS changes,
        count(*) FILTER (WHERE kind IN ('change', 'revise') AND verdict = 'proved') AS proved,
        count(merged) AS pulls, count(*) FILTER (WHERE merged) AS merged,
        count(*) FILTER (WHERE reverted_by > 0) AS reverted,
        coalesce(avg(rounds) FILTER (WHERE kind = 'change' AND has_pull), 0) AS rounds,
        avg(usd) AS usd, coalesce(var_samp(usd), 0) AS usd_variance,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY minutes) AS minutes,
        coalesce(sum(thumbs_up), 0) AS up, coalesce(sum(thumbs_down), 0) AS down
    FROM ended GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 50
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantOutcomes:
    """The ended tasks of one variant. ``name`` is the value as stored, '' where the flag said nothing.

    ``pulls`` are pull requests that were closed, ``merged`` and ``reverted`` of them; ``rounds`` the mean
    number of revisions of a pull request; ``usd`` the mean cost, ``usd_variance`` its sample variance;
    ``minutes`` the median from the request to the end; ``up`` and ``down`` thumbs.
    """

    name: str
    tasks: int
    failed: int
    changes: int
    proved: int
    pulls: int
    merged: int
    reverted: int
    rounds: float
    usd: float
    usd_variance: float
    minutes: float
    up: int
    down: int

    @property
    def figures(self) -> ArmFigures:
        """As the guard of releases compares them."""
        return ArmFigures(
            tasks=self.tasks,
            failed=self.failed,
            changes=self.changes,
            proved=self.proved,
            usd=self.usd,
            usd_variance=self.usd_variance,
        )


def load_outcomes(connection: Connection, flag: str, *, days: int) -> list[VariantOutcomes]:
    """The variants of ``flag`` among tasks that began in so many days, the largest first.

    Raises FlagError where there is no such flag.
    """
    if flag != PROMPT_VERSION:
        find_flag(flag)
    if not 1 <= days <= 3650:
        raise FlagError(f"days are from 1 to 3650, not {days}")
    rows = connection.execute(_OUTCOMES, {"flag": flag, "days": days, "by_prompt": PROMPT_VERSION})
    return [_build(row) for row in rows]


def _build(row: Row[Any]) -> VariantOutcomes:
    """A row, with PostgreSQL's numeric as a float; whole numbers stay."""
    fields = {name: getattr(row, name) for name in VariantOutcomes.__dataclass_fields__}
    numbers = {name: float(value) for name, value in fields.items() if isinstance(value, Decimal)}
    return VariantOutcomes(**(fields | numbers))
