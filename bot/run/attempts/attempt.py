"""One attempt: think in a sandbox, take the difference through the gate, prove it. No GitHub, no database.

Both ``run.pipeline`` (for a task) and ``run.solve`` (for a local repository) are this with different ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from bot.agent.journal import Journal
from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelCall
from bot.domain import Blocked, Brief, ChangeSet, Limits, Outcome, OutcomeKind, Phase, Proof, Result
from bot.errors import UserError
from bot.git.changes import change_set
from bot.git.diff import diff_between, unified_diff
from bot.git.paths import printable_path
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import apply_changes, prove
from bot.text.defuse import table_cell
from bot.text.redact import Redactor
from bot.workspace.base_merge import conclude_merge
from bot.workspace.checkout import Checkout
from bot.workspace.network import merge_blocked
from sandbox.spec import Sandbox

# Where no price is known, tokens are the budget: each turn may read a long conversation once more.
TOKENS_PER_TURN = 100_000

SetPhase = Callable[[Phase], Awaitable[None]]
Look = Callable[[], Awaitable[ChangeSet]]
RESCUE_SECONDS = 2.0  # for reading the workspace of an attempt that is stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What an interrupted attempt left: the records of its turns, and its workspace after the last."""

    history: Sequence[Mapping[str, Any]]
    changes: ChangeSet


class WorkspaceObserver(Protocol):
    """Somebody who sees the workspace while an attempt goes on."""

    def watch(self, look: Look) -> None:
        """Called once, before the first turn, with how to read what the workspace changes."""
        ...

    def left(self, changes: ChangeSet) -> None:
        """The attempt is cut off in the middle of a turn, and this is what its workspace holds."""
        ...


def model_name(checkout: Checkout, default: str) -> str:
    """The repository's model or the operator's. Raises UserError when it names a file of the host."""
    wanted = checkout.config.model
    if wanted and any(each.strip().startswith("scripted:") for each in wanted.split(",")):
        raise UserError(
            "`model` in `.github/hob.yml` must be `offline` or `provider:model`", phase="configuration"
        )
    return wanted or default


async def run_attempt(
    checkout: Checkout,
    brief: Brief,
    *,
    model: ModelCall,
    journal: Journal,
    redactor: Redactor,
    set_phase: SetPhase,
    limits: Limits | None = None,
    observer: WorkspaceObserver | None = None,
    interrupted: Interrupted | None = None,
) -> Result:
    """Run the agent on ``brief`` and prove what it changed. Raises UserError, Parked, Retry, Cancelled.

    ``limits`` are the repository's unless they are given; ``interrupted`` is gone on from.
    """
    await set_phase(Phase.THINK)
    limits = limits or whole_budget(checkout)
    outcome, changes, blocked = await _think(
        checkout, brief, model, journal, redactor, limits, observer, interrupted
    )
    outcome = _redacted(outcome, redactor)
    if brief.kind.produces_only_text:
        return await _words(checkout, _dropped(outcome, changes, redactor), blocked, redactor, set_phase)
    admitted = await asyncio.to_thread(
        admit_changes, changes, protected=checkout.config.protected_paths, redactor=redactor
    )
    outcome, admitted = await asyncio.to_thread(
        conclude_merge,
        checkout.joined,
        str(checkout.repo),
        outcome,
        admitted,
        checkout.config.protected_paths,
    )
    if outcome.kind not in (OutcomeKind.CHANGED, OutcomeKind.LIMIT) or not admitted:
        return Result(outcome=outcome, changes=admitted, proof=Proof(base=checkout.base, blocked=blocked))
    await set_phase(Phase.PROVE)
    proof = await prove(checkout, admitted, redactor)
    proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
    diff = await asyncio.to_thread(unified_diff, checkout.repo, checkout.base, admitted)
    return Result(outcome=outcome, changes=admitted, proof=proof, diff=diff)


