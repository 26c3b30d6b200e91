"""The strategy for ``@hob use 2``: take a stored attempt, in the place of what is published, proved again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.agent.transcript import load_suspicions
from bot.domain import ChangeSet, Outcome, OutcomeKind, Phase, ProvenChange, TaskEnd, TaskState, Usage
from bot.errors import UserError
from bot.run.attempts.attempt_store import load_attempt
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.prepare.prepare import Prepared, prepare
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove_result
from bot.run.strategies.build_proven_change import build_proven_change
from bot.run.strategies.move_attempt import move_attempt, report_unfit
from bot.run.strategies.release_offer import add_release_offer
from bot.tasks.attempts import AttemptRecord


async def use_attempt(job: Job) -> ProvenChange | TaskEnd:
    """The attempt that was asked for, on the branch as it is now, proved again.

    Raises UserError when there is no such attempt or it no longer fits.
    """
    number = job.task.directive.number if job.task.directive else 0
    known = await job.store.list_attempts(job.task.root)
    wanted = next((each for each in known if each.ordinal == number), None)
    if wanted is None:
        raise UserError(report_missing_attempt(number, known), phase="prepare")
    stored = await _load_changes(job, wanted)
    chosen = next((each for each in known if each.chosen), None)
    published = await job.store.load_attempt_changes(chosen) if chosen else None
    prepared = await prepare(job, merging=bool(stored.parents) and not published)
    changes = await _fit_and_admit(job, prepared, number, stored, published)
    if not changes:
        await job.store.choose_attempt(job.run, job.task.root, number)
        return TaskEnd(state=TaskState.DONE, text=f"✅ **Attempt {number} is what is there already.**")
    await job.store.set_phase(job.run, Phase.PROVE)
    outcome = await _load_outcome(job, wanted)
    asked, redactor = prepared.brief.asked, job.parts.redactor
    result = await prove_result(prepared.checkout, outcome, changes, redactor, request=asked, anew=True)
    result = await add_release_offer(job, prepared, result, ordinal=number)
    who = job.task.requester.login
    choice = f"🔀 This is attempt {number}, as `@{who}` chose. [Compare]({job.compare_url})"
    return end_without_pull(result) or build_proven_change(
        job, prepared, result, head=prepared.head, ordinal=number, choice=choice
    )


def report_missing_attempt(number: int, known: list[AttemptRecord]) -> str:
    """The text that there is no such attempt, and which there are."""
    numbers = [each.ordinal for each in known]
    there = f"there are {min(numbers)}-{max(numbers)}" if len(numbers) > 1 else "there is only 1"
    return f"There is no attempt {number}; {there if numbers else 'there are none'}."


async def _load_changes(job: Job, wanted: AttemptRecord) -> ChangeSet:
    changes = await job.store.load_attempt_changes(wanted)
    if not changes:
        raise UserError(f"Attempt {wanted.ordinal} changed nothing, so there is nothing to publish.")
    return changes


async def _fit_and_admit(
    job: Job, prepared: Prepared, number: int, wanted: ChangeSet, published: ChangeSet | None
) -> ChangeSet:
    """The attempt's change set in the place of the ``published`` one, admitted by the gate again."""
    if wanted.parents and not published:
        if prepared.checkout.base != wanted.base:  # the merge is another one now
            raise report_unfit(number, "the branch or its base")
        changes = wanted
    else:
        changes = await move_attempt(job, prepared.checkout, number, wanted, published)
    return await asyncio.to_thread(
        admit_changes,
        changes,
        protected=prepared.checkout.config.protected_paths,
        redactor=job.parts.redactor,
    )


async def _load_outcome(job: Job, wanted: AttemptRecord) -> Outcome:
    """The attempt's own title and summary. Notes are left out: their lines may be others now."""
    result = (await load_attempt(job.store, wanted)).result
    if result is None:
        last = (await job.store.list_turns(wanted.run, ordinal=wanted.ordinal))[-1:]
        read = load_suspicions(last[0].record) if last else ()
        return Outcome(kind=OutcomeKind.LIMIT, summary="It was interrupted.", suspicions=read)
    stored = result.outcome
    kind = OutcomeKind.LIMIT if stored.kind is OutcomeKind.LIMIT else OutcomeKind.CHANGED
    return replace(stored, kind=kind, notes=(), replies=(), usage=Usage())
