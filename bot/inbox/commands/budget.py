"""``@hob budget``: what a thread cost, what a task may cost, what the installation has left for 24 hours."""

from __future__ import annotations

from bot.domain import Event, Task
from bot.github.app import RepoApi
from bot.inbox.commands.config import limit_budget, read_config_in_force
from bot.inbox.commands.status import render_task_name
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.tasks.costs import Cost


async def render_budget(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """What this thread cost, what a task may cost, and what the installation has left.

    Raises UserError when the repository's file is invalid.
    """
    tasks = await list_tasks_about(context, event)
    costs = [await context.store.sum_costs([task.id]) for task in tasks]
    lines = [
        f"- {render_task_name(task)}: {render_cost(cost)}" for task, cost in zip(tasks, costs, strict=True)
    ][-10:]
    if len(tasks) > 1:
        whole = await context.store.sum_costs([task.id for task in tasks])
        lines.append(f"- **all of this thread**: {render_cost(whole)}")
    limits = limit_budget(context, (await read_config_in_force(api, event)).config)
    lines.append(
        f"- a task may cost: ${limits.usd:g}, {limits.minutes:g} minutes of thinking, {limits.turns:g} turns"
    )
    today = await context.store.load_daily_budget(event.installation, context.operator.daily_usd)
    left = (
        f"${today.left_usd:.2f} of ${today.limit_usd:g} are left"
        if today.left_usd is not None
        else "no limit is set (`HOB_DAILY_USD`)"
    )
    lines.append(f"- this installation in the last 24 hours: {render_cost(today.used)}; {left}")
    return "\n".join(lines if tasks else ["Nothing was done on this thread yet.", "", *lines])


def render_cost(cost: Cost) -> str:
    """US dollars, turns, tokens and minutes."""
    if not cost.turns:
        return "nothing"
    tokens = f"{cost.tokens:,} tokens, " if cost.tokens else ""
    return f"${cost.usd:.2f} ({cost.turns} turns, {tokens}{cost.seconds / 60:.1f} minutes)"


async def list_tasks_about(context: DeliveryContext, event: Event) -> list[Task]:
    """What a command on this thread may be about, the oldest first."""
    if event.thread and event.thread.is_pull and event.repo:
        return await context.store.list_tasks_of_pull(event.repo.id, event.thread.number)
    return await context.store.list_tasks_on(thread_key(event))
