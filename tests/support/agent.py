"""What the agent's tests share: a plain sandbox for a directory, a journal in memory, a small repository."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.agent.models.calls import ModelCall, RetryPolicy
from bot.agent.models.direct import DirectCall
from bot.agent.models.scripted import Turn, make_scripted_model
from bot.agent.tools import context
from bot.agent.tools.registry import list_guest_mounts
from bot.domain import Brief, Limits, PromptText, Step, TaskKind, Trust
from sandbox import open_sandbox
from sandbox.spec import (
    WORKSPACE,
    BackgroundCommand,
    BackgroundUnavailable,
    Command,
    CommandResult,
    Ending,
    Entry,
    EntryKind,
    Policy,
    Sandbox,
)
from sandbox.spec import Limits as SandboxLimits
from sandbox.toolchain import Toolchain
from tests.support import ROOT

GUEST = ROOT / "bot" / "guest"
CART = "def total(prices, rate):\n    amount = sum(prices)\n    return amount - rate\n"
TEST = "from cart import total\n\n\ndef test_total():\n    assert total([100], 0.2) == 80\n"


_ENVIRONMENT = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the sandbox's toolchain has none
}


def play(
    script: Sequence[Turn],
    *,
    name: str = "scripted",
    retry_policy: RetryPolicy | None = None,
    window: int | None = None,
    most_bytes: int | None = None,
) -> ModelCall:
    """A ``ModelCall`` that plays ``script``; ``window``: the tokens that it says it takes."""
    model = make_scripted_model(script, most_bytes=most_bytes)
    return DirectCall(name, model, retry_policy=retry_policy or RetryPolicy(), streamed=False, window=window)


class DirectorySandbox:
    """Runs commands in a directory, contained by nothing: for tests of what is above the sandbox."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.commands: list[Command] = []
        self._before = {path: path.read_bytes() for path in self._files()}

    def _files(self) -> list[Path]:
        return sorted(path for path in self.root.rglob("*") if path.is_file())

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None
    ) -> CommandResult:
        self.commands.append(command)
        start = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(part.replace(context.GUEST, str(GUEST)) for part in command.argv),
            cwd=command.cwd.replace(WORKSPACE, str(self.root)),
            env=_ENVIRONMENT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE if command.split_stderr else asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        ending = Ending.EXITED
        try:
            output, errors = await asyncio.wait_for(process.communicate(command.stdin), command.seconds)
        except TimeoutError:
            ending, output, errors = Ending.TIMED_OUT, b"", b""
            os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()
        limit = 256 * 1024
        omitted = max(0, len(output) - limit)
        if omitted:
            output = output[: limit // 2] + output[-limit // 2 :]
        return CommandResult(
            exit_code=process.returncode if ending is Ending.EXITED else None,
            ending=ending,
            seconds=time.monotonic() - start,
            output=output,
            errors=errors or b"",
            omitted_bytes=omitted,
        )

    async def start(self, command: Command, **_: object) -> BackgroundCommand:
        raise BackgroundUnavailable("a directory has no background")

    async def cut_network(self, reason: str) -> None:
        """There is none."""
        self.cut = reason

    def entries(self) -> list[Entry]:
        after = {path: path.read_bytes() for path in self._files()}
        return [
            Entry(path=str(path.relative_to(self.root)).encode(), kind=EntryKind.FILE, data=data)
            for path, data in after.items()
            if self._before.get(path) != data
        ]

    async def aclose(self) -> None:
        pass


@asynccontextmanager
async def real_sandbox(tmp_path: Path, tooling: Toolchain) -> AsyncIterator[Sandbox]:
    """A real one over the small repository, with the guest programs."""
    (tmp_path / "scratch").mkdir()
    policy = Policy(
        limits=SandboxLimits(memory_bytes=512 << 20, command_seconds=90),
        mounts=(*tooling.mounts, *list_guest_mounts()),
        env=tooling.env,
        path=tooling.path,
    )
    layer = repository(tmp_path / "layer")
    opened = await open_sandbox(layers=[layer], policy=policy, scratch=tmp_path / "scratch")
    yield opened
    await opened.aclose()


class Memory:
    """A journal in memory. ``words`` are given to the loop by turn; an exception among them is raised."""

    def __init__(self, words: dict[int, PromptText | Exception] | None = None) -> None:
        self.records: list[dict[str, Any]] = []
        self.plans: list[tuple[Step, ...]] = []
        self.words = dict(words or {})

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        assert seq == len(self.records) == record["seq"]
        self.records.append(record)

    async def begin_call(self, seq: int, name: str, arguments: Any) -> None: ...

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        self.plans.append(steps)

    async def read_steering(self) -> list[PromptText]:
        word = self.words.pop(len(self.records), None)
        if isinstance(word, Exception):
            raise word
        return [word] if word else []


def repository(root: Path) -> Path:
    """A directory with a bug and a test that shows it."""
    root.mkdir(exist_ok=True)
    (root / "cart.py").write_text(CART)
    (root / "test_cart.py").write_text(TEST)
    return root


def brief(request: str = "Fix the total", **fields: Any) -> Brief:
    """A brief for a change."""
    return Brief(kind=TaskKind.CHANGE, request=request, title="Total is wrong", **fields)


def words(text: str, *, trust: Trust = Trust.INSTRUCTION) -> PromptText:
    """A comment by a maintainer."""
    return PromptText(
        trust=trust, where="issue #3", author="ann", permission="write", at="2026-01-02T03:04:05Z", text=text
    )


LIMITS = Limits(turns=12, seconds=60)
