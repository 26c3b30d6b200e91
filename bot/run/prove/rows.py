"""The runs of a proof: every check on two trees side by side, and repeats of what may be flaky."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain import Blocked, ChangeKind, ChangeSet, CheckCommand, CheckResult, Verdict
from bot.run.prove.apply_changes import apply_changes
from bot.run.prove.run_check import TAIL_CHARS, CheckRun, run_check
from bot.text.redact import Redactor
from bot.trace import span
from bot.workspace.checkout import Checkout
from bot.workspace.network import NetworkObserver

BEHIND_TIMES = 5.0
_TAIL_BYTES = 8 * TAIL_CHARS  # a character takes four at most, and escapes are taken out

End = asyncio.Future[CheckResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTree:
    """A tree that checks run on: a commit, and what is changed on top of it."""

    checkout: Checkout
    changes: ChangeSet

    async def open(self) -> NetworkObserver:
        """A clean sandbox with the tree. Raises UserError when it cannot be set up."""
        place = f"on {self.checkout.base[:7]}{' with the change' if self.changes else ''}"
        sandbox = await self.checkout.open(place=place)
        try:
            await apply_changes(sandbox, self.changes)
        except BaseException:
            await sandbox.aclose()
            raise
        return sandbox

    @property
    def added(self) -> tuple[str, ...]:
        """Paths that git does not track in a checkout of the commit."""
        return tuple(each.path for each in self.changes.files if each.kind is ChangeKind.ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeRuns:
    """The checks' runs on one tree in their order, and what they could not reach.

    ``kept``: they were run before, see ``bot.run.prove.kept_runs``.
    """

    runs: list[CheckRun]
    blocked: tuple[Blocked, ...] = ()
    kept: bool = False


async def run_together(*trees: Coroutine[Any, Any, TreeRuns]) -> list[TreeRuns]:
    """Run several trees' checks; when one tree cannot be set up, the others' are cancelled."""
    running = [asyncio.ensure_future(each) for each in trees]
    try:
        return await asyncio.gather(*running)
    finally:
        for tree in running:
            tree.cancel()
        await asyncio.wait(running)


async def run_on_tree(
    tree: CheckedTree,
    commands: Sequence[CheckCommand],
    redactor: Redactor,
    lead: Sequence[End] = (),
    *,
    behind: float = 0.0,
) -> TreeRuns:
    """Run the commands on one tree: setting each result in ``lead``, or ending ``behind`` those set there.

    After a command that changed the repository's files the next one gets a clean tree again.
    """
    sandbox: NetworkObserver | None = None
    runs: list[CheckRun] = []
    blocked: list[Blocked] = []
    try:
        for at, command in enumerate(commands):
            sandbox = sandbox or await tree.open()
            other = lead[at] if behind else None
            with span("check", check=command.name):
                run = await _run_behind(sandbox, command, redactor, tree.added, other, behind)
            runs.append(run)
            if lead and not behind:
                lead[at].set_result(run.result)
            if run.changed:
                blocked += sandbox.list_blocked(redactor)
                await sandbox.aclose()
                sandbox = None
        blocked += sandbox.list_blocked(redactor) if sandbox else ()
        return TreeRuns(runs=runs, blocked=tuple(blocked))
    finally:
        for end in () if behind else lead:
            end.cancel()
        if sandbox is not None:
            await sandbox.aclose()


async def repeat_check(
    tree: CheckedTree, command: CheckCommand, redactor: Redactor, times: int
) -> list[CheckRun]:
    """Run one check ``times`` more, each time in a clean sandbox."""
    runs = []
    for _ in range(times):
        again = await run_on_tree(tree, (command,), redactor)
        runs += again.runs
    return runs


class _Tail:
    """The last bytes of an output, more than are shown of it."""

    def __init__(self) -> None:
        self.data = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self.data += data[-_TAIL_BYTES:]
        del self.data[:-_TAIL_BYTES]


async def _run_behind(
    sandbox: NetworkObserver,
    command: CheckCommand,
    redactor: Redactor,
    added: Sequence[str],
    other: End | None,
    behind: float,
) -> CheckRun:
    """One command to its end, or until ``other`` has passed and enough time after it."""
    seen, began = _Tail(), time.monotonic()
    running = asyncio.ensure_future(
        run_check(sandbox, command, redactor, added=added, on_output=seen.add if other else None)
    )
    try:
        if other is not None:
            both: set[asyncio.Future[Any]] = {running, other}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            passed = other.done() and not other.cancelled() and other.result().verdict is Verdict.PASSED
            if passed and not running.done():
                enough = max(behind, BEHIND_TIMES * other.result().seconds)
                await asyncio.wait({running}, timeout=enough - (time.monotonic() - began))
                if not running.done():
                    return _report_hang(time.monotonic() - began, bytes(seen.data), redactor)
        return await running
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


def _report_hang(seconds: float, seen: bytes, redactor: Redactor) -> CheckRun:
    text = seen.decode("utf-8", "replace")
    why = f"\n(ended after {seconds:.0f} s: with the change it passes in a fraction of that)"
    tail = redactor.text(text[-TAIL_CHARS:]) + why
    result = CheckResult(verdict=Verdict.TIMED_OUT, exit_code=None, seconds=round(seconds, 2), tail=tail)
    return CheckRun(result=replace(result, note="it hangs, or takes many times as long as with the change"))
