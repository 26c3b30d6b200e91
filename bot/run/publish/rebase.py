"""What a change goes on top of moved while Hob worked: the change is carried over to there and proved again.

Once: what moves again meanwhile is found out where it is pushed, and left alone. Nobody's commits are lost.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.domain import ChangeSet, Note, OutcomeKind, Phase, Proof, Result
from bot.errors import UserError
from bot.git.diff import unified_diff
from bot.git.rebase import rebase_changes
from bot.git.transplant import Conflict
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove
from bot.run.task_end import end_without_pull
from bot.text.defuse import table_cell
from bot.workspace.checkout import Checkout

MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RebasedResult:
    """A result on what is there now, where the branch stands, and what there is to say of it."""

    result: Result
    head: str | None
    words: str = ""


async def rebase_onto_new_head(job: Job, prepared: Prepared, result: Result) -> RebasedResult:
    """The result on the newest commit, when one came meanwhile. Raises UserError when it does not fit there.

    A branch that is not there yet may begin where the default branch was: then it is only said.
    """
    here = RebasedResult(result=result, head=prepared.head)
    if end_without_pull(result) is not None or result.changes.parents:
        return here
    name, tip = await _newest(job, prepared)
    if tip is None or tip == result.changes.base:
        return here
    try:
        fresh = await _on_tip(job, prepared, result, tip, name)
    except Conflict as conflict:
        if prepared.head is None:
            return replace(here, words=_conflict(name, conflict.paths))
        raise UserError(_left(name, conflict.paths), phase="publish") from None
    if prepared.head is not None:
        return RebasedResult(result=fresh, head=tip, words=_went_on(name))
    if any(check.broken for check in fresh.proof.checks):
        return replace(here, words=_fails(name, tip))
    return RebasedResult(result=fresh, head=None, words=_went_on(name))


async def _newest(job: Job, prepared: Prepared) -> tuple[str, str | None]:
    """The branch that the change goes on top of, and where it is now."""
    if prepared.fork:
        return prepared.fork.branch, (await job.api.pulls.get(prepared.fork.number)).head.sha
    name = job.task.repo.default_branch if prepared.head is None else prepared.branch
    return name, await job.api.commits.find_branch_head(name)


async def _on_tip(job: Job, prepared: Prepared, result: Result, tip: str, name: str) -> Result:
    """The same change on ``tip``, through the gate and proved there. Raises Conflict."""
    await job.store.set_phase(job.run, Phase.PROVE)
    await job.fetched(tip, result.changes.base)
    checkout = await _checkout(job, prepared, tip)
    changes = await rebase_changes(checkout.repo, result.changes, onto=tip)
    protected, redactor = checkout.config.protected_paths, job.parts.redactor
    changes = await asyncio.to_thread(admit_changes, changes, protected=protected, redactor=redactor)
    if not changes:
        told = f"`{table_cell(name)}` got this very change while I worked."
        outcome = replace(result.outcome, kind=OutcomeKind.NOTHING, summary=told, notes=())
        return Result(outcome=outcome, changes=changes, proof=Proof(base=tip))
    proof = await prove(checkout, changes, redactor)
    proof = replace(proof, blocked=proof.blocked or result.proof.blocked)
    diff = await asyncio.to_thread(unified_diff, checkout.repo, tip, changes)
    outcome = replace(result.outcome, notes=_that_still_stand(result, changes))
    return Result(outcome=outcome, changes=changes, proof=proof, diff=diff)


async def _checkout(job: Job, prepared: Prepared, tip: str) -> Checkout:
    """The newest commit under the configuration of the default branch."""
    workshop, repo = job.parts.workshop, job.task.repo
    policy = tip
    if prepared.head is not None:
        policy = await workshop.mirror.resolve(repo.id, f"refs/heads/{repo.default_branch}") or tip
    return await workshop.checkout(repo.id, tip, job.parts.redactor, policy=policy, foreign=prepared.foreign)


def _that_still_stand(result: Result, changes: ChangeSet) -> tuple[Note, ...]:
    """The notes on files that are as they were: elsewhere their lines may be others."""
    before = {file.path: file for file in result.changes.files}
    same = {file.path for file in changes.files if before.get(file.path) == file}
    return tuple(note for note in result.outcome.notes if note.path in same)


def _named(paths: tuple[str, ...]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return ", ".join(f"`{table_cell(path)}`" for path in paths[:MOST_NAMED]) + more


def _went_on(name: str) -> str:
    return (
        f"⏩ `{table_cell(name)}` went on while I worked: this is on its newest "
        "commit, and proved there again."
    )


def _conflict(name: str, paths: tuple[str, ...]) -> str:
    return (
        f"⚠️ `{table_cell(name)}` went on while I worked, and conflicts with this in {_named(paths)}. "
        "Mention me with “solve the conflict”, and I merge it."
    )


def _fails(name: str, tip: str) -> str:
    return (
        f"⚠️ `{table_cell(name)}` went on while I worked. This is on the commit that I began from: on "
        f"{tip[:12]} it breaks tests that pass there. Mention me with “rebase”, and I look into that."
    )


def _left(name: str, paths: tuple[str, ...]) -> str:
    return (
        f"`{table_cell(name)}` was changed by somebody else while I worked, and my change does not fit there "
        f"any more ({_named(paths)}), so I left it alone. Ask again and I will go on from there."
    )
