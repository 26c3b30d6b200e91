"""Makes cases of fixes: the parent commit's files with the fix's tests, as a packed project of ``bot.eval``.

It is set up as Hob tells a user to: the project with what it declares that its tests need, from the package
index, in an environment that is made once, and then with what its tests still miss. Where that cannot be had,
its tests run as they can without. A case counts when its tests, in the sandbox, fail before the true fix and
pass after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import re
import shlex
import shutil
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from bot.causes.python_packages import list_missing_packages
from bot.causes.suggest_setup import run_in_environment
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
SETUPS = 3  # that are tried: what is declared, then with what is still missing
NOT_RUN, TOO_LONG = "its tests do not run here", "its tests take too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCase:
    """A fix whose tests show it. ``trouble`` says why it does not count, "" when it does.

    ``setup`` and ``test_command`` are what its hob.yml says, "" where it needs none.
    """

    fix: Fix
    setup: str = ""
    test_command: str = ""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    trouble: str = ""


async def make_case(fix: Fix, workshop: Workshop, home: Path, *, installs: bool = True) -> RealCase:
    """Write the case's files, then run its tests without and with the true fix.

    With ``installs`` what its tests need is installed first, as far as the index that is allowed has it.
    """
    await asyncio.to_thread(write_tree, fix, find_tree(fix, home))
    plain = RealCase(fix=fix, fail_to_pass=("unknown",))
    try:
        bare = await checkout_task(make_task(plain, home), workshop, home)
    except (UserError, ValueError) as error:
        return RealCase(fix=fix, trouble=f"not set up: {error}"[:200])
    if installs and bare.facts.python_setup and not bare.facts.has_setup:

        async def judge_with(setup: str) -> tuple[RealCase, str] | None:
            test = run_in_environment(bare.checks.test)
            case = replace(plain, setup=setup, test_command=test)
            try:
                found = await checkout_task(make_task(case, home), workshop, home)
            except (UserError, ValueError):
                return None
            return await _judge_case(case, found, home)

        if case := await try_setups(bare.facts.python_setup, bare.facts.modules, judge_with):
            return case
    judged, _ = await _judge_case(plain, bare, home)
    return judged


async def try_setups(
    setup: str, own: Collection[str], judge_with: Callable[[str], Awaitable[tuple[RealCase, str] | None]]
) -> RealCase | None:
    """The case with the first setup by which its tests run, of at most ``SETUPS``; None where none does.

    What a test misses that is no module of its ``own`` project is added to the next. ``judge_with`` gives the
    case and the end of what the tests printed, None where the setup itself fails.
    """
    for _ in range(SETUPS):
        judged = await judge_with(setup)
        if judged is None:
            return None
        case, tail = judged
        if case.trouble != NOT_RUN:
            return case
        missing = list_missing_packages(tail, own)
        if not missing:
            return None
        setup = " ".join([setup, *map(shlex.quote, missing)])
    return None


async def _judge_case(case: RealCase, found: Checkout, home: Path) -> tuple[RealCase, str]:
    """The case with the tests that the true fix turns, and those that pass before and after it; the end of
    what the tests printed.
    """
    fix = case.fix
    narrow = narrow_tests(found, find_tree(fix, home), fix.tests)
    after, timed_out, tail = await run_tests(narrow, make_change_set(fix, found.base))
    passing = sorted(after.spelled[name] for name in after.outcomes if after.passed(name))
    if not passing:
        return replace(case, fail_to_pass=(), trouble=TOO_LONG if timed_out else NOT_RUN), tail
    before, _, _ = await run_tests(narrow, ChangeSet(base=found.base))
    turned = tuple(test for test in passing if not _passed(before, test))
    if not turned:
        return replace(case, fail_to_pass=(), trouble="its tests do not show the fault"), tail
    kept = tuple(test for test in passing if test not in turned)
    return replace(case, fail_to_pass=turned, pass_to_pass=kept), tail


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
        setup=case.setup,
        setup_internet="packages" if case.setup else "",
        test_command=case.test_command,
    )
    told = (str(fix.path.resolve()), fix.commit, fix.request, *filter(None, (case.setup, case.test_command)))
    digest = hashlib.sha256("\0".join(told).encode()).hexdigest()[:32]
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

    A link becomes a copy of what it leads to; submodules are left out, and what the clone itself lacks.
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
    links = _list_links(git, fix.parent)
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
        if path in links:
            name = blobs.get(_resolve_link(path, contents[name]), "")
            if name not in contents:
                continue
        target = beside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[name])
    beside.rename(into)


def _is_test_data(path: str) -> bool:
    return not path.endswith(".py") and bool({"test", "tests"} & set(PurePosixPath(path).parts[:-1]))


def _list_links(git: Path, commit: str) -> set[str]:
    listed = run_now(git, "ls-tree", "-rz", "--full-tree", commit, seconds=SECONDS).text
    return {entry.split("\t", 1)[1] for entry in listed.split("\0") if entry.startswith("120000 ")}


def _resolve_link(path: str, content: bytes) -> str:
    """Where a link leads, from the root of the tree; "" for a place outside of it."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), content.decode("utf-8", "replace")))
    return "" if place.startswith(("/", "..")) else place


def _list_blobs(git: Path, commit: str) -> dict[str, str]:
    """Path to blob of the files and links of a commit."""
    listed = run_now(git, "ls-tree", "-rz", "--full-tree", commit, seconds=SECONDS).text
    found = {}
    for entry in filter(None, listed.split("\0")):
        info, path = entry.split("\t", 1)
        mode, _, name = info.split()
        if mode.startswith(("100", "120")) and ".." not in PurePosixPath(path).parts:
            found[path] = name
    return found