async def _words(
    checkout: Checkout,
    outcome: Outcome,
    blocked: tuple[Blocked, ...],
    redactor: Redactor,
    set_phase: SetPhase,
) -> Result:
    """Words about a tree that nothing was changed of; with the checks' ends on it and on what it came of."""
    nothing, proof, diff = ChangeSet(base=checkout.base), Proof(base=checkout.base, blocked=blocked), ""
    if checkout.before is not None and outcome.kind is not OutcomeKind.BLOCKED:
        await set_phase(Phase.PROVE)
        proof = await prove(checkout, nothing, redactor)
        proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
        diff = await asyncio.to_thread(diff_between, checkout.repo, checkout.before.base, checkout.base)
    return Result(outcome=outcome, changes=nothing, proof=proof, diff=diff)


def _dropped(outcome: Outcome, changes: ChangeSet, redactor: Redactor) -> Outcome:
    """The outcome of work that only words were asked of: what it changed is named and goes no further."""
    kind = OutcomeKind.ANSWERED if outcome.kind is OutcomeKind.CHANGED else outcome.kind
    if not changes.files:
        return replace(outcome, kind=kind)
    names = ", ".join(
        f"`{table_cell(redactor.text(printable_path(file.path)))}`" for file in changes.files[:10]
    )
    more = f" and {len(changes.files) - 10} more" if len(changes.files) > 10 else ""
    said = f"Only words were asked for, so what I changed while I looked was dropped: {names}{more}."
    return replace(outcome, kind=kind, summary=f"{outcome.summary}\n\n{said}".strip())


def _redacted(outcome: Outcome, redactor: Redactor) -> Outcome:
    """The agent's words without secrets, before anything is stored, committed or said of them.

    Raises UserError when a secret is split over them.
    """
    clean = replace(
        outcome,
        title=redactor.text(outcome.title),
        summary=redactor.text(outcome.summary),
        plan=tuple(replace(step, text=redactor.text(step.text)) for step in outcome.plan),
        notes=tuple(
            replace(note, path=redactor.text(note.path), text=redactor.text(note.text))
            for note in outcome.notes
        ),
        replies=tuple(replace(reply, text=redactor.text(reply.text)) for reply in outcome.replies),
    )
    for said in (clean.plan, clean.notes, clean.replies):
        if redactor.spelt(each.text for each in said):
            raise UserError(
                "What I wanted to say holds a secret in pieces, so nothing was published.", phase="gate"
            )
    return clean


def whole_budget(checkout: Checkout) -> Limits:
    """All that the repository allows for a task."""
    budget = checkout.config.budget
    return Limits(
        turns=budget.turns,
        seconds=budget.minutes * 60,
        usd=budget.usd,
        tokens=budget.turns * TOKENS_PER_TURN,
    )


async def _think(
    checkout: Checkout,
    brief: Brief,
    model: ModelCall,
    journal: Journal,
    redactor: Redactor,
    limits: Limits,
    observer: WorkspaceObserver | None,
    interrupted: Interrupted | None,
) -> tuple[Outcome, ChangeSet, tuple[Blocked, ...]]:
    """The agent's words, what its workspace really holds, and what setup and agent could not reach."""
    sandbox = await checkout.open()

    async def look() -> ChangeSet:
        return await _changes(sandbox, checkout)

    try:
        if interrupted:
            await apply_changes(sandbox, interrupted.changes)
        if observer:
            observer.watch(look)
        outcome = await run_loop(
            brief=brief,
            model=model,
            sandbox=sandbox,
            limits=limits,
            journal=journal,
            history=interrupted.history if interrupted else (),
        )
        changes = await look()
    except asyncio.CancelledError:
        if observer:
            await _rescue(observer, look)
        raise
    finally:
        await sandbox.aclose()
    return outcome, changes, merge_blocked(checkout.blocked, sandbox.blocked(redactor))


async def _rescue(observer: WorkspaceObserver, look: Look) -> None:
    """Give what lies in the workspace to the observer. Whatever goes wrong: the last turn's is stored."""
    with suppress(Exception):
        async with asyncio.timeout(RESCUE_SECONDS):
            observer.left(await look())


async def _changes(sandbox: Sandbox, checkout: Checkout) -> ChangeSet:
    entries = await asyncio.to_thread(sandbox.entries)
    return await asyncio.to_thread(change_set, entries, repo=checkout.repo, base=checkout.base)
