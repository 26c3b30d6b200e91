"""Which failing tests a request is about; what it is not about lowers nothing and starts no attempt."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import Check, CheckResult, Proof, ProofState, Verdict
from bot.run.prove.asked_tests import asks_for_mend, find_left_failing, find_still_failing

DOUBLE, SERVICE = "test_calc.py::test_double", "test_db.py::test_needs_service"
OUTPUT = "KeyError: 'DATABASE_URL'\nE  assert 6 == 8\nZeroDivisionError: division by zero"


def check(before: tuple[str, ...], after: tuple[str, ...]) -> Check:
    def ran(failing: tuple[str, ...]) -> CheckResult:
        verdict = Verdict.FAILED if failing else Verdict.PASSED
        return CheckResult(
            verdict=verdict,
            exit_code=0,
            seconds=1,
            passed=3,
            failed=len(failing),
            failing=failing,
            tail=OUTPUT,
        )

    return Check(name="test", command="pytest", base=ran(before), head=ran(after))


@pytest.mark.parametrize(
    ("request_text", "still"),
    [
        ("test_double fails", (DOUBLE,)),
        ("please make test_calc.py::test_double pass", (DOUBLE,)),
        ("the tests fail, please fix", (DOUBLE, SERVICE)),
        ("CI is red", (DOUBLE, SERVICE)),
        ("fix it", (DOUBLE, SERVICE)),
        ("@hob please fix this", (DOUBLE, SERVICE)),
        ("Doubling is wrong", (DOUBLE, SERVICE)),
        ("`mean` raises ZeroDivisionError", (DOUBLE, SERVICE)),
        ("测试失败了，请修复", (DOUBLE, SERVICE)),
        ("add a function that halves", ()),
        ("fix the typo in the README", ()),
        ("Rename parse to read", ()),
        ("the colours of the banner are wrong", ()),
    ],
)
def test_what_a_request_is_about(request_text: str, still: tuple[str, ...]) -> None:
    red = check((DOUBLE, SERVICE), (DOUBLE, SERVICE))
    assert find_still_failing(request_text, [red]) == still
    assert asks_for_mend(request_text, red.base.failing, OUTPUT) is bool(still)
    proof = Proof(checks=(red,), still_failing=still)
    assert proof.state is (ProofState.FAILS if still else ProofState.PROVED)


HALVE, ZERO, OLD = "test_calc.py::test_halve", "test_calc.py::test_zero", "test_site.py::test_old"


@pytest.mark.parametrize(
    ("request_text", "left"),
    [
        ("the tests fail, please fix", (HALVE, OLD)),  # of those it may want all
        ("fix it", (HALVE, OLD)),
        ("CI is red since the last change", (HALVE, OLD)),
        ("修复失败的测试", (HALVE, OLD)),
        ("test_double fails", ()),  # the one that it names has turned
        ("Doubling is wrong", ()),  # so has the one whose name is akin to it
        ("doubling and halving are wrong", (HALVE,)),
        ("dividing by nothing raises ZeroDivisionError", (HALVE,)),  # the line on its end says so
        ("`no_such_word` is wrong, and it raises a KeyError", (OLD,)),
        ("please speed the parser up", ()),
        ("Add a French translation", ()),
    ],
)
def test_what_a_mend_of_one_test_leaves(request_text: str, left: tuple[str, ...]) -> None:
    """Nothing is refused for what is left, as it may have other reasons; and it is no proof of all."""
    ended = check((DOUBLE, HALVE, OLD), (HALVE, OLD))
    tail = f"FAILED {HALVE} - ZeroDivisionError: division by zero\nFAILED {OLD} - KeyError: 'URL'\n"
    ended = replace(ended, base=replace(ended.base, tail=tail))
    assert find_still_failing(request_text, [ended]) == ()
    assert find_left_failing(request_text, [ended]) == left
    proof = Proof(checks=(ended,), left_failing=left)
    assert proof.state is (ProofState.PARTLY if left else ProofState.PROVED)
    assert proof.passed
    if left:
        assert proof.mended_part == (1, 1 + len(left))


def test_a_part_is_counted_by_the_runner_where_not_all_are_named() -> None:
    ended = check((DOUBLE, HALVE), (HALVE,))
    ended = replace(ended, base=replace(ended.base, failed=1000), head=replace(ended.head, failed=1000 - 250))
    assert Proof(checks=(ended,), left_failing=(HALVE,)).mended_part == (250, 1000)


def test_tests_that_did_not_come_to_run_are_left_too() -> None:
    """One is mended, one skipped and one gone: the request for all is met by one of three."""
    ended = check((DOUBLE, HALVE, ZERO), ())
    ended = replace(ended, unmended=(HALVE, ZERO), skipped=(HALVE,), gone=(ZERO,))
    assert find_left_failing("fix the tests", [ended]) == (HALVE, ZERO)


def test_the_one_that_is_named_must_turn() -> None:
    other = check((DOUBLE, SERVICE), (DOUBLE,))
    assert find_still_failing("test_double fails", [other]) == (DOUBLE,)
