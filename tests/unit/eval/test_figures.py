"""The statistics of ``hob eval`` against values worked out elsewhere."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bot.eval.figures import mcnemar, pass_at, quantile, wilson
from bot.eval.results import EvalResult, Why
from bot.eval.suite import EvalTask, SuiteRow
from bot.eval.summary import summarize
from bot.eval.table import print_summary


@pytest.mark.parametrize(
    ("solved", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),  # as statsmodels' proportion_confint(8, 10, method="wilson")
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, table I
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(solved: int, n: int, low: float, high: float) -> None:
    assert wilson(solved, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(1, 9, 22 / 1024), (9, 1, 22 / 1024), (0, 6, 2 / 64), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_mcnemar(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == pytest.approx(p)


def test_quantiles_are_linear_between_neighbours() -> None:
    assert quantile([4, 1, 3, 2], 0.5) == 2.5
    assert quantile([1, 2, 3, 4], 0.95) == pytest.approx(3.85)
    assert quantile([7], 0.95) == 7
    assert quantile([], 0.5) == 0.0


def test_pass_at_k() -> None:
    assert pass_at(1, 5, 2) == pytest.approx(0.4)
    assert pass_at(2, 5, 2) == pytest.approx(0.7)
    assert pass_at(5, 5, 1) == 1.0
    assert pass_at(3, 3, 0) == 0.0
    with pytest.raises(ValueError, match="pass@3"):
        pass_at(3, 2, 1)


def task(name: str, split: str, kind: str) -> EvalTask:
    row = SuiteRow(
        instance_id=name, repo="x", problem_statement="p", FAIL_TO_PASS=("t",), split=split, kind=kind
    )
    return EvalTask(row=row, repo=Path("x"), digest="d")


def attempted(name: str, model: str, number: int, why: Why, *, claimed: bool = False) -> EvalResult:
    return EvalResult(
        task=name,
        digest="d",
        model=model,
        attempt=number,
        why=why,
        claimed=claimed,
        seconds=number,
        detail="why",
    )


def test_splits_and_kinds_are_told_apart() -> None:
    tasks = [task(f"d{n}", "dev", "regex") for n in range(6)] + [task("h", "held-out", "await")]
    done = [attempted(f"d{n}", "a", 1, Why.SOLVED) for n in range(6)] + [attempted("h", "a", 1, Why.WRONG)]
    done += [attempted(f"d{n}", "b", 1, Why.REFUSED) for n in range(6)] + [attempted("h", "b", 1, Why.WRONG)]
    summary = summarize(tasks, ["a", "b"], 1, {each.key: each for each in done}, [])
    solved = {(score.model, score.split): (score.solved, score.n) for score in summary.scores}
    assert solved["a", "dev"] == (6, 6)
    assert solved["a", "held-out"] == (0, 1)
    assert solved["b", "all"] == (0, 7)
    assert summary.kinds == {"await": {"a": (0, 1), "b": (0, 1)}, "regex": {"a": (6, 6), "b": (0, 6)}}
    words = {each.split: each.text for each in summary.comparisons}
    assert "a is better, by more than chance explains (p = 0.0312)" in words["dev"]
    assert "no difference is shown" in words["held-out"]
    assert len(summary.unsolved) == 8
    assert {each.detail for each in summary.unsolved if each.task == "h"} == {""}
    assert {each.detail for each in summary.unsolved if each.task != "h"} == {"why"}


def test_of_several_attempts_the_proof_chooses() -> None:
    tasks = [task("one", "all", "k"), task("two", "all", "k"), task("half", "all", "k")]
    done = [
        attempted("one", "a", 1, Why.WRONG),
        attempted("one", "a", 2, Why.SOLVED, claimed=True),
        attempted("two", "a", 1, Why.BROKE, claimed=True),
        attempted("two", "a", 2, Why.SOLVED),
        attempted("half", "a", 1, Why.SOLVED),
    ]
    (score,) = summarize(tasks, ["a"], 2, {each.key: each for each in done}, []).scores
    assert (score.n, score.solved, score.claimed_wrongly) == (2, 1, 1)  # "half" has one attempt of two
    assert (score.pass_1, score.pass_n) == (0.5, 1.0)
    assert score.median_seconds == 1.5


def test_what_the_searches_used_is_told_and_other_attempts_do_not_count() -> None:
    tasks = [task(name, "all", "k") for name in ("one", "two", "old")]
    done = [
        replace(attempted("one", "a", 1, Why.SOLVED), cpu_seconds=4.0, peak_mib=60.0),
        replace(attempted("two", "a", 1, Why.SOLVED), cpu_seconds=6.0, peak_mib=50.0),
        attempted("old", "a", 1, Why.SOLVED),
    ]
    summary = summarize(tasks, ["a"], 1, {each.key: each for each in done}, [])
    assert (summary.scores[0].median_cpu_seconds, summary.scores[0].peak_mib) == (5.0, 60.0)
    console = Console(width=200, record=True, file=StringIO())
    print_summary(summary, console)
    assert "5.0" in console.export_text()
