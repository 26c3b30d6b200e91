"""``hob solve`` as a person at a terminal uses it: a real process on a real repository."""

from __future__ import annotations

import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bot.demo.story import demo_repository, git
from bot.errors import UserError
from bot.solve.solve import apply_patch
from sandbox.toolchain import Toolchain
from tests.support import ROOT
from tests.support.flow import FAULTY_PYTEST
from tests.support.git import commit
from tests.support.processes import CommandLine
from tests.support.sandbox import lend_toolchain

pytestmark = pytest.mark.timeout(400)

FIELDS = {"outcome", "title", "summary", "diff", "held", "proof", "turns", "usage", "seconds", "attempts"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tooling: Toolchain) -> Path:
    home = tmp_path_factory.mktemp("home")
    lend_toolchain(tooling, home)
    return home


# A discount from 100.00 on, and a test that says so: quick, as it is unittest's.
SHOP: dict[str, str | bytes | None] = {
    "invoice/__init__.py": "",
    "invoice/discount.py": (
        "STEPS = ((50_000, 10), (10_000, 5))\n\n\ndef percent(amount):\n"
        "    for threshold, rate in STEPS:\n        if amount > threshold:\n"
        "            return rate\n    return 0\n"
    ),
    "test_discount.py": (
        "import unittest\n\nfrom invoice.discount import percent\n\n\nclass StepTest(unittest.TestCase):\n"
        "    def test_first_step(self):\n        self.assertEqual(percent(10_000), 5)\n"
    ),
    "tox.ini": "[testenv]\ncommands = python -m unittest -q\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A repository whose test fails."""
    commit(tmp_path / "shop", SHOP)
    return tmp_path / "shop"


@pytest.fixture
def demo_shop(tmp_path: Path) -> Path:
    """The demo's repository, whose tests fail."""
    demo_repository(tmp_path / "shop")
    return tmp_path / "shop"


def environment(home: Path, model: str) -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("HOB_")}
    return keep | {"HOB_HOME": str(home), "HOB_MODEL": model}


def hob(home: Path, *arguments: str, model: str = "offline") -> subprocess.CompletedProcess[str]:
    return CommandLine(home / "printed", *arguments, env=environment(home, model)).wait()


def hob_from_the_shell(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same with everything that a start takes; see ``tests.support.processes``."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env=environment(home, "offline"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=350,
        check=False,
    )


class _Refuse(socketserver.StreamRequestHandler):
    """A company's proxy that lets nothing out, and keeps what it was asked for."""

    asked: ClassVar[list[str]] = []

    def handle(self) -> None:
        self.asked.append(self.rfile.readline().decode().strip())
        self.wfile.write(b"HTTP/1.1 403 No\r\n\r\n")


def script(path: Path, *turns: list[dict[str, Any]]) -> str:
    path.write_text(json.dumps([{"calls": turn} for turn in turns]))
    return f"scripted:{path}"


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "args": arguments}


def finish(kind: str, summary: str = "Because.") -> dict[str, Any]:
    return call("finish", kind=kind, title="A title", summary=summary)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_mends_prints_and_leaves_the_repository_alone(home: Path, demo_shop: Path) -> None:
    before = snapshot(demo_shop)
    done = hob_from_the_shell(
        home, "solve", str(demo_shop), "orders of exactly 100.00 get no discount", "--json"
    )
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert set(told) == FIELDS
    assert told["outcome"] == "changed"
    assert "+        if amount >= threshold:" in told["diff"]
    assert told["proof"]["passed"]
    assert told["proof"]["checks"][0]["base"]["failed"] == 3
    assert snapshot(demo_shop) == before


def test_what_is_held_back_is_told_without_control_characters(home: Path, shop: Path, tmp_path: Path) -> None:
    make = "printf 1 > \"$(printf 'a\\033[31mb')\"; printf 1 > \"$(printf 'caf\\351')\"; echo 1 > plain"
    model = script(tmp_path / "script.json", [call("shell", command=make)], [finish("changed")])
    done = hob(home, "solve", str(shop), "do it", model=model)
    assert "held back: a\\x1b[31mb: its name has control characters" in done.stderr
    assert "held back: caf\ufffd: its name is not UTF-8" in done.stderr
    assert "\x1b" not in done.stderr
    told = json.loads(hob(home, "solve", str(shop), "do it", "--json", model=model).stdout)
    assert [each["why"] for each in told["held"]] == [
        "its name has control characters",
        "its name is not UTF-8",
    ]


