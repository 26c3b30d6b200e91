"""A task's attempts in the database, so that another worker can continue them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.domain import Brief, ChangeSet, Outcome, OutcomeKind, Proof, Result, Run, Task, Usage
from bot.errors import UserError
from bot.git.diff import unified_diff
from bot.run.attempts.attempt_sink import AttemptIO, PlanDisplay
from bot.run.attempts.journal import AttemptJournal
from bot.run.attempts.ranking import FinishedAttempt, Selection
from bot.run.attempts.resume import digest_start, find_resume_point
from bot.run.prove.gate import admit_changes
from bot.tasks.attempts import AttemptRecord
from bot.tasks.database.column_values import restore
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout

GIVEN_UP = "given up: another attempt was good enough"


class AttemptStore:
    """The attempts of one run, at the request of its own task or of an earlier one: an ``AttemptSink``.

    ``spent`` is what all attempts used, None before ``settle``.
    """

    def __init__(
        self,
        store: Store,
        run: Run,
        task: Task,
        progress: PlanDisplay,
        redactor: Redactor,
        checkout: Checkout,
    ) -> None:
        self._store, self._run, self._task = store, run, task
        self._progress, self._redactor, self._checkout = progress, redactor, checkout
        self._open: dict[int, tuple[AttemptRecord, AttemptJournal]] = {}
        self.first = 1
        self.spent: Usage | None = None

    async def find_first(self) -> None:
        """Set ``first``, the task's first ordinal: of its own interrupted run, or the next free one."""
        known = await self._store.list_attempts(self._task.root)
        mine = [each.ordinal for each in known if each.maker == self._task.id]
        self.first = min(mine, default=max((each.ordinal for each in known), default=0) + 1)

    async def list_finished(self) -> Sequence[FinishedAttempt]:
        """Finished attempts at the same request on the same commit."""
        known = await self._store.list_attempts(self._task.root)
        over = (AttemptState.ENDED, AttemptState.FAILED)
        return [
            await load_attempt(self._store, each)
            for each in known
            if each.state in over
            and each.base_sha == self._checkout.base
            and (each.state is AttemptState.ENDED or each.maker == self._task.id)
        ]

    async def begin(self, ordinal: int, model: str, brief: Brief) -> AttemptIO:
        """Record that an attempt begins, or continues a killed run's. Raises LeaseLost."""
        known = await self._store.list_attempts(self._task.root)
        before = next((each for each in known if each.ordinal == ordinal), None)
        record = await self._store.begin_attempt(
            self._run,
            ordinal,
            task=self._task.root,
            model=model,
            base=self._checkout.base,
            start_digest=digest_start(self._checkout, brief, model),
        )
        start = await find_resume_point(self._store, self._progress, before, record)
        journal = AttemptJournal(
            self._store,
            self._run,
            self._progress,
            self._redactor,
            attempt=record.id,
            ordinal=ordinal,
            last_steering=start.last_steering,
        )
        self._open[ordinal] = (record, journal)
        return AttemptIO(journal=journal, observer=journal, interrupted=start.interrupted)

    async def finish(self, attempt: FinishedAttempt) -> None:
        """Record how an attempt ended. Raises LeaseLost."""
        opened = self._open.pop(attempt.ordinal, None)
        if opened is None:
            return
        record, _ = opened
        result = attempt.result
        if result is None:
            await self._store.end_attempt(
                self._run, record.id, AttemptState.FAILED, error=attempt.error, usage=attempt.usage
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

    async def announce(self, ordinals: Sequence[int], before: Sequence[FinishedAttempt]) -> None:
        """Say in the progress comment that several attempts begin."""
        await self._progress.begin_round()
        names = _join_ordinals(ordinals)
        several = len(ordinals) > 1
        what = f"attempt{'s' if several else ''} {names} {'are' if several else 'is'} under way."
        if before:
            earlier = _join_ordinals([each.ordinal for each in before])
            text = f"Attempt{'s' if len(before) > 1 else ''} {earlier} did not pass the proof; {what}"
        else:
            text = what.capitalize()
        await self._progress.add_remark(f"🔀 {text}")

    async def settle(self, selection: Selection) -> None:
        """Give up attempts that an interrupted run left open, and show the chosen one's plan.

        Raises LeaseLost.
        """
        for each in await self._store.list_attempts(self._task.root):
            if each.maker == self._task.id and each.state is AttemptState.RUNNING:
                await self._store.end_attempt(self._run, each.id, AttemptState.FAILED, error=GIVEN_UP)
        self.spent = selection.spent
        self._progress.finish(selection.result.outcome.plan)

    async def stop(self) -> dict[int, str]:
        """Store what each open attempt has changed, since a person stopped the run.

        Returns the ordinals of those that had changed something, each with '' or why it may not be stored.
        Raises LeaseLost.
        """
        left: dict[int, str] = {}
        if self._task.kind.produces_only_text:
            return left
        for ordinal, (record, journal) in sorted(self._open.items()):
            changes = journal.rescued
            if changes is None:
                changes = await self._store.load_attempt_changes(record)
            why = await self._store_stopped(record, changes or ChangeSet(base=self._checkout.base))
            if why is not None:
                left[ordinal] = why
        self._open.clear()
        return left

    async def _store_stopped(self, record: AttemptRecord, changes: ChangeSet) -> str | None:
        """Store what may be published of ``changes``; None when there is nothing, else '' or why it is lost.

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
        turns = await self._store.list_turns(self._run.id, ordinal=record.ordinal)
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


async def load_attempt(store: Store, record: AttemptRecord) -> FinishedAttempt:
    """A stored attempt with its result, as the ranking takes it."""
    used = Usage(**(record.usage or {}))
    seconds = used.seconds
    if record.outcome is None:
        return FinishedAttempt(
            ordinal=record.ordinal, model=record.model, error=record.error, seconds=seconds, usage=used
        )
    result = Result(
        outcome=restore(Outcome, record.outcome),
        changes=await store.load_attempt_changes(record) or ChangeSet(base=record.base_sha),
        proof=restore(Proof, record.proof or {}),
        diff=record.diff,
    )
    return FinishedAttempt(ordinal=record.ordinal, model=record.model, result=result, seconds=seconds)


def _join_ordinals(numbers: Sequence[int]) -> str:
    """1, 2 and 3."""
    texts = [str(number) for number in numbers]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
