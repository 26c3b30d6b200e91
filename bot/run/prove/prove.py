"""Proof: the repository's own checks, run by Hob on base and on the changed tree, each in a clean sandbox.

Nothing here is taken from what the agent says. The changed tree is built anew from the admitted change set,
so what is proved is what will be published, not what the agent's workspace happens to hold.

A change that touches tests is run crosswise too: its tests on the base's source, where new ones must fail,
and the base's tests on its source, where what passes on base must pass. That shows that the fix fixes and
that the tests test. What cannot be told from any report stands in the proof's warnings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from dulwich.repo import Repo

from bot.domain import (
    Blocked,
    ChangeSet,
    Check,
    CheckCommand,
    CheckResult,
    Outcome,
    Proof,
    ProofWarning,
    Result,
    Verdict,
)
from bot.git.diff import unified_diff
from bot.git.paths import as_bytes
from bot.git.rebase import diff_commits
from bot.git.transplant import Conflict
from bot.git.trees import BaseTree
from bot.run.prove.altered_tests import find_altered_tests
from bot.run.prove.asked_tests import asks_for_mend, find_still_failing
from bot.run.prove.causes import list_causes
from bot.run.prove.chance import blame_fairly
from bot.run.prove.compare import Rows, compare_rows, list_check_warnings
from bot.run.prove.judge_files import ChangeParts, ReadBase, find_telltale_lines, split_change
from bot.run.prove.rows import CheckedTree, TreeRuns, run_on_tree, run_together
from bot.run.prove.run_check import CheckRun
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.network import describe_egress, merge_blocked

BEHIND_SECONDS = 20.0


async def prove(
    checkout: Checkout,
    changes: ChangeSet,
    redactor: Redactor,
    *,
    request: str = "",
    behind: float = BEHIND_SECONDS,
) -> Proof:
    """Run every check on base and on head, side by side. Raises UserError when the trees cannot be set up.

    The base is the checkout's own commit, or what it names as ``before``: the branch as it was, of a merge.
    ``request`` is what was asked for: failing tests that it is about must turn.

    A check that passes on head is not waited for without end on base, where the fault may be that it hangs:
    it gets ``behind`` seconds there, or ``BEHIND_TIMES`` what it took on head if that is more.
    """
    wanted = checkout.checks.checks
    lead = [asyncio.get_running_loop().create_future() for _ in wanted]
    before = checkout.before or checkout
    on_base = CheckedTree(checkout=before, changes=ChangeSet(base=before.base))
    on_head = CheckedTree(checkout=checkout, changes=changes)
    base, head = await run_together(
        run_on_tree(on_base, wanted, redactor, lead, behind=behind),
        run_on_tree(on_head, wanted, redactor, lead),
    )
    whole = await asyncio.to_thread(_list_whole_change, checkout, changes)
    read_base = _BaseFiles(before)
    parts = await asyncio.to_thread(split_change, whole, wanted, read_base)
    crossed = await _run_crosswise(before, parts, wanted, base, redactor)
    checks = []
    for at, command in enumerate(wanted):
        rows = Rows(
            base=base.runs[at],
            head=head.runs[at],
            head_tests_on_base=crossed[0][at],
            base_tests_on_head=crossed[1][at],
        )
        rows = await blame_fairly(command, rows, on_base, on_head, parts.source, read_base, redactor)
        checks.append(compare_rows(command, rows))
    return Proof(
        base=before.base,
        checks=tuple(checks),
        not_run=(*checkout.checks.not_run, *list_causes(checks, checkout.facts)),
        internet=describe_egress(checkout.config.internet),
        blocked=merge_blocked(base.blocked, head.blocked),
        warnings=await asyncio.to_thread(_list_warnings, checks, parts, read_base, redactor),
        still_failing=find_still_failing(request, checks),
    )


async def prove_result(
    checkout: Checkout,
    outcome: Outcome,
    changes: ChangeSet,
    redactor: Redactor,
    *,
    request: str = "",
    blocked: tuple[Blocked, ...] = (),
) -> Result:
    """The result of ``changes`` that the gate admitted: with their proof and their diff.

    ``blocked`` is what was out of reach before the checks ran. Where the agent read what looks like orders to
    it, the checks have no network: the change may do in them what was ordered. Raises UserError as ``prove``
    does.
    """
    if outcome.suspicions:
        checkout = checkout.without_network()
    proof = await prove(checkout, changes, redactor, request=request)
    proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
    diff = await asyncio.to_thread(unified_diff, checkout.repo, checkout.base, changes)
    return Result(outcome=outcome, changes=changes, proof=proof, diff=diff)


async def fails_on_base(checkout: Checkout, redactor: Redactor, request: str) -> bool:
    """Whether tests that ``request`` is about fail on the commit as it is: then giving up leaves work."""
    tests = [check for check in checkout.checks.checks if not check.lint]
    if not tests:
        return False
    tree = CheckedTree(checkout=checkout, changes=ChangeSet(base=checkout.base))
    ended = await run_on_tree(tree, tests, redactor)
    failed = [run.result for run in ended.runs if run.result.verdict is Verdict.FAILED]
    return any(asks_for_mend(request, result.failing, result.tail) for result in failed)


async def run_checks(
    checkout: Checkout, changes: ChangeSet, redactor: Redactor
) -> tuple[tuple[CheckCommand, CheckResult], ...]:
    """Every check as the proof runs it, on the checkout's commit with ``changes``, in one clean sandbox."""
    commands = checkout.checks.checks
    ended = await run_on_tree(CheckedTree(checkout=checkout, changes=changes), commands, redactor)
    return tuple(zip(commands, [run.result for run in ended.runs], strict=True))