@pytest.mark.parametrize("command", ["solve", "eval"])
def test_the_operators_proxy_is_the_way_out_here_too(
    command: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = "import urllib.request; urllib.request.urlopen('http://files.example.com/', timeout=20)"
    setup = f'python3 -c "{fetch}"'
    yml = f"internet: [files.example.com]\nsetup: {setup}\n"
    base = commit(tmp_path / "shop", SHOP | {".github/hob.yml": yml})
    row = {
        "instance_id": "shop-1",
        "repo": "shop",
        "base_commit": base,
        "problem_statement": "mend it",
        "FAIL_TO_PASS": ["test_discount.py::StepTest::test_first_step"],
    }
    (tmp_path / "suite.jsonl").write_text(json.dumps(row))
    monkeypatch.setattr(_Refuse, "asked", [])
    arguments = [str(tmp_path / "shop"), "mend it"] if command == "solve" else [str(tmp_path / "suite.jsonl")]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refuse) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        proxied = environment(home, "offline") | {
            "HOB_EGRESS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}"
        }
        done = CommandLine(home / "printed", command, *arguments, env=proxied).wait()
        proxy.shutdown()
    assert set(_Refuse.asked) == {"CONNECT files.example.com:80 HTTP/1.1"}, done.stdout + done.stderr


def test_a_report_with_an_example_ends_in_a_test_and_a_mend(home: Path, tmp_path: Path) -> None:
    """No test shows the fault, and another one fails that nobody asks about: it is named and left alone."""
    files = {
        "calc.py": "def add(a, b):\n    return a - b\n\n\ndef plural(word):\n    return word + 's'\n",
        "test_calc.py": (
            "from calc import add, plural\n\n\ndef test_add():\n    assert add(1, 0) == 1\n\n\n"
            "def test_plural_of_ox():\n    assert plural('ox') == 'oxen'\n"
        ),
    }
    commit(tmp_path / "calc", files)
    done = hob(home, "solve", str(tmp_path / "calc"), "add(2, 3) returns -1, expected 5", "--json")
    told = json.loads(done.stdout)
    assert told["outcome"] == "changed", told
    assert "+    assert add(2, 3) == 5" in told["diff"]
    assert "+    return a + b" in told["diff"]
    assert "oxen" not in told["diff"]
    assert "`add(2, 3)` gives `-1`, not `5`" in told["summary"]
    assert "test_plural_of_ox` fails as before" in told["summary"]
    asked = hob(home, "solve", str(tmp_path / "calc"), "Please support German plurals", "--json")
    assert json.loads(asked.stdout)["outcome"] == "blocked"
    assert json.loads(asked.stdout)["diff"] == ""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript_is_mended_by_its_own_tests(home: Path, tmp_path: Path) -> None:
    files = {
        "package.json": '{"type": "module", "scripts": {"test": "node --test"}}\n',
        "cart.js": (
            "export function total(prices, discount = 0) {\n"
            "  const sum = prices.reduce((all, each) => all + each, 0)\n"
            "  return sum > 100 ? sum - discount : sum\n}\n\n"
            "export function label(name) {\n  return name.trim().toUpperCase()\n}\n"
        ),
        "test/cart.test.js": (
            "import test from 'node:test'\nimport assert from 'node:assert'\n"
            "import { total, label } from '../cart.js'\n\n"
            "test('adds up', () => assert.equal(total([1, 2, 3], 5), 6))\n"
            "test('gives the discount from 100 on', () => assert.equal(total([60, 40], 10), 90))\n"
            "test('gives the discount above', () => assert.equal(total([60, 50], 10), 100))\n"
            "test('labels', () => assert.equal(label(' a '), 'A'))\n"
        ),
    }
    commit(tmp_path / "cart", files)
    done = hob(home, "solve", str(tmp_path / "cart"), "A cart of exactly 100 gets no discount", "--json")
    told = json.loads(done.stdout)
    assert told["outcome"] == "changed", told
    assert "+  return sum >= 100 ? sum - discount : sum" in told["diff"]
    assert told["proof"]["state"] == "proved"
    assert "1 of 4 tests failed." in told["summary"]
    assert "it compared with `>` where `>=` is meant" in told["summary"]


def test_apply_changes_the_working_tree(home: Path, shop: Path, tmp_path: Path) -> None:
    mend = call("edit", path="invoice/discount.py", old="amount > threshold", new="amount >= threshold")
    model = script(tmp_path / "s.json", [mend], [finish("changed")])
    done = hob(home, "solve", str(shop), "fix", "--apply", model=model)
    assert done.returncode == 0, done.stderr
    assert "A title" in done.stderr  # stdout is no terminal, so it gets the diff alone
    assert "amount >= threshold" in (shop / "invoice" / "discount.py").read_text()


