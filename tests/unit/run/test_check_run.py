"""What a check run marks in the files."""

from __future__ import annotations

from bot.domain import Check, CheckResult, Proof, ProofState, Verdict
from bot.run.publish.check_run import FIX_BUTTON, MOST_ANNOTATIONS, STOP_BUTTON, annotate_tests, name_proof


def failing(*tests: str) -> CheckResult:
    return CheckResult(verdict=Verdict.FAILED, exit_code=1, seconds=1.0, failing=tests)


def test_s39_failing_tests_are_marked_where_they_stand() -> None:
    head = failing("t/test_a.py::test_x", "t/test_a.py::test_y", "no file", "/etc/passwd::x", "../b.py::y")
    check = Check(name="test", command="pytest", base=failing("t/test_a.py::test_y"), head=head)
    ours, theirs = annotate_tests([check], lambda text: text.replace("test_x", "***"))
    assert (ours["path"], ours["annotation_level"], ours["title"]) == ("t/test_a.py", "failure", "***")
    assert theirs["annotation_level"] == "warning"
    many = Check(
        name="test", command="pytest", base=failing(), head=failing(*(f"a.py::{n}" for n in range(500)))
    )
    assert len(annotate_tests([many], str)) == MOST_ANNOTATIONS


def test_buttons_fit_githubs_bounds() -> None:
    for button in (STOP_BUTTON, FIX_BUTTON):
        assert len(button["label"]) <= 20
        assert len(button["description"]) <= 40
        assert len(button["identifier"]) <= 20


def test_a_part_is_counted_in_the_title_and_is_no_success() -> None:
    check = Check(name="test", command="pytest", base=failing("a.py::x", "a.py::y"), head=failing("a.py::y"))
    proof = Proof(checks=(check,), left_failing=("a.py::y",))
    assert name_proof(proof) == "Mends 1 of 2 failing tests, and breaks none"
    assert (proof.state, proof.state.conclusion) == (ProofState.PARTLY, "neutral")
