"""The progress comment: while the task is under way, and at its end."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.domain import Step, StepState, Task, Usage
from bot.run.messages.fold import fold_details
from bot.run.messages.origin import render_run_link, render_unasked
from bot.text.defuse import defuse_line
from bot.text.fit import mark

# The first paragraph of a text that says how something ended: a sign, then words in bold.
_HEADLINE = re.compile(r"[^\w\s<`]{1,3}[ ]\*\*")
_BOX = {
    StepState.TODO: "- [ ] {}",
    StepState.DOING: "- [ ] **{}** …",
    StepState.DONE: "- [x] {}",
    StepState.SKIPPED: "- [ ] ~~{}~~ (left out)",
}
_BOX_AT_END = {StepState.DOING: "- [ ] {} (begun)"}


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


def render_final(
    task: Task,
    steps: Sequence[Step],
    *,
    text: str,
    run_url: str,
    usage: Usage | None = None,
    seconds: float | None = None,
) -> str:
    """The progress comment at its end: one headline with outcome, who asked, time and cost; then the rest.

    ``text`` begins with the outcome, unless it is an answer; then the facts follow it. ``seconds`` is the
    time since it was asked for, None where that is not known.
    """
    plan = _render_plan(steps, _BOX | _BOX_AT_END)
    details = fold_details("Plan, as it was left", plan) if plan else ""
    facts = _render_facts(task, usage, seconds)
    head, gap, rest = text.partition("\n\n")
    if _HEADLINE.match(head):
        text, facts = f"{head} · {facts}{gap}{rest}", ""
    where = f"{render_unasked(task)} {render_run_link(run_url)}".strip()
    foot = " · ".join(part for part in (facts, where) if part)
    return "\n\n".join(part for part in (mark(task_mark(task)), text, details, foot) if part)


def _render_facts(task: Task, usage: Usage | None, seconds: float | None) -> str:
    """Who asked, how long it took and what it cost, as far as that is known."""
    parts = [f"asked by `@{task.requester.login}`"]
    if seconds is not None:
        parts.append(_render_duration(seconds))
    if usage is not None and usage.turns:
        parts.append("1 turn" if usage.turns == 1 else f"{usage.turns} turns")
    if usage is not None and usage.usd:
        parts.append(f"${usage.usd:.2f}" if usage.usd >= 0.01 else "under $0.01")
    return " · ".join(parts)


def _render_duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _render_plan(steps: Sequence[Step], boxes: Mapping[StepState, str] = _BOX) -> str:
    return "\n".join(boxes[step.state].format(defuse_line(step.text)) for step in steps)