def test_several_attempts_are_listed_and_the_best_is_printed(home: Path, shop: Path, tmp_path: Path) -> None:
    mend = call("edit", path="invoice/discount.py", old="amount > threshold", new="amount >= threshold")
    useless = call("write", path="note.txt", text="x\n")
    scripts = {"1": [[useless], [finish("changed")]], "2": [[mend], [finish("changed")]]}
    turns = {number: [{"calls": turn} for turn in script] for number, script in scripts.items()}
    (tmp_path / "s.json").write_text(json.dumps(turns))
    model = f"scripted:{tmp_path / 's.json'}"
    done = hob(home, "solve", str(shop), "fix", "--attempts", "2", "--json", model=model)
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [(each["attempt"], each["chosen"], each["passed"]) for each in told["attempts"]] == [
        (1, False, False), (2, True, True),
    ]  # fmt: skip
    assert told["attempts"][1]["why"] == "its proof passes" and "note.txt" in told["attempts"][0]["diff"]
    shown = hob(home, "solve", str(shop), "fix", "--attempts", "2", model=model)
    assert "Attempts" in shown.stderr and "its proof" in shown.stderr


def test_an_end_before_the_tests_report_is_no_pass(home: Path, tmp_path: Path) -> None:
    """The changed module ends the process: nothing passes now, and the exit code says so."""
    commit(tmp_path / "calc", dict(FAULTY_PYTEST))
    cheat = call("write", path="calc.py", text="import os; os._exit(0)\n")
    model = script(tmp_path / "s.json", [cheat], [finish("changed")])
    done = hob(home, "solve", str(tmp_path / "calc"), "please fix", "--json", model=model)
    assert done.returncode == 1, done.stderr
    proof = json.loads(done.stdout)["proof"]
    (check,) = proof["checks"]
    assert (proof["state"], check["head"]["verdict"]) == ("fails", "error")
    assert "ended without results, where base had 1" in check["head"]["note"]
    assert "Fewer tests ran" in proof["warnings"][0]["text"]
    assert proof["warnings"][-1]["names"] == ["calc.py:1"]


def test_a_change_that_does_not_pass_is_shown_and_not_applied(home: Path, shop: Path, tmp_path: Path) -> None:
    model = script(tmp_path / "s.json", [call("write", path="new.txt", text="x\n")], [finish("changed")])
    done = hob(home, "solve", str(shop), "fix", "--apply", "--json", model=model)
    assert done.returncode == 1
    assert json.loads(done.stdout)["proof"]["passed"] is False
    assert not (shop / "new.txt").exists()


@pytest.mark.parametrize(("kind", "code"), [("answered", 0), ("nothing", 1), ("blocked", 1)])
def test_without_a_change_it_says_why_and_only_an_answer_exits_0(
    home: Path, shop: Path, tmp_path: Path, kind: str, code: int
) -> None:
    model = script(tmp_path / "s.json", [finish(kind, "It is as it should be.")])
    done = hob(home, "solve", str(shop), "what is this?", model=model)
    assert done.returncode == code
    assert "It is as it should be." in done.stderr


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "not a git repository"),
        (lambda path: (path.mkdir(), git(path, "init", "-q")), "no commit yet"),
        (lambda path: (path.mkdir(), git(path.parent, "init", "-q")), "lies in one: give"),
    ],
    ids=["no repository", "no commit", "a folder in one"],
)
def test_what_is_no_repository_is_named(home: Path, tmp_path: Path, make: Any, said: str) -> None:
    make(tmp_path / "x")
    done = hob(home, "solve", str(tmp_path / "x"), "fix")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_repository_file_is_named(home: Path, shop: Path) -> None:
    (shop / ".github").mkdir()
    (shop / ".github" / "hob.yml").write_text("tset: x\n")
    git(shop, "add", "--all")
    git(shop, "commit", "-q", "-m", "x")
    done = hob(home, "solve", str(shop), "fix")
    assert done.returncode == 2
    assert "unknown key `tset`" in done.stderr


def test_a_failing_setup_shows_its_last_lines(home: Path, shop: Path) -> None:
    (shop / ".github").mkdir()
    (shop / ".github" / "hob.yml").write_text("setup: echo building; echo bo''om >&2; exit 3\n")
    git(shop, "add", "--all")
    git(shop, "commit", "-q", "-m", "x")
    done = hob(home, "solve", str(shop), "fix")
    assert done.returncode == 2
    assert "exit code 3" in done.stderr
    assert "boom" in done.stderr


