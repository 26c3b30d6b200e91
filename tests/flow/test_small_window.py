"""A model with a window of 8,192 tokens mends a fault, though nothing that it looks at would fit as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.demo.story import git
from bot.domain import OutcomeKind
from bot.solve.solve import solve
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.agent import CART, TEST
from tests.support.local_model_servers import SmallVLLM
from tests.support.model_servers import Say, call, environment, serving
from tests.support.sandbox import lend_toolchain

pytestmark = pytest.mark.timeout(400)

FIX = call("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)")
DONE = call("finish", kind="changed", title="Take a share", summary="It was subtracted.")


def make_large_shop(root: Path) -> Path:
    """A repository whose guidance, files and outputs are each larger than the window."""
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "AGENTS.md").write_text("Keep functions short.\n" + "And one more rule of the house.\n" * 1500)
    (root / "cart.py").write_text(CART)
    (root / "test_cart.py").write_text(TEST)
    (root / "prices.py").write_text("".join(f"PRICE_{n} = compute_price({n})\n" for n in range(4000)))
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "A cart")
    return root


def answer(request: dict[str, Any], turn: int) -> Say:
    """What a small model might do: it reads too much, mends, checks, and ends."""
    if turn == 5:
        return Say(text="The rate is a share.", calls=[FIX])
    if turn == 8:
        return Say(calls=[call("check")])
    if turn == 9:
        return Say(calls=[DONE])
    return Say(
        text=f"Look {turn}.", calls=[call("read", path="prices.py"), call("shell", command="seq 1 9999")]
    )


async def test_a_task_ends_well_in_a_small_window(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tooling: Toolchain
) -> None:
    home = tmp_path / "home"
    lend_toolchain(tooling, home)
    server = SmallVLLM(8192)
    async with serving(server):
        for name, value in environment(server).items():
            monkeypatch.setenv(name, value)
        turns = iter(range(1, 40))
        server.always = lambda request: answer(request, next(turns))
        solved = await solve(
            make_large_shop(tmp_path / "shop"),
            "The total is wrong: " + "it takes the rate for an amount of money. " * 300,
            workshop=Workshop(home),
            model=server.model,
            tell=lambda _: None,
        )
    assert solved.result.outcome.kind is OutcomeKind.CHANGED and solved.passed
    assert server.refused == []
    assert 4000 < server.largest < 8192
    first = server.asked[0]["messages"][1]["content"]
    assert "The total is wrong" in first and "Keep functions short." in first
    assert "characters are left out here]" in first
    last = str(server.asked[-1]["messages"])
    assert "cart.py: edit in turn 5" in last
    assert "The total is wrong" in last
