"""``hob eval``: read the suites, measure what is missing, print the table."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import bot
from bot.errors import UserError
from bot.eval.measure import EvalEnvironment
from bot.eval.results import EvalResult, Key, Results, open_results
from bot.eval.runner import EvalWork, OnResult, run_work
from bot.eval.suite import EvalTask, read_suites
from bot.eval.summary import Summary, summarize
from bot.eval.table import print_summary
from bot.offline.registry import MODELS
from bot.workspace.workshop import Workshop

INTERRUPTED = 130  # what a shell expects after Ctrl-C


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalOptions:
    """The command line of ``hob eval``; ``seconds`` is the most for one attempt."""

    suites: tuple[Path, ...]
    models: tuple[str, ...]
    attempts: int = 1
    jobs: int = 1
    limit: int | None = None
    filter: str = ""
    out: Path | None = None
    as_json: bool = False
    seconds: float = 900.0


def evaluate(options: EvalOptions, workshop: Workshop, home: Path) -> int:
    """Run it in sandboxes of ``workshop``; returns the exit code: 0, or 130 after Ctrl-C.

    Raises UserError and SandboxUnavailable.
    """
    tasks = _choose_tasks(options)
    for model in options.models:
        asyncio.run(MODELS.choose(model).aclose())  # a wrong name is told before anything is run
    out = options.out or home / "eval" / compute_code_digest()
    work = EvalWork(tasks=tasks, models=options.models, attempts=options.attempts)
    environment = EvalEnvironment(workshop=workshop, home=home / "eval", seconds=options.seconds)
    with open_results(out) as results:
        try:
            _measure(work, results, environment, options.jobs)
        except KeyboardInterrupt:
            click.echo(
                f"\nStopped. What is measured is kept; the same command with --out {out} goes on.", err=True
            )
            return INTERRUPTED
        summary = summarize(tasks, options.models, options.attempts, results.by_key, work.unmeasured)
    _print_summary(summary, options.as_json)
    click.echo(f"Results and changes: {results.path}", err=True)
    return 0


def compute_code_digest() -> str:
    """Names the code that is measured: other code, other results, so another folder by default."""
    digest = hashlib.sha256()
    root = Path(bot.__file__).parent
    for folder in (root, root.parent / "sandbox"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".md") and "eval" not in path.relative_to(folder).parts:
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return f"code-{digest.hexdigest()[:12]}"


def _choose_tasks(options: EvalOptions) -> list[EvalTask]:
    tasks = read_suites(options.suites)
    word = options.filter.lower()
    tasks = [
        task for task in tasks if word in f"{task.row.instance_id} {task.row.kind} {task.row.split}".lower()
    ]
    if not tasks:
        raise UserError(f"no task has {options.filter!r} in its instance_id, kind or split")
    return tasks[: options.limit]


def _measure(work: EvalWork, results: Results, environment: EvalEnvironment, jobs: int) -> None:
    keys = [(task.row.instance_id, task.digest, model, number) for task, model, number in work.all()]
    there = sum(key in results.by_key for key in keys)
    if there:
        click.echo(f"{there} of {len(keys)} results are there already: {results.path}", err=True)
    console = Console(stderr=True)
    if not console.is_terminal:
        _run(work, results, environment, jobs, _ProgressLines(len(keys), there))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("measuring", total=len(keys), completed=there)
        solved = 0

        def on_result(key: Key, result: EvalResult | None, _: str) -> None:
            nonlocal solved
            solved += bool(result and result.solved)
            progress.update(bar, advance=1, description=f"{solved} solved, last {key[0]}")

        _run(work, results, environment, jobs, on_result)


def _run(
    work: EvalWork, results: Results, environment: EvalEnvironment, jobs: int, on_result: OnResult
) -> None:
    try:
        asyncio.run(run_work(work, results, environment, jobs=jobs, on_result=on_result))
    except BaseExceptionGroup as group:
        raise _find_first_error(group) from None


def _find_first_error(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _ProgressLines:
    """Progress where there is no terminal: one line for each end."""

    def __init__(self, total: int, there: int) -> None:
        self.total, self.at = total, there

    def __call__(self, key: Key, result: EvalResult | None, problem: str) -> None:
        self.at += 1
        end = f"{result.why.value}, {result.seconds:.1f} s" if result else f"not measured: {problem}"
        click.echo(f"[{self.at}/{self.total}] {key[0]}, {key[2]}, attempt {key[3]}: {end}", err=True)


def _print_summary(summary: Summary, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary.as_json(), indent=2))
        return
    console = Console()
    print_summary(summary, console if console.is_terminal else Console(width=150))


def choose_models(models: Sequence[str], default: str) -> tuple[str, ...]:
    """One model, or two to compare. Raises UserError for more, or the same twice."""
    names = tuple(models) or (default,)
    if len(names) > 2 or len(set(names)) < len(names):
        raise UserError("--model: one model, or two different ones to compare")
    return names
