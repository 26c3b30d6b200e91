"""The branch moved while Hob worked: the change is rebased onto its new head and proved again.

Once: what moves again meanwhile is found out where it is pushed, and left alone. Nobody's commits are lost.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.domain import ChangeSet, Note, OutcomeKind, Phase, Proof, Result
from bot.errors import UserError
from bot.git.rebase import rebase_changes
from bot.git.transplant import Conflict
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove_result
from bot.text.defuse import code_span
from bot.text.lists import join_first
from bot.workspace.checkout import Checkout

MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class RebasedResult:
    """A result on the branch's newest commit, where the branch stands, and a note for users ('': none)."""

    result: Result
    head: str | None
    note: str = ""


async def rebase_onto_new_head(job: Job, prepared: Prepared, result: Result) -> RebasedResult:
    """The result on the newest commit, when one came meanwhile. Raises UserError when it does not fit there.

    A branch that is not there yet may begin where the default branch was: then there is only a note.
    """
    unmoved = RebasedResult(result=result, head=prepared.head)
    if end_without_pull(result) is not None or result.changes.parents:
        return unmoved
    name, tip = await _find_tip(job, prepared)
    if tip is None or tip == result.changes.base:
        return unmoved
    try:
        rebased = await _rebase(job, prepared, result, tip, name)
    except Conflict as conflict:
        if prepared.head is None:
            return replace(unmoved, note=_render_conflict(name, conflict.paths))
        raise UserError(_render_left_alone(name, conflict.paths), phase="publish") from None
    if prepared.head is not None:
        return RebasedResult(result=rebased, head=tip, note=_render_rebased(name))
    if any(check.broken for check in rebased.proof.checks):
        return replace(unmoved, note=_render_fails(name, tip))
    return RebasedResult(result=rebased, head=None, note=_render_rebased(name))


async def _find_tip(job: Job, prepared: Prepared) -> tuple[str, str | None]:
    """The branch that the change goes on top of, and where it is now."""
    if prepared.fork:
        return prepared.fork.branch, (await job.api.pulls.get(prepared.fork.number)).head.sha
    name = job.task.repo.default_branch if prepared.head is None else prepared.branch
    return name, await job.api.commits.find_branch_head(name)


async def _rebase(job: Job, prepared: Prepared, result: Result, tip: str, name: str) -> Result:
    """The same change on ``tip``, admitted by the gate and proved there. Raises Conflict."""
    await job.store.set_phase(job.run, Phase.PROVE)
    await job.fetch(tip, result.changes.base)
    checkout = await _check_out(job, prepared, tip)
    changes = await rebase_changes(checkout.repo, result.changes, onto=tip)
    protected, redactor = checkout.config.protected_paths, job.parts.redactor
    changes = await asyncio.to_thread(admit_changes, changes, protected=protected, redactor=redactor)
    if not changes:
        summary = f"{code_span(name)} got this very change while I worked."
        outcome = replace(result.outcome, kind=OutcomeKind.NOTHING, summary=summary, notes=())
        return Result(outcome=outcome, changes=changes, proof=Proof(base=tip))
    outcome = replace(result.outcome, notes=_select_valid_notes(result, changes))
    rebased = await prove_result(checkout, outcome, changes, redactor, request=prepared.brief.asked)
    blocked = rebased.proof.blocked or result.proof.blocked
    return replace(rebased, proof=replace(rebased.proof, blocked=blocked))


async def _check_out(job: Job, prepared: Prepared, tip: str) -> Checkout:
    """The newest commit under the configuration of the default branch."""
    workshop, repo = job.parts.workshop, job.task.repo
    policy = tip
    if prepared.head is not None:
        policy = await workshop.mirror.resolve(repo.id, f"refs/heads/{repo.default_branch}") or tip
    return await workshop.checkout(repo.id, tip, job.parts.redactor, policy=policy, foreign=prepared.foreign)


def _select_valid_notes(result: Result, changes: ChangeSet) -> tuple[Note, ...]:
    """The notes on files that are as they were: elsewhere their lines may be others."""
    before = {file.path: file for file in result.changes.files}
    same = {file.path for file in changes.files if before.get(file.path) == file}
    return tuple(note for note in result.outcome.notes if note.path in same)


def _join_paths(paths: tuple[str, ...]) -> str:
    return join_first([f"{code_span(path)}" for path in paths], MOST_NAMED)


def _render_rebased(name: str) -> str:
    return (
        f"⏩ {code_span(name)} went on while I worked: this is on its newest commit, and proved there again."
    )


def _render_conflict(name: str, paths: tuple[str, ...]) -> str:
    return (
        f"⚠️ {code_span(name)} went on while I worked, and conflicts with this in {_join_paths(paths)}. "
        "Mention me with “solve the conflict”, and I merge it."
    )


def _render_fails(name: str, tip: str) -> str:
    return (
        f"⚠️ {code_span(name)} went on while I worked. This is on the commit that I began from: on "
        f"{tip[:12]} it breaks tests that pass there. Mention me with “rebase”, and I look into that."
    )


def _render_left_alone(name: str, paths: tuple[str, ...]) -> str:
    return (
        f"{code_span(name)} was changed by somebody else while I worked, and my change does not fit there "
        f"any more ({_join_paths(paths)}), so I left it alone. Ask again and I will go on from there."
    )
