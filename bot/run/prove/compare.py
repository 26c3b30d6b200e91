"""What a check's runs show: tests that changed their result, vanished, were altered, or are flaky."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, islice

from bot.domain import Check, CheckCommand, CheckResult, ProofWarning, RandomTest, ResultSource, Verdict
from bot.domain.proof import RAN
from bot.run.prove.run_check import CheckRun

MOST_NAMES = 200
_BELOW = ("::", ".", " > ")  # between a file, class or suite and what stands in it
_BELOW_SIGNS = re.compile("|".join(map(re.escape, _BELOW)))
_DIGITS = re.compile(r"\d{1,40}")
_MOST_ABOVE = 60  # signs in a name that are looked at
_STRENGTH = (ResultSource.NONE, ResultSource.OUTPUT, ResultSource.REPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The runs of one check; those across only where the change touches tests.

    ``base_kept``: base was run for another task, up to an hour before.
    """

    base: CheckRun
    head: CheckRun
    head_tests_on_base: CheckRun | None = None
    base_tests_on_head: CheckRun | None = None
    random: tuple[RandomTest, ...] = ()
    base_kept: bool = False


def compare_rows(command: CheckCommand, rows: Rows) -> Check:
    """The check with what its runs show; names are cut to ``MOST_NAMES`` of each kind."""
    base, head = rows.base, _doubt_silence(rows.base, rows.head)
    before, after = set(base.result.failing), set(head.result.failing)
    unmended = _list_unmended(base, head, rows)
    out = {*after, *unmended}
    mended = [test for test in base.result.failing if test not in out]
    broken = [test for test in head.result.failing if test not in before]
    still = [test for test in base.result.failing if test in after][:MOST_NAMES]
    base_failing = (*mended[:MOST_NAMES], *unmended[:MOST_NAMES], *still)
    ran = {*base.list_tests("passed"), *base.list_tests("failed")}
    gone = []
    if base.named and head.named:
        ends, without = _Ends(head), set(broken)
        gone = [t for t in base.tests if t in ran and _is_gone(ends, t, without, t in before)]
        if ResultSource.OUTPUT in (base.result.source, head.result.source):
            gone = _leave_renumbered(gone, base.tests, head.tests)
    added, idle = _sort_new_tests(rows)
    return Check(
        name=command.name,
        command=command.command,
        lint=command.lint,
        base=replace(base.result, failing=base_failing),
        head=replace(head.result, failing=(*broken[:MOST_NAMES], *still)),
        head_tests_on_base=_short(rows.head_tests_on_base),
        base_tests_on_head=_short(rows.base_tests_on_head),
        unmended=tuple(unmended[:MOST_NAMES]),
        gone=tuple(gone[:MOST_NAMES]),
        skipped=tuple(t for t in head.list_tests("skipped") if t in ran)[:MOST_NAMES],
        altered=_list_altered(rows, head)[:MOST_NAMES],
        added=added[:MOST_NAMES],
        idle=idle[:MOST_NAMES],
        random=rows.random,
    )


def _is_gone(head: _Ends, test: str, broken: set[str], failed: bool) -> bool:
    """Whether head's run neither names the test nor says why it could not run; a file that ``failed`` on base
    is there as its tests.
    """
    return test not in head.tests and not _is_under(test, broken) and not (failed and head.passes(test))


def _leave_renumbered(gone: Sequence[str], before: Iterable[str], after: Iterable[str]) -> list[str]:
    """Without titles that were printed as often as before but for their digits: what a test prints can look
    like a title, and can tell a time.
    """
    had, has = (Counter(_DIGITS.sub("0", test) for test in tests) for tests in (before, after))
    return [test for test in gone if has[form := _DIGITS.sub("0", test)] < had[form]]


def _short(run: CheckRun | None) -> CheckResult | None:
    return replace(run.result, failing=run.result.failing[:MOST_NAMES], tail="") if run else None


def _doubt_silence(base: CheckRun, head: CheckRun) -> CheckRun:
    """An end without results is an error where base had some, and so is printed output where base had a
    report.
    """
    had, has = base.result, head.result
    if not had.counted or has.verdict not in (Verdict.PASSED, Verdict.NO_TESTS, Verdict.ERROR):
        return head
    if has.verdict is Verdict.ERROR and has.counted:
        return head
    weaker = _STRENGTH.index(has.source) < _STRENGTH.index(had.source)
    if has.counted and not weaker:
        return head
    note = f"it ended without results, where base had {had.counted}"
    if has.skipped and not weaker:
        note = f"all {has.skipped} tests are skipped, where {had.counted} ran on base"
    elif has.note:
        note = f"{note}: {has.note}"
    elif has.counted:
        note = f"no test runner reported to Hob, where on base it reported {had.counted} tests"
    return replace(head, result=replace(has, verdict=Verdict.ERROR, passed=0, note=note))


