"""One attempt at one task: what ``hob solve`` does, then the judgement by the task's tests."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from bot.agent.journal import Journal
from bot.domain import Brief, OutcomeKind, Phase, PromptText, ProofState, Result, TaskKind, Trust
from bot.errors import UserError
from bot.eval.judge import Judgement, judge
from bot.eval.results import EvalResult, Why
from bot.eval.search_journal import SearchJournal
from bot.eval.source import checkout_task
from bot.eval.suite import EvalTask
from bot.offline.registry import MODELS
from bot.run.attempts.attempt import run_attempt
from bot.text.lists import join_first
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop

# Phases whose UserError is a result: the change itself is at fault. Any other is the set-up's or the key's.
_OWN_FAULT = {"gate": Why.REFUSED, "prove": Why.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalEnvironment:
    """Where and how long: ``seconds`` is the most that an attempt may take, its judgement not counted."""

    workshop: Workshop
    home: Path
    seconds: float


async def measure(
    task: EvalTask,
    model: str,
    number: int,
    environment: EvalEnvironment,
    *,
    journal: SearchJournal | None = None,
) -> EvalResult:
    """Make one attempt, told to ``journal``, and judge its change by the task's tests.

    Raises what is no result: UserError for a task that cannot be set up or a model that cannot be asked,
    Parked, Retry, SandboxUnavailable, OSError.
    """
    found = await checkout_task(task, environment.workshop, environment.home)
    journal = journal or SearchJournal()
    begun = time.monotonic()
    try:
        async with asyncio.timeout(environment.seconds):
            result = await _run_attempt(found, task, model, journal)
    except TimeoutError:
        return _make_failure(task, model, number, Why.TIMEOUT, time.monotonic() - begun, "the attempt")
    except UserError as error:
        if error.phase not in _OWN_FAULT:
            raise
        return _make_failure(
            task, model, number, _OWN_FAULT[error.phase], time.monotonic() - begun, error.message[:500]
        )
    seconds = time.monotonic() - begun
    judged = await judge(found, result.changes, task.row) if result.changes else None
    why, detail = _explain_result(result, judged)
    usage = result.outcome.usage
    return EvalResult(
        task=task.row.instance_id,
        digest=task.digest,
        model=model,
        attempt=number,
        why=why,
        claimed=bool(result.changes) and result.proof.state in (ProofState.PROVED, ProofState.DOUBTFUL),
        seconds=round(seconds, 2),
        turns=usage.turns,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        usd=usage.usd,
        cpu_seconds=journal.used.get("cpu_seconds", 0.0),
        peak_mib=journal.used.get("peak_mib", 0.0),
        detail=detail,
        left_out=judged.left_out if judged else (),
        diff=result.diff,
    )


async def _run_attempt(found: Checkout, task: EvalTask, model: str, journal: Journal) -> Result:
    """Run one attempt of the measured model."""
    brief = make_brief(found, task.row.problem_statement, task.repo.name)
    chosen_model = MODELS.choose(model)
    try:
        return await run_attempt(
            found,
            brief,
            model=chosen_model,
            journal=journal,
            redactor=Redactor(),
            set_phase=_ignore_phase,
        )
    finally:
        await chosen_model.aclose()


def make_brief(found: Checkout, request: str, repository: str) -> Brief:
    """The brief that ``hob solve`` makes of a request, but for its map and what it says of the sandbox."""
    guides = (*found.guides, (".github/hob.yml, instructions", found.config.instructions))
    return Brief(
        kind=TaskKind.CHANGE,
        request=request,
        title=request.strip().splitlines()[0][:300],
        texts=tuple(
            PromptText(
                trust=Trust.INSTRUCTION, where=where, author="", permission="base branch", at="", text=text
            )
            for where, text in guides
            if text
        ),
        test_command=found.checks.test,
        lint_command=found.checks.lint,
        repository=repository,
        more_tests=found.checks.more_tests,
        facts=found.facts,
    )


async def _ignore_phase(_: Phase) -> None:
    pass


def _explain_result(result: Result, judged: Judgement | None) -> tuple[Why, str]:
    """Why it counts as it does, and the tests or the summary that show it."""
    if judged is None:
        summary = " ".join(result.outcome.summary.split())[:300]
        gave_up = result.outcome.kind in (OutcomeKind.BLOCKED, OutcomeKind.ANSWERED, OutcomeKind.NOTHING)
        return (Why.REFUSED if gave_up else Why.NO_CHANGE), summary
    if judged.solved:
        return Why.SOLVED, ""
    if judged.timed_out:
        return Why.TIMEOUT, "the tests on the changed tree"
    failing = judged.wrong or judged.broken
    return (Why.WRONG if judged.wrong else Why.BROKE), join_first(failing, 3)


def _make_failure(
    task: EvalTask, model: str, number: int, why: Why, seconds: float, detail: str
) -> EvalResult:
    return EvalResult(
        task=task.row.instance_id,
        digest=task.digest,
        model=model,
        attempt=number,
        why=why,
        seconds=round(seconds, 2),
        detail=detail,
    )
