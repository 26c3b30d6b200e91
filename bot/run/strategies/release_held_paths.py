"""Held paths are released: what can be approved on a thread now, and the approved change proved."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import (
    ChangeSet,
    Held,
    Outcome,
    OutcomeKind,
    Phase,
    Proof,
    ProvenChange,
    Release,
    Result,
    TaskEnd,
    TaskState,
    Usage,
)
from bot.errors import UserError
from bot.git.transplant import Conflict, transplant
from bot.run.attempts.attempt_store import load_attempt
from bot.run.end_without_pull import end_without_pull
from bot.run.job import Job
from bot.run.messages.held_paths import render_held_paths
from bot.run.prepare.prepare import Prepared
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove_result
from bot.run.strategies.build_proven_change import build_proven_change
from bot.run.strategies.held_paths import HeldAttempt, find_waiting, list_held_attempts
from bot.run.strategies.release_offer import add_waiting_paths, make_release_offer
from bot.text.defuse import code_span
from bot.text.lists import join_first
from bot.workspace.checkout import Checkout

MOST_NAMED = 10
NOTHING = "✋ **I hold nothing back here that could be released now**, so nothing was published."
ANOTHER = (
    "✋ **That is not what would come of it now**, so nothing was published: the branch went on, or what I "
    "hold back is another change, since that digest was told."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What can be approved: ``changes`` with what they hold back, of one attempt or of a pull request."""

    changes: ChangeSet
    release: Release
    stored: HeldAttempt | None = None  # None for a pull request


async def list_offers(job: Job, prepared: Prepared) -> list[Offer]:
    """What can be approved on this thread now; on an open pull request all that waits there comes first."""
    repo, slug, onto = prepared.checkout.repo, job.parts.slug, prepared.checkout.base
    found: list[tuple[ChangeSet, HeldAttempt | None]] = []
    waiting: Sequence[Held] = ()
    if prepared.head is not None:
        waiting = await find_waiting(job, onto)
        found.append((ChangeSet(base=onto, held=tuple(waiting)), None))
    for stored in await list_held_attempts(job):
        if stored.changes.parents or (stored.attempt.chosen and (prepared.head or stored.changes.files)):
            continue  # it is among what waits, or its pull request is closed
        await job.fetch_base(stored.changes)
        changes = stored.changes
        if prepared.head is not None:
            try:
                moved = await asyncio.to_thread(transplant, repo, onto=onto, wanted=changes)
            except Conflict:
                continue
            changes = add_waiting_paths(moved, waiting)
        found.append((changes, stored))
    offers = []
    for changes, held_by in found:
        if not changes.releasable:
            continue
        release = await asyncio.to_thread(make_release_offer, repo, changes, slug)
        if release is not None:
            offers.append(Offer(changes=changes, release=release, stored=held_by))
    return offers


def end_without_offer(offers: Sequence[Offer], prepared: Prepared) -> TaskEnd:
    """The end when none of ``offers`` was approved: it shows the newest one with its own digest."""
    if not offers:
        return TaskEnd(state=TaskState.REFUSED, text=NOTHING, reason="nothing is held back")
    offer = offers[0] if prepared.head is not None else offers[-1]
    shown = Result(
        outcome=Outcome(kind=OutcomeKind.CHANGED),
        changes=offer.changes,
        proof=Proof(),
        release=offer.release,
    )
    return TaskEnd(
        state=TaskState.REFUSED,
        text=f"{ANOTHER}\n\n{render_held_paths(shown)}",
        reason="it is another tree now",
    )


async def prove_release(job: Job, prepared: Prepared, approved: Offer) -> ProvenChange | TaskEnd:
    """The approved change, admitted by the gate with its released paths, and proved.

    Raises UserError when hob.yml's rules no longer let a path be released.
    """
    checkout = await _check_out_base(job, prepared, approved.changes.base)
    changes = await asyncio.to_thread(
        admit_changes,
        approved.changes.whole,
        protected=checkout.config.protected_paths,
        redactor=job.parts.redactor,
        released=approved.release.paths,
    )
    if changes.files != approved.changes.whole.files:
        gone = "; ".join(f"{code_span(item.path)}: {item.why}" for item in changes.held)
        raise UserError(f"The rules are others now, so this cannot be released: {gone}.", phase="gate")
    await job.store.set_phase(job.run, Phase.PROVE)
    outcome = await _load_outcome(job, approved)
    result = await prove_result(checkout, outcome, changes, job.parts.redactor)
    who, tree = job.task.requester.login, approved.release.digest
    return end_without_pull(result) or build_proven_change(
        job,
        prepared,
        result,
        head=prepared.head,
        ordinal=approved.stored.attempt.ordinal if approved.stored else 0,
        root=approved.stored.root.id if approved.stored else 0,
        choice=f"🔓 Released as `@{who}` approved: {_join_paths(approved)} (tree {tree}).",
    )


async def _check_out_base(job: Job, prepared: Prepared, base: str) -> Checkout:
    """The commit that the approved tree goes on top of, under the configuration of the default branch."""
    if base == prepared.checkout.base:
        return prepared.checkout
    workshop, repo = job.parts.workshop, job.task.repo
    return await workshop.checkout(repo.id, base, job.parts.redactor, policy=prepared.checkout.base)


async def _load_outcome(job: Job, approved: Offer) -> Outcome:
    """The attempt's own summary and who approved it, or the latter alone."""
    note = f"What was held back, as `{job.task.requester.login}` approved it: {_join_paths(approved)}."
    result = (await load_attempt(job.store, approved.stored.attempt)).result if approved.stored else None
    if result is None:
        first = approved.release.paths[0]
        return Outcome(kind=OutcomeKind.CHANGED, title=f"Release {first} as approved", summary=note)
    summary = f"{result.outcome.summary}\n\n{note}".strip()
    return replace(
        result.outcome, kind=OutcomeKind.CHANGED, summary=summary, notes=(), replies=(), usage=Usage()
    )


def _join_paths(approved: Offer) -> str:
    return join_first([f"{code_span(path)}" for path in approved.release.paths], MOST_NAMED)
