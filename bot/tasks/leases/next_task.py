"""Which task may be claimed, and whose turn it is among those: as SQL, decided by the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    CompoundSelect,
    Integer,
    Interval,
    Select,
    Subquery,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
)

from bot.domain import TaskKind
from bot.tasks.database.tables import pauses, runs, tasks
from bot.tasks.leases.fence import RUNNING

FAIR_WITHIN = timedelta(minutes=10)  # since its start a run counts for whose turn it is

_QUEUED = literal_column("'queued'", Text)
_PERSON = literal_column("'id'", Text)  # of the requester
_FAIR_INTERVAL = literal_column(f"interval '{FAIR_WITHIN.total_seconds():.0f} seconds'", Interval)
_ONE = literal_column("1", Integer)


def is_claimable() -> ColumnElement[bool]:
    """The SQL condition for a claim: the task is queued, due, and the oldest of a thread where none runs.

    And of a kind that this version knows: another waits for a worker of a newer one. And no operator has
    paused everything, its installation or its repository.

    All values in it are literal: a parameter could be any state, so that a plan which PostgreSQL keeps could
    use no partial index, and a new plan takes longer than the claim.
    """
    paused = select_pauses(tasks.c.installation, tasks.c.repo_id)
    other = tasks.alias("other")
    blocked = select(other.c.id).where(
        other.c.thread_key == tasks.c.thread_key,
        or_(
            other.c.state == RUNNING,
            and_(other.c.state == _QUEUED, other.c.id < tasks.c.id),
        ),
    )
    return and_(
        tasks.c.state == _QUEUED,
        tasks.c.kind.in_([literal_column(f"'{kind}'", Text) for kind in TaskKind]),
        or_(tasks.c.not_before.is_(None), tasks.c.not_before <= func.clock_timestamp()),
        ~blocked.exists(),
        ~paused.exists(),
    )


def select_pauses(installation: ColumnElement[int], repository: ColumnElement[int]) -> Select[tuple[str]]:
    """The pauses that keep tasks of an installation's repository from being begun."""
    scopes = (
        literal_column("'all'", Text),
        func.concat(literal_column("'installation:'", Text), installation),
        func.concat(literal_column("'repository:'", Text), repository),
    )
    return select(pauses.c.scope).where(pauses.c.scope.in_(scopes))


def _build_fair_choice() -> Select[tuple[int]]:
    """The claimable task whose turn it is.

    A person's request comes before automatic work; then whose installation, then whose repository, then who
    has the fewest runs that go on or began lately, and of one person the oldest task. The groups are sorted
    before their tasks are looked at, so that only the first group that can be served is.
    """
    waiting = tasks.alias("waiting")
    automatic = literal_column("waiting.priority < 0", Boolean)  # a parameter would not be the same twice
    lately = _select_recent_runs().cte("lately")

    def count_by(*names: str) -> Subquery:
        columns = [lately.c[name] for name in names]
        return select(*columns, func.count().label("runs")).group_by(*columns).subquery()

    groups = (
        select(
            automatic.label("automatic"),
            waiting.c.installation,
            waiting.c.repo_id,
            func.min(waiting.c.id).label("oldest"),
        )
        .where(waiting.c.state == _QUEUED)
        .group_by(automatic, waiting.c.installation, waiting.c.repo_id)
        .subquery("groups")
    )
    of_owner, of_repo, of_person = (
        count_by("installation"),
        count_by("installation", "repo_id"),
        count_by("installation", "person"),
    )
    same_repo = and_(of_repo.c.installation == groups.c.installation, of_repo.c.repo_id == groups.c.repo_id)
    order = ("automatic", "owner_runs", "repo_runs", "oldest")
    ranked = (
        select(
            *(groups.c[name] for name in ("automatic", "installation", "repo_id", "oldest")),
            func.coalesce(of_owner.c.runs, 0).label("owner_runs"),
            func.coalesce(of_repo.c.runs, 0).label("repo_runs"),
        )
        .select_from(
            groups.outerjoin(of_owner, of_owner.c.installation == groups.c.installation).outerjoin(
                of_repo, same_repo
            )
        )
        .order_by(*order)
        .offset(literal_column("0"))  # keeps PostgreSQL from taking the subquery apart again
        .subquery("ranked")
    )
    same_person = and_(
        of_person.c.installation == tasks.c.installation,
        of_person.c.person == tasks.c.requester.op("->>")(_PERSON),
    )
    first = (
        select(tasks.c.id)
        .select_from(tasks.outerjoin(of_person, same_person))
        .where(
            is_claimable(),
            ~(tasks.c.id == any_(bindparam("started", type_=ARRAY(BigInteger)))),
            tasks.c.installation == ranked.c.installation,
            tasks.c.repo_id == ranked.c.repo_id,
            (tasks.c.priority < 0) == ranked.c.automatic,
        )
        .order_by(func.coalesce(of_person.c.runs, 0), tasks.c.id)
        .limit(_ONE)
        .lateral("first")
    )
    in_order = (ranked.c[name] for name in order)
    return select(first.c.id).select_from(ranked.join(first, true())).order_by(*in_order).limit(_ONE)


def _select_recent_runs() -> CompoundSelect[Any]:
    """Whose runs go on, or began within FAIR_WITHIN and are over: a row for each."""
    begun = tasks.alias("begun")
    whose = (begun.c.installation, begun.c.repo_id, begun.c.requester.op("->>")(_PERSON).label("person"))
    running = select(*whose).where(begun.c.state == RUNNING)
    ended = (
        select(*whose)
        .select_from(runs.join(begun, begun.c.id == runs.c.task))
        .where(runs.c.started_at > func.now() - _FAIR_INTERVAL, runs.c.ended_at.is_not(None))
    )
    return running.union_all(ended)


FAIR_CHOICE = _build_fair_choice()
