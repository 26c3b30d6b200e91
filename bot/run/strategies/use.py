"""More attempts at an earlier request (``@hob try 3``), and taking one that was kept (``@hob use 2``)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain import ChangeSet, Outcome, OutcomeKind, Phase, Proof, Result, Task, TaskState, Usage
from bot.errors import UserError
from bot.git.diff import unified_diff
from bot.git.transplant import Conflict, transplant
from bot.run.attempts.attempt_store import tried
from bot.run.attempts.ranking import Selection
from bot.run.job import Job
from bot.run.messages import attempts
from bot.run.prepare.prepare import Prepared, prepare
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove
from bot.run.proven_change import ProvenChange
from bot.run.strategies.held_paths import add_release_offer
from bot.run.task_end import TaskEnd, end_without_pull
from bot.tasks.attempts import AttemptRecord

UNFIT = (
    "Attempt {} does not fit any more: somebody changed {} since. Nothing was overwritten; ask me for the "
    "change anew."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRequest:
    """What was made of a request before. ``pull`` is the open pull request that came of it, else 0."""

    subject: Task
    base: str
    pull: int
    published: int  # the ordinal of the attempt that is published there, 0 when it is not known


async def find_earlier_request(job: Job) -> EarlierRequest | None:
    """What the task makes more attempts at; None for a request of its own."""
    if job.task.root == job.task.id:
        return None
    root = await job.store.task(job.task.root)
    if root is None:
        raise UserError("The task that this is about is not known any more.", phase="prepare")
    chosen = next((each for each in await job.store.attempts(root.id) if each.chosen), None)
    pull = root.pull if root.pull and await _open(job, root.pull) else 0
    runs = [each.base_sha for each in await job.store.runs(root.id) if each.base_sha]
    base = (chosen.base_sha if chosen else "") or (runs[-1] if runs else "")
    if pull and chosen and (made := await job.store.attempt_changes(chosen)):
        await job.ready(made)
    # What people said until the command is seen, the command itself is not.
    trigger = replace(root.trigger, at=job.task.trigger.at - timedelta(seconds=1))
    return EarlierRequest(
        subject=replace(root, trigger=trigger),
        base=base if pull else "",
        pull=pull,
        published=chosen.ordinal if chosen and pull else 0,
    )


def end_comparison(job: Job, picked: Selection, before: EarlierRequest) -> TaskEnd:
    """The end of attempts beside a published one: told, and nothing replaced."""
    text = attempts.render_comparison(
        picked, published=before.published, pull=before.pull, slug=job.parts.slug, url=job.compare_url
    )
    return TaskEnd(state=TaskState.DONE, text=text, result=picked.result)


async def use_attempt(job: Job, number: int) -> ProvenChange | TaskEnd:
    """Attempt ``number`` on what is there now, proved again. Raises UserError when it does not fit."""
    known = await job.store.attempts(job.task.root)
    wanted = next((each for each in known if each.ordinal == number), None)
    if wanted is None:
        raise UserError(report_missing_attempt(number, known), phase="prepare")
    parts = job.parts
    kept = await _kept(job, wanted)
    chosen = next((each for each in known if each.chosen), None)
    published = await job.store.attempt_changes(chosen) if chosen else None
    prepared = await prepare(
        job,
        merging=bool(kept.parents) and not published,
    )
    changes = await _on_what_is_there(job, prepared, number, kept, published)
    if not changes:
        await job.store.choose_attempt(job.run, job.task.root, number)
        return TaskEnd(state=TaskState.DONE, text=f"✅ **Attempt {number} is what is there already.**")
    await job.store.set_phase(job.run, Phase.PROVE)
    proof = await prove(prepared.checkout, changes, parts.redactor)
    diff = await asyncio.to_thread(unified_diff, prepared.checkout.repo, prepared.checkout.base, changes)
    result = await _result(job, wanted, changes, proof, diff)
    result = await add_release_offer(job, prepared, result, ordinal=number)
    ended = end_without_pull(result)
    if ended is not None:
        return ended
    words = f"This is attempt {number}, as `@{job.task.requester.login}` chose. [Compare]({job.compare_url})"
    return ProvenChange(
        result=result,
        branch=prepared.branch,
        head=prepared.head,
        hidden=(),
        fork=prepared.fork,
        protected=prepared.checkout.config.protected_paths,
        run_url=job.run_url,
        ordinal=number,
        choice=f"🔀 {words}",
    )


def report_missing_attempt(number: int, known: list[AttemptRecord]) -> str:
    """There is no such attempt; these there are."""
    numbers = [each.ordinal for each in known]
    there = f"there are {min(numbers)}-{max(numbers)}" if len(numbers) > 1 else "there is only 1"
    return f"There is no attempt {number}; {there if numbers else 'there are none'}."


async def _kept(job: Job, wanted: AttemptRecord) -> ChangeSet:
    changes = await job.store.attempt_changes(wanted)
    if not changes:
        raise UserError(f"Attempt {wanted.ordinal} changed nothing, so there is nothing to publish.")
    return changes


async def _on_what_is_there(
    job: Job, prepared: Prepared, number: int, wanted: ChangeSet, published: ChangeSet | None
) -> ChangeSet:
    """The attempt's change set in the place of the published one, through the gate again."""
    if wanted.parents and not published:
        if prepared.checkout.base != wanted.base:  # the merge is another one now
            raise UserError(UNFIT.format(number, "the branch or its base"), phase="prepare")
        there = wanted
    else:
        there = await _moved(job, prepared, number, wanted, published)
    return await asyncio.to_thread(
        admit_changes, there, protected=prepared.checkout.config.protected_paths, redactor=job.parts.redactor
    )


async def _moved(
    job: Job, prepared: Prepared, number: int, wanted: ChangeSet, published: ChangeSet | None
) -> ChangeSet:
    for changes in (wanted, published):
        if changes and changes.base:
            await job.ready(changes)
    try:
        there = await asyncio.to_thread(
            transplant,
            prepared.checkout.repo,
            onto=prepared.checkout.base,
            wanted=wanted,
            published=published if published and published.base else None,
        )
    except Conflict as conflict:
        names = ", ".join(f"`{path.replace('`', ' ')}`" for path in conflict.paths[:10])
        raise UserError(UNFIT.format(number, names), phase="prepare") from None
    return there


async def _result(job: Job, wanted: AttemptRecord, changes: ChangeSet, proof: Proof, diff: str) -> Result:
    """The attempt's own words with the new proof. Notes are left out: their lines may be others now."""
    told = (await tried(job.store, wanted)).result
    said = told.outcome if told else Outcome(kind=OutcomeKind.LIMIT, summary="It was interrupted.")
    kind = OutcomeKind.LIMIT if said.kind is OutcomeKind.LIMIT else OutcomeKind.CHANGED
    outcome = replace(said, kind=kind, notes=(), replies=(), usage=Usage())
    return Result(outcome=outcome, changes=changes, proof=proof, diff=diff)


async def _open(job: Job, pull: int) -> bool:
    return (await job.api.pulls.get(pull)).is_open
