"""Reading a check's end: the exit code decides, the words only inform."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, Verdict
from bot.errors import UserError
from bot.repo_config import RepoConfig
from bot.run.prove.check_result import read_check_result
from bot.run.prove.prove import prove
from bot.text.redact import Redactor
from bot.workspace.check_commands import find_check_commands
from bot.workspace.checkout import Workshop
from bot.workspace.find_checks.tree import Tree
from sandbox.spec import CommandResult, Ending
from tests.support.git import commit

PYTEST = b"""
FAILED tests/test_a.py::test_x[10-5] - assert 0 == 5
FAILED tests/test_a.py::test_y[a b] - AssertionError: x
ERROR tests/test_b.py::test_z
=================== 2 failed, 9 passed, 1 error in 0.94s ===================
"""
UNITTEST = b"""
FAIL: test_sum (tests.test_calc.CalcTest.test_sum)
ERROR: test_old (tests.test_calc.CalcTest)
Ran 7 tests in 0.001s

FAILED (failures=1, errors=1)
"""


def ended(output: bytes, code: int | None = 1, ending: Ending = Ending.EXITED) -> CommandResult:
    return CommandResult(exit_code=code, ending=ending, seconds=1.0, output=output)


def test_pytest_names_what_failed() -> None:
    result = read_check_result(ended(PYTEST), Redactor())
    assert result.verdict is Verdict.FAILED
    assert (result.passed, result.failed) == (9, 3)
    assert result.failing == (
        "tests/test_a.py::test_x[10-5]",
        "tests/test_a.py::test_y[a b]",
        "tests/test_b.py::test_z",
    )


def test_unittest_names_what_failed() -> None:
    result = read_check_result(ended(UNITTEST), Redactor())
    assert (result.passed, result.failed) == (5, 2)
    assert result.failing == ("tests.test_calc.CalcTest.test_sum", "tests.test_calc.CalcTest.test_old")


@pytest.mark.parametrize(
    ("done", "verdict"),
    [
        (ended(b"12 passed in 0.1s", 0), Verdict.PASSED),
        (ended(b"12 passed in 0.1s", 1), Verdict.FAILED),
        (ended(b"no tests ran in 0.01s", 5), Verdict.NO_TESTS),
        (ended(b"Ran 0 tests in 0.000s\n\nOK", 0), Verdict.NO_TESTS),
        (ended(b"bash: frob: command not found", 127), Verdict.ERROR),
        (ended(b"12 passed in 0.1s", None, Ending.TIMED_OUT), Verdict.TIMED_OUT),
        (ended(b"12 passed in 0.1s", None, Ending.OUT_OF_MEMORY), Verdict.ERROR),
    ],
)
def test_verdicts(done: CommandResult, verdict: Verdict) -> None:
    assert read_check_result(done, Redactor()).verdict is verdict


def test_the_tail_is_redacted() -> None:
    assert (
        "hunter22222" not in read_check_result(ended(b"password hunter22222"), Redactor(["hunter22222"])).tail
    )


@pytest.mark.parametrize(
    ("paths", "files", "command"),
    [
        (["src/a.py", "tests/test_a.py"], {}, "python -m pytest -q"),
        (["Cargo.toml", "src/main.rs"], {}, "cargo test --offline"),
        (["go.mod"], {}, "go test ./..."),
        (["package.json"], {"package.json": b'{"scripts": {"test": "vitest"}}'}, "npm test --silent"),
        (["package.json"], {"package.json": b"{"}, ""),
        (["package.json"], {"package.json": b"[]"}, ""),
        (["Makefile"], {"Makefile": b"all:\n\techo\ntest: all\n"}, "make test"),
        (["Makefile"], {"Makefile": b"latest:\n"}, ""),
        (["README.md"], {}, ""),
    ],
)
def test_the_test_command_is_found_in_the_tree(
    paths: list[str], files: dict[str, bytes], command: str
) -> None:
    checks = find_check_commands(RepoConfig(), Tree(paths, files.get))
    assert checks.test == command
    assert any("tests" in item for item in checks.not_run) is not bool(command)


def test_the_repository_file_wins() -> None:
    checks = find_check_commands(
        RepoConfig(test="tox", lint="ruff check"), Tree(["tests/test_a.py"], lambda _: None)
    )
    assert (checks.test, checks.lint, checks.not_run) == ("tox", "ruff check", ())


async def test_a_check_that_hangs_on_base_is_not_waited_for(tmp_path: Path, home: Path) -> None:
    """As with a loop without end: the proof says so instead of taking as long as a command may."""
    config = b"test: echo begun && bash wait.sh\n"
    commit(tmp_path / "loop", {".github/hob.yml": config, "wait.sh": b"sleep 500\n"})
    workshop = Workshop(home)
    repo, base = await workshop.mirror.adopt(tmp_path / "loop")
    checkout = await workshop.checkout(repo, base, Redactor())
    mended = FileChange(path="wait.sh", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"true\n")
    proof = await prove(checkout, ChangeSet(base=base, files=(mended,)), Redactor(), behind=0.5)
    (check,) = proof.checks
    assert (check.base.verdict, check.head.verdict) == (Verdict.TIMED_OUT, Verdict.PASSED)
    assert check.base.tail.startswith("begun")
    assert "with the change it passes" in check.base.tail
    assert proof.passed
    assert check.base.seconds < 60


def gone(path: str) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.DELETED)


async def test_a_folder_becomes_a_file_and_no_empty_one_stays(tmp_path: Path, home: Path) -> None:
    files: dict[str, str | bytes | None] = {"d/x": "1", "d/y/z": "1", "left/behind/x": "1", "test_a.py": ""}
    test = "test -f d && test -L link/here && test ! -e left"
    commit(tmp_path / "a", {**files, "link/here/x": "1", ".github/hob.yml": f"test: {test}\n"})
    workshop = Workshop(home)
    repo, base = await workshop.mirror.adopt(tmp_path / "a")
    checkout = await workshop.checkout(repo, base, Redactor())
    made = (
        FileChange(path="d", kind=ChangeKind.ADDED, mode=0o100644, data=b"now\n"),
        FileChange(path="link/here", kind=ChangeKind.ADDED, mode=0o120000, data=b"../d"),
    )
    old = ("d/x", "d/y/z", "left/behind/x", "link/here/x")
    proof = await prove(checkout, ChangeSet(base=base, files=(*made, *map(gone, old))), Redactor())
    assert proof.passed, proof.checks[0].head.tail


async def test_what_cannot_be_set_up_leaves_nothing_running(tmp_path: Path, home: Path) -> None:
    commit(tmp_path / "a", {"a": "", ".github/hob.yml": "test: sleep 60\n"})
    workshop = Workshop(home)
    repo, base = await workshop.mirror.adopt(tmp_path / "a")
    checkout = await workshop.checkout(repo, base, Redactor())
    below_a_file = FileChange(path="a/b", kind=ChangeKind.ADDED, mode=0o100644, data=b"")
    before = asyncio.all_tasks()
    with pytest.raises(UserError, match="could not be set up"):
        await prove(checkout, ChangeSet(base=base, files=(below_a_file,)), Redactor())
    assert asyncio.all_tasks() == before
