"""Releases: a flag's value on its way to everybody of an audience, step by step, while its guard holds.

``step_releases`` is called every minute by some worker. It moves each release that goes on by what ended
meanwhile: a step further when its time is over, or back to nobody at once. Both are in the audit log.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from bot.flags.guard import (
    ArmFigures,
    GuardDecision,
    Move,
    Stratum,
    UnitFigures,
    add_figures,
    compare,
    judge,
)
from bot.flags.known import KNOWN, FlagError, FlagValue
from bot.flags.records import GOING, Actor, record, render_value, set_rule
from bot.flags.rules import EVERYBODY, Unit
from bot.tasks.database.tables import releases

log = structlog.get_logger(__name__)

STEPS = (1.0, 10.0, 50.0, 100.0)
HOURS = 24.0  # at each step, at least
MARGIN = 0.15  # how much worse a share may be at most
DONE, BACK, STOPPED = "done", "stepped back", "stopped"
GUARD = Actor(login="the release's guard")
LARGE = 0.2  # of all tasks, from which on one unit decides for its side
SETTLE = "1 hour"  # a task that still waits so long after its first run counts as failed

_KEYS = {
    Unit.INSTALLATION: "tasks.installation::text",
    Unit.REPOSITORY: "tasks.repo_id::text",
    Unit.PERSON: "tasks.requester ->> 'id'",
    Unit.THREAD: "''",  # tasks of one are few: each counts on its own
}  # what tells units apart
_LARGEST = """
    SELECT max(n) / sum(n) FROM (SELECT count(*)::float AS n FROM tasks
        WHERE created_at > now() - interval '30 days' GROUP BY {}) AS units HAVING sum(n) >= 50
"""

# The ended tasks of a release by side: the value that their first run had.
_FIGURES = f"""
    WITH told AS (
        SELECT DISTINCT ON (task) task, started_at, flags -> :flag AS given FROM runs
        WHERE flags <> '{{{{}}}}'::jsonb AND started_at >= :since AND flags -> :flag ->> 'release' = :release
        ORDER BY task, id),
    ended AS (
        SELECT (given ->> 'taken')::boolean AS taken, coalesce((given ->> 'step')::float, 0) AS step,
            {{unit}} AS unit, tasks.kind, tasks.verdict,
            tasks.state IN ('failed', 'waiting') AS failed, ends.thumbs_up AS up, ends.thumbs_down AS down,
            (SELECT coalesce(sum((runs.usage ->> 'usd')::float), 0) FROM runs WHERE task = tasks.id) AS usd
        FROM told JOIN tasks ON tasks.id = told.task
        LEFT JOIN pull_ends AS ends ON ends.repo_id = tasks.repo_id AND ends.pull = tasks.pull
            AND tasks.pull > 0 AND tasks.kind = 'change'
        WHERE tasks.state IN ('done', 'failed')
           OR tasks.state = 'waiting' AND told.started_at < now() - interval '{SETTLE}')
    SELECT step, taken, unit, count(*) AS tasks, count(*) FILTER (WHERE failed) AS failed,
        count(*) FILTER (WHERE kind IN ('change', 'revise')) AS changes,
        count(*) FILTER (WHERE kind IN ('change', 'revise') AND verdict = 'proved') AS proved,
        count(*) FILTER (WHERE up + down > 0) AS rated, count(*) FILTER (WHERE down > up) AS disliked,
        avg(usd) AS usd, coalesce(var_samp(usd), 0) AS usd_variance
    FROM ended GROUP BY step, taken, unit ORDER BY step, unit
"""  # noqa: S608 - a constant of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A release as it is listed. ``percent`` is where it is, 0 where it stepped back or was stopped."""

    id: int
    flag: str
    audience: str
    value: FlagValue
    unit: Unit
    steps: tuple[float, ...]
    step: int
    hours: float
    margin: float
    state: str
    reason: str
    login: str
    began_at: datetime
    step_at: datetime
    ended_at: datetime | None

    @property
    def percent(self) -> float:
        """The share of the audience's units that has it."""
        return self.steps[self.step] if self.state in (GOING, DONE) else 0.0

    @property
    def is_going(self) -> bool:
        """Whether it is on its way."""
        return self.state == GOING


def begin_release(
    connection: Connection,
    flag: str,
    value: FlagValue,
    by: Actor,
    *,
    audience: str = EVERYBODY,
    unit: Unit = Unit.THREAD,
    steps: Sequence[float] = STEPS,
    hours: float = HOURS,
    margin: float = MARGIN,
) -> int:
    """Begin a release at its first step; returns its number.

    Raises FlagError where the flag has one that goes on, or the steps do not rise to 100.
    """
    check_plan(steps, hours, margin)
    row = {
        "flag": flag,
        "audience": audience,
        "value": value,
        "unit": unit.value,
        "steps": list(steps),
        "hours": hours,
        "margin": margin,
        "login": by.login,
    }
    try:
        with connection.begin_nested():
            number: int = connection.execute(
                insert(releases).values(row).returning(releases.c.id)
            ).scalar_one()
    except IntegrityError:
        raise FlagError(f"a release of {flag} goes on: `hob flags stop {flag}` ends it") from None
    words = f"{flag} = {render_value(value)} for {audience}: {_render_steps(steps)}, {hours:g} hours each"
    record(connection, by, "begin release", words)
    return number


