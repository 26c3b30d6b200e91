"""Check runs that trigger work: the buttons on Hob's own, and failures of other apps'."""

from __future__ import annotations

from bot.domain.event import TriggerKind
from bot.domain.task import Task

STOP, FIX = "stop", "fix"  # identifiers of the buttons
FAILURES = frozenset({"failure", "timed_out"})  # conclusions


def is_automatic(task: Task) -> bool:
    """Whether a failing check asked for the task, not a person."""
    return task.trigger.kind is TriggerKind.CHECK and task.trigger.text in FAILURES
