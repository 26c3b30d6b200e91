"""What Hob stored of the work that opened a pull request: its summary as it was written, and its proof.

A later commit's description goes on from it, so that the summary keeps its Markdown and the proof compares
with the pull request's own base.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import Outcome, Proof, Task
from bot.tasks.database.column_values import restore
from bot.tasks.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWork:
    """The agent's summary and the proof of a pull request's first commit."""

    summary: str
    proof: Proof


async def load_first_work(store: Store, task: Task, pull: int) -> FirstWork | None:
    """What the task that opened ``pull`` left; None when that is ``task`` itself, or nothing is stored."""
    first = await store.find_task_of_pull(task.repo.id, pull)
    if first is None or first.id == task.id:
        return None
    for run in reversed(await store.list_runs(first.id)):
        if run.outcome and run.proof:
            outcome = restore(Outcome, run.outcome)
            return FirstWork(summary=outcome.summary, proof=restore(Proof, run.proof))
    return None