def check_plan(steps: Sequence[float], hours: float, margin: float) -> None:
    """Raises FlagError where a release cannot go so."""
    rising = all(0 < one < other for one, other in pairwise(steps))
    if not steps or not rising or steps[0] <= 0 or steps[-1] != 100 or len(steps) > 20:
        raise FlagError("steps are percentages that rise to 100, such as 1,10,50,100")
    if not (math.isfinite(hours) and 0 <= hours <= 24 * 365):
        raise FlagError(f"a step lasts from 0 hours to a year, not {hours:g} hours")
    if not 0.01 <= margin <= 1:
        raise FlagError(f"a margin is from 0.01 to 1, not {margin:g}")


def find_largest_share(connection: Connection, unit: Unit) -> float:
    """The share of the last 30 days' tasks that the unit with most of them has, 0 where there were few.

    Such a unit is compared as one among others, so a release that it is part of goes on late, if at all.
    """
    found: float | None = connection.scalar(text(_LARGEST.format(_KEYS[unit])))  # constants of ours
    return found or 0.0


def stop_release(connection: Connection, flag: str, by: Actor) -> None:
    """End a flag's release, so that nobody has its value any more. Raises FlagError where none goes on."""
    which = (releases.c.flag == flag) & (releases.c.state == GOING)
    ended = update(releases).where(which).values(state=STOPPED, reason=f"by {by.login}", ended_at=func.now())
    if not connection.execute(ended).rowcount:
        raise FlagError(f"no release of {flag} goes on")
    record(connection, by, "stop release", flag)


def list_releases(connection: Connection, most: int = 20) -> list[StoredRelease]:
    """The newest releases, those that go on first."""
    going = (releases.c.state == GOING).desc()
    rows = connection.execute(select(releases).order_by(going, releases.c.id.desc()).limit(most))
    return [_build(row) for row in rows]


def step_releases(connection: Connection) -> int:
    """Move every release that goes on, as its guard says; returns how many moved."""
    over = releases.c.step_at + func.make_interval(0, 0, 0, 0, 0, 0, releases.c.hours * 3600)
    is_due = (func.clock_timestamp() >= over).label("is_due")
    going = select(releases, is_due).where(releases.c.state == GOING)
    moved = 0
    for row in connection.execute(going.with_for_update(skip_locked=True)).all():
        if row.flag in KNOWN:  # another is a newer version's
            moved += _step(connection, _build(row), is_due=row.is_due)
    return moved


def _step(connection: Connection, release: StoredRelease, *, is_due: bool) -> bool:
    strata = load_figures(connection, release)
    last = len(release.steps) - 1
    to_everybody = release.step < last and release.steps[release.step + 1] == 100
    comparisons = compare([each for _, each in strata], margin=release.margin)
    decision = judge(comparisons, is_due=is_due, to_everybody=to_everybody)
    values: dict[str, Any] = {
        "reason": decision.why,
        "figures": {f"{at:g}": {"new": asdict(each.new), "rest": asdict(each.rest)} for at, each in strata},
    }
    if decision.move is Move.BACK:
        values |= {"state": BACK, "ended_at": func.now()}
    elif decision.move is Move.NEXT and (release.step == last or release.steps[release.step + 1] == 100):
        values |= {"state": DONE, "step": last, "ended_at": func.now()}
        _settle(connection, release)
    elif decision.move is Move.NEXT:
        values |= {"step": release.step + 1, "step_at": func.now()}
    connection.execute(update(releases).where(releases.c.id == release.id).values(values))
    if decision.move is Move.WAIT:
        return False
    _record_move(connection, release, decision)
    return True


def _settle(connection: Connection, release: StoredRelease) -> None:
    """Everybody of the audience has it: from now on by an ordinary rule."""
    set_rule(connection, release.flag, release.value, GUARD, audience=release.audience)


def _record_move(connection: Connection, release: StoredRelease, decision: GuardDecision) -> None:
    back = decision.move is Move.BACK
    to = 0.0 if back else release.steps[min(release.step + 1, len(release.steps) - 1)]
    words = f"{release.flag} = {render_value(release.value)}: {release.percent:g}% to {to:g}%"
    record(connection, GUARD, "step back" if back else "step forward", words, decision.why)
    say = log.error if back else log.info
    say("release.stepped", release=release.id, flag=release.flag, to=to, why=decision.why)


def load_figures(connection: Connection, release: StoredRelease) -> list[tuple[float, Stratum]]:
    """What is known of the ended tasks of both sides, by the step at which they began."""
    given = {"flag": release.flag, "since": release.began_at, "release": str(release.id)}
    query = text(_FIGURES.format(unit=_KEYS[release.unit]))  # constants of ours
    steps: dict[float, list[UnitFigures]] = {}
    for row in connection.execute(query, given):
        figures = ArmFigures(**{name: getattr(row, name) for name in ArmFigures.__dataclass_fields__})
        unit = UnitFigures(unit=row.unit, is_new=row.taken, figures=figures)
        steps.setdefault(row.step, []).append(unit)
    return [
        (
            step,
            Stratum(
                new=add_figures([each.figures for each in found if each.is_new]),
                rest=add_figures([each.figures for each in found if not each.is_new]),
                units=() if release.unit is Unit.THREAD else found,
            ),
        )
        for step, found in steps.items()
    ]


def _build(row: Row[Any]) -> StoredRelease:
    fields = {name: getattr(row, name) for name in StoredRelease.__dataclass_fields__}
    fields |= {"unit": Unit(row.unit), "steps": tuple(float(each) for each in row.steps)}
    return StoredRelease(**fields)


def _render_steps(steps: Sequence[float]) -> str:
    return ", ".join(f"{each:g}%" for each in steps)
