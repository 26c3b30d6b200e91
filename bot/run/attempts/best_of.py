"""Best of N: attempts at one brief, each in a sandbox of its own over the same layers, ranked by their proof.

Adaptive unless asked otherwise: the first attempt works alone, and only when its proof fails (or it gave up
while tests fail that the request is about) the others start, side by side, each with a description of the
earlier ones. What failed before and nobody asked for starts none. No GitHub and no database here: an
``AttemptSink`` stores the attempts.

The budget is the task's. Money and tokens: the first may use all of it, what it leaves is shared evenly among
the others; attempts that start together share evenly from the start. Minutes: those that run side by side
have the same ones. Turns are for each attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.agent.models.calls import OFFLINE, ModelCall
from bot.domain import Brief, Limits, OutcomeKind, Phase, Usage
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.repo_config import RepoConfig
from bot.run.attempts.attempt import SetPhase, find_task_budget, run_attempt
from bot.run.attempts.attempt_sink import AttemptIO, AttemptSink
from bot.run.attempts.earlier import describe_earlier_attempts
from bot.run.attempts.ranking import FinishedAttempt, Selection, pick_best, proof_failed
from bot.run.prove.prove import fails_on_base
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger(__name__)

CEILING = 3  # attempts at most, where the repository does not say
ENOUGH = 0.1  # the share of a budget that must be left to begin further attempts
_SAME_AGAIN = ("scripted:",)  # a second attempt would be the same, unless more are asked for


def limit_attempts(config: RepoConfig, model: str, *, asked: int | None = None) -> int:
    """How many attempts there may be: what a person asked for, else hob.yml, else ``CEILING``.

    One where another would be the same: always for the offline engine, unless asked for with a script.
    """
    if model == OFFLINE:
        return 1
    wanted = asked or config.attempts
    return wanted or (1 if model.startswith(_SAME_AGAIN) else CEILING)


def explain_fewer(model: str, *, asked: int | None, most: int) -> str:
    """Why there are at most ``most`` attempts where a person ``asked`` for more; '' else."""
    if asked is None or asked <= most:
        return ""
    why = "nothing but words comes of this"
    if model == OFFLINE:
        why = f"the `{OFFLINE}` engine makes the same change each time"
    return f"{asked} attempts were asked for and one is made, since {why}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPlan:
    """Attempts at ``brief`` on one checkout: at most ``most``, all ``at_once`` or as needed.

    ``remark`` says why there are fewer than a person asked for, ``system_prompt`` stands in for the one that
    is shipped.
    """

    checkout: Checkout
    brief: Brief
    most: int
    new_model: Callable[[], ModelCall]
    sink: AttemptSink
    redactor: Redactor
    set_phase: SetPhase
    at_once: bool = False
    remark: str = ""
    system_prompt: str = ""


async def run_best_of(plan: AttemptPlan) -> Selection:
    """Make the attempts of ``plan`` and choose the best one.

    Raises Cancelled and LeaseLost at once. The error of an attempt that works alone is raised as it is, but
    for the gate's: that one is about what this attempt made. Of several, those with an error are out, and
    only when none is left one of their errors is raised, Parked or Retry rather than others.
    """
    rounds, sink = _Rounds(plan), plan.sink
    finished = list(await sink.list_finished())
    ordinals = range(sink.first, sink.first + plan.most)
    known = {each.ordinal for each in finished}
    if not plan.at_once and sink.first not in known:
        limits = rounds.share(1, ()) or find_task_budget(plan.checkout)
        try:
            finished.append(await rounds.run_one(sink.first, plan.brief, limits, plan.set_phase))
        except UserError as error:
            finished.append(await rounds.record_failure(sink.first, error))
            if plan.most == 1 or error.phase != "gate":
                raise
        known.add(sink.first)
    rest = [ordinal for ordinal in ordinals if ordinal not in known]
    if rest and (plan.at_once or await rounds.is_another_worthwhile(finished)):
        each = rounds.share(plan.most, ()) if plan.at_once else rounds.share(len(rest), finished)
        if each:
            finished += await rounds.run_side_by_side(rest, finished, each, of=ordinals[-1])
    if not any(each.result for each in finished):
        raise UserError("; ".join(each.error for each in finished) or "no attempt was made", phase="gate")
    selection = replace(await asyncio.to_thread(pick_best, finished), remark=plan.remark)
    await sink.settle(selection)
    return selection


class _Rounds:
    """The attempts of one plan, alone or side by side, and what they used of its budget."""

    def __init__(self, plan: AttemptPlan) -> None:
        self._plan = plan
        self._used: dict[int, Usage] = {}  # by attempts that failed

    def share(self, parts: int, earlier: Sequence[FinishedAttempt]) -> Limits | None:
        """The limits of each of ``parts`` attempts after ``earlier`` ones; None when too little is left."""
        checkout = self._plan.checkout
        budget, tokens = checkout.config.budget, find_task_budget(checkout).tokens
        spent = [each.used for each in earlier]
        usd = budget.usd - sum(each.usd for each in spent)
        left = tokens - sum(each.input_tokens + each.output_tokens for each in spent)
        seconds = budget.minutes * 60 - max((each.seconds for each in spent), default=0.0)
        if usd < ENOUGH * budget.usd or left < ENOUGH * tokens or seconds < ENOUGH * budget.minutes * 60:
            log.info("attempts.no_budget_left", usd=usd, tokens=left, seconds=seconds)
            return None
        return Limits(turns=budget.turns, seconds=seconds, usd=usd / parts, tokens=left // parts)

    async def is_another_worthwhile(self, finished: Sequence[FinishedAttempt]) -> bool:
        """Whether another attempt may do better than all that are finished."""
        return bool(finished) and all([await self._is_unproved(each) for each in finished])

    async def _is_unproved(self, attempt: FinishedAttempt) -> bool:
        result = attempt.result
        if result is None:
            return True
        kind = result.outcome.kind
        if kind in (OutcomeKind.CHANGED, OutcomeKind.LIMIT) and result.changes:
            return proof_failed(result.proof)
        gave_up = kind in (OutcomeKind.BLOCKED, OutcomeKind.LIMIT, OutcomeKind.CHANGED)
        plan = self._plan
        return gave_up and await fails_on_base(plan.checkout, plan.redactor, plan.brief.asked)

    async def run_one(
        self, ordinal: int, brief: Brief, limits: Limits, set_phase: SetPhase
    ) -> FinishedAttempt:
        """Run the attempt ``ordinal`` to its end and record it. Raises whatever ends it."""
        plan, begun, model = self._plan, time.monotonic(), self._plan.new_model()
        try:
            io = await plan.sink.begin(ordinal, model.name, brief)
            result = await run_attempt(
                plan.checkout,
                brief,
                model=model,
                journal=_UsageRecorder(io, lambda used: self._used.update({ordinal: used})),
                redactor=plan.redactor,
                set_phase=set_phase,
                limits=limits,
                observer=io.observer,
                interrupted=io.interrupted,
                system_prompt=plan.system_prompt,
            )
        finally:
            await model.aclose()
        seconds = time.monotonic() - begun
        attempt = FinishedAttempt(ordinal=ordinal, model=model.name, result=result, seconds=seconds)
        await plan.sink.finish(attempt)
        return attempt

    async def run_side_by_side(
        self, ordinals: Sequence[int], before: Sequence[FinishedAttempt], limits: Limits, *, of: int
    ) -> list[FinishedAttempt]:
        """Run attempts at the same time; one that fails leaves the others alone."""
        plan = self._plan
        await plan.sink.announce(ordinals, before)
        await plan.set_phase(Phase.THINK)
        briefs = [
            plan.brief if ordinal == 1 else describe_earlier_attempts(plan.brief, ordinal, of, before)
            for ordinal in ordinals
        ]
        ends = await asyncio.gather(
            *(
                self.run_one(ordinal, brief, limits, _ignore_phase)
                for ordinal, brief in zip(ordinals, briefs, strict=True)
            ),
            return_exceptions=True,
        )
        errors = [each for each in ends if isinstance(each, BaseException)]
        for error in errors:
            if isinstance(error, (Cancelled, LeaseLost)) or not isinstance(error, Exception):
                raise error
        attempts = [each for each in ends if isinstance(each, FinishedAttempt)]
        if errors and not any(each.result for each in (*before, *attempts)):
            raise next((each for each in errors if isinstance(each, (Parked, Retry))), errors[0])
        for ordinal, each in zip(ordinals, ends, strict=True):
            if isinstance(each, Exception):
                attempts.append(await self.record_failure(ordinal, each))
        return attempts

    async def record_failure(self, ordinal: int, error: Exception) -> FinishedAttempt:
        """Record that the attempt ``ordinal`` failed, with a text for users."""
        known = isinstance(error, (UserError, Parked, Retry, SandboxUnavailable))
        if not known:
            log.error("attempt.bug", attempt=ordinal, exc_info=error)
        text = str(error) if known else f"internal error: {type(error).__name__}"
        used = self._used.get(ordinal, Usage())
        attempt = FinishedAttempt(ordinal=ordinal, error=self._plan.redactor.text(text), usage=used)
        await self._plan.sink.finish(attempt)
        return attempt


class _UsageRecorder:
    """An attempt's journal that also reports what each turn used, since the attempt may yet fail."""

    def __init__(self, io: AttemptIO, report: Callable[[Usage], None]) -> None:
        self._journal, self._report = io.journal, report
        self.show_plan, self.read_steering = io.journal.show_plan, io.journal.read_steering
        self.begin_call = io.journal.begin_call
        if io.interrupted and io.interrupted.history:
            report(Usage(**io.interrupted.history[-1]["total"]))

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """See ``Journal``."""
        self._report(Usage(**record["total"]))
        await self._journal.store_turn(seq, record)


async def _ignore_phase(_phase: Phase) -> None:
    """Attempts side by side are in different phases: the run stays at thinking."""
