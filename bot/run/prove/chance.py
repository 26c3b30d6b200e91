"""Whether a test's result is flaky: what fails only on head is run again before the change is blamed, and so
is a test that went from failing to passing, where something in it looks random.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.domain import ChangeSet, CheckCommand, RandomTest, Verdict
from bot.run.prove.compare import Rows, compare_rows
from bot.run.prove.named_files import ReadBase
from bot.run.prove.rows import CheckedTree, repeat_check
from bot.run.prove.run_check import CheckRun
from bot.text.redact import Redactor

TIMES = 4  # runs more, of each side
SECONDS = 60.0  # that all repeated runs of a side may take, as long as the first took
_CHANCE = re.compile(
    r"\b(random|randint|randrange|shuffle|urandom|uuid\d?|secrets|sleep|datetime|perf_counter|monotonic"
    r"|[Tt]hread\w{0,20}|concurrent|multiprocessing|asyncio|socket|flaky|setTimeout|rand|SystemTime|Instant"
    r"|faker|getpid|popitem)\b|\btime\.|\b(now|set|hash)\(|Math\.random|Date\.now|new Date|listdir|glob"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """The two trees of a check, and how to run it there again."""

    command: CheckCommand
    on_base: CheckedTree
    on_head: CheckedTree
    redactor: Redactor

    async def repeat_base(self, first: CheckRun, times: int = TIMES) -> list[CheckRun]:
        return await self._repeat(self.on_base, first, times)

    async def repeat_head(self, first: CheckRun, times: int = TIMES) -> list[CheckRun]:
        return await self._repeat(self.on_head, first, times)

    async def _repeat(self, tree: CheckedTree, first: CheckRun, times: int) -> list[CheckRun]:
        affordable = int(SECONDS / max(first.result.seconds, 0.01))
        return await repeat_check(tree, self.command, self.redactor, min(times, affordable))


async def blame_fairly(
    command: CheckCommand,
    rows: Rows,
    on_base: CheckedTree,
    on_head: CheckedTree,
    source: ChangeSet,
    read_base: ReadBase,
    redactor: Redactor,
) -> Rows:
    """The rows with the tests that end at random; those of the head's run that is nearest to the truth.

    A check that takes longer than the time for repeats is taken as it is. Where head looks worse than a base
    that was run for another task, base is run again, however long that takes.
    """
    sides = _Sides(command=command, on_base=on_base, on_head=on_head, redactor=redactor)
    check = await asyncio.to_thread(compare_rows, command, rows)
    if check.is_worse and rows.base_kept:
        [base] = await repeat_check(on_base, command, redactor, 1)
        rows = replace(rows, base=base, base_kept=False)
        check = await asyncio.to_thread(compare_rows, command, rows)
    if check.is_worse and not rows.head.changed:
        return await _look_again(sides, rows)
    mended = check.mended
    if not mended:
        return rows
    if await asyncio.to_thread(_adds_chance, source, read_base):
        return await _doubt_turn(sides, rows, mended, of_change=True)
    looks_like_chance = await asyncio.to_thread(_looks_like_chance, rows.base, mended, source, read_base)
    return await _doubt_turn(sides, rows, mended) if looks_like_chance else rows


async def _look_again(sides: _Sides, rows: Rows) -> Rows:
    """Run head once more; where that ends better, run both sides some times and count."""
    again = await sides.repeat_head(rows.head, 1)
    if not again:
        return rows
    before = await asyncio.to_thread(compare_rows, sides.command, rows)
    after = await asyncio.to_thread(compare_rows, sides.command, replace(rows, head=again[0]))
    if after.is_worse and (not before.broken or set(before.broken) <= set(after.broken)):
        return rows
    heads = [rows.head, *again, *await sides.repeat_head(rows.head, TIMES - 1)]
    bases = [rows.base, *await sides.repeat_base(rows.base)]
    best = min(heads, key=lambda run: (_is_bad(run), len(run.list_tests("failed"))))
    known = {*rows.base.result.failing}
    names = {name for run in heads for name in run.list_tests("failed")} - known
    found = [_count_failures(name, bases, heads) for name in sorted(names)]
    certain = {each.name for each in found if each.head_failed == each.head_runs}
    random = tuple(each for each in found if each.name not in certain)
    if not random and not _is_bad(best):
        bad = (sum(map(_is_bad, runs)) for runs in (bases, heads))
        name = sides.command.name
        random = (_make_random(name, next(bad), len(bases), next(bad), len(heads)),)
    return replace(rows, head=best, random=random)


async def _doubt_turn(sides: _Sides, rows: Rows, mended: Sequence[str], *, of_change: bool = False) -> Rows:
    """Run base again: what passes there sometimes was not mended for certain.

    Where the chance may be ``of_change``, run head again as well: what fails there sometimes is not mended.
    """
    bases = [rows.base, *await sides.repeat_base(rows.base)]
    heads = [rows.head, *await sides.repeat_head(rows.head)] if of_change else [rows.head]
    sometimes = [
        name
        for name in mended
        if any(run.tests.get(name) == "passed" for run in bases)
        or any(run.tests.get(name) == "failed" for run in heads)
    ]
    if not sometimes:
        return rows
    if not of_change:
        heads += await sides.repeat_head(rows.head)
    return replace(rows, random=tuple(_count_failures(name, bases, heads) for name in sometimes))


def _is_bad(run: CheckRun) -> bool:
    return run.result.verdict is not Verdict.PASSED


def _count_failures(name: str, bases: Sequence[CheckRun], heads: Sequence[CheckRun]) -> RandomTest:
    failed = [sum(run.tests.get(name) == "failed" for run in runs) for runs in (bases, heads)]
    return _make_random(name, failed[0], len(bases), failed[1], len(heads))


def _make_random(name: str, base_failed: int, base_runs: int, head_failed: int, head_runs: int) -> RandomTest:
    return RandomTest(
        name=name,
        base_failed=base_failed,
        base_runs=base_runs,
        head_failed=head_failed,
        head_runs=head_runs,
    )


def _adds_chance(source: ChangeSet, read_base: ReadBase) -> bool:
    """Whether a line that the change adds mentions anything random."""
    for file in source.files[:50]:
        before = set((read_base(file.path) or b"").splitlines())
        added = b"\n".join(line for line in file.data.splitlines() if line not in before)
        if _CHANCE.search(added.decode("utf-8", "replace")):
            return True
    return False


def _looks_like_chance(base: CheckRun, mended: Iterable[str], source: ChangeSet, read_base: ReadBase) -> bool:
    """Whether the failing tests' files, what the change touches, or the failure itself mentions anything
    random.
    """
    paths = {test.partition("::")[0] for test in mended if "::" in test} | {
        each.path for each in source.files
    }
    texts = [(read_base(path) or b"").decode("utf-8", "replace") for path in sorted(paths)[:50]]
    return any(_CHANCE.search(text) for text in (*texts, base.result.tail))
