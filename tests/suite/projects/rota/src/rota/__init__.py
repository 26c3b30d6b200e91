"""Rosters for small teams."""

from rota.calendar import Holidays, add_workdays, month_end, workdays
from rota.planner import Planner, Shift
from rota.recurrence import Rule, parse_rule
from rota.span import Span, merge

__all__ = [
    "Holidays",
    "Planner",
    "Rule",
    "Shift",
    "Span",
    "add_workdays",
    "merge",
    "month_end",
    "parse_rule",
    "workdays",
]
