"""``@hob explain``: what Hob did last on a thread, from what is stored; no model is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from bot.domain import TERMINAL, Event, Task, TaskState
from bot.github.app import RepoApi
from bot.inbox.commands.budget import list_tasks_about, render_cost
from bot.inbox.delivery_context import DeliveryContext
from bot.tasks.runs import RunRecord
from bot.text.defuse import code_span, defuse_line

NOTHING = "I have not been asked for anything on this thread yet."
_STEPS = {"todo": "- [ ]", "doing": "- [ ]", "done": "- [x]", "skipped": "- [ ] (left out)"}


async def render_explanation(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """What was asked for last and by whom, Hob's plan, and the result."""
    tasks = await list_tasks_about(context, event)
    if not tasks:
        return NOTHING
    task = next((each for each in reversed(tasks) if each.leases_taken), tasks[-1])
    runs = await context.store.list_runs(task.id)
    asked = "\n".join(f"> {defuse_line(line)}" for line in task.request.splitlines()[:20])
    who = f"`@{task.requester.login}` asked for this in {task.trigger.url} ({task.kind.value}):"
    parts = [
        who,
        asked,
        _render_plan(runs),
        await _render_outcome(context, task),
        await _render_facts(context, task, runs),
    ]
    return await asyncio.to_thread(context.operator.safe, "\n\n".join(part for part in parts if part))


def _render_plan(runs: Sequence[RunRecord]) -> str:
    steps: list[dict[str, Any]] = next((run.plan for run in reversed(runs) if run.plan), [])
    lines = [f"{_STEPS.get(step['state'], '-')} {defuse_line(step['text'])}" for step in steps]
    return "\n".join(["What I meant to do:", "", *lines]) if lines else ""


async def _render_outcome(context: DeliveryContext, task: Task) -> str:
    """The text with which the task ended, as it was published then."""
    if task.state not in TERMINAL:
        return f"That is not over yet: it is {task.state.value}."
    saved = await context.store.load_changes(task.id) or {}
    text = str((saved.get("ended") or {}).get("text") or "")
    if not text:
        reason = f": {defuse_line(task.reason)}" if task.reason else ""
        return f"It ended as {task.state.value}{reason}."
    where = f" (#{task.pull})" if task.pull and task.state is TaskState.DONE else ""
    return f"What came of it{where}:\n\n{text}"


async def _render_facts(context: DeliveryContext, task: Task, runs: Sequence[RunRecord]) -> str:
    made = [each for each in await context.store.list_attempts(task.root) if each.maker == task.id]
    names = {"scripted" if each.model.startswith("scripted") else each.model for each in made if each.model}
    models = ", ".join(code_span(name) for name in sorted(names))
    base = next((run.base_sha for run in reversed(runs) if run.base_sha), "")
    facts = [
        f"model {models}" if models else "",
        f"worked on `{base[:12]}`" if base else "",
        f"cost {render_cost(await context.store.sum_costs([task.id]))}",
        f"[Run]({context.operator.base_url}/runs/{runs[-1].id})" if runs else "",
    ]
    return "; ".join(fact for fact in facts if fact)
