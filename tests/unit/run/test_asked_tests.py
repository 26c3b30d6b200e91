"""Which failing tests a request is about; what it is not about lowers nothing and starts no attempt."""

from __future__ import annotations

import pytest

from bot.domain import Check, CheckResult, Proof, ProofState, Verdict
from bot.run.prove.asked_tests import asks_for_mend, find_still_failing

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


@pytest.mark.parametrize("request_text", ["the tests fail, please fix", "fix it", "test_double fails"])
def test_one_that_turned_is_enough(request_text: str) -> None:
    """The other needs a service and can never pass here."""
    mended = check((DOUBLE, SERVICE), (SERVICE,))
    assert find_still_failing(request_text, [mended]) == ()
    assert Proof(checks=(mended,)).state is ProofState.PROVED
    assert mended.there_before == (SERVICE,)


def test_the_one_that_is_named_must_turn() -> None:
    other = check((DOUBLE, SERVICE), (DOUBLE,))
    assert find_still_failing("test_double fails", [other]) == (DOUBLE,)