def test_setup_is_shared_and_is_no_part_of_the_change(home: Path, shop: Path, tmp_path: Path) -> None:
    (shop / ".github").mkdir()
    (shop / ".github" / "hob.yml").write_text(
        "setup: mkdir gen; echo made > gen/x\ntest: test $(cat gen/x) = made\n"
    )
    git(shop, "add", "--all")
    git(shop, "commit", "-q", "-m", "x")
    look = call("shell", command="cat gen/x && touch seen")
    done = hob(
        home,
        "solve",
        str(shop),
        "fix",
        "--json",
        model=script(tmp_path / "s.json", [look], [finish("changed")]),
    )
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "gen/x" not in told["diff"]
    assert "seen" in told["diff"]


def test_an_unknown_model_is_named(home: Path, shop: Path) -> None:
    done = hob(home, "solve", str(shop), "fix", model="nonsense")
    assert done.returncode == 2
    assert "HOB_MODEL" in done.stderr


def test_a_repository_cannot_choose_a_script_of_the_host(home: Path, shop: Path, tmp_path: Path) -> None:
    (shop / ".github").mkdir()
    (shop / ".github" / "hob.yml").write_text(f"model: {script(tmp_path / 's.json', [finish('answered')])}\n")
    git(shop, "add", "--all")
    git(shop, "commit", "-q", "-m", "x")
    done = hob(home, "solve", str(shop), "fix")
    assert done.returncode == 2
    assert "model" in done.stderr


def test_apply_runs_nothing_of_the_repositorys_and_stays_inside(tmp_path: Path) -> None:
    repo, marker, outside = tmp_path / "repo", tmp_path / "ran", tmp_path / "outside"
    repo.mkdir()
    outside.mkdir()
    git(repo, "init", "--quiet")
    (repo / ".gitattributes").write_text("* filter=evil\n")
    (repo / "a.txt").write_text("one\n")
    (repo / "link").symlink_to(outside)
    for name in ("clean", "smudge"):
        git(repo, "config", f"filter.evil.{name}", f"touch {marker}; cat")
    apply_patch(repo, b"--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-one\n+two\n")
    assert (repo / "a.txt").read_text() == "two\n"
    assert not marker.exists()
    for path in ("link/x", "../outside/x", ".git/hooks/x"):
        new = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        with pytest.raises(UserError, match="nothing was applied"):
            apply_patch(repo, f"{new}@@ -0,0 +1 @@\n+x\n".encode())
    assert list(outside.iterdir()) == []


def test_the_diff_alone_goes_into_a_pipe_and_a_failing_check_is_shown(home: Path, tmp_path: Path) -> None:
    long = "x = '" + "words that go on " * 20 + "'\n"
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.py").write_text("x = 1\n")
    (tmp_path / "p" / "test_a.py").write_text("from a import x\n\n\ndef test_x():\n    assert x == 1\n")
    git(tmp_path / "p", "init", "--quiet", "--initial-branch=main")
    git(tmp_path / "p", "add", "--all")
    git(tmp_path / "p", "commit", "--quiet", "--message=Begin")
    play = script(tmp_path / "s.json", [call("write", path="a.py", text=long)], [finish("changed")])
    done = hob(home, "solve", str(tmp_path / "p"), "make it long", "--attempts", "1", model=play)
    assert done.stdout.startswith("diff --git ")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path / "p", input=done.stdout, text=True, check=True)
    assert (tmp_path / "p" / "a.py").read_text() == long
    assert "AssertionError" in done.stderr or "assert " in done.stderr


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("b/größe 2.txt", None, "no line feed at the end " * 9),
        ("a.cfg", "one\r\ntwo\r\n", "one\r\n" + "three\f four\x1b[1m " * 12 + "\r\nno end"),
        ('it\'s "a" b.md', "x\n", "\u4f60\u597d\t" * 60 + "\n\n"),
    ],
    ids=["a new file of an odd name", "carriage returns and controls", "quotation marks in the name"],
)
def test_what_goes_into_a_pipe_is_the_change_to_the_byte(
    home: Path, tmp_path: Path, path: str, before: str | None, after: str
) -> None:
    (tmp_path / "p" / path).parent.mkdir(parents=True)
    (tmp_path / "p" / "a.py").write_text("x = 1\n")
    if before is not None:
        (tmp_path / "p" / path).write_bytes(before.encode())
    git(tmp_path / "p", "init", "--quiet", "--initial-branch=main")
    git(tmp_path / "p", "add", "--all")
    git(tmp_path / "p", "commit", "--quiet", "--message=Begin")
    play = script(tmp_path / "s.json", [call("write", path=path, text=after)], [finish("changed")])
    words = ("solve", str(tmp_path / "p"), "do it", "--attempts", "1")
    solving = CommandLine(home / "printed", *words, env=environment(home, play))
    solving.wait()
    subprocess.run(["git", "apply", str(solving.out)], cwd=tmp_path / "p", check=True)
    assert (tmp_path / "p" / path).read_bytes() == after.encode()
