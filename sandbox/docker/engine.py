"""Calls to a Docker engine through its own command-line client, and removal of what dead workers left in it.

The client rather than a library: its streams are pipes that ``sandbox.output`` caps, and every host has it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.limits.process_tree import start_time
from sandbox.spec import SandboxUnavailable

LABEL = "hob.sandbox"
_SEARCH = "/usr/local/bin:/usr/bin:/bin"
_SECONDS = 60.0


class EngineError(Exception):
    """The engine refused; the message is what the client printed."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers at ``address``."""

    program: str
    address: str
    version: str

    @classmethod
    async def connect(cls, address: str, search: str = _SEARCH) -> Engine:
        """The engine at an address such as unix:///var/run/docker.sock. Raises SandboxUnavailable."""
        if not address.startswith("unix://"):
            raise SandboxUnavailable(
                f"{address} is not an engine on this machine", "give the address of its unix socket"
            )
        program = shutil.which("docker", path=search)
        if program is None:
            raise SandboxUnavailable("Docker's client is not installed", "install it: apt install docker.io")
        try:
            server = json.loads(
                await cls(program, address, "").ask("version", "--format", "{{json .Server}}")
            )
        except (EngineError, ValueError) as error:
            raise SandboxUnavailable(
                f"no Docker engine answers at {address} ({error})",
                "start it (systemctl start docker) and let the worker's user talk to it (group docker)",
            ) from error
        return cls(program, address, str(server["Version"]))

    def command(self, *arguments: str) -> list[str]:
        """The client's whole argument vector for these arguments."""
        return [self.program, "-H", self.address, *arguments]

    async def ask(self, *arguments: str) -> str:
        """What the client prints to stdout for these arguments. Raises EngineError."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments), stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env={}
        )
        try:
            async with asyncio.timeout(_SECONDS):
                output, errors = await process.communicate()
        except BaseException as error:
            if process.returncode is None:
                process.kill()
                await process.communicate()  # ``wait`` would not end while a pipe is full
            if isinstance(error, TimeoutError):
                raise EngineError(f"no answer to {arguments[0]} within {_SECONDS:.0f} s") from None
            raise
        if process.returncode:
            raise EngineError(errors.decode("utf-8", "replace").strip()[-1000:])
        return output.decode("utf-8", "replace").strip()

    async def inspect(self, kind: str, name: str) -> dict[str, Any]:
        """What the engine knows of an image or a container. Raises EngineError."""
        found = json.loads(await self.ask(kind, "inspect", name))
        return dict(found[0])

    async def remove_stale(self) -> list[str]:
        """Remove the containers and volumes of workers that are dead; returns their names."""
        removed = []
        for kind, command in (
            ("container", ("rm", "--force", "--volumes")),
            ("volume", ("volume", "rm", "--force")),
        ):
            form = f'{{{{.{"Names" if kind == "container" else "Name"}}}}} {{{{.Label "{LABEL}"}}}}'
            everything = ("--all",) if kind == "container" else ()
            listing = await self.ask(kind, "ls", *everything, "--filter", f"label={LABEL}", "--format", form)
            names = [line.split()[0] for line in listing.splitlines() if _is_stale(line.split()[-1])]
            if names and kind == "container":
                with suppress(EngineError):  # a new mount empties what only the engine may remove from disk
                    await self.ask("restart", "--time", "0", *names)
            if names:
                await self.ask(*command, *names)
            removed += names
        return removed


def owner_label() -> str:
    """The label's value that names this process as owner: boot, pid namespace, pid and start time."""
    return f"{_boot_id()}:{_pid_namespace()}:{os.getpid()}:{start_time(os.getpid())}"


def _is_stale(owner: str) -> bool:
    """The owner is of an earlier boot, or one that we could see and that is gone."""
    boot, namespace, pid, started = (*owner.split(":"), "", "", "", "")[:4]
    if boot != _boot_id():
        return bool(pid)
    return namespace == str(_pid_namespace()) and start_time(int(pid)) != started


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]


def _pid_namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116
