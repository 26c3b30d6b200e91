"""What is set, as lines for an operator's terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from bot.flags.known import KNOWN
from bot.flags.records import list_rules, load_rules, render_value
from bot.flags.releases import list_releases
from bot.tasks.database.tables import pauses


def list_flags(connection: Connection) -> list[str]:
    """Rules, releases, pilots, pauses, and the flags that there are."""
    return [
        *_list_set(connection),
        *_list_releases(connection),
        *_list_pilots(connection),
        *_list_pauses(connection),
        "",
        "There are:",
        *(f"  {name:10} {flag.does}" for name, flag in KNOWN.items()),
    ]


def _list_set(connection: Connection) -> Iterator[str]:
    stored = list_rules(connection)
    if not stored:
        yield "No flag is set."
    for each in stored:
        rule = each.rule
        share = "" if rule.percent == 100 else f", {rule.percent:g}% by {rule.unit.value}"
        says = f"{rule.flag} = {render_value(rule.value)} for {rule.audience}{share}"
        yield f"{says} ({each.login}, {each.since:%Y-%m-%d %H:%M} UTC)"


def _list_releases(connection: Connection) -> Iterator[str]:
    for each in list_releases(connection):
        what = f"release {each.id}: {each.flag} = {render_value(each.value)} for {each.audience}"
        state = f"{each.percent:g}% by {each.unit.value}" if each.is_going else each.state
        why = f"; {each.reason}" if each.reason else ""
        yield f"{what}: {state} since {each.ended_at or each.step_at:%Y-%m-%d %H:%M} UTC{why}"


def _list_pilots(connection: Connection) -> Iterator[str]:
    for name, members in sorted(load_rules(connection).pilots.items()):
        yield f"pilots:{name}: {', '.join(sorted(members))}"


def _list_pauses(connection: Connection) -> Iterator[str]:
    for row in connection.execute(select(pauses).order_by(pauses.c.since)):
        yield f"PAUSED: {row.scope} ({row.login}, {row.since:%Y-%m-%d %H:%M} UTC); hob flags resume"
