"""The earlier request that ``@hob try 3`` makes more attempts at, and what was published of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain import Task
from bot.errors import UserError
from bot.run.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRequest:
    """An earlier request. ``pull`` is the open pull request that came of it, else 0."""

    subject: Task
    base: str
    pull: int
    published: int  # the ordinal of the attempt that is published there, 0 when it is not known


async def find_earlier_request(job: Job) -> EarlierRequest | None:
    """What the task makes more attempts at; None for a request of its own."""
    if job.task.root == job.task.id:
        return None
    root = await job.store.get_task(job.task.root)
    if root is None:
        raise UserError("The task that this is about is not known any more.", phase="prepare")
    chosen = next((each for each in await job.store.list_attempts(root.id) if each.chosen), None)
    pull = root.pull if root.pull and await _is_open(job, root.pull) else 0
    runs = [each.base_sha for each in await job.store.list_runs(root.id) if each.base_sha]
    base = (chosen.base_sha if chosen else "") or (runs[-1] if runs else "")
    if pull and chosen and (changes := await job.store.load_attempt_changes(chosen)):
        await job.fetch_base(changes)
    # The agent sees comments up to the command, but not the command itself.
    trigger = replace(root.trigger, at=job.task.trigger.at - timedelta(seconds=1))
    return EarlierRequest(
        subject=replace(root, trigger=trigger),
        base=base if pull else "",
        pull=pull,
        published=chosen.ordinal if chosen and pull else 0,
    )


async def _is_open(job: Job, pull: int) -> bool:
    return (await job.api.pulls.get(pull)).is_open