def _list_whole_change(checkout: Checkout, changes: ChangeSet) -> ChangeSet:
    """What differs from the tree that is compared with: the agent's change, or all of a pull request's.

    Of a change on top of a merge only the agent's part, since the merge is other people's.
    """
    if checkout.before is None or changes.files:
        return changes
    try:
        files = diff_commits(checkout.repo, checkout.before.base, checkout.base)
    except Conflict:  # a submodule is among it
        return changes
    return ChangeSet(base=checkout.before.base, files=files)


class _BaseFiles:
    """Reads files of the commit that a proof compares with."""

    def __init__(self, before: Checkout) -> None:
        self._repo, self._commit = before.repo, before.base

    def __call__(self, path: str) -> bytes | None:
        with closing(Repo(str(self._repo))) as repo:
            return BaseTree(repo.object_store, self._commit).read_file(as_bytes(path))


async def _run_crosswise(
    before: Checkout, parts: ChangeParts, commands: Sequence[CheckCommand], base: TreeRuns, redactor: Redactor
) -> tuple[list[CheckRun | None], list[CheckRun | None]]:
    """The change's tests on the base's source, and the base's tests on the change's source.

    Only where the change has both, and only of checks that name tests; the second only where tests of the
    base are changed or fail. A change of tests alone leaves the base's tests and source as they are.
    """
    nothing: list[CheckRun | None] = [None] * len(commands)
    at = [
        n
        for n, (command, run) in enumerate(zip(commands, base.runs, strict=True))
        if not command.lint and run.tests
    ]
    if not parts.tests.files or not at:
        return nothing, nothing
    if not parts.source.files:
        return nothing, list(base.runs)
    some = [commands[n] for n in at]
    trees = [CheckedTree(checkout=before, changes=parts.tests)]
    if parts.may_alter_tests or any(base.runs[n].result.failing for n in at):
        trees.append(CheckedTree(checkout=before, changes=parts.source))
    ends = await run_together(*(run_on_tree(tree, some, redactor) for tree in trees))
    filled = [dict(zip(at, each.runs, strict=True)) for each in ends]
    rows = [[each.get(n) for n in range(len(commands))] for each in filled]
    return rows[0], rows[1] if len(rows) > 1 else nothing


def _list_warnings(
    checks: Sequence[Check], parts: ChangeParts, read_base: ReadBase, redactor: Redactor
) -> tuple[ProofWarning, ...]:
    """What must be known before the results, the gravest first."""
    found = list_check_warnings(checks)
    if parts.settings:
        text = "The change alters how its own checks are run"
        found.append(ProofWarning(text=text, names=parts.settings))
    named = {test for check in checks for test in (*check.altered, *check.skipped)}
    altered = tuple(t for t in find_altered_tests(parts.tests, read_base) if t not in named)
    if altered:
        text = "The change alters or removes tests that judge it"
        found.append(ProofWarning(text=text, names=altered))
    telltale = find_telltale_lines(parts.source, read_base)
    if telltale:
        text = "The change's code speaks of what runs the tests, or ends the process, so look at it"
        found.append(ProofWarning(text=text, names=telltale))
    return tuple(
        ProofWarning(text=each.text, names=tuple(redactor.text(name) for name in each.names))
        for each in found
    )
