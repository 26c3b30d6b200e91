"""What Hob stored of the work that opened a pull request: its summary as it was written, and its proof.

A later commit's description goes on from it, so that the summary keeps its Markdown and the proof compares
with the pull request's own base.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain import Outcome, Proof, ProofWarning, Task, TaskState
from bot.tasks.database.column_values import restore
from bot.tasks.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWork:
    """The agent's summary and the proof of a pull request's first commit.

    ``warnings`` are those of all proofs since: what stands in the pull request does not go by a new commit.
    """

    summary: str
    proof: Proof
    warnings: tuple[ProofWarning, ...] = ()


async def load_first_work(store: Store, task: Task, pull: int) -> FirstWork | None:
    """What the task that opened ``pull`` left; None when that is ``task`` itself, or nothing is stored."""
    first: FirstWork | None = None
    for before in await store.list_tasks_of_pull(task.repo.id, pull):
        if before.id == task.id or before.pull != pull or before.state is not TaskState.DONE:
            continue
        for run in reversed(await store.list_runs(before.id)):
            if run.outcome and run.proof:
                proof = restore(Proof, run.proof)
                first = first or FirstWork(summary=restore(Outcome, run.outcome).summary, proof=proof)
                warnings = dict.fromkeys((*first.warnings, *proof.warnings))
                first = replace(first, warnings=tuple(warnings))
                break
    return first
