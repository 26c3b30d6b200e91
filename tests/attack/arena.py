"""Where attacks are played: a sandbox, and a host around it that has something to lose."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox import open_sandbox
from sandbox.spec import Command, CommandResult, Limits, MiB, Mount, Policy, Sandbox
from tests.attack.planted import Planted, plant

LIMITS = Limits(
    memory_bytes=160 * MiB,
    processes=64,
    command_seconds=300.0,  # far from what any needs: a busy machine is slow, and processor time has its own end
    cpu_seconds=30,
    output_bytes=64 * 1024,
    kept_output_bytes=1 * MiB,
    file_bytes=16 * MiB,
    workspace_bytes=24 * MiB,
    tmp_bytes=8 * MiB,
    shm_bytes=4 * MiB,
)
INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackTarget:
    """Which backend to attack, and with what."""

    backend: str = "bwrap"
    image: str = ""
    engine: str = ""


class Arena:
    """A sandbox with its host. ``fresh`` opens further ones for attacks that spoil theirs."""

    def __init__(self, target: AttackTarget, home: Path, planted: Planted) -> None:
        self.target = target
        self.home = home
        self.layer = home / "layers" / "base"
        self.planted = planted
        self.policy = Policy(
            limits=LIMITS,
            mounts=(Mount(source=home / "tools", target="/opt/tools"),),
            env=(("GREETING", "hello"),),
            image=target.image,
            **({"engine": target.engine} if target.engine else {}),
        )
        self.sandbox: Sandbox
        self.host: dict[str, object] = {}

    @asynccontextmanager
    async def fresh(self, limits: Limits = LIMITS) -> AsyncIterator[Sandbox]:
        """Another sandbox over the same layer."""
        sandbox = await open_sandbox(
            layers=[self.layer],
            policy=replace(self.policy, limits=limits),
            scratch=self.home / "scratch",
            backend=self.target.backend,
        )
        try:
            yield sandbox
        finally:
            await sandbox.aclose()

    async def python(self, source: str, sandbox: Sandbox | None = None, **rest: object) -> CommandResult:
        """Run a Python program."""
        command = Command(argv=("python3", "-I", "-"), stdin=source.encode(), **rest)  # type: ignore[arg-type]
        return await (sandbox or self.sandbox).run(command)

    async def shell(self, script: str, sandbox: Sandbox | None = None, **rest: object) -> CommandResult:
        """Run a shell script."""
        return await (sandbox or self.sandbox).run(Command(argv=("sh", "-c", script), **rest))  # type: ignore[arg-type]

    async def plays(self, plays: list[tuple[str, str]]) -> dict[str, str]:
        """Play pieces inside; key -> what went wrong, or nothing."""
        asked = json.dumps({"host": self.host, "plays": plays}).encode()
        command = Command(argv=("python3", "-I", "-c", INSIDE.read_text()), stdin=asked, output_bytes=1 * MiB)
        ran = await self.sandbox.run(command)
        assert ran.ok, f"{ran.ending} {ran.exit_code}: {ran.text[-1000:]}"
        found: dict[str, str] = json.loads(ran.output)
        return found


@asynccontextmanager
async def open_arena(target: AttackTarget, folder: str | None = None) -> AsyncIterator[Arena]:
    """An arena, taken away again at the end."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hob-attack-", dir=folder)))
        home.chmod(0o711)
        _furnish(home)
        planted = stack.enter_context(plant(home))
        arena = Arena(target, home, planted)
        arena.sandbox = await stack.enter_async_context(arena.fresh())
        arena.host = {
            "home": str(home),
            "scratch": str(home / "scratch"),
            "layer": str(arena.layer),
            "other": str(home / "layers" / "other"),
            "secret": str(home / "secret"),
            "pid": os.getpid(),
            "port": planted.port,
            "port6": _listening(stack, socket.AF_INET6, "::1"),
            "abstract": planted.abstract,
            "socket": str(home / "agent.sock"),
            "paths": planted.paths,
        }
        yield arena
        await asyncio.sleep(0)


def _furnish(home: Path) -> None:
    base = home / "layers" / "base"
    (base / "pkg" / "deep").mkdir(parents=True)
    (base / "readme.txt").write_text("hello\n")
    (base / "pkg" / "one.py").write_text("one = 1\n")
    (base / "pkg" / "deep" / "two.py").write_text("two = 2\n")
    (base / ".git" / "hooks").mkdir(parents=True)
    (base / ".git" / "config").write_text("[core]\n")
    (home / "secret").write_text(secrets.token_hex(16))
    (home / "tools").mkdir()
    (home / "tools" / "hello").write_text("#!/bin/sh\necho hello\n")
    (home / "tools" / "hello").chmod(0o755)


def _listening(stack: AsyncExitStack, family: int, host: str) -> int:
    server = stack.enter_context(socket.create_server((host, 0), family=family))
    port: int = server.getsockname()[1]
    return port
