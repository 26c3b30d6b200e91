"""Proof: the repository's own checks, run by Hob on base and on the changed tree, each in a clean sandbox.

Nothing here is taken from what the agent says. The changed tree is built anew from the admitted change set,
so what is proved is what will be published, not what the agent's workspace happens to hold.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.domain import Blocked, ChangeSet, Check, CheckCommand, CheckResult, Outcome, Proof, Result, Verdict
from bot.git.diff import unified_diff
from bot.run.prove.apply_changes import apply_changes
from bot.run.prove.causes import list_causes
from bot.run.prove.check_result import TAIL_CHARS, read_check_result
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.network import describe_egress, merge_blocked
from sandbox.spec import Command, Sandbox

BEHIND_SECONDS = 20.0
BEHIND_TIMES = 5.0

_End = asyncio.Future[CheckResult]


async def prove(
    checkout: Checkout, changes: ChangeSet, redactor: Redactor, *, behind: float = BEHIND_SECONDS
) -> Proof:
    """Run every check on base and on head, side by side. Raises UserError when the trees cannot be set up.

    The base is the checkout's own commit, or what it names as ``before``: the branch as it was, of a merge.

    A check that passes on head is not waited for without end on base, where the fault may be that it hangs:
    it gets ``behind`` seconds there, or ``BEHIND_TIMES`` what it took on head if that is more.
    """
    wanted = checkout.checks.checks
    lead = [asyncio.get_running_loop().create_future() for _ in wanted]
    before = checkout.before or checkout
    base, head = await _run_both(
        _run_on_tree(before, ChangeSet(base=before.base), wanted, redactor, lead, behind=behind),
        _run_on_tree(checkout, changes, wanted, redactor, lead),
    )
    checks = tuple(
        Check(name=check.name, command=check.command, base=on_base, head=on_head)
        for check, on_base, on_head in zip(wanted, base.results, head.results, strict=True)
    )
    return Proof(
        base=before.base,
        checks=checks,
        not_run=(*checkout.checks.not_run, *list_causes(checks, checkout.facts)),
        internet=describe_egress(checkout.config.internet),
        blocked=merge_blocked(base.blocked, head.blocked),
    )


async def prove_result(
    checkout: Checkout,
    outcome: Outcome,
    changes: ChangeSet,
    redactor: Redactor,
    *,
    blocked: tuple[Blocked, ...] = (),
) -> Result:
    """The result of ``changes`` that the gate admitted: with their proof and their diff.

    ``blocked`` is what was out of reach before the checks ran. Raises UserError as ``prove`` does.
    """
    proof = await prove(checkout, changes, redactor)
    proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
    diff = await asyncio.to_thread(unified_diff, checkout.repo, checkout.base, changes)
    return Result(outcome=outcome, changes=changes, proof=proof, diff=diff)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """The checks' results on one tree, and what they could not reach."""

    results: list[CheckResult]
    blocked: tuple[Blocked, ...]


async def _run_both(base: Coroutine[Any, Any, _Tree], head: Coroutine[Any, Any, _Tree]) -> list[_Tree]:
    """Run both trees' checks; when one tree cannot be set up, the other's are cancelled."""
    trees = [asyncio.ensure_future(each) for each in (base, head)]
    try:
        return await asyncio.gather(*trees)
    finally:
        for tree in trees:
            tree.cancel()
        await asyncio.wait(trees)


async def fails_on_base(checkout: Checkout, redactor: Redactor) -> bool:
    """Whether the tests fail on the commit as it is: then giving up leaves something to be done."""
    tests = [check for check in checkout.checks.checks if not check.lint]
    if not tests:
        return False
    tree = await _run_on_tree(checkout, ChangeSet(base=checkout.base), tests, redactor)
    return any(result.verdict is Verdict.FAILED for result in tree.results)


async def run_checks(
    checkout: Checkout, changes: ChangeSet, redactor: Redactor
) -> tuple[tuple[CheckCommand, CheckResult], ...]:
    """Every check as the proof runs it, on the checkout's commit with ``changes``, in one clean sandbox."""
    commands = checkout.checks.checks
    tree = await _run_on_tree(checkout, changes, commands, redactor)
    return tuple(zip(commands, tree.results, strict=True))


async def _run_on_tree(
    checkout: Checkout,
    changes: ChangeSet,
    commands: Sequence[CheckCommand],
    redactor: Redactor,
    lead: Sequence[_End] = (),
    *,
    behind: float = 0.0,
) -> _Tree:
    """Run the commands on one tree: setting each result in ``lead``, or ending ``behind`` those set there."""
    sandbox = await checkout.open()
    try:
        await apply_changes(sandbox, changes)
        results = []
        for at, check in enumerate(commands):
            other = lead[at] if behind else None
            results.append(await _run_check(sandbox, check.command, redactor, other, behind))
            if lead and not behind:
                lead[at].set_result(results[-1])
        return _Tree(results=results, blocked=sandbox.list_blocked(redactor))
    finally:
        for end in () if behind else lead:
            end.cancel()
        await sandbox.aclose()


async def _run_check(
    sandbox: Sandbox, line: str, redactor: Redactor, other: _End | None, behind: float
) -> CheckResult:
    """One command to its end, or until ``other`` has passed and enough time after it."""
    seen, began = bytearray(), time.monotonic()
    running = asyncio.ensure_future(
        sandbox.run(Command(argv=("bash", "-c", line)), on_output=seen.extend if other else None)
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
                    return _report_hang(time.monotonic() - began, bytes(seen), redactor)
        return read_check_result(await running, redactor)
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


def _report_hang(seconds: float, seen: bytes, redactor: Redactor) -> CheckResult:
    text = seen.decode("utf-8", "replace")
    why = f"\n(ended after {seconds:.0f} s: with the change it passes in a fraction of that)"
    return CheckResult(
        verdict=Verdict.TIMED_OUT,
        exit_code=None,
        seconds=round(seconds, 2),
        tail=redactor.text(text[-TAIL_CHARS:]) + why,
    )
