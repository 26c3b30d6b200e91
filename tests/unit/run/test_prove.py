"""Reading a check's end: what its runner reports, what it prints, and its exit code must agree for a pass."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, Check, FileChange, Proof, Runner, Verdict
from bot.errors import UserError
from bot.repo_config import RepoConfig
from bot.run.prove.prove import prove, run_checks
from bot.run.prove.rows import TreeRuns
from bot.run.prove.run_check import CheckRun, read_check_run
from bot.text.redact import Redactor
from bot.workspace.check_commands import find_check_commands
from bot.workspace.checkout import Checkout
from bot.workspace.find_checks.tree import Tree
from bot.workspace.workshop import Workshop
from sandbox.spec import CommandResult, Ending
from tests.support.git import commit


def ended(
    output: bytes, code: int | None = 0, ending: Ending = Ending.EXITED, **report: object
) -> CommandResult:
    """The end of a check, as its supervisor tells it."""
    told = {"exit": code, "changed": [], "sessions": [], "tests": {}, **report}
    errors = json.dumps(told).encode() if ending is Ending.EXITED else b""
    return CommandResult(exit_code=0, ending=ending, seconds=1.0, output=output, errors=errors)


def session(found: int = 2, running: str = "", status: int | None = 0) -> dict[str, object]:
    """One test runner that reported."""
    return {"runner": "pytest", "found": found, "running": running, "status": status}


def read(done: CommandResult, runner: Runner = Runner.OTHER) -> CheckRun:
    return read_check_run(done, runner, Redactor())


GOOD, BAD = {"t::a": "passed", "t::b": "passed"}, {"t::a": "passed", "t::b": "failed"}


@pytest.mark.parametrize(
    ("done", "verdict", "note"),
    [
        (ended(b"", sessions=[session()], tests=GOOD), Verdict.PASSED, ""),
        (ended(b"", 1, sessions=[session(status=1)], tests=BAD), Verdict.FAILED, ""),
        (ended(b"", 0, sessions=[session(status=1)], tests=BAD), Verdict.FAILED, "though 1 test fails"),
        (ended(b"", 2, sessions=[session()], tests=GOOD), Verdict.FAILED, "though no test fails"),
        (ended(b"", 0, sessions=[session(status=None)]), Verdict.ERROR, "did not come to its own end"),
        (ended(b"", 0, sessions=[session(status=None, running="t::b")]), Verdict.ERROR, "middle of t::b"),
        (ended(b"", 0, sessions=[session()]), Verdict.NO_TESTS, "2 tests were found and none was run"),
        (ended(b"", 5, sessions=[session(0, status=5)]), Verdict.NO_TESTS, ""),
        (ended(b"", changed=["a.py"], sessions=[session()], tests=GOOD), Verdict.ERROR, "changed files"),
        (ended(b"12 passed in 0.1s"), Verdict.PASSED, ""),
        (ended(b"12 passed in 0.1s", 1), Verdict.FAILED, "though no test fails"),
        (ended(b"1 failed, 2 passed in 0.1s", 0), Verdict.FAILED, "though 1 test fails"),
        (ended(b"no tests ran in 0.01s", 5), Verdict.NO_TESTS, ""),
        (ended(b"Ran 0 tests in 0.000s\n\nOK"), Verdict.NO_TESTS, ""),
        (ended(b"bash: frob: command not found", 127), Verdict.ERROR, ""),
        (ended(b"anything"), Verdict.PASSED, ""),
        (ended(b"12 passed in 0.1s", ending=Ending.TIMED_OUT), Verdict.TIMED_OUT, ""),
        (ended(b"12 passed in 0.1s", ending=Ending.OUT_OF_MEMORY), Verdict.ERROR, "out of memory"),
        (ended(b"running 2 tests\ntest a ... ok\n"), Verdict.ERROR, "did not come to its own end"),
    ],
)
def test_verdicts(done: CommandResult, verdict: Verdict, note: str) -> None:
    result = read(done).result
    assert result.verdict is verdict
    assert note in result.note and bool(note) == bool(result.note)


def test_what_ended_its_supervisor_has_no_result() -> None:
    done = replace(ended(b"1 passed in 0.1s"), errors=b"", exit_code=0)
    assert read(done).result.verdict is Verdict.ERROR


def test_the_tail_and_the_names_are_redacted() -> None:
    done = ended(b"password hunter22222", 1, sessions=[session()], tests={"t[hunter22222]": "failed"})
    run = read_check_run(done, Runner.PYTEST, Redactor(["hunter22222"]))
    assert "hunter22222" not in f"{run}"


def test_the_tail_has_no_colours_and_they_take_no_room() -> None:
    done = ended(b"\x1b[31mE   assert 1 == 2\x1b[0m\n" + b"\x1b[32m.\x1b[0m" * 2000, 1)
    tail = read(done).result.tail
    assert tail.startswith("E   assert 1 == 2") and "\x1b" not in tail


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


async def test_a_commits_own_checks_are_run_once_for_all_who_ask(tmp_path: Path, home: Path) -> None:
    """Each run prints another number, so a second run would be seen. What blames a change is run anew."""
    config = b"test: bash check.sh\n"
    commit(tmp_path / "calc", {".github/hob.yml": config, "check.sh": b"echo $RANDOM$RANDOM$RANDOM\n"})
    workshop = Workshop(home)
    repo, base = await workshop.mirror.adopt(tmp_path / "calc")

    async def prove_with(script: bytes) -> tuple[Check, Proof]:
        checkout = await workshop.checkout(repo, base, Redactor())
        change = FileChange(path="check.sh", kind=ChangeKind.MODIFIED, mode=0o100644, data=script)
        proof = await prove(checkout, ChangeSet(base=base, files=(change,)), Redactor())
        return proof.checks[0], proof

    nothing = ChangeSet(base=base)
    [(_, before)] = await run_checks(await workshop.checkout(repo, base, Redactor()), nothing, Redactor())
    good, proof = await prove_with(b"echo good; exit 0\n")
    assert (good.base.tail, good.head.tail) == (before.tail, "good\n") and proof.passed
    bad, proof = await prove_with(b"echo bad; exit 1\n")
    assert bad.base.tail != before.tail and bad.is_worse and not proof.passed
    seen, _ = await prove_with(b"echo good again; exit 0\n")
    assert seen.base.tail == before.tail


async def test_a_test_that_time_has_broken_is_not_the_changes_fault(tmp_path: Path, home: Path) -> None:
    """It passed on base when it was run for the first message, and fails on both sides by now."""
    test = b"def test_year():\n    assert False, 'it is next year'\n"
    commit(tmp_path / "calc", {"test_a.py": test, "a.txt": b"a\n"})
    workshop = Workshop(home)
    repo, base = await workshop.mirror.adopt(tmp_path / "calc")
    checkout = await workshop.checkout(repo, base, Redactor())
    await run_checks(checkout, ChangeSet(base=base), Redactor())
    ((key, (size, kept)),) = checkout.kept_runs.items()
    assert isinstance(kept, TreeRuns)
    [run] = kept.runs
    passed = replace(run.result, verdict=Verdict.PASSED, exit_code=0, passed=1, failed=0, failing=())
    earlier = replace(run, result=passed, tests=dict.fromkeys(run.tests, "passed"))
    checkout.kept_runs[key] = size, replace(kept, runs=[earlier])
    change = FileChange(path="a.txt", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"b\n")
    proof = await prove(checkout, ChangeSet(base=base, files=(change,)), Redactor())
    assert proof.checks[0].base.verdict is Verdict.FAILED and not proof.checks[0].is_worse


class CountedChecks:
    """A checkout whose one test is what ``test`` says, and how many commands ran in its sandboxes."""

    def __init__(self, folder: Path, home: Path, test: str) -> None:
        commit(folder, {"test_a.py": test.encode(), "amount.py": b"def f():\n    return 0\n"})
        self.commands = 0
        self._folder = folder
        self._workshop = Workshop(home, commands=2, observe_command=self._count)

    def _count(self, result: CommandResult, waited: float) -> None:
        self.commands += 1

    async def check_out(self) -> Checkout:
        repo, base = await self._workshop.mirror.adopt(self._folder)
        return await self._workshop.checkout(repo, base, Redactor())


def change_code(checkout: Checkout, text: str) -> ChangeSet:
    file = FileChange(path="amount.py", kind=ChangeKind.MODIFIED, mode=0o100644, data=text.encode())
    return ChangeSet(base=checkout.base, files=(file,))


async def test_the_proof_takes_over_what_one_check_of_the_same_change_found(
    tmp_path: Path, home: Path
) -> None:
    counted = CountedChecks(tmp_path / "calc", home, "import pathlib\n\ndef test_it():\n"
                            "    assert '1' in pathlib.Path('amount.py').read_text()\n")  # fmt: skip
    checkout = await counted.check_out()
    changes = change_code(checkout, "def f():\n    return 1\n")
    await run_checks(checkout, ChangeSet(base=checkout.base), Redactor())
    await run_checks(checkout, changes, Redactor())
    before = counted.commands
    proof = await prove(checkout, changes, Redactor())
    assert counted.commands == before
    assert proof.checks[0].mended == ("test_a.py::test_it",)

    await prove(checkout, changes, Redactor(), anew=True)
    assert counted.commands > before, "`use` proves anew"
    before = counted.commands
    await prove(checkout, change_code(checkout, "def f():\n    return 1  # another\n"), Redactor())
    assert counted.commands > before


@pytest.mark.parametrize("again", ["another comment", "the same", "at once", "ended"])
async def test_who_checks_more_than_once_is_proved_anew(tmp_path: Path, home: Path, again: str) -> None:
    """Else a change that makes a test pass by chance would be tried until it does."""
    counted = CountedChecks(tmp_path / "calc", home, "def test_it():\n    pass\n")
    checkout = await counted.check_out()
    changes = change_code(checkout, "def f():\n    return 1\n")
    await run_checks(checkout, ChangeSet(base=checkout.base), Redactor())
    if again == "ended":
        before = counted.commands
        running = asyncio.ensure_future(run_checks(checkout, changes, Redactor()))
        while counted.commands == before and not running.done():  # noqa: ASYNC110 - the first command tells
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
    elif again == "the same":
        await run_checks(checkout, changes, Redactor())
    elif again == "at once":
        await asyncio.gather(*(run_checks(checkout, changes, Redactor()) for _ in range(2)))
    else:
        await run_checks(checkout, change_code(checkout, "def f():\n    return 1  # try\n"), Redactor())
    if again != "at once":
        await run_checks(checkout, changes, Redactor())
    before = counted.commands
    await prove(checkout, changes, Redactor())
    assert counted.commands > before


async def test_a_change_that_passes_by_chance_is_said_to(tmp_path: Path, home: Path) -> None:
    """The chance is in what the change adds, and the first run of it happens to pass."""
    test = "import pathlib, runpy\n\ndef test_it():\n    assert runpy.run_path('amount.py')['f']() == 1\n"
    counted = CountedChecks(tmp_path / "calc", home, test)
    checkout = await counted.check_out()
    random = change_code(checkout, "import random\n\ndef f():\n    return int(random.random() < 0.12)\n")
    for _ in range(80):
        proof = await prove(checkout, random, Redactor())
        if proof.checks[0].head.verdict is Verdict.PASSED:
            break
    assert proof.checks[0].random or not proof.checks[0].mended
