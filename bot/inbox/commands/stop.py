"""``@hob stop``: cancel what runs and what is queued on a thread."""

from __future__ import annotations

from bot.github.app import RepoApi
from bot.inbox.decision import Command
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd, thread_key
from bot.tasks.database.tables import DeliveryState

NOTHING_TO_STOP = "There is nothing of mine to stop here: I am not working on this thread."


async def stop_tasks(context: DeliveryContext, api: RepoApi, command: Command) -> DeliveryEnd:
    """Ask for the thread's open tasks to be cancelled; answered by a reaction, or a comment without tasks."""
    event = command.event
    if event.trigger is not None:  # a request from before it may still be on its way
        await context.store.note_stop(thread_key(event), event.trigger.at)
    open_tasks = await context.list_open_tasks(event)
    for task in open_tasks:
        await context.store.ask_cancel(task.id)
    if open_tasks:
        await context.react(api, event, "+1")
    else:
        await context.comment(api, event, f"idle:{event.delivery}", NOTHING_TO_STOP)
    return DeliveryState.HANDLED, f"stopped {len(open_tasks)} tasks"
