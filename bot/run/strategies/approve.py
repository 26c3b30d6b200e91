"""``@hob approve 3f2a...``: what was held back, proved and published as the very tree that was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from dulwich.repo import Repo

from bot.domain import ChangeSet, Held, Outcome, OutcomeKind, Phase, Proof, Release, Result, TaskState, Usage
from bot.domain.proven_change import ProvenChange
from bot.errors import UserError
from bot.git.diff import unified_diff
from bot.git.remote import PushRefused
from bot.git.transplant import Conflict, transplant
from bot.git.trees import BaseTree
from bot.run.attempts.attempt_store import tried
from bot.run.job import Job
from bot.run.messages.held_paths import render_held_paths
from bot.run.prepare.prepare import Prepared, prepare
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove
from bot.run.strategies.held_paths import (
    HeldAttempt,
    add_waiting_paths,
    find_waiting,
    list_held_attempts,
    make_release_offer,
)
from bot.run.task_end import TaskEnd, end_without_pull
from bot.text.defuse import fence, table_cell
from bot.workspace.checkout import Checkout

MOST_PATCH = 40_000  # characters, in a comment
FORK = (
    "This stands on commits from a fork, on top of which I publish nothing that is protected. Whoever may "
    "push there can make the change by hand."
)
THERE = "✅ **That is what is there already.** Nothing was left to be done."
NOTHING = "✋ **I hold nothing back here that could be released now**, so nothing was published."
ANOTHER = (
    "✋ **That is not what would come of it now**, so nothing was published: the branch went on, or what I "
    "hold back is another change, since that digest was told."
)
NOT_TAKEN = (
    "❌ **GitHub did not take this from me**, so nothing was published. It said:\n\n{}\n\nWorkflow files "
    "take the `workflows` permission, which I do not ask for. This is the change that was approved and "
    "proved; `git apply` takes it on {}:\n\n{}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be approved: ``changes`` with what they hold back, of one attempt or of a pull request."""

    changes: ChangeSet
    release: Release
    kept: HeldAttempt | None = None


async def approve_held_change(job: Job, digest: str) -> ProvenChange | TaskEnd:
    """What ``digest`` stands for, on what is there now, proved; or how it ends when that is another tree."""
    prepared = await prepare(
        job,
        merging=False,
    )
    if prepared.foreign:
        raise UserError(FORK, phase="prepare")
    if prepared.head and (await asyncio.to_thread(_tree, prepared.checkout)).startswith(digest):
        return TaskEnd(state=TaskState.DONE, text=THERE)
    offers = await _offers(job, prepared)
    meant = [each for each in offers if each.release.digest.startswith(digest)]
    if len(meant) != 1:
        return _another(offers, prepared)
    return await _proved(job, prepared, meant[0])


async def _proved(job: Job, prepared: Prepared, approved: Offer) -> ProvenChange | TaskEnd:
    checkout, redactor = await _checkout(job, prepared, approved.changes.base), job.parts.redactor
    protected = checkout.config.protected_paths
    changes = await asyncio.to_thread(
        admit_changes,
        approved.changes.whole,
        protected=protected,
        redactor=redactor,
        released=approved.release.paths,
    )
    if changes.files != approved.changes.whole.files:
        gone = "; ".join(f"`{table_cell(item.path)}`: {item.why}" for item in changes.held)
        raise UserError(f"The rules are others now, so this cannot be released: {gone}.", phase="gate")
    await job.store.set_phase(job.run, Phase.PROVE)
    proof = await prove(checkout, changes, redactor)
    diff = await asyncio.to_thread(unified_diff, checkout.repo, checkout.base, changes)
    outcome = await _outcome(job, approved)
    result = Result(outcome=outcome, changes=changes, proof=proof, diff=diff)
    ended = end_without_pull(result)
    if ended is not None:
        return ended
    tree = approved.release.digest
    return ProvenChange(
        result=result,
        branch=prepared.branch,
        head=prepared.head,
        hidden=(),
        protected=protected,
        run_url=job.run_url,
        ordinal=approved.kept.attempt.ordinal if approved.kept else 0,
        root=approved.kept.root.id if approved.kept else 0,
        choice=f"🔓 Released as `@{job.task.requester.login}` approved: {_named(approved)} (tree {tree}).",
    )


