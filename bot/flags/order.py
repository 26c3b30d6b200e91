"""A change of a flag as people write it, on the command line or the dashboard: read, checked, carried out."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.flags.known import FlagError, FlagValue, find_flag, parse_value
from bot.flags.records import Actor, clear_rule, render_value, resolve_audience, set_rule
from bot.flags.releases import LARGE, begin_release, find_largest_share
from bot.flags.rules import EVERYBODY, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagOrder:
    """What a flag is to say to whom, each part as it was written."""

    flag: str
    value: str = ""
    audience: str = EVERYBODY
    percent: str = "100"
    unit: str = Unit.REPOSITORY.value


def carry_out(connection: Connection, order: FlagOrder, by: Actor, allowed_models: Collection[str]) -> str:
    """Set the rule; returns what was done in a sentence. Raises FlagError, and then nothing is changed."""
    value = parse_flag_value(order.flag, order.value, allowed_models)
    audience = resolve_audience(connection, order.audience)
    percent, unit = parse_percent(order.percent), parse_unit(order.unit)
    set_rule(connection, order.flag, value, by, audience=audience, percent=percent, unit=unit)
    share = "" if percent == 100 else f", {percent:g}% by {unit.value}"
    return f"{order.flag} is {render_value(value)} for {audience}{share}, from each task's next first run on"


def begin(
    connection: Connection,
    order: FlagOrder,
    by: Actor,
    allowed_models: Collection[str],
    *,
    steps: str,
    hours: float,
    margin: float,
) -> str:
    """Begin a release; returns what was done in a sentence. Raises FlagError, and then nothing is changed."""
    value = parse_flag_value(order.flag, order.value, allowed_models)
    audience, unit = resolve_audience(connection, order.audience), parse_unit(order.unit)
    plan = [parse_percent(each) for each in steps.split(",")]
    begin_release(
        connection,
        order.flag,
        value,
        by,
        audience=audience,
        unit=unit,
        steps=plan,
        hours=hours,
        margin=margin,
    )
    said = f"{order.flag} is {render_value(value)} for {plan[0]:g}% of {audience} now, by {unit.value}"
    largest = 0.0 if unit is Unit.THREAD else find_largest_share(connection, unit)
    if largest < LARGE:
        return said
    return (
        f"{said}. One {unit.value} has {largest:.0%} of the tasks, and counts as one among others, so the "
        "guard may be long in telling: --by thread avoids that"
    )


def clear(connection: Connection, order: FlagOrder, by: Actor) -> str:
    """Remove the rule; returns what was done in a sentence. Raises FlagError where there is none."""
    audience = resolve_audience(connection, order.audience)
    if not clear_rule(connection, order.flag, by, audience=audience):
        find_flag(order.flag)
        raise FlagError(f"{order.flag} says nothing to {audience}: `hob flags list` shows what is set")
    return f"{order.flag} says nothing to {audience} any more"


def parse_flag_value(flag: str, text: str, allowed_models: Collection[str]) -> FlagValue:
    """A flag's value from a text; a model must be one that the operator's settings name. Raises FlagError."""
    value = parse_value(flag, text)
    missing = (
        [] if flag != "model" else [each for each in str(value).split(",") if each not in allowed_models]
    )
    if missing:
        raise FlagError(f"HOB_MODELS does not name {missing[0]}: add it there, for every worker, first")
    return value


def parse_percent(text: str) -> float:
    """A percentage, with or without its sign. Raises FlagError."""
    try:
        percent = float(text.strip().removesuffix("%"))
    except ValueError:
        percent = math.nan
    if not 0 <= percent <= 100:
        raise FlagError(f"a percentage is from 0 to 100, not {text[:40]!r}")
    return percent


def parse_unit(text: str) -> Unit:
    """What a percentage counts. Raises FlagError."""
    if text not in list(Unit):
        raise FlagError(f"a percentage is of each {', '.join(Unit)}, not of each {text[:40]!r}")
    return Unit(text)
