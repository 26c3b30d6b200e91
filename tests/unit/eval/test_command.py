"""``hob eval`` as a person uses it: real processes, real sandboxes, a scripted model."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli.main import main
from bot.demo.story import git
from bot.errors import UserError
from bot.eval.measure import EvalEnvironment
from bot.eval.results import FILE, EvalResult, Why, open_results
from bot.eval.runner import EvalWork, run_work
from bot.eval.suite import read_suites
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.processes import CommandLine
from tests.support.sandbox import lend_toolchain

pytestmark = pytest.mark.timeout(400)

SHOP = """\
def price(amount, limit=100):
    if amount >= limit:
        return amount - 10
    return amount


def double(amount):
    return amount * 2
"""
TESTS = """\
from shop import double, price


def test_limit():
    assert price(100) == 90


def test_below():
    assert price(50) == 50


def test_double():
    assert double(4) == 8
"""
UNIT = """\
import unittest

from shop import price


class PriceTest(unittest.TestCase):
    def test_limit(self):
        self.assertEqual(price(100), 90)

    def test_below(self):
        self.assertEqual(price(50), 50)
"""
BOUNDARY = {"path": "shop.py", "right": "amount >= limit", "wrong": "amount > limit"}
IDS = {name: f"tests/test_shop.py::test_{name}" for name in ("limit", "below", "double")}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tooling: Toolchain) -> Path:
    home = tmp_path_factory.mktemp("home")
    lend_toolchain(tooling, home)
    return home


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """Three tasks: a packed project, the same under unittest, and a git repository with hidden tests."""
    packed, unit, hidden = tmp_path / "packed", tmp_path / "unit", tmp_path / "hidden"
    for folder, text in ((packed, TESTS), (unit, UNIT)):
        (folder / "tests").mkdir(parents=True)
        (folder / "tests" / "__init__.py").write_text("")
        (folder / "tests" / "test_shop.py").write_text(text)
        (folder / "shop.py").write_text(SHOP)
    hidden.mkdir()
    (hidden / "shop.py").write_text(SHOP.replace("amount >= limit", "amount > limit"))
    git(hidden, "init", "-q", "-b", "main")
    git(hidden, "add", "-A")
    git(hidden, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "base")
    commit = git(hidden, "rev-parse", "HEAD").strip()
    patch = f"--- /dev/null\n+++ b/tests/test_shop.py\n@@ -0,0 +1,{TESTS.count(chr(10))} @@\n"
    patch += "".join(f"+{line}\n" for line in TESTS.splitlines())
    words = "An order of exactly 100 gets no discount"
    rows = [
        {"instance_id": "packed", "repo": "packed", "kind": "boundary", "fault": [BOUNDARY]},
        {"instance_id": "unit", "repo": "unit", "fault": [BOUNDARY], "test_command": "python -m unittest -v"},
        {"instance_id": "hidden", "repo": "hidden", "base_commit": commit, "test_patch": patch},
    ]
    ids = {"FAIL_TO_PASS": json.dumps([IDS["limit"]]), "PASS_TO_PASS": [IDS["below"], IDS["double"]]}
    dotted = "tests.test_shop.PriceTest.test_"
    rows[0] |= ids
    rows[1] |= {
        "FAIL_TO_PASS": [f"{dotted}limit"],
        "PASS_TO_PASS": ["test_below (tests.test_shop.PriceTest)"],
    }
    rows[2] |= {**ids, "test_command": "python -m pytest -q"}
    path = tmp_path / "suite.jsonl"
    path.write_text("".join(json.dumps(row | {"problem_statement": words}) + "\n" for row in rows))
    return path


def scripted(path: Path, *commands: str, kind: str = "changed") -> str:
    """A model that runs these commands and says that it is done, or that it cannot."""
    shells = [{"calls": [{"name": "shell", "args": {"command": command}}]} for command in commands]
    finish = {"name": "finish", "args": {"kind": kind, "title": "Mend it", "summary": "Mended."}}
    path.write_text(json.dumps([*shells, {"calls": [finish]}]))
    return f"scripted:{path}"


MEND = "sed -i 's/amount > limit/amount >= limit/' shop.py"
CHEAT = (
    "mkdir -p tests; printf 'def test_limit(): pass\\ndef test_below(): pass\\ndef test_double(): pass\\n'"
    " > tests/test_shop.py; echo 'raise SystemExit(0)' > conftest.py; echo > pytest.py; echo '#' >> shop.py"
)
BREAK = f"{MEND}; sed -i 's/amount \\* 2/amount * 3/; s/return amount$/return 0/' shop.py"


def start(home: Path, *arguments: str | Path) -> CommandLine:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("HOB_")}
    return CommandLine(home / "printed", "eval", *arguments, env=keep | {"HOB_HOME": str(home)})


def hob(home: Path, *arguments: str | Path) -> tuple[int, str, str]:
    done = start(home, *arguments).wait()
    return done.returncode, done.stdout, done.stderr


def here(home: Path, *arguments: str | Path) -> Result:
    """The same command in this process, for what runs no model."""
    return CliRunner(env={"HOB_HOME": str(home)}).invoke(main, ["eval", *map(str, arguments)])


def test_two_models_are_measured_and_compared(home: Path, suite: Path, tmp_path: Path) -> None:
    models = scripted(tmp_path / "good.json", MEND), scripted(tmp_path / "cheat.json", CHEAT)
    options = ["--model", models[0], "--model", models[1], "--jobs", "2", "--out", tmp_path / "out", "--json"]
    before = git(suite.parent / "hidden", "status", "--porcelain")
    code, out, err = hob(home, suite, *options)
    printed = json.loads(out)
    assert code == 0, err
    assert [(score["solved"], score["n"]) for score in printed["scores"]] == [(3, 3), (0, 3)]
    assert printed["scores"][0]["turns"] == 2
    assert printed["scores"][0]["input_tokens"] > 0
    (compared,) = printed["comparisons"]
    assert (compared["only_a"], compared["only_b"], compared["p"]) == (3, 0, 0.25)
    assert printed["kinds"]["boundary"] == {models[0]: [1, 1], models[1]: [0, 1]}
    for row in printed["unsolved"]:
        assert row["why"] == "wrong"
        assert {"tests/test_shop.py", "conftest.py", "pytest.py"} <= set(row["left_out"])
    assert git(suite.parent / "hidden", "status", "--porcelain") == before
    table = here(home, suite, *options[:-1])
    assert table.exit_code == 0
    assert "3/3" in table.stdout
    assert "By kind" in table.stdout
    assert "6 of 6 results are there already" in table.stderr


def test_what_breaks_others_is_not_solved_nor_is_a_refusal(home: Path, suite: Path, tmp_path: Path) -> None:
    breaks = scripted(tmp_path / "breaks.json", BREAK)
    refuses = scripted(tmp_path / "refuses.json", kind="blocked")
    options = ("--limit", "1", "--out", tmp_path / "out", "--json")
    code, out, err = hob(home, suite, "--model", breaks, "--model", refuses, *options)
    assert code == 0, err
    assert [row["why"] for row in json.loads(out)["unsolved"]] == ["broke others", "refused"]


def lines(out: Path) -> list[str]:
    path = out / FILE
    return path.read_text().splitlines() if path.exists() else []


def stopped(process: CommandLine, out: Path, at: int, by: signal.Signals) -> tuple[int, str]:
    """End the process by a signal as soon as ``at`` results are there."""
    deadline = time.monotonic() + 60
    while len(lines(out)) < at and process.is_running() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(by)
    done = process.wait()
    return done.returncode, done.stderr


def test_a_run_that_is_stopped_or_killed_goes_on_where_it_was(
    home: Path, suite: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stays = "test -d tests || sleep 300"  # the last task, whose tests are hidden: over after the kill
    model = scripted(tmp_path / "good.json", "sleep 1", stays, MEND)
    arguments = (suite, "--model", model, "--out", out)
    code, err = stopped(start(home, *arguments), out, 1, signal.SIGINT)
    assert code == 130, err
    assert f"--out {out} goes on" in err
    code, err = stopped(start(home, *arguments), out, 2, signal.SIGKILL)
    assert code == -signal.SIGKILL, err
    before = lines(out)
    assert len(before) == 2
    with (out / FILE).open("a") as file:
        file.write('{"task": "half a li')  # what a kill in the middle of a write would leave
    scripted(tmp_path / "good.json", MEND)
    code, printed, err = hob(home, *arguments, "--json")
    assert code == 0, err
    assert "2 of 3 results are there already" in err
    assert lines(out)[:2] == before
    assert [json.loads(line)["task"] for line in lines(out)] == ["packed", "unit", "hidden"]
    assert json.loads(printed)["scores"][0]["solved"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nonsense:x"], "nonsense"),
        (["--filter", "nowhere"], "no task has 'nowhere'"),
        (["--model", "offline", "--model", "offline"], "two different ones"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_runs(
    home: Path, suite: Path, arguments: list[str], words: str
) -> None:
    done = here(home, suite, *arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_bad_line_is_named(home: Path, suite: Path) -> None:
    suite.write_text(suite.read_text() + "{oops\n")
    done = here(home, suite)
    assert done.exit_code == 2
    assert "line 4: not JSON" in done.stderr


async def test_what_is_no_result_is_tried_again_and_told(home: Path, suite: Path, tmp_path: Path) -> None:
    row = json.loads(suite.read_text().splitlines()[0])
    suite.write_text(json.dumps(row | {"setup": "echo no compiler; exit 3"}) + "\n")
    work = EvalWork(tasks=read_suites([suite]), models=[scripted(tmp_path / "good.json", MEND)], attempts=1)
    place = EvalEnvironment(workshop=Workshop(home), home=home / "eval", seconds=60)
    problems: list[str] = []
    with open_results(tmp_path / "out") as results:
        await run_work(
            work, results, place, jobs=1, on_result=lambda *each: problems.append(each[2]), pause=0.01
        )
    assert lines(tmp_path / "out") == []
    (problem,) = work.unmeasured
    assert "The setup command `echo no compiler; exit 3` failed" in problem.why
    assert problems == [problem.why]


async def test_an_attempt_that_takes_too_long_is_a_result(home: Path, suite: Path, tmp_path: Path) -> None:
    work = EvalWork(
        tasks=read_suites([suite])[:1], models=[scripted(tmp_path / "slow.json", "sleep 60")], attempts=1
    )
    place = EvalEnvironment(workshop=Workshop(home), home=home / "eval", seconds=0.5)
    with open_results(tmp_path / "out") as results:
        await run_work(work, results, place, jobs=1, on_result=lambda *_: None)
        assert [result.why for result in results.by_key.values()] == [Why.TIMEOUT]
    assert work.unmeasured == []


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    result = EvalResult(task="t", digest="d", model="m", attempt=1, why=Why.SOLVED, left_out=("x",))
    with open_results(tmp_path) as results:
        results.add(result)
        with pytest.raises(UserError, match="another hob eval"), open_results(tmp_path):
            pass
    with open_results(tmp_path) as results:
        assert results.by_key == {result.key: result}


def test_a_result_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"a": 1}\n')
    with pytest.raises(UserError, match="line 1 is no result"), open_results(tmp_path):
        pass
