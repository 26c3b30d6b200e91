"""Which attempt is the best: by its proof, then by what it leaves alone, then by its size."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import (
    ChangeKind,
    ChangeSet,
    Check,
    CheckResult,
    FileChange,
    Outcome,
    OutcomeKind,
    Proof,
    ProofWarning,
    Result,
    Verdict,
)
from bot.run.attempts.best_of import explain_fewer
from bot.run.attempts.ranking import FinishedAttempt, find_identical, pick_best, proof_failed, rank
from bot.run.messages.attempts import render_choice, render_comparison, render_stopped

TESTS = ("t::a", "t::b", "t::c")


def ran(verdict: Verdict, failing: tuple[str, ...] = ()) -> CheckResult:
    return CheckResult(verdict=verdict, exit_code=0, seconds=1.0, failing=failing)


def check(before: tuple[str, ...], after: tuple[str, ...] | Verdict, name: str = "test") -> Check:
    base = ran(Verdict.FAILED if before else Verdict.PASSED, before)
    if isinstance(after, Verdict):
        return Check(name=name, command=name, base=base, head=ran(after))
    return Check(
        name=name, command=name, base=base, head=ran(Verdict.FAILED if after else Verdict.PASSED, after)
    )


def tried(
    ordinal: int,
    *checks: Check,
    lines: int = 1,
    paths: tuple[str, ...] = ("a.py",),
    kind: OutcomeKind = OutcomeKind.CHANGED,
    warned: bool = False,
) -> FinishedAttempt:
    files = tuple(FileChange(path=path, kind=ChangeKind.MODIFIED, mode=0o100644) for path in paths)
    hunk = "".join(f"+{n}\n" for n in range(lines))
    diff = f"diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,0 +1,{lines} @@\n{hunk}"
    return FinishedAttempt(
        ordinal=ordinal,
        result=Result(
            outcome=Outcome(kind=kind),
            changes=ChangeSet(base="b", files=files),
            proof=Proof(checks=checks, warnings=(ProofWarning(text="w"),) if warned else ()),
            diff=diff if files else "",
        ),
    )


PASSES = check(("t::a",), ())
TESTED = replace(PASSES, added=("t::new",))
BETTER = [  # the first of each pair wins, though it is larger and later
    (tried(2, PASSES, lines=50), tried(1, check(("t::a",), ("t::a",)))),
    (tried(2, check(("t::a",), ("t::a",)), lines=50), tried(1, check(("t::a",), ("t::b",)))),
    (tried(2, check(("t::a",), ("t::b",)), lines=50), tried(1, check(("t::a",), Verdict.TIMED_OUT))),
    (tried(2, check(TESTS, ("t::a",)), lines=50), tried(1, check(TESTS, ("t::a", "t::b")))),
    (tried(2, PASSES, lines=50), tried(1, PASSES, warned=True)),
    (tried(2, TESTED, lines=50), tried(1, PASSES)),
    (tried(1, PASSES, paths=("a.py", "tests/test_a.py", "CHANGES.md")), tried(2, PASSES)),
    (tried(2, PASSES, lines=50), tried(1, PASSES, kind=OutcomeKind.LIMIT)),
    (tried(2, PASSES, lines=1), tried(1, PASSES, lines=2)),
    (tried(2, PASSES), tried(1, PASSES, paths=("a.py", "b.py"))),
    (tried(1, PASSES), tried(2, PASSES)),
    (tried(2, check((), Verdict.ERROR)), FinishedAttempt(ordinal=1, error="it died")),
    (tried(2, kind=OutcomeKind.ANSWERED, paths=()), tried(1, kind=OutcomeKind.BLOCKED, paths=())),
    (tried(2, check(("t::a",), ("t::a",))), tried(1, kind=OutcomeKind.NOTHING, paths=())),
    (tried(2, kind=OutcomeKind.NOTHING, paths=()), tried(1, check((), ("t::a",)))),
]


@pytest.mark.parametrize(("better", "worse"), BETTER)
def test_the_order(better: FinishedAttempt, worse: FinishedAttempt) -> None:
    picked = pick_best([worse, better])
    assert picked.chosen is better
    assert [each.ordinal for each in picked.attempts] == [1, 2]
    assert picked.why in render_choice(picked, url="https://x/c") and picked.why
    assert "use" in render_comparison(picked, published=1, pull=4, slug="hob", url="https://x/c")


def test_one_alone_needs_no_reason_and_none_at_all_is_an_error() -> None:
    assert pick_best([tried(1, PASSES)]).why == ""
    assert render_choice(pick_best([tried(1, PASSES)]), url="") == ""
    with pytest.raises(ValueError, match="no attempt"):
        pick_best([FinishedAttempt(ordinal=1, error="x")])


def test_another_attempt_is_wanted_where_it_may_do_better() -> None:
    red, green = check(("t::a",), ("t::a",)), check((), ())
    assert not proof_failed(Proof(checks=(red,)))  # it was so before, and nobody asked for it
    assert proof_failed(Proof(checks=(red,), still_failing=("t::a",)))
    assert proof_failed(Proof(checks=(check(("t::a",), ("t::a", "t::b")),)))
    assert proof_failed(Proof(checks=(check((), Verdict.ERROR),)))  # it ran before
    assert not proof_failed(Proof(checks=(green,)))
    cannot = Check(name="test", command="x", base=ran(Verdict.ERROR), head=ran(Verdict.ERROR))
    assert not proof_failed(Proof(checks=(cannot,)))
    untidy = check(("E1",), ("E1",), name="lint")
    assert not proof_failed(Proof(checks=(green, untidy)))
    assert proof_failed(Proof(checks=(green, check((), ("E1",), name="lint"))))


sets = st.lists(st.sampled_from(TESTS), unique=True).map(tuple)
attempts = st.builds(
    lambda before, after, lines, kind: tried(0, check(before, after), lines=lines, kind=kind),
    sets,
    st.one_of(sets, st.sampled_from([Verdict.TIMED_OUT, Verdict.ERROR, Verdict.NO_TESTS])),
    st.integers(1, 3),
    st.sampled_from([OutcomeKind.CHANGED, OutcomeKind.LIMIT]),
)
crowds = st.lists(
    st.one_of(attempts, st.just(FinishedAttempt(ordinal=0, error="x"))), min_size=1, max_size=5
).map(lambda found: [replace(each, ordinal=at) for at, each in enumerate(found, 1)])


@settings(max_examples=150, deadline=None)
@given(crowds, st.randoms(use_true_random=False))
def test_the_choice_depends_on_nothing_but_the_attempts(crowd: list[FinishedAttempt], chance: object) -> None:
    if not any(each.result for each in crowd):
        return
    chosen = pick_best(crowd).chosen
    mixed = list(crowd)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert pick_best(mixed).chosen == chosen
    for out in crowd:  # who was not chosen changes nothing by not being there
        if out is not chosen:
            assert pick_best([each for each in crowd if each is not out]).chosen == chosen
    assert all(rank(chosen) <= rank(each) for each in crowd)
    proofs = [each.result.proof.passed for each in crowd if each.result]
    assert chosen.result and chosen.result.proof.passed == any(proofs)


def test_what_a_stop_could_not_keep_is_said() -> None:
    """It says "no change yet" only where there was none."""
    words = render_stopped({1: "", 2: "The change touches 400 files."}, slug="hob", url="u")
    assert "kept as attempt 1:" in words and "`@hob use 1`" in words
    assert "What attempt 2 had is not kept: The change touches 400 files." in words
    assert "no change yet" not in render_stopped({2: "It holds a secret."}, slug="hob", url="u")
    assert "no change yet" in render_stopped({}, slug="hob", url="u")


def test_identical_attempts_are_called_identical_and_fewer_are_explained() -> None:
    same = pick_best([tried(1, PASSES), tried(2, PASSES), tried(3, PASSES, lines=2)])
    assert "Attempts 1 and 2 are identical." in render_choice(same, url="u")
    told = render_comparison(same, published=1, pull=4, slug="hob", url="u")
    assert "Attempts 1 and 2 are identical." in told
    assert find_identical([tried(1), tried(2, PASSES, lines=3)]) == ()
    remark = explain_fewer("offline", asked=3, most=1)
    assert remark.startswith("3 attempts were asked for and one is made, since the `offline` engine")
    assert explain_fewer("offline", asked=None, most=1) == explain_fewer("x:y", asked=3, most=3) == ""
    alone = replace(pick_best([tried(1, PASSES)]), remark=remark)
    assert render_choice(alone, url="u").endswith(remark)
    assert remark in render_comparison(alone, published=1, pull=4, slug="hob", url="u")
