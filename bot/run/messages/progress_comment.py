"""The progress comment: while the task is under way, and at its end."""

from __future__ import annotations

from collections.abc import Sequence

from bot.domain import Step, StepState, Task
from bot.run.messages.fold import fold_details
from bot.run.messages.origin import render_run_link, render_unasked
from bot.text.defuse import defuse_line
from bot.text.fit import mark

_BOX = {
    StepState.TODO: "- [ ] {}",
    StepState.DOING: "- [ ] **{}** …",
    StepState.DONE: "- [x] {}",
    StepState.SKIPPED: "- [x] ~~{}~~",
}


def task_mark(task: Task) -> str:
    """The key of the hidden line by which a task's progress comment is found again."""
    return f"task:{task.id}"


def render_at_work(run_url: str) -> str:
    """The summary of the check run that says so."""
    return f"I am on it. {render_run_link(run_url)}".strip()


def render_progress(task: Task, steps: Sequence[Step], *, status: str, run_url: str) -> str:
    """The one progress comment while the task is under way."""
    foot = f"{render_unasked(task)} {render_run_link(run_url)}".strip()
    return "\n\n".join(part for part in (mark(task_mark(task)), status, _render_plan(steps), foot) if part)


def render_final(task: Task, steps: Sequence[Step], *, text: str, run_url: str) -> str:
    """The progress comment at its end: the outcome first, then the plan as it was left."""
    plan = _render_plan(steps)
    details = fold_details("Plan", plan) if plan else ""
    foot = f"{render_unasked(task)} {render_run_link(run_url)}".strip()
    return "\n\n".join(part for part in (mark(task_mark(task)), text, details, foot) if part)


def _render_plan(steps: Sequence[Step]) -> str:
    return "\n".join(_BOX[step.state].format(defuse_line(step.text)) for step in steps)
