"""Flags in PostgreSQL: read whole, changed one at a time, each change beside its entry in the audit log.

All of it works on one synchronous connection, inside the caller's transaction: the dashboard has such
connections, the command line and the worker get one by ``run_sync``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from bot.flags.known import KNOWN, FlagError, FlagValue
from bot.flags.rules import (
    EVERYBODY,
    FlagRule,
    FlagRules,
    Unit,
    check_audience,
    check_member,
)
from bot.tasks.database.column_values import storable
from bot.tasks.database.tables import TASK_PERSON, audit, flag_rules, pilots, releases, tasks

GOING = "going"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who changes a flag: a person signed in on the dashboard, a user of a machine, or Hob itself."""

    login: str
    person: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRule:
    """A rule as it is listed: by whose order, since when."""

    rule: FlagRule
    login: str
    since: datetime


def load_rules(connection: Connection) -> FlagRules:
    """All rules, releases and pilots that hold now. What only a newer version knows is left out."""
    going = select(releases).where(releases.c.state == GOING)
    lists: dict[str, set[str]] = {}
    for name, member in connection.execute(select(pilots.c.name, pilots.c.member)):
        lists.setdefault(name, set()).add(member)
    return FlagRules(
        rules={
            (each.rule.flag, each.rule.audience): each.rule
            for each in list_rules(connection)
            if each.rule.flag in KNOWN
        },
        releases={
            (row.flag, row.audience): FlagRule(
                flag=row.flag,
                audience=row.audience,
                value=row.value,
                percent=float(row.steps[row.step]),
                unit=Unit(row.unit),
                release=row.id,
            )
            for row in connection.execute(going)
            if row.flag in KNOWN
        },
        pilots={name: frozenset(members) for name, members in lists.items()},
    )


def list_rules(connection: Connection) -> list[StoredRule]:
    """Every rule, by flag and audience."""
    rows = connection.execute(select(flag_rules).order_by(flag_rules.c.flag, flag_rules.c.audience))
    return [
        StoredRule(
            rule=FlagRule(
                flag=row.flag,
                audience=row.audience,
                value=row.value,
                percent=row.percent,
                unit=Unit(row.unit),
            ),
            login=row.login,
            since=row.since,
        )
        for row in rows
    ]


def set_rule(
    connection: Connection,
    flag: str,
    value: FlagValue,
    by: Actor,
    *,
    audience: str = EVERYBODY,
    percent: float = 100.0,
    unit: Unit = Unit.REPOSITORY,
) -> None:
    """Have the flag say ``value`` to ``percent`` of an audience, in place of what it said to it.

    Raises FlagError for a malformed audience.
    """
    row = {
        "flag": flag,
        "audience": check_audience(audience),
        "value": value,
        "percent": percent,
        "unit": unit.value,
        "login": by.login,
        "since": func.now(),
    }
    new = upsert(flag_rules).values(row)
    replaced = {name: new.excluded[name] for name in row if name not in ("flag", "audience")}
    connection.execute(new.on_conflict_do_update(index_elements=["flag", "audience"], set_=replaced))
    whom = "" if percent == 100 else f", {percent:g}% of each {unit.value}"
    record(connection, by, "set flag", f"{flag} = {render_value(value)} for {audience}{whom}")


def clear_rule(connection: Connection, flag: str, by: Actor, *, audience: str = "") -> int:
    """Have the flag say nothing to an audience, '' for every one; returns how many rules that removed."""
    which = flag_rules.c.flag == flag
    if audience:
        which = which & (flag_rules.c.audience == check_audience(audience))
    gone = connection.execute(delete(flag_rules).where(which)).rowcount
    if gone:
        record(connection, by, "clear flag", f"{flag} for {audience or 'every audience'}")
    return gone


def change_pilots(
    connection: Connection, name: str, by: Actor, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> list[str]:
    """Add members to a list of pilots and remove others; returns who is on it. Raises FlagError."""
    check_audience(f"pilots:{name}")
    for member in add:
        row = {"name": name, "member": check_member(member)}
        connection.execute(upsert(pilots).values(row).on_conflict_do_nothing())
    for member in remove:
        which = (pilots.c.name == name) & (pilots.c.member == check_member(member))
        if not connection.execute(delete(pilots).where(which)).rowcount:
            raise FlagError(f"{member} is not on the list of pilots {name}")
    if add or remove:
        said = [*(f"+{each}" for each in add), *(f"-{each}" for each in remove)]
        record(connection, by, "change pilots", f"{name}: {', '.join(said)}")
    query = select(pilots.c.member).where(pilots.c.name == name).order_by(pilots.c.member)
    return list(connection.scalars(query))


def resolve_audience(connection: Connection, words: str) -> str:
    """An audience by its numbers, from one that may name a repository or a person as people do.

    ``repository:octo/app`` and ``person:ann`` are looked up among the tasks there are. Raises FlagError.
    """
    kind, _, name = words.partition(":")
    if not name or name.isdigit() or kind not in ("repository", "person"):
        return check_audience(words)
    if kind == "repository":
        found = select(tasks.c.repo_id).where(func.lower(tasks.c.repo_full_name) == name.lower())
    else:
        found = select(tasks.c.requester["id"].as_integer()).where(text(f"{TASK_PERSON} = :login"))
        found = found.params(login=name.lower())
    number = connection.scalar(found.order_by(tasks.c.id.desc()).limit(1))
    if number is None:
        raise FlagError(f"no task tells of the {kind} {name[:80]!r} yet: give its number, {kind}:NUMBER")
    return check_audience(f"{kind}:{number}")


def record(connection: Connection, by: Actor, action: str, words: str, outcome: str = "done") -> None:
    """Write into the audit log what was done."""
    row: dict[str, Any] = {
        "person": by.person,
        "login": by.login,
        "address": by.address,
        "action": action,
        "words": storable(words),
        "outcome": storable(outcome),
    }
    connection.execute(insert(audit).values(row))


def render_value(value: FlagValue) -> str:
    """A flag's value as people write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    return "scripted" if value.startswith("scripted:") else value
