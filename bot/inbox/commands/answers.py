"""``@hob budget`` and ``@hob explain``: told from what is stored, so they cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain import TERMINAL, Event, Task, TaskState
from bot.github.app import RepoApi
from bot.inbox.commands.config import read_config_in_force
from bot.inbox.commands.earlier_work import named, plain
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.tasks.costs import Spent
from bot.tasks.runs import RunRecord

NOTHING = "I have not been asked for anything on this thread yet."
_STEPS = {"todo": "- [ ]", "doing": "- [ ]", "done": "- [x]", "skipped": "- [x]"}


async def render_budget(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """What this thread cost, what a task may cost, and what the installation has left.

    Raises UserError when the repository's file is invalid.
    """
    tasks = await _tasks(context, event)
    spent = [await context.store.spent(of=[task.id]) for task in tasks]
    lines = [f"- {named(task)}: {_cost(cost)}" for task, cost in zip(tasks, spent, strict=True)][-10:]
    if len(tasks) > 1:
        whole = await context.store.spent(of=[t.id for t in tasks])
        lines.append(f"- **all of this thread**: {_cost(whole)}")
    limits = (await read_config_in_force(api, event)).config.budget
    lines.append(
        f"- a task may cost: ${limits.usd:g}, {limits.minutes:g} minutes of thinking, {limits.turns} turns"
    )
    today = await context.store.spent(installation=event.installation, hours=24)
    most = context.operator.daily_usd
    left = (
        f"${max(0.0, most - today.usd):.2f} of ${most:g} are left"
        if most is not None
        else "no limit is set (`HOB_DAILY_USD`)"
    )
    lines.append(f"- this installation in the last 24 hours: {_cost(today)}; {left}")
    return "\n".join(lines if tasks else ["Nothing was done on this thread yet.", "", *lines])


async def render_explanation(context: DeliveryContext, event: Event) -> str:
    """What was asked for last and by whom, what Hob meant to do, and what came of it."""
    tasks = await _tasks(context, event)
    if not tasks:
        return NOTHING
    task = next((each for each in reversed(tasks) if each.leases_taken), tasks[-1])
    runs = await context.store.runs(task.id)
    asked = "\n".join(f"> {plain(line)}" for line in task.request.splitlines()[:20])
    who = f"`@{task.requester.login}` asked for this in {task.trigger.url} ({task.kind.value}):"
    parts = [who, asked, _plan(runs), await _outcome(context, task), await _facts(context, task, runs)]
    return context.operator.safe("\n\n".join(part for part in parts if part))


async def _tasks(context: DeliveryContext, event: Event) -> list[Task]:
    """What a command on this thread may be about, the oldest first."""
    if event.thread and event.thread.is_pull and event.repo:
        return await context.store.tasks_of_pull(event.repo.id, event.thread.number)
    return await context.store.tasks_on(thread_key(event))


def _cost(spent: Spent) -> str:
    if not spent.turns:
        return "nothing"
    tokens = f"{spent.tokens:,} tokens, " if spent.tokens else ""
    return f"${spent.usd:.2f} ({spent.turns} turns, {tokens}{spent.seconds / 60:.1f} minutes)"


def _plan(runs: Sequence[RunRecord]) -> str:
    steps: list[dict[str, Any]] = next((run.plan for run in reversed(runs) if run.plan), [])
    lines = [f"{_STEPS.get(step['state'], '-')} {plain(step['text'])}" for step in steps]
    return "\n".join(["What I meant to do:", "", *lines]) if lines else ""


async def _outcome(context: DeliveryContext, task: Task) -> str:
    """The words with which the task ended, as they were said then."""
    if task.state not in TERMINAL:
        return f"That is not over yet: it is {task.state.value}."
    saved = await context.store.changes(task.id) or {}
    text = str((saved.get("ended") or {}).get("text") or "")
    if not text:
        reason = f": {plain(task.reason)}" if task.reason else ""
        return f"It ended as {task.state.value}{reason}."
    where = f" (#{task.pull})" if task.pull and task.state is TaskState.DONE else ""
    return f"What came of it{where}:\n\n{text}"


async def _facts(context: DeliveryContext, task: Task, runs: Sequence[RunRecord]) -> str:
    made = [each for each in await context.store.attempts(task.root) if each.maker == task.id]
    names = {"scripted" if each.model.startswith("scripted") else each.model for each in made if each.model}
    models = ", ".join(f"`{plain(name)}`" for name in sorted(names))
    base = next((run.base_sha for run in reversed(runs) if run.base_sha), "")
    facts = [
        f"model {models}" if models else "",
        f"worked on `{base[:12]}`" if base else "",
        f"cost {_cost(await context.store.spent(of=[task.id]))}",
        f"[Run]({context.operator.base_url}/runs/{runs[-1].id})" if runs else "",
    ]
    return "; ".join(fact for fact in facts if fact)
