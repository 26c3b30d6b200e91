"""What the runs of a check come to, test by test: pure values, as runners report them."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.domain import Check, CheckCommand, CheckResult, Proof, ProofState, RandomTest, ResultSource, Verdict
from bot.run.prove.asked_tests import find_still_failing
from bot.run.prove.compare import Rows, compare_rows, list_check_warnings
from bot.run.prove.run_check import CheckRun

COMMAND = CheckCommand(name="test", command="pytest")


def ran(source: ResultSource = ResultSource.REPORT, /, **tests: str) -> CheckRun:
    """A run with these tests, by what they did: p(assed), f(ailed), s(kipped)."""
    words = {"p": "passed", "f": "failed", "s": "skipped"}
    ends = {f"t::{name}": words[was] for name, was in tests.items()}
    failing = tuple(name for name, was in ends.items() if was == "failed")
    verdict = Verdict.FAILED if failing else Verdict.PASSED if ends else Verdict.NO_TESTS
    result = CheckResult(
        verdict=verdict,
        exit_code=0,
        seconds=1.0,
        passed=list(ends.values()).count("passed"),
        failed=len(failing),
        skipped=list(ends.values()).count("skipped"),
        failing=failing,
        source=source,
    )
    return CheckRun(result=result, tests=ends, named=source is ResultSource.REPORT)


def compare(base: CheckRun, head: CheckRun, **more: object) -> Check:
    return compare_rows(COMMAND, Rows(base=base, head=head, **more))  # type: ignore[arg-type]


def state(check: Check) -> ProofState:
    return Proof(checks=(check,), warnings=tuple(list_check_warnings([check]))).state


def test_mended_is_what_a_report_names_as_passed() -> None:
    base = ran(a="f", b="f", c="f", d="f", e="p")
    check = compare(base, ran(a="p", b="s", d="f", e="p"))
    assert check.mended == ("t::a",) and check.there_before == ("t::d",)
    assert check.unmended == ("t::b", "t::c")
    assert check.skipped == ("t::b",) and check.gone == ("t::c",)
    assert state(check) is ProofState.DOUBTFUL


def test_what_failed_before_lowers_nothing() -> None:
    check = compare(ran(a="f", b="f"), ran(a="p", b="f"))
    assert state(check) is ProofState.PROVED and not check.is_worse
    assert compare(ran(a="f"), ran(a="f", b="f")).is_worse


def test_an_end_without_results_is_an_error() -> None:
    for head, words in (
        (ran(), "ended without results, where base had 2"),
        (ran(a="s", b="s"), "all 2 tests are skipped"),
        (ran(ResultSource.OUTPUT, a="p", b="p"), "no test runner reported"),
        (CheckRun(result=CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=0)), "without results"),
    ):
        check = compare(ran(a="f", b="p"), head)
        assert check.head.verdict is Verdict.ERROR and words in check.head.note
        assert check.mended == () and state(check) is ProofState.FAILS


def test_fewer_tests_are_said_first() -> None:
    check = compare(ran(a="f", b="p", c="p"), ran(a="p", b="p"))
    (warning,) = list_check_warnings([check])
    assert "2 instead of 3" in warning.text and warning.names == ("t::c",)
    moved = compare(ran(a="f", b="p"), ran(a="p", z="p"))
    assert list_check_warnings([moved])[0].names == ("t::b",)


def test_a_file_that_could_not_be_read_is_mended_by_its_tests() -> None:
    base = CheckRun(
        result=CheckResult(
            verdict=Verdict.FAILED, exit_code=2, seconds=1, passed=1, failed=1, failing=("test_b.py",)
        ),
        tests={"test_b.py": "failed", "test_a.py::a": "passed"},
        named=True,
    )
    good = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1, passed=2, source=ResultSource.REPORT)
    head = CheckRun(result=good, tests={"test_b.py::b": "passed", "test_a.py::a": "passed"}, named=True)
    check = compare(base, head)
    assert check.mended == ("test_b.py",) and not check.gone and state(check) is ProofState.PROVED


def test_a_test_that_only_passes_as_altered_is_not_mended() -> None:
    check = compare(ran(a="f", b="p"), ran(a="p", b="p"), base_tests_on_head=ran(a="f", b="f"))
    assert check.mended == () and set(check.altered) == {"t::a", "t::b"}
    assert state(check) is ProofState.DOUBTFUL
    fine = compare(ran(a="f", b="p"), ran(a="p", b="p"), base_tests_on_head=ran(a="p", b="p"))
    assert fine.mended == ("t::a",) and state(fine) is ProofState.PROVED


def test_new_tests_must_fail_without_the_change() -> None:
    head = ran(a="p", new="p", idle="p")
    check = compare(ran(a="f"), head, head_tests_on_base=ran(a="f", new="f", idle="p"))
    assert check.added == ("t::new",) and check.idle == ("t::idle",)
    assert state(check) is ProofState.PROVED


def test_what_ends_at_random_is_counted_and_not_blamed() -> None:
    random = RandomTest(name="t::a", base_failed=3, base_runs=10, head_failed=0, head_runs=5)
    turned = compare(ran(a="f"), ran(a="p"), random=(random,))
    assert turned.mended == () and state(turned) is ProofState.DOUBTFUL
    assert "3 of 10 times on base" in list_check_warnings([turned])[0].text
    unlucky = compare(ran(a="p"), ran(a="f"), random=(random,))
    assert unlucky.broken == ()


def test_thousands_of_failures_are_cut_alike_on_both_sides() -> None:
    many = {f"n{number}": "f" for number in range(3000)}
    check = compare(ran(**many), ran(**{**many, "n0": "p"}))
    assert check.mended == ("t::n0",) and check.broken == () and not check.is_worse
    assert len(check.head.failing) == 200


def test_as_many_names_as_a_repository_likes_cost_little() -> None:
    """All of them turned, all gone or all altered: each of these took time by the square of their number."""
    many = range(20_000)
    old = ran(**{f"a.b > c{n}": "f" for n in many})
    new = ran(**{f"a.b > d{n}": "p" for n in many})
    began = time.process_time()
    turned = ran(**{f"a.b > c{n}": "p" for n in many})
    assert len(compare(old, turned, base_tests_on_head=old).altered) == 200
    assert len(compare(old, new).gone) == 200
    assert len(compare(new, old, head_tests_on_base=new).broken) == 200
    assert find_still_failing("please fix " + "thing colour " * 5_000, [compare(old, old)]) == ()
    assert time.process_time() - began < 10


def test_a_printed_title_that_differs_by_its_digits_is_not_gone() -> None:
    """A test that prints `# took 13 ms` looks like one with this title."""
    base, head = ran(**{"a": "p", "took 13 ms": "p", "b 1": "p"}), ran(**{"a": "p", "took 17 ms": "p"})
    for one in (base, head):
        object.__setattr__(one, "result", replace(one.result, source=ResultSource.OUTPUT))
    assert compare(base, head).gone == ("t::b 1",)
