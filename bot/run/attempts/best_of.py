"""Best of N: attempts at one brief, each in a sandbox of its own over the same layers, judged by proof.

Adaptive unless told otherwise: the first attempt works alone, and only when its proof fails (or it gave up
while the tests fail) the others start, side by side, each told what the earlier ones tried. No GitHub and no
database here: ``AttemptSink`` says where attempts are written down, ``NullSink`` is nowhere.

The budget is the task's. Money and tokens: the first may use all of it, what it leaves is shared evenly among
the others; attempts that start together share evenly from the start. Minutes: those that run side by side
have the same ones. Turns are for each attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.agent.journal import Journal
from bot.agent.models.calls import OFFLINE, ModelCall
from bot.domain import Brief, Limits, OutcomeKind, Phase, Usage
from bot.errors import Cancelled, LeaseLost, Parked, Retry, UserError
from bot.repofile import RepoConfig
from bot.run.attempts.attempt import Interrupted, SetPhase, WorkspaceObserver, run_attempt, whole_budget
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptIO:
    """What one attempt writes to, and what an interrupted one left to go on from."""

    journal: Journal
    observer: WorkspaceObserver | None = None
    interrupted: Interrupted | None = None


class AttemptSink(Protocol):
    """Where attempts are written down."""

    @property
    def first(self) -> int:
        """The ordinal of the first attempt of this task: others may have been made for its request before."""
        ...

    async def ended(self) -> Sequence[FinishedAttempt]:
        """Attempts on the same commit that are over: of an interrupted run, or made earlier."""
        ...

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """An attempt begins, or goes on."""
        ...

    async def end(self, tried: FinishedAttempt) -> None:
        """An attempt is over."""
        ...

    async def round(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """These begin now, after those: for people who watch."""
        ...


class NullSink:
    """Nothing is written down: for runs without a database."""

    first = 1

    def __init__(self, journal: Callable[[int], Journal]) -> None:
        self._journal = journal

    async def ended(self) -> Sequence[FinishedAttempt]:
        """None: every run is the first."""
        return ()

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """An attempt begins."""
        return AttemptIO(journal=self._journal(ordinal))

    async def end(self, tried: FinishedAttempt) -> None:
        """Nothing is stored."""

    async def round(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """Nobody watches."""


def attempt_limit(config: RepoConfig, model: str, *, asked: int | None = None) -> int:
    """How many attempts there may be: what a person asked for, else hob.yml, else ``CEILING``.

    One where another would be the same: always for the offline engine, unless asked for with a script.
    """
    if model == OFFLINE:
        return 1
    wanted = asked or config.attempts
    return wanted or (1 if model.startswith(_SAME_AGAIN) else CEILING)


async def best_of(
    checkout: Checkout,
    brief: Brief,
    *,
    most: int,
    new_model: Callable[[], ModelCall],
    kept: AttemptSink,
    redactor: Redactor,
    set_phase: SetPhase,
    at_once: bool = False,
) -> Selection:
    """Up to ``most`` attempts, all ``at_once`` or as needed; the best of them.

    Raises Cancelled and LeaseLost at once. The error of an attempt that works alone is raised as it is, but
    for the gate's: that one is about what this attempt made. Of several, those with an error are out, and
    only when none is left one of their errors is raised, Parked or Retry rather than others.
    """
    rounds = _Rounds(checkout, brief, new_model, kept, redactor, set_phase)
    done = list(await kept.ended())
    wanted = range(kept.first, kept.first + most)
    ours = {each.ordinal for each in done}
    if not at_once and kept.first not in ours:
        done.append(await rounds.alone(kept.first, alone=most == 1))
        ours.add(kept.first)
    rest = [number for number in wanted if number not in ours]
    if rest and (at_once or await rounds.want_more(done)):
        limits = rounds.share(most, ()) if at_once else rounds.share(len(rest), done)
        if limits:
            done += await rounds.together(rest, done, limits, of=wanted[-1])
    if not any(each.result for each in done):
        raise UserError("; ".join(each.error for each in done) or "no attempt was made", phase="gate")
    return pick_best(done)


class _Rounds:
    """What all attempts share."""

    def __init__(
        self,
        checkout: Checkout,
        brief: Brief,
        new_model: Callable[[], ModelCall],
        kept: AttemptSink,
        redactor: Redactor,
        set_phase: SetPhase,
    ) -> None:
        self._checkout, self._brief, self._kept = checkout, brief, kept
        self._new_model, self._redactor, self._set_phase = new_model, redactor, set_phase
        self._used: dict[int, Usage] = {}  # by attempts that failed

    def share(self, parts: int, used: Sequence[FinishedAttempt]) -> Limits | None:
        """The limits of each of ``parts`` attempts after those; None when too little is left."""
        budget, tokens = self._checkout.config.budget, whole_budget(self._checkout).tokens
        spent = [each.used for each in used]
        usd = budget.usd - sum(each.usd for each in spent)
        left = tokens - sum(each.input_tokens + each.output_tokens for each in spent)
        seconds = budget.minutes * 60 - max((each.seconds for each in spent), default=0.0)
        if usd < ENOUGH * budget.usd or left < ENOUGH * tokens or seconds < ENOUGH * budget.minutes * 60:
            log.info("attempts.no_budget_left", usd=usd, tokens=left, seconds=seconds)
            return None
        return Limits(turns=budget.turns, seconds=seconds, usd=usd / parts, tokens=left // parts)

    async def want_more(self, done: Sequence[FinishedAttempt]) -> bool:
        """Whether another attempt may do better than all that are over."""
        return bool(done) and all([await self._unproved(each) for each in done])

    async def _unproved(self, tried: FinishedAttempt) -> bool:
        result = tried.result
        if result is None:
            return True
        kind = result.outcome.kind
        if kind in (OutcomeKind.CHANGED, OutcomeKind.LIMIT) and result.changes:
            return proof_failed(result.proof)
        gave_up = kind in (OutcomeKind.BLOCKED, OutcomeKind.LIMIT, OutcomeKind.CHANGED)
        return gave_up and await fails_on_base(self._checkout, self._redactor)

    async def alone(self, ordinal: int, *, alone: bool) -> FinishedAttempt:
        """The first attempt. Raises whatever ends it, but for the gate's refusal when others may follow."""
        limits = self.share(1, ())
        try:
            return await self._one(
                ordinal, self._brief, limits or whole_budget(self._checkout), self._set_phase
            )
        except UserError as error:
            tried = await self._failed(ordinal, error)
            if alone or error.phase != "gate":
                raise
            return tried

    async def together(
        self, ordinals: Sequence[int], before: Sequence[FinishedAttempt], limits: Limits, *, of: int
    ) -> list[FinishedAttempt]:
        """Attempts side by side; one that fails leaves the others alone."""
        await self._kept.round(ordinals, before)
        await self._set_phase(Phase.THINK)
        ended = await asyncio.gather(
            *(self._beside(number, before, limits, of) for number in ordinals), return_exceptions=True
        )
        errors = [each for each in ended if isinstance(each, BaseException)]
        for error in errors:
            if isinstance(error, (Cancelled, LeaseLost)) or not isinstance(error, Exception):
                raise error
        tried = [each for each in ended if isinstance(each, FinishedAttempt)]
        if errors and not any(each.result for each in (*before, *tried)):
            raise next((each for each in errors if isinstance(each, (Parked, Retry))), errors[0])
        for number, each in zip(ordinals, ended, strict=True):
            if isinstance(each, Exception):
                tried.append(await self._failed(number, each))
        return tried

    async def _beside(
        self, ordinal: int, before: Sequence[FinishedAttempt], limits: Limits, of: int
    ) -> FinishedAttempt:
        brief = self._brief if ordinal == 1 else describe_earlier_attempts(self._brief, ordinal, of, before)
        return await self._one(ordinal, brief, limits, _silent)

    async def _one(self, ordinal: int, brief: Brief, limits: Limits, set_phase: SetPhase) -> FinishedAttempt:
        begun = time.monotonic()
        model = self._new_model()
        try:
            io = await self._kept.begin(ordinal, model.name, brief)
            counted = _Counted(io, lambda used: self._used.update({ordinal: used}))
            result = await run_attempt(
                self._checkout,
                brief,
                model=model,
                journal=counted,
                redactor=self._redactor,
                set_phase=set_phase,
                limits=limits,
                observer=io.observer,
                interrupted=io.interrupted,
            )
        finally:
            await model.aclose()
        seconds = time.monotonic() - begun
        tried = FinishedAttempt(ordinal=ordinal, model=model.name, result=result, seconds=seconds)
        await self._kept.end(tried)
        return tried

    async def _failed(self, ordinal: int, error: Exception) -> FinishedAttempt:
        known = isinstance(error, (UserError, Parked, Retry, SandboxUnavailable))
        if not known:
            log.error("attempt.bug", attempt=ordinal, exc_info=error)
        words = str(error) if known else f"internal error: {type(error).__name__}"
        used = self._used.get(ordinal, Usage())
        tried = FinishedAttempt(ordinal=ordinal, error=self._redactor.text(words), usage=used)
        await self._kept.end(tried)
        return tried


class _Counted:
    """An attempt's journal; ``tell`` hears after each turn what was used, for the attempt may yet fail."""

    def __init__(self, io: AttemptIO, tell: Callable[[Usage], None]) -> None:
        self._journal, self._tell = io.journal, tell
        self.show_plan, self.read_steering = io.journal.show_plan, io.journal.read_steering
        if io.interrupted and io.interrupted.history:
            tell(Usage(**io.interrupted.history[-1]["total"]))

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """See ``Journal``."""
        self._tell(Usage(**record["total"]))
        await self._journal.store_turn(seq, record)


async def _silent(_phase: Phase) -> None:
    """Attempts side by side are in different phases: the run stays at thinking."""
