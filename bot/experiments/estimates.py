"""How far the estimates made before the work were off, on the tasks that ended."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

_ERRORS = text("""
    WITH first AS (
        SELECT DISTINCT ON (task) task, estimate FROM runs
        WHERE estimate IS NOT NULL AND started_at >= now() - make_interval(days => :days) ORDER BY task, id),
    ended AS (
        SELECT (estimate ->> 'chance')::float AS chance, estimate ->> 'size' AS size,
            (tasks.verdict = 'proved')::int AS proved,
            (SELECT coalesce(sum((usage ->> 'turns')::float), 0) FROM runs WHERE task = tasks.id) AS turns
        FROM first JOIN tasks ON tasks.id = first.task WHERE tasks.state IN ('done', 'failed'))
    SELECT count(*) AS tasks, coalesce(avg(chance), 0) AS said, coalesce(avg(proved), 0)::float AS proved,
        coalesce(avg(power(chance - proved, 2)), 0) AS error,
        coalesce(avg((size = CASE WHEN turns <= :small THEN 'small' WHEN turns <= :medium THEN 'medium'
            ELSE 'large' END)::int), 0)::float AS size_right
    FROM ended
""")
# Each sign that an estimate named: how the tasks that had it ended, beside those that did not.
_SIGNS = text("""
    WITH first AS (
        SELECT DISTINCT ON (task) task, estimate FROM runs
        WHERE estimate IS NOT NULL AND started_at >= now() - make_interval(days => :days) ORDER BY task, id),
    ended AS (
        SELECT estimate -> 'signs' AS signs, (tasks.verdict = 'proved')::int AS proved
        FROM first JOIN tasks ON tasks.id = first.task WHERE tasks.state IN ('done', 'failed')),
    named AS (SELECT DISTINCT jsonb_array_elements_text(signs) AS sign FROM ended)
    SELECT sign, count(*) FILTER (WHERE signs ? sign) AS tasks,
        coalesce(avg(proved) FILTER (WHERE signs ? sign), 0)::float AS proved,
        count(*) FILTER (WHERE NOT signs ? sign) AS others,
        coalesce(avg(proved) FILTER (WHERE NOT signs ? sign), 0)::float AS proved_without
    FROM named, ended GROUP BY sign ORDER BY 2 DESC, sign LIMIT 30
""")
COIN = 0.25  # the mean squared error of saying one half each time
SMALL_TURNS, MEDIUM_TURNS = 10, 30  # as ``bot.run.prepare.estimate`` has them


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateErrors:
    """Of ``tasks`` that ended: the mean chance that was ``said``, the share ``proved``, the mean squared
    ``error`` of the two, and the share whose size was right.
    """

    tasks: int
    said: float
    proved: float
    error: float
    size_right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SignFigures:
    """Of those that ended ``tasks`` had the sign, and the share ``proved`` of them ended proved; the
    ``others`` did not have it, and of these ``proved_without``.
    """

    sign: str
    tasks: int
    proved: float
    others: int
    proved_without: float

    @property
    def difference(self) -> float | None:
        """By how much more of those with the sign ended proved; None where one side is empty."""
        return self.proved - self.proved_without if self.tasks and self.others else None


def load_sign_figures(connection: Connection, *, days: int) -> list[SignFigures]:
    """Every sign that an estimate of so many days named, the commonest first."""
    return [SignFigures(**row._mapping) for row in connection.execute(_SIGNS, {"days": days})]


def load_estimate_errors(connection: Connection, *, days: int) -> EstimateErrors:
    """The errors of the estimates of so many days."""
    row = connection.execute(_ERRORS, {"days": days, "small": SMALL_TURNS, "medium": MEDIUM_TURNS}).one()
    return EstimateErrors(**row._mapping)


def render_estimate_errors(found: EstimateErrors) -> str:
    """One line for people."""
    if not found.tasks:
        return "No task with an estimate has ended yet."
    return (
        f"Estimates before the work, of {found.tasks} tasks that ended: {found.said:.0%} said to end proved, "
        f"{found.proved:.0%} did; mean squared error {found.error:.2f} ({COIN} is a coin's); the size was "
        f"right for {found.size_right:.0%}."
    )
