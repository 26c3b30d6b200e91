"""Which strategy works on which task. This table is all the ways that a task can go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.domain import DirectiveWord, ProvenChange, Task, TaskEnd
from bot.run.job import Job
from bot.run.strategies import approve, change, text, use
from bot.run.strategies.publish_change import publish_change


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A way to work on a task: ``make`` what is to be published (or end the task), then ``publish`` it."""

    make: Callable[[Job], Awaitable[ProvenChange | TaskEnd]]
    publish: Callable[[Job, ProvenChange], Awaitable[TaskEnd]]


CHANGE = Strategy(make=change.make_change, publish=publish_change)
TEXT = Strategy(make=text.make_text, publish=text.publish_text)
BY_DIRECTIVE = {
    DirectiveWord.TRY: CHANGE,
    DirectiveWord.USE: Strategy(make=use.use_attempt, publish=publish_change),
    DirectiveWord.APPROVE: Strategy(make=approve.approve_held_change, publish=publish_change),
}


def choose_strategy(task: Task) -> Strategy:
    """The strategy for a task: by its kind where only text comes of it, else by its directive."""
    if task.kind.produces_only_text:
        return TEXT
    return BY_DIRECTIVE[task.directive.word] if task.directive else CHANGE
