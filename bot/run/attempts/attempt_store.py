"""Where a task's attempts are written down: the database, so that another worker can go on with them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import structlog

from bot.agent.transcript import load_past
from bot.domain import Brief, ChangeSet, Outcome, OutcomeKind, Proof, Result, Run, Task, Usage
from bot.errors import UserError
from bot.git.diff import unified_diff
from bot.run.attempts.attempt import Interrupted
from bot.run.attempts.best_of import AttemptIO
from bot.run.attempts.journal import AttemptJournal, ProgressComment
from bot.run.attempts.ranking import FinishedAttempt
from bot.run.prove.gate import admit_changes
from bot.tasks.attempts import AttemptRecord
from bot.tasks.database.column_values import restore
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout

log = structlog.get_logger(__name__)

STARTED_OVER = "I could not go on from where I was interrupted ({}), so I started over."
GIVEN_UP = "given up: another attempt was good enough"


class AttemptStore:
    """The attempts of one run, at the request of its own task or of an earlier one; see ``attempts.Kept``."""

    def __init__(
        self,
        store: Store,
        run: Run,
        task: Task,
        progress: ProgressComment,
        redactor: Redactor,
        checkout: Checkout,
    ) -> None:
        self._store, self._run, self._task = store, run, task
        self._board, self._redactor, self._checkout = progress, redactor, checkout
        self._open: dict[int, tuple[AttemptRecord, AttemptJournal]] = {}
        self.first = 1

    async def look(self) -> None:
        """Find out which ordinal is the task's first: its own one of an interrupted run, or the next free."""
        known = await self._store.attempts(self._task.root)
        mine = [each.ordinal for each in known if each.maker == self._task.id]
        self.first = min(mine, default=max((each.ordinal for each in known), default=0) + 1)

    async def ended(self) -> Sequence[FinishedAttempt]:
        """Attempts at the same request on the same commit that are over."""
        known = await self._store.attempts(self._task.root)
        over = (AttemptState.ENDED, AttemptState.FAILED)
        return [
            await tried(self._store, each)
            for each in known
            if each.state in over
            and each.base_sha == self._checkout.base
            and (each.state is AttemptState.ENDED or each.maker == self._task.id)
        ]

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """An attempt begins, or goes on from the last turn of an interrupted run. Raises LeaseLost."""
        known = await self._store.attempts(self._task.root)
        before = next((each for each in known if each.ordinal == ordinal), None)
        ground = _ground(self._checkout, brief, model)
        record = await self._store.begin_attempt(
            self._run, ordinal, task=self._task.root, model=model, base=self._checkout.base, ground=ground
        )
        interrupted, heard = await self._interrupted(before, record)
        journal = AttemptJournal(
            self._store,
            self._run,
            self._board,
            self._redactor,
            attempt=record.id,
            ordinal=ordinal,
            heard=heard,
        )
        self._open[ordinal] = (record, journal)
        return AttemptIO(journal=journal, observer=journal, interrupted=interrupted)

    async def _interrupted(
        self, before: AttemptRecord | None, record: AttemptRecord
    ) -> tuple[Interrupted | None, int]:
        if before is None or before.work_seq < 0:
            return None, 0
        if before.ground != record.ground:
            await self._over("the code, the thread or the model is another now")
            return None, 0
        left = await self._store.left_of(record)
        try:
            load_past(left.records if left else ())
        except ValueError as trouble:
            log.warning("attempt.transcript_unfit", attempt=record.ordinal, error=str(trouble))
            left = None
        if left is None:
            await self._over("what was stored of it is not whole")
            return None, 0
        log.info("attempt.resumed", attempt=record.ordinal, turns=len(left.records))
        await self._board.remark(f"🔁 I was interrupted, and went on after turn {len(left.records)}.")
        return Interrupted(history=left.records, changes=left.changes), left.heard

    async def _over(self, why: str) -> None:
        log.warning("attempt.started_over", reason=why)
        await self._board.remark("🔁 " + STARTED_OVER.format(why))

    async def end(self, tried: FinishedAttempt) -> None:
        """An attempt is over. Raises LeaseLost."""
        opened = self._open.pop(tried.ordinal, None)
        if opened is None:
            return
        record, _ = opened
        result = tried.result
        if result is None:
            await self._store.end_attempt(
                self._run, record.id, AttemptState.FAILED, error=tried.error, usage=tried.usage
            )
            return
        await self._store.end_attempt(
            self._run,
            record.id,
            AttemptState.ENDED,
            outcome=result.outcome,
            diff=result.diff,
            proof=result.proof,
            usage=result.outcome.usage,
            changes=result.changes,
        )

    async def round(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """Tell people that several attempts begin."""
        await self._board.begin_round()
        names = _listed(ordinals)
        several = len(ordinals) > 1
        what = f"attempt{'s' if several else ''} {names} {'are' if several else 'is'} under way."
        if before:
            earlier = _listed([each.ordinal for each in before])
            words = f"Attempt{'s' if len(before) > 1 else ''} {earlier} did not pass the proof; {what}"
        else:
            words = what.capitalize()
        await self._board.remark(f"🔀 {words}")

    async def settle(self) -> None:
        """The choice is made: an attempt that an interrupted run left open is given up. Raises LeaseLost."""
        for each in await self._store.attempts(self._task.root):
            if each.maker == self._task.id and each.state is AttemptState.RUNNING:
                await self._store.end_attempt(self._run, each.id, AttemptState.FAILED, error=GIVEN_UP)

    async def stop(self) -> dict[int, str]:
        """A person stopped the run: keep what each attempt has as a diff.

        The ordinals of those that had any, each with '' or why it may not be kept. Raises LeaseLost.
        """
        left: dict[int, str] = {}
        if self._task.kind.produces_only_text:
            return left
        for ordinal, (record, journal) in sorted(self._open.items()):
            changes = journal.rescued
            if changes is None:
                changes = await self._store.attempt_changes(record)
            why = await self._stopped(record, changes or ChangeSet(base=self._checkout.base))
            if why is not None:
                left[ordinal] = why
        self._open.clear()
        return left

    async def _stopped(self, record: AttemptRecord, changes: ChangeSet) -> str | None:
        """What may be published of it, and its diff; None when there is nothing, else '' or why it is lost.

        A secret in it is the end of all of it.
        """
        error = ""
        try:
            changes = await asyncio.to_thread(
                admit_changes,
                changes,
                protected=self._checkout.config.protected_paths,
                redactor=self._redactor,
            )
        except UserError as refused:
            changes, error = ChangeSet(base=self._checkout.base), refused.message
        diff = await asyncio.to_thread(unified_diff, self._checkout.repo, self._checkout.base, changes)
        turns = await self._store.turns(self._run.id, ordinal=record.ordinal)
        usage = Usage(**turns[-1].record.get("total", {})) if turns else Usage()
        await self._store.end_attempt(
            self._run,
            record.id,
            AttemptState.STOPPED,
            outcome=Outcome(kind=OutcomeKind.LIMIT, summary="Stopped by a person.", usage=usage),
            diff=diff,
            usage=usage,
            proof=Proof(base=self._checkout.base),
            changes=changes,
            error=error,
        )
        return error if error or changes else None


async def tried(store: Store, record: AttemptRecord) -> FinishedAttempt:
    """A stored attempt as the judge takes it."""
    used = Usage(**(record.usage or {}))
    seconds = used.seconds
    if record.outcome is None:
        return FinishedAttempt(
            ordinal=record.ordinal, model=record.model, error=record.error, seconds=seconds, usage=used
        )
    result = Result(
        outcome=restore(Outcome, record.outcome),
        changes=await store.attempt_changes(record) or ChangeSet(base=record.base_sha),
        proof=restore(Proof, record.proof or {}),
        diff=record.diff,
    )
    return FinishedAttempt(ordinal=record.ordinal, model=record.model, result=result, seconds=seconds)


def _ground(checkout: Checkout, brief: Brief, model: str) -> str:
    """A digest of all that an interrupted attempt stood on."""
    layers = [layer.name for layer in checkout.layers]
    stood = {"base": checkout.base, "layers": layers, "model": model, "brief": asdict(brief)}
    return hashlib.sha256(json.dumps(stood, sort_keys=True).encode()).hexdigest()


def _listed(numbers: Sequence[int]) -> str:
    """1, 2 and 3."""
    words = [str(number) for number in numbers]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
