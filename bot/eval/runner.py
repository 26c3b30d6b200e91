"""Measures what has no result yet, side by side, with progress."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.backoff import compute_backoff
from bot.errors import HobError
from bot.eval.measure import EvalEnvironment, measure
from bot.eval.results import EvalResult, Key, Results
from bot.eval.suite import EvalTask
from sandbox.spec import SandboxUnavailable

TRIES = 3  # of what failed for a reason that is no result
PAUSE = 2.0  # seconds before the second try, doubled each time

OnResult = Callable[[Key, EvalResult | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmeasured:
    """Still no result after all tries, and why; a rerun tries again."""

    task: str
    model: str
    attempt: int
    why: str


@dataclass(slots=True, kw_only=True)
class EvalWork:
    """What to measure, and what could not be."""

    tasks: Sequence[EvalTask]
    models: Sequence[str]
    attempts: int
    unmeasured: list[Unmeasured] = field(default_factory=list)

    def all(self) -> list[tuple[EvalTask, str, int]]:
        """Models by turns on each task, so that a busy machine slows down both."""
        numbers = range(1, self.attempts + 1)
        return [(task, model, number) for task in self.tasks for number in numbers for model in self.models]


async def run_work(
    work: EvalWork,
    results: Results,
    environment: EvalEnvironment,
    *,
    jobs: int,
    on_result: OnResult,
    pause: float = PAUSE,
) -> None:
    """Measure what is missing; ``on_result`` is called at each end. SandboxUnavailable passes at once."""
    waiting = [each for each in work.all() if _key(*each) not in results.by_key]
    waiting.reverse()

    async def take() -> None:
        while waiting:
            await _measure_one(*waiting.pop(), work, results, environment, on_result, pause)

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(take())


async def _measure_one(
    task: EvalTask,
    model: str,
    number: int,
    work: EvalWork,
    results: Results,
    environment: EvalEnvironment,
    on_result: OnResult,
    pause: float,
) -> None:
    key, problem = _key(task, model, number), ""
    for again in range(TRIES):
        if again:
            await asyncio.sleep(compute_backoff(again, first=pause))
        try:
            result = await measure(task, model, number, environment)
        except SandboxUnavailable:
            raise
        except (HobError, OSError, AssertionError) as error:
            problem = f"{type(error).__name__}: {error}"[:500]
            continue
        results.add(result)
        on_result(key, result, "")
        return
    work.unmeasured.append(Unmeasured(task=task.row.instance_id, model=model, attempt=number, why=problem))
    on_result(key, None, problem)


def _key(task: EvalTask, model: str, number: int) -> Key:
    return task.row.instance_id, task.digest, model, number
