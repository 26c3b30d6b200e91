"""A model over HTTP as it is asked for real: its first message, ``check``, and commands in the background."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.demo.story import git
from bot.domain import OutcomeKind
from bot.solve.solve import solve
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.agent import CART, TEST
from tests.support.model_servers import Say, call, environment, serving
from tests.support.sandbox import lend_toolchain

pytestmark = pytest.mark.timeout(400)

HOB_YML = "setup: mkdir -p built && echo x > built/tool\nhistory: 3\nbudget: {turns: 9}\n"
FIX = call("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)")
DONE = call("finish", kind="changed", title="Take a share", summary="It was subtracted.")
SERVE = "python -u -m http.server 8765 --bind 127.0.0.1"
FETCH = "python -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8765/cart.py').read())\""


def shop(root: Path) -> Path:
    """A repository with a fault that a test shows, five commits, and another branch."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for number in range(4):
        (root / "notes.txt").write_text(f"note {number}\n")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", f"Note {number}")
    git(root, "branch", "secret-plans")
    (root / ".github").mkdir()
    (root / ".github" / "hob.yml").write_text(HOB_YML)
    (root / ".gitignore").write_text("built/\n")
    (root / "cart.py").write_text(CART)
    (root / "test_cart.py").write_text(TEST)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "A cart")
    return root


def read_results(request: dict[str, Any]) -> list[str]:
    return [each["content"] for each in request["messages"] if each["role"] == "tool"]


async def test_the_first_message_the_checks_and_the_background(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tooling: Toolchain
) -> None:
    home = tmp_path / "home"
    lend_toolchain(tooling, home)
    async with serving("openai") as server:
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        server.answers = [
            Say(
                calls=[
                    call("check"),
                    call("shell", command="git log --oneline; git branch -a; git remote -v"),
                ]
            ),
            Say(calls=[FIX, call("background", start=SERVE, seconds=2)]),
            Say(calls=[call("shell", command=FETCH), call("background", read=1)]),
            Say(calls=[call("check"), call("background", stop=1), call("background", read=2)]),
            Say(calls=[DONE]),
        ]
        solved = await solve(
            shop(tmp_path / "shop"),
            "The total is wrong",
            workshop=Workshop(home),
            model=server.model,
            tell=lambda _: None,
        )
    assert solved.result.outcome.kind is OutcomeKind.CHANGED and solved.passed
    first = server.asked[0]["messages"][1]["content"]
    for words in (
        "Network: none",
        "Budget: at most 9 turns, 30 minutes, 5 US dollars",
        "| tools: python 3.",
        "| not there: ",
        "was run without error; in /workspace it left built",
        "| checks on the commit you begin from, run once:",
        "| test, `python -m pytest -q`: failed (exit code 1), 1 failed",
        "| failing: test_cart.py::test_total",
    ):
        assert words in first, words
    assert first.count("The total is wrong") == 1, "the request is shown once"
    assert "[100%]" not in json.dumps(server.asked)

    before, looked = read_results(server.asked[1])
    assert before.startswith("test, `python -m pytest -q`: failed (exit code 1), 1 failed")
    assert [line.split(" ", 1)[1] for line in looked.splitlines()[1:4]] == ["A cart", "Note 3", "Note 2"]
    assert "Note 1" not in looked and "secret" not in looked and "origin" not in looked
    _, started = read_results(server.asked[2])[2:]
    assert "[command 1 runs in the background" in started and "Serving HTTP" in started
    fetched, printed = read_results(server.asked[3])[4:]
    assert "amount * (1 - rate)" in fetched and "GET /cart.py" in printed
    after, stopped, missing = read_results(server.asked[4])[6:]
    assert after.startswith("test, `python -m pytest -q`: passed, 1 passed")
    assert "it was stopped" in stopped and "there is no command 2" in missing

    async with serving("openai") as again:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{again.url}/v1")
        again.answers = [Say(calls=[call("finish", kind="nothing", summary="Nothing.")])]
        await solve(
            tmp_path / "shop",
            "The total is wrong",
            workshop=Workshop(home),
            model=again.model,
            tell=lambda _: None,
        )
    assert again.asked[0]["messages"][1] == server.asked[0]["messages"][1], "what was found out is kept"
