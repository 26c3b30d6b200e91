"""Judges a candidate change by the tests of its task, in a clean sandbox of the base commit.

Tests, their configuration and whatever Python loads before a test are the base commit's
(and ``test_patch``'s): a change to them is left out and named. Results are read by test id from the lines of
Hob's own recorder, not from printed output, and count only when the run came to its end. What it cannot
exclude: the code under test shares a process with the tests, so code made to deceive could still write the
recorder's lines itself. Only a person who reads the change sees that; it is stored with each result.
"""

from __future__ import annotations

import re
import secrets
import sys
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from unidiff.patch import PatchSet

from bot.domain import ChangeKind, ChangeSet
from bot.errors import UserError
from bot.eval.suite import SuiteRow
from bot.eval.test_outcomes import TestOutcomes, read_outcomes
from bot.run.prove.apply_changes import apply_changes
from bot.workspace.checkout import Checkout
from sandbox.spec import Command, Ending, Sandbox

RECORDER = Path(__file__).with_name("recorder.py")

_TEST_FILES = ("test_*.py", "*_test.py", "tests.py", "conftest.py")
_CONFIGURATION = ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "pytest.toml")
_LOADED_FIRST = frozenset({"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "hob_recorder"}) | {
    "sitecustomize",
    "usercustomize",
    *sys.stdlib_module_names,
}
_METADATA = (".dist-info", ".egg-info", ".pth")
_UNITTEST = re.compile(r"(?<=\s)-m\s+unittest\b(?!\.)")
_MOST_OUTPUT = 16 << 20

_PLACE = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
path.parent.mkdir()
path.write_bytes(sys.stdin.buffer.read())
"""
_SHOW = """
import pathlib, sys
path = pathlib.Path(sys.argv[1])
if path.is_file():
    sys.stdout.buffer.write(path.read_bytes())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the tests say of a change. ``left_out`` are its paths that were not applied before the tests."""

    wrong: tuple[str, ...]  # of FAIL_TO_PASS, still failing
    broken: tuple[str, ...]  # of PASS_TO_PASS, failing now
    left_out: tuple[str, ...]
    timed_out: bool = False
    tail: str = ""

    @property
    def solved(self) -> bool:
        """All that should pass did."""
        return not self.wrong and not self.broken


async def judge(checkout: Checkout, changes: ChangeSet, row: SuiteRow) -> Judgement:
    """Judge a change by the tests of its task."""
    own = _find_named_files(row)
    kept = tuple(change for change in changes.files if not belongs_to_judge(change.path, change.kind, own))
    left_out = tuple(change.path for change in changes.files if change not in kept)
    tests, timed_out, tail = await run_tests(checkout, replace(changes, files=kept), row.test_patch)
    return Judgement(
        wrong=tests.list_failing(row.FAIL_TO_PASS),
        broken=tests.list_failing(row.PASS_TO_PASS),
        left_out=left_out,
        timed_out=timed_out,
        tail=tail,
    )


async def run_tests(
    checkout: Checkout, changes: ChangeSet, test_patch: str = ""
) -> tuple[TestOutcomes, bool, str]:
    """(outcomes, whether time ran out, the end of the output) of base with ``changes`` and the patch."""
    sandbox = await checkout.open()
    try:
        await apply_changes(sandbox, changes)
        if test_patch:
            await _apply_patch(sandbox, test_patch)
        folder = f"/tmp/hob-judge-{secrets.token_hex(8)}"  # noqa: S108  inside the sandbox
        module, record = f"{folder}/hob_recorder.py", f"{folder}/record"
        argv = ("python", "-I", "-c", _PLACE, module)
        await _run_or_raise(sandbox, Command(argv=argv, stdin=RECORDER.read_bytes()), "place the recorder")
        line = _UNITTEST.sub("-m hob_recorder", checkout.checks.test)
        done = await sandbox.run(Command(argv=("bash", "-c", line), env=_make_environment(checkout, folder)))
        written = await sandbox.run(
            Command(argv=("python", "-I", "-c", _SHOW, record), output_bytes=_MOST_OUTPUT)
        )
        return read_outcomes(written.text), done.ending is Ending.TIMED_OUT, done.text[-3000:]
    finally:
        await sandbox.aclose()


def _make_environment(checkout: Checkout, folder: str) -> tuple[tuple[str, str], ...]:
    env = dict(checkout.policy.env)
    paths = [path for path in (env.get("PYTHONPATH", ""), folder) if path]
    options = f"{env.get('PYTEST_ADDOPTS', '')} -p hob_recorder".strip()
    return (("PYTHONPATH", ":".join(paths)), ("PYTEST_ADDOPTS", options))


async def _apply_patch(sandbox: Sandbox, text: str) -> None:
    argv = ("git", "apply", "--whitespace=nowarn", "-")
    await _run_or_raise(
        sandbox, Command(argv=argv, stdin=text.encode("utf-8", "surrogateescape")), "apply test_patch"
    )


async def _run_or_raise(sandbox: Sandbox, command: Command, what: str) -> None:
    done = await sandbox.run(command)
    if not done.ok:
        raise UserError(f"The judge could not {what}", phase="suite", log=done.text[-2000:])


def _find_named_files(row: SuiteRow) -> frozenset[str]:
    """The files that test ids and the test patch name."""
    ids = (*row.FAIL_TO_PASS, *row.PASS_TO_PASS)
    named = {test.partition("::")[0] for test in ids if "::" in test}
    for file in PatchSet(row.test_patch) if row.test_patch else ():
        named |= {name.removeprefix("a/").removeprefix("b/") for name in (file.source_file, file.target_file)}
    return frozenset(named)


def belongs_to_judge(path: str, kind: ChangeKind, named: frozenset[str] = frozenset()) -> bool:
    """Whether a path decides how the tests run, so that the base commit's version is used."""
    parts = PurePosixPath(path).parts
    name, folders = parts[-1], parts[:-1]
    if path in named or name in _CONFIGURATION or "tests" in folders or folders[:1] == ("test",):
        return True
    if any(fnmatchcase(name, pattern) for pattern in _TEST_FILES):
        return True
    if any(part.endswith(_METADATA) for part in parts) or name in ("sitecustomize.py", "usercustomize.py"):
        return True
    first = parts[1:] if parts[0] == "src" else parts
    if kind is not ChangeKind.ADDED or not first or first[0].split(".")[0] not in _LOADED_FIRST:
        return False
    return len(first) == 1 or first[1].startswith("__init__.")  # a plain folder hides no module
