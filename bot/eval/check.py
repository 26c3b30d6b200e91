"""``python -m bot.eval.check SUITE...``: do a suite's lists of tests hold? ``--write`` corrects them.

Each packed project is judged as it should be and with each fault in it: FAIL_TO_PASS is what passes without
the fault and not with it, PASS_TO_PASS what passes both times. The tests run as ``bot.eval.judge`` runs
them, so the ids and the outcomes are those that results are decided by.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from bot.domain import ChangeSet
from bot.errors import HobError
from bot.eval.judge import run_tests
from bot.eval.source import checkout_task
from bot.eval.suite import EvalTask, read_suites
from bot.eval.test_outcomes import TestOutcomes
from bot.workspace.workshop import Workshop
from sandbox.spec import SandboxUnavailable


async def compute_expected(
    tasks: Sequence[EvalTask], home: Path, *, jobs: int
) -> dict[str, tuple[list[str], list[str]]]:
    """{instance_id: (FAIL_TO_PASS, PASS_TO_PASS)} of tasks on packed projects, ids sorted."""
    workshop, turns = Workshop(home), asyncio.Semaphore(jobs)
    right: dict[tuple[Path, str], asyncio.Task[TestOutcomes]] = {}

    async def run_suite(task: EvalTask, *, faulty: bool) -> TestOutcomes:
        async with turns:
            found = await checkout_task(task, workshop, home, faulty=faulty)
            tests, _, tail = await run_tests(found, ChangeSet(base=found.base), task.row.test_patch)
        if not tests.whole:
            raise HobError(f"{task.row.instance_id}: the tests did not come to their end:\n{tail}")
        return tests

    async def compute_one(task: EvalTask) -> tuple[list[str], list[str]]:
        project = task.repo, task.row.test_command
        if project not in right:
            right[project] = asyncio.create_task(run_suite(task, faulty=False))
        good, bad = await right[project], await run_suite(task, faulty=True)
        passing = sorted(spelled for spelled in good.spelled.values() if good.passed(spelled))
        return [t for t in passing if not bad.passed(t)], [t for t in passing if bad.passed(t)]

    async with asyncio.TaskGroup() as group:
        made = {task.row.instance_id: group.create_task(compute_one(task)) for task in tasks}
    return {name: task.result() for name, task in made.items()}


def find_problems(task: EvalTask, fail_to_pass: Sequence[str], pass_to_pass: Sequence[str]) -> list[str]:
    """Where the suite's lists differ from the tests that were run."""
    name, row, found = task.row.instance_id, task.row, []
    if not fail_to_pass:
        found.append(f"{name}: no test shows the fault")
    if sorted(row.FAIL_TO_PASS) != list(fail_to_pass):
        found.append(f"{name}: FAIL_TO_PASS should be {list(fail_to_pass)}")
    if sorted(row.PASS_TO_PASS) != list(pass_to_pass):
        found.append(f"{name}: PASS_TO_PASS differs from what passes with and without the fault")
    return found


def rewrite(path: Path, computed: dict[str, tuple[list[str], list[str]]]) -> None:
    """The file with the computed lists, its other fields and its order as they were."""
    lines = []
    for line in filter(str.strip, path.read_text("utf-8").split("\n")):
        row = json.loads(line)
        row["FAIL_TO_PASS"], row["PASS_TO_PASS"] = computed[row["instance_id"]]
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    beside = path.with_suffix(".new")
    beside.write_text("".join(lines), "utf-8")
    beside.replace(path)


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument(
    "suites", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--write", is_flag=True, help="Write the computed lists into the files.")
@click.option("--jobs", type=click.IntRange(1, 64), default=2)
def main(suites: tuple[Path, ...], write: bool, jobs: int) -> None:
    """Check suites of packed projects; exit code 1 when a line is wrong, 2 when they cannot be checked."""
    try:
        tasks = read_suites(suites)
        if any(not task.packed for task in tasks):
            raise HobError("only packed projects can be checked: of a repository the right tree is not known")
        with tempfile.TemporaryDirectory(prefix="hob-check-") as home:
            computed = asyncio.run(compute_expected(tasks, Path(home), jobs=jobs))
    except* (HobError, SandboxUnavailable) as group:
        click.echo(f"hob: {group.exceptions[0]}", err=True)
        sys.exit(2)
    if write:
        for path in suites:
            rewrite(path, computed)
    found = [line for task in tasks for line in find_problems(task, *computed[task.row.instance_id])]
    for line in found:
        click.echo(line)
    click.echo(f"{len(tasks)} tasks, {len(found)} problems{' (written)' if write else ''}")
    sys.exit(1 if found and not write else 0)


if __name__ == "__main__":
    main()