def _list_unmended(base: CheckRun, head: CheckRun, rows: Rows) -> list[str]:
    """Tests that fail on base only, and of which no report says that the source makes them pass."""
    random, after = {each.name for each in rows.random}, set(head.result.failing)
    on_head = _Ends(head)
    old_form = None
    if rows.base_tests_on_head is not None and rows.base_tests_on_head.named:
        old_form = _Ends(rows.base_tests_on_head)
    found = []
    for test in base.result.failing:
        if test in after:
            continue
        passes = on_head.passes(test) and (old_form is None or old_form.passes(test))
        if not passes or test in random:
            found.append(test)
    return found


class _Ends:
    """How a run's tests ended, by name.

    Names and their number are the repository's to choose: what stands below one is looked up in order.
    """

    def __init__(self, run: CheckRun) -> None:
        self.tests = run.tests

    @cached_property
    def _sorted(self) -> tuple[list[str], list[int], list[int]]:
        """The names, and how many tests before each one passed and failed."""
        names = sorted(self.tests)
        counts = [
            list(accumulate((self.tests[name] == end for name in names), initial=0))
            for end in ("passed", "failed")
        ]
        return names, counts[0], counts[1]

    def passes(self, test: str) -> bool:
        """Whether the run names the test as passed; a file that could not be read, by the tests in it."""
        if test in self.tests:
            return self.tests[test] == "passed"
        names, passed, failed = self._sorted
        good = bad = 0
        for sign in _BELOW:
            start = bisect_left(names, test + sign)
            end = bisect_left(names, test + sign[:-1] + chr(ord(sign[-1]) + 1))
            good += passed[end] - passed[start]
            bad += failed[end] - failed[start]
        return good > 0 and not bad


def _is_under(test: str, above: set[str]) -> bool:
    """Whether the test stands below one of these: a file, a class, a suite."""
    if not above:
        return False
    ends = islice(_BELOW_SIGNS.finditer(test), _MOST_ABOVE)
    return any(test[: end.start()] in above for end in ends)


def _list_altered(rows: Rows, head: CheckRun) -> tuple[str, ...]:
    """Tests that do not fail with the change, and fail with it in the form that they have on base."""
    old_form = rows.base_tests_on_head
    if old_form is None:
        return ()
    known = {*rows.base.result.failing, *head.result.failing, *(each.name for each in rows.random)}
    old_failing = set(old_form.result.failing)
    failing = [test for test in old_form.result.failing if test not in known]
    turned = [
        test for test in rows.base.result.failing if test in old_failing and head.tests.get(test) == "passed"
    ]
    return (*failing, *turned)


def _sort_new_tests(rows: Rows) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """New tests that pass: those that need the change to pass, and those that do not."""
    there = rows.head_tests_on_base
    if there is None or there.result.verdict not in RAN or not rows.head.named or not rows.base.named:
        return (), ()
    new = [test for test in rows.head.list_tests("passed") if test not in rows.base.tests]
    idle = tuple(test for test in new if there.tests.get(test) == "passed")
    return tuple(test for test in new if there.tests.get(test) != "passed"), idle


def list_check_warnings(checks: Sequence[Check]) -> list[ProofWarning]:
    """Warnings about the checks' results, to be shown first."""
    found = []
    for check in checks:
        less = check.base.counted - check.head.counted
        if check.gone or (less > 0 and check.head.verdict in RAN and check.base.verdict in RAN):
            text = f"Fewer tests ran than on base ({check.head.counted} instead of {check.base.counted})"
            if less <= 0:
                text = "Tests that ran on base did not run with this change"
            found.append(ProofWarning(text=text, names=check.gone))
        if check.skipped:
            found.append(ProofWarning(text="The change skips tests that ran on base", names=check.skipped))
        if check.altered:
            text = "In the form that they have on base, these tests fail with this change"
            found.append(ProofWarning(text=text, names=check.altered))
        said = {*check.gone, *check.skipped, *check.altered, *(each.name for each in check.random)}
        left = tuple(test for test in check.unmended if test not in said)
        if left and check.head.verdict in RAN:
            text = "These tests failed on base, and no report says that they pass with this change"
            found.append(ProofWarning(text=text, names=left))
        for each in check.random:
            found.append(ProofWarning(text=_describe_random(each), names=(each.name,)))
    return found


def _describe_random(test: RandomTest) -> str:
    return (
        f"A test ends at random: it fails {test.base_failed} of {test.base_runs} times on base and "
        f"{test.head_failed} of {test.head_runs} times with this change"
    )
