"""Makes cases of fixes: the parent commit's files with the fix's tests, as a packed project of ``bot.eval``.

A case counts when its tests, in the sandbox, fail before the true fix and pass after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.errors import UserError
from bot.eval.judge import run_tests
from bot.eval.real.history import SECONDS, Fix
from bot.eval.source import checkout_task
from bot.eval.suite import EvalTask, SuiteRow
from bot.eval.test_outcomes import TestOutcomes
from bot.git.mirror import git_directory
from bot.git.program import run_now
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop

_PYTEST = re.compile(r"\bpytest\b|\bpy\.test\b")
PLAIN_FILE = 0o100644


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCase:
    """A fix whose tests show it. ``trouble`` says why it does not count, "" when it does."""

    fix: Fix
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    trouble: str = ""


async def make_case(fix: Fix, workshop: Workshop, home: Path) -> RealCase:
    """Write the case's files, then run its tests without and with the true fix."""
    await asyncio.to_thread(write_tree, fix, find_tree(fix, home))
    try:
        found = await checkout_task(
            make_task(RealCase(fix=fix, fail_to_pass=("unknown",)), home), workshop, home
        )
    except (UserError, ValueError) as error:
        return RealCase(fix=fix, trouble=f"not set up: {error}"[:200])
    narrow = narrow_tests(found, find_tree(fix, home), fix.tests)
    before, _, _ = await run_tests(narrow, ChangeSet(base=found.base))
    after, timed_out, _ = await run_tests(narrow, make_change_set(fix, found.base))
    passing = sorted(after.spelled[name] for name in after.outcomes if after.passed(name))
    if not passing:
        why = "its tests take too long" if timed_out else "its tests do not run here"
        return RealCase(fix=fix, trouble=why)
    turned = tuple(test for test in passing if not _passed(before, test))
    if not turned:
        return RealCase(fix=fix, trouble="its tests do not show the fault")
    return RealCase(
        fix=fix, fail_to_pass=turned, pass_to_pass=tuple(test for test in passing if test not in turned)
    )


def _passed(outcomes: TestOutcomes, test: str) -> bool:
    """Also in a run that did not come to its end: a test that passed there shows nothing."""
    return replace(outcomes, whole=True).passed(test)


def find_tree(fix: Fix, home: Path) -> Path:
    """Where the files of a case stand."""
    return home / "trees" / fix.name


def make_task(case: RealCase, home: Path) -> EvalTask:
    """The case as a task of ``bot.eval``."""
    fix = case.fix
    row = SuiteRow(
        instance_id=fix.name,
        repo=fix.repo,
        problem_statement=fix.request,
        FAIL_TO_PASS=case.fail_to_pass,
        PASS_TO_PASS=case.pass_to_pass,
        kind=fix.repo,
    )
    digest = hashlib.sha256(f"{fix.path.resolve()}\0{fix.commit}\0{fix.request}".encode()).hexdigest()[:32]
    return EvalTask(row=row, repo=find_tree(fix, home), digest=digest)


def narrow_tests(found: Checkout, tree: Path, paths: Sequence[str]) -> Checkout:
    """The checkout with a test command for these files alone, where pytest is the runner."""
    check = next((each for each in found.checks.checks if not each.lint), None)
    files = [path for path in paths if path.endswith(".py") and PurePosixPath(path).name != "conftest.py"]
    if check is None or not _PYTEST.search(check.command) or not files or "&&" in check.command:
        return found
    said = check.command.split()
    pairs = zip(["", *said], said, strict=False)
    words = [word for before, word in pairs if before.startswith("--") or not (tree / word).exists()]
    narrow = replace(check, command=" ".join([*words, *files]))
    return replace(found, checks=replace(found.checks, checks=(narrow,)))


def make_change_set(fix: Fix, base: str) -> ChangeSet:
    """The true fix."""
    files = tuple(
        FileChange(path=each.path, kind=ChangeKind.MODIFIED, mode=PLAIN_FILE, data=each.after.encode())
        for each in fix.sources
    )
    return ChangeSet(base=base, files=files)


def write_tree(fix: Fix, into: Path) -> None:
    """The parent's files, and the tests as the fix has them; whole or not at all.

    Links and submodules are left out, and what the clone itself lacks.
    """
    if into.exists():
        return
    git = git_directory(fix.path)
    blobs = _list_blobs(git, fix.parent)
    after = _list_blobs(git, fix.commit)
    data = [path for path in blobs.keys() | after.keys() if _is_test_data(path)]
    for path in {*fix.tests, *data}:
        blobs.pop(path, None)
        if path in after:
            blobs[path] = after[path]
    names = sorted(set(blobs.values()))
    out = run_now(
        git, "cat-file", "--batch", stdin="".join(f"{n}\n" for n in names).encode(), seconds=SECONDS
    ).out
    contents, at = {}, 0
    for name in names:
        end = out.index(b"\n", at)
        told = out[at:end].split()
        if len(told) < 3:  # "missing": a clone may lack large files
            at = end + 1
            continue
        size = int(told[2])
        contents[name] = out[end + 1 : end + 1 + size]
        at = end + 2 + size
    beside = into.with_name(f".{into.name}")
    shutil.rmtree(beside, ignore_errors=True)
    for path, name in blobs.items():
        if name not in contents:
            continue
        target = beside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[name])
    beside.rename(into)


def _is_test_data(path: str) -> bool:
    return not path.endswith(".py") and bool({"test", "tests"} & set(PurePosixPath(path).parts[:-1]))


def _list_blobs(git: Path, commit: str) -> dict[str, str]:
    """Path to blob of the plain files of a commit."""
    listed = run_now(git, "ls-tree", "-rz", "--full-tree", commit, seconds=SECONDS).text
    found = {}
    for entry in filter(None, listed.split("\0")):
        info, path = entry.split("\t", 1)
        mode, _, name = info.split()
        if mode.startswith("100") and ".." not in PurePosixPath(path).parts:
            found[path] = name
    return found
