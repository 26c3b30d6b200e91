"""Hob's own check runs, when somebody presses what GitHub shows beside them.

**Re-run**: GitHub sets the suite back to queued, and it stays so until the app says something. What was run
was run on this very commit, so the result is shown again, with a sentence that says so. A button on a fork's
commit comes without a pull request; the task whose number stands on the check run knows it.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain import Event, Task
from bot.domain.own_checks import CONCLUSIONS, PROOF, make_proof_key
from bot.github.answers import CheckRun
from bot.github.app import RepoApi
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.tasks.database.tables import DeliveryState

REMARK = (
    "Asked for again: the commit is the same, so this is the result of the first time. Mention me to have it "
    "worked on."
)


async def restore_checks(context: DeliveryContext, api: RepoApi, event: Event) -> DeliveryEnd:
    """Show the results again of the check run, or of all of the commit's, that was asked for again.

    One that is under way, or that nobody knows any more, is left as it is.
    """
    if event.trigger is not None:
        runs = [await api.checks.get(event.trigger.id)]
    else:
        runs = await api.checks.list_own(event.thread.head_sha if event.thread else "")
    restored = 0
    for run in runs:
        conclusion = await _find_conclusion(context, event, run)
        if conclusion:
            await api.checks.restore(run, conclusion, REMARK)
            restored += 1
    return DeliveryState.HANDLED, f"{restored} of {len(runs)} checks shown again"


async def find_task_of_check(context: DeliveryContext, event: Event, external_id: str) -> Task | None:
    """The task whose number is noted on one of the bot's check runs of the event's repository."""
    if not (external_id.isascii() and external_id.isdecimal() and len(external_id) < 19):
        return None
    task = await context.store.get_task(int(external_id))
    if task is None or event.repo is None or task.repo.id != event.repo.id:
        return None
    return task


async def find_thread_of_button(context: DeliveryContext, event: Event) -> Event | None:
    """The event on the thread of the task that made the check run; None when there is no such task."""
    task = await find_task_of_check(context, event, event.external_id)
    if task is None or not task.thread.is_pull or event.thread is None:
        return None
    thread = replace(event.thread, number=task.thread.number, url=task.thread.url)
    return replace(event, thread=thread)


async def _find_conclusion(context: DeliveryContext, event: Event, run: CheckRun) -> str | None:
    """How a check run ended, by GitHub or by Hob's own record; None when it has not, or is not known."""
    if run.conclusion:
        return run.conclusion
    task = await find_task_of_check(context, event, run.external_id)
    if task is None:
        return None
    if run.name != PROOF:
        return CONCLUSIONS.get(task.state)
    known = await context.effects.get(make_proof_key(task.id, run.head_sha))
    return CheckRun.from_json(known.answer).conclusion if known and known.done else None
