"""Whether a change that passes is claimed, or the search says why it is not sure enough."""

from __future__ import annotations

from ..candidates import FoundChange
from ..forkserver.candidate_runner import CandidateRunner
from .compare import Comparison, Rival
from .structure import (
    NEVER_ENDS,
    count_covering,
    count_new_numbers,
    describe_turn,
    is_asked_for,
    list_borrowed,
    list_objections,
)

SUSPECT = 0.1  # a change with an objection as strong as this is not claimed
GUESSED = 0.25  # the same where few tests that passed before run the changed lines
FEW = 3
SHOWN = 3  # failing tests that show that a condition is meant another way
MATURE = 60  # passing tests, among which one that is the wrong way round would have been seen
NEAR = 0.8  # how likely another change may be, beside the chosen one, before neither is claimed
LIKELIER = 3.0  # times as likely: a change that is not claimed and speaks against claiming another one
DIFFERENT = 0.2  # of the calls: the share for which they have to differ to be two answers


def find_doubt(
    runner: CandidateRunner, compared: Comparison, chosen: FoundChange | None, answer: FoundChange
) -> str:
    """Why a change that passes is not to be claimed; "" when it is.

    ``answer`` is ``chosen`` without what it did not need.
    """
    rival = compared.find_rival(chosen) if chosen is not None else None
    numbers = [each for part in answer.parts for each in list_borrowed(runner, part) if each[:1] not in "'\""]
    if rival is not None and numbers:
        return (
            f"the edits found only put {numbers[0]}, a value of the tests, into the code, "
            f"and differ: {rival.call} gives {rival.this} or {rival.other}"
        )
    if reason := find_objection(runner, answer):
        return reason
    if chosen is not None and (reason := _find_likelier_turn(runner, compared, chosen)):
        return reason
    ends = {run.failure.get("type", "") for run in runner.base.failing}
    if chosen is not None and ends and ends <= NEVER_ENDS and (call := compared.find_endless(chosen)):
        return f"with the likeliest edit {call} still does not end"
    if rival is not None and chosen is not None and _is_undecided(runner, compared, chosen, rival):
        return (
            "two edits would do, and no passing test runs their line to tell them apart: "
            f"{rival.call} gives {rival.this} with one and {rival.other} with the other"
        )
    if chosen is not None and _has_few_failing_tests(runner, answer):
        return _doubt_by_few_tests(runner, compared, chosen, rival)
    return ""


def _has_few_failing_tests(runner: CandidateRunner, answer: FoundChange) -> bool:
    """Whether few failing tests of a large suite show the fault."""
    return len(answer.turned) < SHOWN and len(runner.base.passed_ids) >= MATURE


def _doubt_by_few_tests(
    runner: CandidateRunner, compared: Comparison, chosen: FoundChange, rival: Rival | None
) -> str:
    """Why a change that few failing tests ask for is a guess: another one is near, or more changes by it."""
    if rival is not None and compared.get_likely(rival.change) * LIKELIER >= compared.get_likely(chosen):
        return (
            f"several edits make the failing test pass and do different things: {rival.call} gives "
            f"{rival.this} with the likeliest and {rival.other} with another, and no test says which is meant"
        )
    if (moved := compared.find_moved(chosen)) is not None:
        return (
            f"the likeliest edit also changes what passing tests call: {moved.call} gives {moved.now} "
            f"where it gave {moved.before}, which no test notices"
        )
    return ""


def _find_likelier_turn(runner: CandidateRunner, compared: Comparison, chosen: FoundChange) -> str:
    """Why another change that passes, does something else and is much likelier is not claimed; "" for none.

    Where that one may be meant, the chosen one may only be what was left.
    """
    if chosen not in compared.ranked:
        return ""
    least = LIKELIER * compared.get_likely(chosen)
    for other in compared.ranked:
        if other is chosen or compared.get_likely(other) < least or not describe_turn(runner, other):
            continue
        same = compared.seen and compared.measure_difference(chosen, other) == 0.0
        if not same and (reason := find_objection(runner, other)):
            return reason
    return ""


def find_objection(runner: CandidateRunner, answer: FoundChange) -> str:
    """What speaks against a change by itself, so much that it is not claimed; "" when nothing does."""
    few = _count_passing(runner, answer) < FEW
    for objection in list_objections(runner, answer):
        if objection.likely <= (GUESSED if few else SUSPECT):
            return f"the likeliest edit {objection.why}"
    turned = len(answer.turned)
    if (
        _has_few_failing_tests(runner, answer)
        and (turn := describe_turn(runner, answer))
        and not is_asked_for(runner, answer)
    ):
        tests = "one failing test is" if turned == 1 else f"{turned} failing tests are"
        return (
            f"the likeliest edit {turn}, which none of the {len(runner.base.passed_ids)} passing tests "
            f"notices; {tests} too little to tell whether that is meant"
        )
    return ""


def _is_undecided(runner: CandidateRunner, compared: Comparison, chosen: FoundChange, rival: Rival) -> bool:
    if _count_passing(runner, chosen) or _brings_fewer_numbers(runner, chosen, rival.change):
        return False
    near = compared.get_likely(rival.change) >= NEAR * compared.get_likely(chosen)
    return near and compared.measure_difference(chosen, rival.change) >= DIFFERENT


def _brings_fewer_numbers(runner: CandidateRunner, chosen: FoundChange, other: FoundChange) -> bool:
    """Whether ``other`` fits the tests by a number that was not there, and ``chosen`` without one."""
    mine, theirs = (
        sum(count_new_numbers(runner, part) for part in change.parts) for change in (chosen, other)
    )
    return mine == 0 < theirs


def _count_passing(runner: CandidateRunner, change: FoundChange) -> int:
    """How many tests that passed before run the changed lines, of the part that fewest run."""
    sources = runner.findings.sources
    return min((count_covering(runner, sources[part.path], part) for part in change.parts), default=0)
