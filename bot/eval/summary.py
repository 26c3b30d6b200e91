"""Results to figures: per model and split, per kind, and whether two models differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.eval.figures import mcnemar, pass_at, quantile, wilson
from bot.eval.results import EvalResult, Key
from bot.eval.runner import Unmeasured
from bot.eval.suite import EvalTask

ALL = "all"
HELD_OUT = "held-out"  # of these only counts and reasons are printed, so that nobody tunes to them


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One model on one split. ``solved`` counts tasks by the attempt that its own proof would have chosen.

    Seconds are of an attempt; tokens and dollars are sums over all attempts.
    """

    model: str
    split: str
    n: int
    solved: int
    share: float
    low: float
    high: float
    claimed_wrongly: int  # the proof passed, the task's tests do not
    median_seconds: float
    p95_seconds: float
    median_cpu_seconds: float  # of the offline engine's searches, 0 where there were none
    peak_mib: float  # the most of them
    turns: float  # mean
    input_tokens: int
    output_tokens: int
    usd: float
    pass_1: float
    pass_n: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the same tasks; ``p`` is McNemar's, exact and two-sided."""

    split: str
    a: str
    b: str
    n: int
    both: int
    only_a: int
    only_b: int
    p: float

    @property
    def text(self) -> str:
        """One sentence for a person."""
        counts = f"{self.a} alone solved {self.only_a}, {self.b} alone {self.only_b} of {self.n} tasks"
        if self.p < 0.05:
            better = self.a if self.only_a > self.only_b else self.b
            return f"{counts}: {better} is better, by more than chance explains (p = {self.p:.3g})"
        return f"{counts}: no difference is shown (p = {self.p:.2g}); that is no proof of there being none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All of it; ``kinds`` is {kind: {model: (solved, n)}}."""

    attempts: int
    scores: tuple[Score, ...]
    comparisons: tuple[Comparison, ...]
    kinds: dict[str, dict[str, tuple[int, int]]]
    unsolved: tuple[EvalResult, ...]
    unmeasured: tuple[Unmeasured, ...]

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        data = asdict(self)
        for row, comparison in zip(data["comparisons"], self.comparisons, strict=True):
            row["words"] = comparison.text
        return data


def summarize(
    tasks: Sequence[EvalTask],
    models: Sequence[str],
    attempts: int,
    found: Mapping[Key, EvalResult],
    unmeasured: Sequence[Unmeasured],
) -> Summary:
    """Only tasks with all their attempts count; the others are in ``unmeasured``."""
    table = {
        (task.row.instance_id, model): _find_attempts(task, model, attempts, found)
        for task in tasks
        for model in models
    }
    splits = list(dict.fromkeys(task.row.split for task in tasks))
    groups = {split: [task for task in tasks if task.row.split == split] for split in splits}
    if len(splits) > 1:
        groups[ALL] = list(tasks)
    scores, comparisons = [], []
    for split, members in groups.items():
        rows = {
            model: [done for task in members if (done := table[task.row.instance_id, model])]
            for model in models
        }
        scores += [_score(model, split, rows[model]) for model in models]
        if len(models) == 2:
            comparisons.append(_compare(split, models[0], models[1], rows))
    kinds: dict[str, dict[str, tuple[int, int]]] = {}
    for kind in sorted({task.row.kind for task in tasks}):
        ids = [task.row.instance_id for task in tasks if task.row.kind == kind]
        kinds[kind] = {
            model: (
                sum(choose_attempt(table[name, model]).solved for name in ids if table[name, model]),
                sum(bool(table[name, model]) for name in ids),
            )
            for model in models
        }
    unsolved = [choose_attempt(done) for done in table.values() if done and not choose_attempt(done).solved]
    secret = {task.row.instance_id for task in tasks if task.row.split == HELD_OUT}
    unsolved = [replace(each, detail="", diff="") if each.task in secret else each for each in unsolved]
    return Summary(
        attempts=attempts,
        scores=tuple(scores),
        comparisons=tuple(comparisons),
        kinds=kinds,
        unsolved=tuple(sorted(unsolved, key=lambda each: (each.model, each.task))),
        unmeasured=tuple(unmeasured),
    )


def choose_attempt(done: Sequence[EvalResult]) -> EvalResult:
    """Of several attempts the one that Hob would hand over: the first that its own proof passes."""
    return next((each for each in done if each.claimed), next((each for each in done if each.diff), done[0]))


def _find_attempts(
    task: EvalTask, model: str, attempts: int, found: Mapping[Key, EvalResult]
) -> list[EvalResult]:
    keys = [(task.row.instance_id, task.digest, model, number) for number in range(1, attempts + 1)]
    return [found[key] for key in keys] if all(key in found for key in keys) else []


def _score(model: str, split: str, rows: Sequence[Sequence[EvalResult]]) -> Score:
    n, solved = len(rows), sum(choose_attempt(done).solved for done in rows)
    low, high = wilson(solved, n)
    single = [each for done in rows for each in done]
    seconds = [each.seconds for each in single]
    searched = [each.cpu_seconds for each in single if each.cpu_seconds]
    right = [(len(done), sum(each.solved for each in done)) for done in rows]
    return Score(
        model=model,
        split=split,
        n=n,
        solved=solved,
        share=solved / n if n else 0.0,
        low=low,
        high=high,
        claimed_wrongly=sum(
            choose_attempt(done).claimed and not choose_attempt(done).solved for done in rows
        ),
        median_seconds=quantile(seconds, 0.5),
        p95_seconds=quantile(seconds, 0.95),
        median_cpu_seconds=quantile(searched, 0.5) if searched else 0.0,
        peak_mib=max((each.peak_mib for each in single), default=0.0),
        turns=sum(each.turns for each in single) / len(single) if single else 0.0,
        input_tokens=sum(each.input_tokens for each in single),
        output_tokens=sum(each.output_tokens for each in single),
        usd=sum(each.usd for each in single),
        pass_1=sum(pass_at(1, made, good) for made, good in right) / n if n else 0.0,
        pass_n=sum(pass_at(made, made, good) for made, good in right) / n if n else 0.0,
    )


def _compare(split: str, a: str, b: str, rows: Mapping[str, Sequence[Sequence[EvalResult]]]) -> Comparison:
    by = {model: {done[0].task: choose_attempt(done).solved for done in rows[model]} for model in (a, b)}
    common = by[a].keys() & by[b].keys()
    only_a = sum(by[a][task] and not by[b][task] for task in common)
    only_b = sum(by[b][task] and not by[a][task] for task in common)
    return Comparison(
        split=split,
        a=a,
        b=b,
        n=len(common),
        both=sum(by[a][task] and by[b][task] for task in common),
        only_a=only_a,
        only_b=only_b,
        p=mcnemar(only_a, only_b),
    )
