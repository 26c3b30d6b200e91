"""Proof: the repository's own checks, run by Hob on base and on the changed tree, each in a clean sandbox.

Nothing here is taken from what the agent says. The changed tree is built anew from the admitted change set,
so what is proved is what will be published, not what the agent's workspace happens to hold.

A change that touches tests is run crosswise too: its tests on the base's source, where new ones must fail,
and the base's tests on its source, where what passes on base must pass. That shows that the fix fixes and
that the tests test. What no report can show is in the proof's warnings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

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
from bot.run.prove.asked_tests import asks_for_mend, find_left_failing, find_still_failing
from bot.run.prove.causes import list_causes
from bot.run.prove.chance import blame_fairly
from bot.run.prove.compare import Rows, compare_rows, list_check_warnings
from bot.run.prove.crosswise import JudgedChange, judge_change, run_crosswise
from bot.run.prove.kept_runs import run_for_agent, run_on_base, run_on_head
from bot.run.prove.rows import CheckedTree, TreeRuns, run_on_tree, run_together
from bot.run.prove.suspect.borrowed_results import find_borrowed_results
from bot.run.prove.suspect.embedded_tests import find_altered_embedded
from bot.run.prove.suspect.scaffolding import find_changed_scaffolding, find_named_data
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
    anew: bool = False,
) -> Proof:
    """Run every check on base and on head, side by side. Raises UserError when the trees cannot be set up.

    The base is the checkout's own commit, or what it names as ``before``: the branch as it was, of a merge.
    ``request`` is what was asked for: failing tests that it is about must turn. ``anew``: nothing that the
    agent's own check of the same change found is taken over.

    A check that passes on head is not waited for without end on base, where the fault may be that it hangs:
    it gets ``behind`` seconds there, or ``BEHIND_TIMES`` what it took on head if that is more.
    """
    wanted = checkout.checks.checks
    lead = [asyncio.get_running_loop().create_future() for _ in wanted]
    before = checkout.before or checkout
    on_base = CheckedTree(checkout=before, changes=ChangeSet(base=before.base))
    on_head = CheckedTree(checkout=checkout, changes=changes)
    run_head = run_on_tree if anew else run_on_head
    base, head = await run_together(
        run_on_base(before, wanted, redactor, lead, behind=behind),
        run_head(on_head, wanted, redactor, lead),
    )
    judged = await asyncio.to_thread(judge_change, checkout, changes, wanted)
    crossed = await run_crosswise(judged, wanted, base, redactor)
    checks = []
    for at, command in enumerate(wanted):
        rows = Rows(
            base=base.runs[at],
            head=head.runs[at],
            head_tests_on_base=crossed[0][at],
            base_tests_on_head=crossed[1][at],
            base_kept=base.kept,
        )
        rows = await blame_fairly(command, rows, on_base, on_head, judged.source, judged.read_base, redactor)
        checks.append(await asyncio.to_thread(compare_rows, command, rows))
    return Proof(
        base=before.base,
        checks=tuple(checks),
        not_run=(*checkout.checks.not_run, *list_causes(checks, checkout.facts)),
        internet=describe_egress(checkout.config.internet),
        blocked=merge_blocked(base.blocked, head.blocked),
        warnings=await asyncio.to_thread(_list_warnings, checks, judged, base, redactor),
        still_failing=await asyncio.to_thread(find_still_failing, request, checks),
        left_failing=await asyncio.to_thread(find_left_failing, request, checks),
    )


async def prove_result(
    checkout: Checkout,
    outcome: Outcome,
    changes: ChangeSet,
    redactor: Redactor,
    *,
    request: str = "",
    blocked: tuple[Blocked, ...] = (),
    anew: bool = False,
) -> Result:
    """The result of ``changes`` that the gate admitted: with their proof and their diff.

    ``blocked`` is what was out of reach before the checks ran. Where the agent read what looks like orders to
    it, the checks have no network: the change may do in them what was ordered. ``anew``, and what is raised,
    as in ``prove``.
    """
    if outcome.suspicions:
        checkout = checkout.without_network()
    proof = await prove(checkout, changes, redactor, request=request, anew=anew)
    proof = replace(proof, blocked=merge_blocked(blocked, proof.blocked))
    diff = await asyncio.to_thread(unified_diff, checkout.repo, checkout.base, changes)
    return Result(outcome=outcome, changes=changes, proof=proof, diff=diff)


async def fails_on_base(checkout: Checkout, redactor: Redactor, request: str) -> bool:
    """Whether tests that ``request`` is about fail on the commit as it is: then giving up leaves work."""
    tests = [check for check in checkout.checks.checks if not check.lint]
    if not tests:
        return False
    ended = await run_on_base(checkout, tests, redactor)
    failed = [run.result for run in ended.runs if run.result.verdict is Verdict.FAILED]
    for result in failed:
        if await asyncio.to_thread(asks_for_mend, request, result.failing, result.tail):
            return True
    return False


async def run_checks(
    checkout: Checkout, changes: ChangeSet, redactor: Redactor
) -> tuple[tuple[CheckCommand, CheckResult], ...]:
    """Every check as the proof runs it, on the checkout's commit with ``changes``, in one clean sandbox."""
    commands = checkout.checks.checks
    ended = await run_for_agent(checkout, changes, commands, redactor)
    return tuple(zip(commands, [run.result for run in ended.runs], strict=True))


def _list_warnings(
    checks: Sequence[Check], judged: JudgedChange, base: TreeRuns, redactor: Redactor
) -> tuple[ProofWarning, ...]:
    """What must be known before the results, the gravest first."""
    found = list_check_warnings(checks)
    settings = judged.list_altered_settings()
    if settings:
        text = "The change alters how its own checks are run"
        found.append(ProofWarning(text=text, names=settings))
    named = {test for check in checks for test in (*check.altered, *check.skipped)}
    ran = {test for run in base.runs for test in run.tests}
    embedded = find_altered_embedded(judged.parts.source, ran, judged.read_base)
    altered = tuple(test for test in (*judged.find_altered_tests(), *embedded) if test not in named)
    if altered:
        text = "The change alters or removes tests that judge it"
        found.append(ProofWarning(text=text, names=altered))
    scaffolding = find_changed_scaffolding(judged.parts.source, ran, judged.read_base)
    if scaffolding:
        text = "The change alters what tests inherit from, are wrapped in or set up by, so look at it"
        found.append(ProofWarning(text=text, names=scaffolding))
    data = find_named_data(judged.parts.source, ran, judged.read_base)
    if data:
        text = "The change alters data that the tests name, so see whether it is what they expect"
        found.append(ProofWarning(text=text, names=data))
    telltale = judged.find_telltale_lines()
    if telltale:
        text = (
            "The change's code speaks of what runs the tests, changes what they compare with, or ends the "
            "process, so look at it"
        )
        found.append(ProofWarning(text=text, names=telltale))
    turned = [test for check in checks for test in check.mended]
    borrowed = find_borrowed_results(judged.parts.source, turned, judged.read_base)
    if borrowed:
        text = "A new condition gives one input just what a test wants of it, so see what others get"
        found.append(ProofWarning(text=text, names=borrowed))
    return tuple(
        ProofWarning(text=each.text, names=tuple(redactor.text(name) for name in each.names))
        for each in found
    )
