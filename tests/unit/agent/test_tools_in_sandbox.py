"""The loop and its tools in the real sandbox: what works, and that nothing gets out of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic_ai.messages import ToolCallPart

from bot.agent.background_commands import BackgroundCommands
from bot.agent.loop import run_loop
from bot.agent.models.scripted import call
from bot.agent.tools import registry
from bot.agent.tools.context import ToolContext
from bot.agent.tools.registry import list_guest_mounts
from bot.domain import OutcomeKind
from sandbox.spec import Sandbox
from sandbox.toolchain import BIN, VENV, Toolchain
from tests.support.agent import LIMITS, Memory, brief, play, real_sandbox


@pytest.fixture
async def sandbox(tmp_path: Path, tooling: Toolchain) -> AsyncIterator[Sandbox]:
    """A sandbox over the small repository, with the guest programs."""
    async with real_sandbox(tmp_path, tooling) as opened:
        yield opened


async def do(sandbox: Sandbox, name: str, **args: object) -> str:
    context = ToolContext(
        sandbox, seconds_left=lambda: 90.0, background=BackgroundCommands(sandbox, resumed=False)
    )
    return (await registry.execute_call(context, ToolCallPart(tool_name=name, args=args))).text


async def test_a_bug_is_mended_inside_and_the_layer_stays(sandbox: Sandbox, tmp_path: Path) -> None:
    journal = Memory()
    model = play(
        [
            [call("shell", command="python -m pytest -q"), call("search", pattern="rate", path="cart.py")],
            [
                call("read", path="cart.py"),
                call("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)"),
                call("write", path="docs/rates.md", text="A rate is a share.\n"),
            ],
            [call("shell", command="python -m pytest -q -p no:cacheprovider")],
            call("finish", kind="changed", title="Take a share", summary="Done."),
        ]
    )
    outcome = await run_loop(brief=brief(), model=model, sandbox=sandbox, limits=LIMITS, journal=journal)
    assert outcome.kind is OutcomeKind.CHANGED
    outputs = [each["output"] for record in journal.records for each in record["calls"]]
    assert "1 failed" in outputs[0]
    assert outputs[1].startswith("cart.py:1:def total(prices, rate):\n")
    assert outputs[4] == "docs/rates.md: 1 lines, 19 bytes, a new file"
    assert "1 passed" in outputs[5]
    changed = {entry.path: entry.data for entry in sandbox.entries()}
    assert b"amount * (1 - rate)" in changed[b"cart.py"]
    assert changed[b"docs/rates.md"] == b"A rate is a share.\n"
    assert "amount - rate" in (tmp_path / "layer" / "cart.py").read_text()


async def test_the_tools_cannot_reach_or_change_what_is_not_theirs(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary")
    assert "does not exist" in await do(sandbox, "read", path=str(tmp_path / "secret"))
    assert "outside the workspace" in await do(sandbox, "write", path="/etc/passwd", text="x")
    assert "exit code 0" not in await do(sandbox, "shell", command="echo '' > /opt/hob/guest/files.py")
    assert "Read-only" in await do(sandbox, "shell", command="touch /opt/hob/guest/x")
    await do(sandbox, "shell", command="ln -s / everything; ln -s /etc/passwd link")
    assert "outside the workspace" in await do(sandbox, "write", path="everything/tmp/x", text="x")
    assert "outside the workspace" in await do(sandbox, "edit", path="link", old="root", new="evil")


async def test_a_repository_cannot_stand_in_for_the_file_program(sandbox: Sandbox) -> None:
    for name in ("json.py", "difflib.py", "sitecustomize.py", "python"):
        await do(sandbox, "write", path=name, text="raise SystemExit('mine')\n")
    await do(sandbox, "shell", command="chmod +x python")
    assert "return amount" in await do(sandbox, "read", path="cart.py")
    assert "Nearest is line 3" in await do(sandbox, "edit", path="cart.py", old="return amount-rate", new="x")


async def test_hard_ends_are_told(sandbox: Sandbox) -> None:
    assert "timed out after" in await do(sandbox, "shell", command="sleep 60", seconds=0.3)
    # Without control groups the interpreter may be told first, and ends with its own MemoryError.
    text = await do(sandbox, "shell", command="python -c 'x = bytearray(2 << 30); print(len(x))'")
    assert "memory" in text.lower()
    text = await do(sandbox, "shell", command="head -c 3000000 /dev/zero | tr '\\0' x")
    assert "bytes from the middle of this output were not kept" in text
    assert len(text) < 17_000


async def test_the_programs_inside_are_shipped(sandbox: Sandbox) -> None:
    found = await do(sandbox, "shell", command="command -v rg python pytest coverage")
    programs = {f"{BIN}/rg", *(f"{VENV}/bin/{name}" for name in ("python", "pytest", "coverage"))}
    assert programs <= set(found.split()), found
    assert all(mount.source.is_dir() for mount in list_guest_mounts())
