"""How a task ends: the state it is left in and the final text of its progress comment."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.result import Result
from bot.domain.task import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEnd:
    """The state that the task is left in, and the progress comment's final text."""

    state: TaskState
    text: str
    reason: str = ""
    result: Result | None = None
