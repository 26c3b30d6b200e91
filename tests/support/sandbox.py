"""Opening real sandboxes in tests."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sandbox.bwrap.sandbox import BwrapSandbox, open_bwrap
from sandbox.spec import Command, CommandResult, Limits, MiB, Policy, Sandbox
from sandbox.toolchain import Toolchain

SMALL = Limits(
    memory_bytes=256 * MiB,
    processes=64,
    command_seconds=90.0,
    output_bytes=64 * 1024,
    file_bytes=16 * MiB,
    workspace_bytes=24 * MiB,
    tmp_bytes=8 * MiB,
    shm_bytes=4 * MiB,
)


def lend_toolchain(tooling: Toolchain, home: Path) -> None:
    """Have a workshop below ``home`` find this toolchain, instead of copying 65 MB for one of its own."""
    layer = tooling.mounts[0].source.parent
    shelf = home / "layers" / layer.parent.name
    shelf.mkdir(parents=True)
    (shelf / layer.name).symlink_to(layer)


def base_layer(tmp_path: Path) -> Path:
    """A layer with a file, a directory of two files, and a link."""
    base = tmp_path / "base"
    (base / "pkg" / "deep").mkdir(parents=True)
    (base / "readme.txt").write_text("hello\n")
    (base / "pkg" / "one.py").write_text("one = 1\n")
    (base / "pkg" / "deep" / "two.py").write_text("two = 2\n")
    (base / "link").symlink_to("readme.txt")
    return base


async def open_base_sandbox(
    tmp_path: Path, *, policy: Policy | None = None, on_disk: bool = False
) -> BwrapSandbox:
    """A sandbox over ``base_layer``."""
    base = tmp_path / "base"
    layers = [base if base.exists() else base_layer(tmp_path)]
    policy = policy or Policy(limits=SMALL)
    return await open_bwrap(layers=layers, policy=policy, scratch=tmp_path / "scratch", on_disk=on_disk)


async def shell(sandbox: BwrapSandbox, script: str, **rest: object) -> CommandResult:
    """Run a shell script in it."""
    return await sandbox.run(Command(argv=("sh", "-c", script), **rest))  # type: ignore[arg-type]


async def begin(sandbox: Sandbox, script: str) -> asyncio.Task[CommandResult]:
    """Start a shell script that prints something, and go on once it has."""
    begun = asyncio.Event()
    command = Command(argv=("sh", "-c", script))
    running = asyncio.create_task(sandbox.run(command, on_output=lambda _: begun.set()))
    await begun.wait()
    return running


async def python(sandbox: BwrapSandbox, source: str, **rest: object) -> CommandResult:
    """Run a Python program in it with the host's /usr/bin/python3."""
    return await sandbox.run(Command(argv=("python3", "-I", "-"), stdin=source.encode(), **rest))  # type: ignore[arg-type]
