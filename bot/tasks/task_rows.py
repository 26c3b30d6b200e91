"""A task as a row of its table, and back."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from bot.domain import (
    Directive,
    Person,
    Repo,
    Request,
    Task,
    TaskKind,
    TaskState,
    Thread,
    Trigger,
    TriggerKind,
)
from bot.errors import Parked
from bot.tasks.database.column_values import plain, restore, storable

AUTOMATIC = -1  # the priority of what no person asked for


def build_row(request: Request, ordinal: int) -> dict[str, Any]:
    """A new task's row. Raises ValueError when the event names no repository, thread, trigger or sender."""
    event = request.event
    if event.repo is None or event.thread is None or event.trigger is None or event.sender is None:
        raise ValueError(f"delivery {event.delivery} names no repository, thread, trigger or sender")
    return {
        "kind": request.kind,
        "priority": AUTOMATIC if event.sender.is_bot or event.trigger.kind is TriggerKind.CHECK else 0,
        "installation": event.installation,
        "repo": plain(event.repo),
        "repo_id": event.repo.id,
        "repo_full_name": event.repo.full_name,
        "thread": plain(event.thread),
        "thread_number": event.thread.number,
        "thread_key": f"{event.repo.id}#{event.thread.number}",
        "trigger": plain(event.trigger),
        "requester": plain(event.sender),
        "request": storable(request.request),
        "delivery": event.delivery,
        "ordinal": ordinal,
        "directive": plain(request.directive),
    }


def build_task(row: Row[Any]) -> Task:
    """A row of the tasks table as the domain's value.

    Raises Parked when a newer version of Hob made the task, of a kind that this one does not know.
    """
    if row.kind not in set(TaskKind):
        raise Parked(f"task {row.id} is of the kind {row.kind}, which only a newer version of Hob knows")
    return Task(
        id=row.id,
        kind=TaskKind(row.kind),
        state=TaskState(row.state),
        installation=row.installation,
        repo=restore(Repo, row.repo),
        thread=restore(Thread, row.thread),
        trigger=restore(Trigger, row.trigger),
        requester=restore(Person, row.requester),
        request=row.request,
        created_at=row.created_at,
        updated_at=row.updated_at,
        leases_taken=row.attempts,
        fence=row.fence,
        reason=row.reason,
        progress_comment=row.progress_comment,
        branch=row.branch,
        pull=row.pull,
        cancel_asked=row.cancel_asked,
        cancel_reason=row.cancel_reason,
        directive=restore(Directive, row.directive) if row.directive else None,
        delivery=row.delivery,
    )
