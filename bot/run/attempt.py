"""One attempt: think in a sandbox, take the difference through the gate, prove it. No GitHub, no database.

Both ``run.pipeline`` (for a task) and ``run.solve`` (for a local repository) are this with different ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.agent.journal import Journal
from bot.agent.loop import think
from bot.agent.models import ModelCall
from bot.domain import Blocked, Brief, ChangeSet, Limits, Outcome, OutcomeKind, Phase, Proof, Result
from bot.errors import UserError
from bot.git.changes import change_set
from bot.git.diff import unified
from bot.redact import Redactor
from bot.run.checkout import Checkout
from bot.run.gate import admit
from bot.run.internet import merged
from bot.run.prove import prove

SetPhase = Callable[[Phase], Awaitable[None]]


def model_name(checkout: Checkout, default: str) -> str:
    """The repository's model or the operator's. Raises UserError when it names a file of the host."""
    wanted = checkout.config.model
    if wanted and wanted.startswith("scripted:"):
        raise UserError(
            "`model` in `.github/hob.yml` must be `offline` or `provider:model`", phase="configuration"
        )
    return wanted or default


async def attempt(
    checkout: Checkout,
    brief: Brief,
    *,
    model: ModelCall,
    journal: Journal,
    redactor: Redactor,
    set_phase: SetPhase,
) -> Result:
    """Run the agent on ``brief`` and prove what it changed. Raises UserError, Parked, Retry, Cancelled."""
    await set_phase(Phase.THINK)
    outcome, changes, blocked = await _think(checkout, brief, model, journal, redactor)
    outcome = _redacted(outcome, redactor)
    admitted = await asyncio.to_thread(
        admit, changes, protected=checkout.config.protected_paths, redactor=redactor
    )
    if outcome.kind not in (OutcomeKind.CHANGED, OutcomeKind.LIMIT) or not admitted:
        return Result(outcome=outcome, changes=admitted, proof=Proof(base=checkout.base, blocked=blocked))
    await set_phase(Phase.PROVE)
    proof = await prove(checkout, admitted, redactor)
    proof = replace(proof, blocked=merged(blocked, proof.blocked))
    diff = await asyncio.to_thread(unified, checkout.repo, checkout.base, admitted)
    return Result(outcome=outcome, changes=admitted, proof=proof, diff=diff)


def _redacted(outcome: Outcome, redactor: Redactor) -> Outcome:
    """The agent's words without secrets, before anything is stored, committed or said of them."""
    return replace(
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


async def _think(
    checkout: Checkout, brief: Brief, model: ModelCall, journal: Journal, redactor: Redactor
) -> tuple[Outcome, ChangeSet, tuple[Blocked, ...]]:
    """The agent's words, what its workspace really holds, and what setup and agent could not reach."""
    budget = checkout.config.budget
    limits = Limits(turns=budget.turns, seconds=budget.minutes * 60, usd=budget.usd)
    sandbox = await checkout.open()
    try:
        outcome = await think(brief=brief, model=model, sandbox=sandbox, limits=limits, journal=journal)
        entries = await asyncio.to_thread(sandbox.entries)
    finally:
        await sandbox.aclose()
    changes = await asyncio.to_thread(change_set, entries, repo=checkout.repo, base=checkout.base)
    return outcome, changes, merged(checkout.blocked, sandbox.blocked(redactor))
