"""One attempt: the agent works in a sandbox, the gate admits its changes, and they are proved.

No GitHub and no database here. Tasks (``run_best_of``), ``hob solve`` and ``hob eval`` run attempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.agent.journal import Journal
from bot.agent.loop import run_loop
from bot.agent.models.calls import ModelCall
from bot.agent.tools.context import CheckReport, ChecksReport
from bot.domain import Blocked, Brief, ChangeSet, Limits, Outcome, OutcomeKind, Phase, Proof, Result
from bot.errors import UserError
from bot.git.diff import diff_between
from bot.git.paths import printable_path
from bot.run.attempts.agent_workspace import (
    AgentWorkspace,
    Interrupted,
    WorkspaceObserver,
    open_workspace,
)
from bot.run.attempts.clean_outcome import drop_changes, redact_outcome, refuse_split_secret
from bot.run.prove.gate import admit_changes
from bot.run.prove.prove import prove, prove_result, run_checks
from bot.text.redact import Redactor
from bot.workspace.base_merge import conclude_merge
from bot.workspace.checkout import Checkout
from bot.workspace.network import merge_blocked

# Where no price is known, tokens are the budget: each turn may read a long conversation once more.
TOKENS_PER_TURN = 100_000

SetPhase = Callable[[Phase], Awaitable[None]]


def choose_model_name(checkout: Checkout, default: str) -> str:
    """The repository's model or the operator's. Raises UserError when it names a file of the host."""
    wanted = checkout.config.model
    if wanted and any(each.strip().startswith("scripted:") for each in wanted.split(",")):
        raise UserError(
            "`model` in `.github/hob.yml` must be `offline` or `provider:model`", phase="configuration"
        )
    return wanted or default


def find_task_budget(checkout: Checkout) -> Limits:
    """All that the repository allows for a task."""
    budget = checkout.config.budget
    return Limits(
        turns=budget.turns,
        seconds=budget.minutes * 60,
        usd=budget.usd,
        tokens=budget.turns * TOKENS_PER_TURN,
    )


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
    system_prompt: str = "",
) -> Result:
    """Run the agent on ``brief`` and prove what it changed. Raises UserError, Parked, Retry, Cancelled.

    ``limits`` are the repository's unless they are given; an ``interrupted`` attempt is continued.
    ``system_prompt`` stands in for the one that is shipped.
    """
    await set_phase(Phase.THINK)
    async with open_workspace(checkout, observer=observer, interrupted=interrupted) as workspace:
        outcome = await run_loop(
            brief=brief,
            model=model,
            sandbox=workspace.sandbox,
            limits=limits or find_task_budget(checkout),
            journal=journal,
            history=interrupted.history if interrupted else (),
            run_checks=lambda: check_workspace(workspace, redactor),
            system_prompt=system_prompt,
        )
        changes = await workspace.read_changes()
    blocked = merge_blocked(checkout.blocked, workspace.sandbox.list_blocked(redactor))
    outcome = await asyncio.to_thread(redact_outcome, outcome, redactor)
    if brief.kind.produces_only_text:
        await asyncio.to_thread(refuse_split_secret, outcome, ChangeSet(base=checkout.base), redactor)
        outcome = drop_changes(outcome, changes, redactor)
        text = await _check_text(checkout, outcome, blocked, redactor, set_phase)
        return replace(text, proof=replace(text.proof, traffic=checkout.list_traffic(redactor)))
    protected = checkout.config.protected_paths
    admitted = await asyncio.to_thread(admit_changes, changes, protected=protected, redactor=redactor)
    await asyncio.to_thread(refuse_split_secret, outcome, admitted, redactor)
    outcome, admitted = await asyncio.to_thread(
        conclude_merge, checkout.base_merge, str(checkout.repo), outcome, admitted, protected
    )
    if outcome.kind not in (OutcomeKind.CHANGED, OutcomeKind.LIMIT) or not admitted:
        proof = Proof(base=checkout.base, blocked=blocked, traffic=checkout.list_traffic(redactor))
        return Result(outcome=outcome, changes=admitted, proof=proof)
    await set_phase(Phase.PROVE)
    made = await prove_result(checkout, outcome, admitted, redactor, request=brief.asked, blocked=blocked)
    return replace(made, proof=replace(made.proof, traffic=checkout.list_traffic(redactor)))


async def check_workspace(workspace: AgentWorkspace, redactor: Redactor) -> ChecksReport:
    """The checks on what the workspace holds now, as the proof would run them on what may be published.

    They have no network once the agent has none.

    Raises UserError where the gate refuses the change.
    """
    checkout = workspace.checkout
    changes = await workspace.read_changes()
    admitted = await asyncio.to_thread(
        admit_changes, changes, protected=checkout.config.protected_paths, redactor=redactor
    )
    reachable = checkout.without_network() if workspace.sandbox.is_cut else checkout
    results = await run_checks(reachable, admitted, redactor)
    return ChecksReport(
        checks=tuple(
            CheckReport(name=command.name, command=command.command, result=result)
            for command, result in results
        ),
        held=await asyncio.to_thread(_name_held, admitted, redactor),
        not_run=checkout.checks.not_run,
    )


def _name_held(admitted: ChangeSet, redactor: Redactor) -> tuple[str, ...]:
    """Each held path and why, bounded: a model can make thousands of them."""
    return tuple(f"{redactor.text(printable_path(each.path))}: {each.why}" for each in admitted.held)


async def _check_text(
    checkout: Checkout,
    outcome: Outcome,
    blocked: tuple[Blocked, ...],
    redactor: Redactor,
    set_phase: SetPhase,
) -> Result:
    """The result of a task that produces only text; for a review with the checks run on both sides."""
    nothing, proof, diff = ChangeSet(base=checkout.base), Proof(base=checkout.base, blocked=blocked), ""
    if outcome.suspicions:
        checkout = checkout.without_network()
    if checkout.before is not None and outcome.kind is not OutcomeKind.BLOCKED:
        await set_phase(Phase.PROVE)
        proof = await prove(checkout, nothing, redactor)
        proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
        diff = await asyncio.to_thread(diff_between, checkout.repo, checkout.before.base, checkout.base)
    return Result(outcome=outcome, changes=nothing, proof=proof, diff=diff)