def end_rejected_push(proven: ProvenChange, refused: PushRefused) -> TaskEnd:
    """What GitHub said to an approved change, and the change for somebody who may push it."""
    result = proven.result
    patch = fence(result.diff, "diff")
    if len(result.diff) > MOST_PATCH:
        patch = f"It is too long for here: [look]({proven.run_url})."
    text = NOT_TAKEN.format(fence(refused.reason), result.changes.base[:12], patch)
    return TaskEnd(state=TaskState.FAILED, text=text, reason=refused.message, result=result)


async def _offers(job: Job, prepared: Prepared) -> list[Offer]:
    """What can be approved on this thread now; on an open pull request all that waits there comes first."""
    repo, slug, onto = prepared.checkout.repo, job.parts.slug, prepared.checkout.base
    found: list[tuple[ChangeSet, HeldAttempt | None]] = []
    waiting: Sequence[Held] = ()
    if prepared.head is not None:
        waiting = await find_waiting(job, onto)
        found.append((ChangeSet(base=onto, held=tuple(waiting)), None))
    for kept in await list_held_attempts(job):
        if kept.changes.parents or (kept.attempt.chosen and (prepared.head or kept.changes.files)):
            continue  # it is among what waits, or its pull request is closed
        await job.ready(kept.changes)
        there = kept.changes
        if prepared.head is not None:
            try:
                there = add_waiting_paths(
                    await asyncio.to_thread(transplant, repo, onto=onto, wanted=there), waiting
                )
            except Conflict:
                continue
        found.append((there, kept))
    offers = []
    for changes, kept_by in found:
        release = (
            await asyncio.to_thread(make_release_offer, repo, changes, slug) if changes.releasable else None
        )
        if release is not None:
            offers.append(Offer(changes=changes, release=release, kept=kept_by))
    return offers


def _another(offers: Sequence[Offer], prepared: Prepared) -> TaskEnd:
    """Nothing was approved that is there: what could be, with its own digest."""
    if not offers:
        return TaskEnd(state=TaskState.REFUSED, text=NOTHING, reason="nothing is held back")
    now = offers[0] if prepared.head is not None else offers[-1]
    shown = Result(
        outcome=Outcome(kind=OutcomeKind.CHANGED),
        changes=now.changes,
        proof=Proof(),
        release=now.release,
    )
    return TaskEnd(
        state=TaskState.REFUSED,
        text=f"{ANOTHER}\n\n{render_held_paths(shown)}",
        reason="it is another tree now",
    )


async def _checkout(job: Job, prepared: Prepared, base: str) -> Checkout:
    """The commit that the approved tree goes on top of, under the configuration of the default branch."""
    if base == prepared.checkout.base:
        return prepared.checkout
    workshop, repo = job.parts.workshop, job.task.repo
    return await workshop.checkout(repo.id, base, job.parts.redactor, policy=prepared.checkout.base)


async def _outcome(job: Job, approved: Offer) -> Outcome:
    """The attempt's own words and who approved it, or these alone."""
    said = f"What was held back, as `{job.task.requester.login}` approved it: {_named(approved)}."
    told = (await tried(job.store, approved.kept.attempt)).result if approved.kept else None
    if told is None:
        first = approved.release.paths[0]
        return Outcome(kind=OutcomeKind.CHANGED, title=f"Release {first} as approved", summary=said)
    summary = f"{told.outcome.summary}\n\n{said}".strip()
    return replace(
        told.outcome, kind=OutcomeKind.CHANGED, summary=summary, notes=(), replies=(), usage=Usage()
    )


def _named(approved: Offer) -> str:
    paths = approved.release.paths
    more = f" and {len(paths) - 10} more" if len(paths) > 10 else ""
    return ", ".join(f"`{table_cell(path)}`" for path in paths[:10]) + more


def _tree(checkout: Checkout) -> str:
    with closing(Repo(str(checkout.repo))) as opened:
        return BaseTree(opened.object_store, checkout.base).root.sha.decode("ascii")
