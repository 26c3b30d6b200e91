"""The docker backend: one container per sandbox, one ``docker exec`` per command, the same policy.

Nothing runs in the container between commands but a sleeping process of another user, so that what a command
leaves can be found and killed by the host: the pids come from the container's control group. A worker that is
root mounts the workspace itself (``host_workspace.py``), for a user id that nobody else has; an ordinary
user, who may talk to the engine, lets the engine mount an overlay over a directory below ``scratch``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.docker import container
from sandbox.docker.engine import LABEL, Engine, EngineError, owner_label
from sandbox.docker.host_workspace import HostWorkspace
from sandbox.docker.processes import ContainerProcesses
from sandbox.keeper.keeper import used_bytes
from sandbox.layers import upper
from sandbox.layers.freeze import freeze
from sandbox.layers.scratch import DiskLayer
from sandbox.output.result import RunClock, make_result
from sandbox.spec import (
    BackgroundCommand,
    BackgroundState,
    BackgroundUnavailable,
    Command,
    CommandResult,
    Ending,
    Entry,
    Policy,
    PolicyUnmet,
    SandboxUnavailable,
)

_FIRST_UID = 0x48_0C_00_00  # apart from those of the other backend
_MEND = "see what the engine says: docker logs, docker info; or choose the bwrap backend"
_cleared: set[str] = set()


async def open_docker(*, layers: Sequence[Path], policy: Policy, scratch: Path) -> DockerSandbox:
    """Open a sandbox in a container; see ``sandbox.open_sandbox``. Raises SandboxUnavailable."""
    image = container.check_image(policy.image)
    if not layers:
        raise SandboxUnavailable("a workspace needs a layer", "pass at least one directory, it may be empty")
    engine = await Engine.connect(policy.engine)
    try:
        volumes = container.list_volumes(await engine.inspect("image", image))
    except EngineError as error:
        raise PolicyUnmet(
            f"the image {image} is not on this machine's engine ({error})",
            f"nothing is pulled by itself; an operator runs: docker pull {image}",
        ) from error
    if engine.address not in _cleared:  # once per worker, before it makes its own
        await engine.remove_stale()
        _cleared.add(engine.address)
    disk = DiskLayer.create(scratch)
    opening = _Opening(engine, list(layers), policy, disk, volumes)
    try:
        return await opening.open(scratch)
    except BaseException as error:
        await opening.undo()
        if isinstance(error, EngineError):
            raise SandboxUnavailable(f"the container cannot be started: {error}", _MEND) from error
        raise


class _Opening:
    """Makes a container and its workspace in steps, so that a failure can remove what was made so far."""

    def __init__(
        self, engine: Engine, layers: list[Path], policy: Policy, disk: DiskLayer, volumes: tuple[str, ...]
    ) -> None:
        self.engine = engine
        self.layers = layers
        self.policy = policy
        self.disk = disk
        self.volumes = volumes
        self.name = f"hob-{secrets.token_hex(8)}"
        self.mounted: HostWorkspace | None = None
        self.volume = False
        self.upper = -1

    async def open(self, scratch: Path) -> DockerSandbox:
        """Make everything, in order, and try one command. Raises EngineError and SandboxUnavailable."""
        random = 2 * secrets.randbelow(1 << 15)
        uid = os.geteuid() or _FIRST_UID + random
        files = self.disk.path / "etc"
        if os.geteuid() == 0:
            size = self.policy.limits.workspace_bytes
            self.mounted = await asyncio.to_thread(HostWorkspace.create, scratch, self.layers, uid, size)
            self.upper = self.mounted.upper
            workspace = f"type=bind,src={self.mounted.workspace}"
        else:
            workspace = await self._create_volume()
        container.write_files(files, uid)
        plan = container.ContainerPlan(
            name=self.name,
            files=files,
            workspace=workspace,
            output=self.disk.output,
            uid=uid,
            keeper_uid=_FIRST_UID + random + 1,
            volumes=self.volumes,
        )
        await self.engine.ask(*container.run_arguments(plan, self.policy))
        pid = (await self.engine.inspect("container", self.name))["State"]["Pid"]
        sandbox = DockerSandbox(self, plan, ContainerProcesses(int(pid)))
        first = await sandbox.run(
            Command(argv=("mkdir", "-m", "700", "/tmp/home"), cwd="/workspace", seconds=30)
        )
        if not first.ok:
            failure = f"{first.ending} {first.exit_code}: {first.text[-500:]}"
            raise PolicyUnmet(
                f"no command runs in {self.policy.image} ({failure})",
                "the image needs /bin/sh and the core programs, of Debian, Alpine or alike",
            )
        return sandbox

    async def _create_volume(self) -> str:
        """Make a volume that is an overlay over our directory; the engine mounts it at the start."""
        private = self.disk.private
        for name in ("upper", "work"):
            (private / name).mkdir()
        self.upper = os.open(private / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        lower = ":".join(str(layer.resolve()) for layer in self.layers)
        if any(set(":,\\\n") & set(str(path)) for path in (*self.layers, private)):
            raise SandboxUnavailable(
                "a path that no overlay can name", "move the state directory to a plainer path"
            )
        options = f"lowerdir={lower},upperdir={private}/upper,workdir={private}/work,userxattr"
        options += ",index=off,metacopy=off,redirect_dir=nofollow,xino=off"
        arguments = ["volume", "create", "--label", f"{LABEL}={owner_label()}", "--opt", "type=overlay"]
        await self.engine.ask(*arguments, "--opt", "device=overlay", "--opt", f"o={options}", self.name)
        self.volume = True
        return f"type=volume,src={self.name},volume-nocopy"

    async def undo(self) -> None:
        """Remove the container, then its volume, then the private layer."""
        try:
            if self.volume:  # mounting it anew empties the overlay's own directory, which only the engine may
                with suppress(EngineError):
                    await self.engine.ask("restart", "--time", "0", self.name)
            await self.engine.ask("rm", "--force", "--volumes", self.name)
            if self.volume:
                await self.engine.ask("volume", "rm", "--force", self.name)
        except EngineError:
            pass  # the engine is gone; what it holds is labelled, and removed by the next worker's start
        await asyncio.to_thread(self._dispose)

    def _dispose(self) -> None:
        if self.mounted is not None:
            self.mounted.dispose()
        elif self.upper >= 0:
            os.close(self.upper)
        self.disk.dispose()


class DockerSandbox:
    """The docker backend's ``sandbox.spec.Sandbox``. Close it; ``async with`` does."""

    def __init__(self, parts: _Opening, plan: container.ContainerPlan, processes: ContainerProcesses) -> None:
        self._parts = parts
        self._engine = parts.engine
        self._policy = parts.policy
        self._plan = plan
        self._processes = processes
        self._clock = RunClock(parts.policy.limits, parts.disk.output)
        self._busy = asyncio.Lock()
        self._closed = asyncio.Event()

    @property
    def facts(self) -> dict[str, str]:
        """How this one is contained, for logs and the doctor: user on the host, storage, limits."""
        return {
            "backend": "docker",
            "identity": f"user {self._plan.uid}",
            "workspace": "tmpfs" if self._parts.mounted else "disk",
            "limits": f"Docker {self._engine.version}, control groups version {self._processes.version}",
        }

    @property
    def name(self) -> str:
        """The container's name."""
        return self._plan.name

    def list_strays(self) -> list[int]:
        """The process ids in the container that a command left."""
        return self._processes.list_strays()

    async def __aenter__(self) -> DockerSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None
    ) -> CommandResult:
        """Run one command to its end; every process it started is dead when this returns.

        ``on_output`` sees all of the output. Raises SandboxUnavailable when the sandbox is closed or has
        died.
        """
        async with self._busy:
            if self._closed.is_set():
                raise SandboxUnavailable("the sandbox is closed", "open another one")
            return await self._run(command, on_output)

    async def _run(self, command: Command, on_output: Callable[[bytes], None] | None) -> CommandResult:
        kills = self._processes.count_memory_kills()
        began = time.monotonic()
        arguments = self._engine.command(*container.exec_arguments(self._plan, self._policy, command))
        with self._clock.streams(command, on_output) as streams:
            stdin, stdout, stderr = streams.fds
            try:
                process = await asyncio.create_subprocess_exec(
                    *arguments, stdin=stdin, stdout=stdout, stderr=stderr, env={}
                )
            except (OSError, ValueError) as error:  # arguments too long, a NUL in them
                streams.output.feed(f"{error}\n".encode())
                return make_result(126, Ending.EXITED, time.monotonic() - began, streams)
            streams.close_command_ends()
            try:
                ending = await self._wait(process, self._clock.seconds(command))
            finally:
                await _finish_despite_cancellation(self._kill_command(process))
            await streams.drain()
        if not self._processes.is_alive:
            raise SandboxUnavailable("the sandbox's container died", _MEND)
        if ending is Ending.EXITED and self._processes.count_memory_kills() > kills:
            ending = Ending.OUT_OF_MEMORY
        if ending is Ending.EXITED and await self._is_full():  # it wrote faster than it was measured
            ending = Ending.OUT_OF_SPACE
        code = process.returncode if ending is Ending.EXITED else None
        return make_result(code, ending, time.monotonic() - began, streams)

    async def _wait(self, process: asyncio.subprocess.Process, seconds: float) -> Ending:
        """Wait until the client ends, time is up, the disk is full or the sandbox is closed."""
        exit_wait = asyncio.ensure_future(process.wait())
        close_wait = asyncio.ensure_future(self._closed.wait())
        full_wait = asyncio.ensure_future(self._wait_until_full())
        endings = {exit_wait: Ending.EXITED, full_wait: Ending.OUT_OF_SPACE, close_wait: Ending.STOPPED}
        try:
            await asyncio.wait(endings, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return next((ending for each, ending in endings.items() if each.done()), Ending.TIMED_OUT)
        finally:
            for each in endings:
                each.cancel()

    async def _wait_until_full(self) -> None:
        """Return once a private layer on disk is over its limit; never for one in memory."""
        pause = 0.25
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            if await self._is_full():
                return
            pause = max(0.25, 5 * (time.monotonic() - began))

    async def _is_full(self) -> bool:
        """Whether a private layer on disk is over its limit; one in memory never is."""
        if self._parts.mounted is not None:
            return False
        limit = self._policy.limits.workspace_bytes
        return await asyncio.to_thread(used_bytes, str(self._parts.disk.private / "upper"), limit) > limit

    async def _kill_command(self, process: asyncio.subprocess.Process) -> None:
        """Kill the client and everything in the container that its command started."""
        if process.returncode is None:
            process.kill()
        await asyncio.to_thread(self._processes.kill_strays)
        if (
            self._processes.list_strays() and self._processes.is_alive
        ):  # they fork faster than they are killed
            try:
                await self._engine.ask("pause", self._plan.name)
                self._processes.kill_strays_once()
                await self._engine.ask("unpause", self._plan.name)
            except EngineError:
                await self._engine.ask("rm", "--force", self._plan.name)
            await asyncio.to_thread(self._processes.kill_strays)
        await process.wait()

    async def start(
        self,
        command: Command,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_end: Callable[[BackgroundState], None] | None = None,
    ) -> BackgroundCommand:
        """See ``sandbox.spec.Sandbox.start``: never possible here, since each command's end ends all."""
        raise BackgroundUnavailable("commands cannot run in the background with the docker backend")

    async def cut_network(self, reason: str) -> None:
        """See ``sandbox.spec.Sandbox.cut_network``: there is never a network here."""

    def entries(self) -> list[Entry]:
        """What differs from the layers below; see ``sandbox.layers.upper.scan``."""
        if self._closed.is_set():
            raise SandboxUnavailable("the sandbox is closed", "ask for its entries before")
        return upper.scan(self._parts.upper, self._parts.layers, self._policy.limits.file_bytes)

    def freeze(self, into: Path) -> list[Entry]:
        """The same as a layer below ``into``; see ``sandbox.layers.freeze.freeze``."""
        if self._closed.is_set():
            raise SandboxUnavailable("the sandbox is closed", "freeze it before")
        return freeze(self._parts.upper, self._parts.layers, self._policy.limits.workspace_bytes, into)

    async def aclose(self) -> None:
        """Kill what runs, remove the container, dispose of the private layer."""
        if self._closed.is_set():
            return
        self._closed.set()
        async with self._busy:
            await _finish_despite_cancellation(self._parts.undo())


async def _finish_despite_cancellation(work: Coroutine[None, None, None]) -> None:
    """Wait for ``work`` even when the caller is cancelled meanwhile; then raise that cancellation."""
    task = asyncio.ensure_future(work)
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
