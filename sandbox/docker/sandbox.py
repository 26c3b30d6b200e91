"""The docker backend: one container per sandbox, one ``docker exec`` per command, the same policy.

Nothing runs in the container between commands but a sleeping process of another user, so that what a command
leaves can be told apart, and killed, by the host: the pids come from the container's control group. A worker
that is root mounts the workspace itself (``hostmount.py``), for a user id that nobody else has; an ordinary
user, who may talk to the engine, lets the engine mount an overlay over a directory below ``scratch``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.docker import container
from sandbox.docker.engine import LABEL, Engine, EngineError, owner_label
from sandbox.docker.host_workspace import HostWorkspace
from sandbox.docker.processes import Resident
from sandbox.keeper.keeper import used_bytes
from sandbox.layers import upper
from sandbox.layers.freeze import freeze
from sandbox.layers.scratch import DiskLayer
from sandbox.output.result import RunClock, result
from sandbox.spec import Command, Completed, Ending, Entry, Policy, PolicyUnmet, SandboxUnavailable

_FIRST_UID = 0x48_0C_00_00  # apart from those of the other backend
_MEND = "see what the engine says: docker logs, docker info; or choose the bwrap backend"
_cleared: set[str] = set()


async def open_docker(*, layers: Sequence[Path], policy: Policy, scratch: Path) -> DockerSandbox:
    """Open a sandbox in a container; see ``sandbox.open_sandbox``. Raises SandboxUnavailable."""
    image = container.checked_image(policy.image)
    if not layers:
        raise SandboxUnavailable("a workspace needs a layer", "pass at least one directory, it may be empty")
    engine = await Engine.connect(policy.engine)
    try:
        volumes = container.declared_volumes(await engine.inspected("image", image))
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
        return await opening.go(scratch)
    except BaseException as error:
        await opening.undo()
        if isinstance(error, EngineError):
            raise SandboxUnavailable(f"the container cannot be started: {error}", _MEND) from error
        raise


class _Opening:
    """What has been made so far, so that a failure can take it away again."""

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

    async def go(self, scratch: Path) -> DockerSandbox:
        random = 2 * secrets.randbelow(1 << 15)
        uid = os.geteuid() or _FIRST_UID + random
        files = self.disk.path / "etc"
        if os.geteuid() == 0:
            size = self.policy.limits.workspace_bytes
            self.mounted = await asyncio.to_thread(HostWorkspace.create, scratch, self.layers, uid, size)
            self.upper = self.mounted.upper
            workspace = f"type=bind,src={self.mounted.shown}"
        else:
            workspace = await self._volume()
        container.write_files(files, uid)
        place = container.Place(
            name=self.name,
            files=files,
            workspace=workspace,
            output=self.disk.output,
            uid=uid,
            keeper_uid=_FIRST_UID + random + 1,
            volumes=self.volumes,
        )
        await self.engine.ask(*container.creation(place, self.policy))
        pid = (await self.engine.inspected("container", self.name))["State"]["Pid"]
        sandbox = DockerSandbox(self, place, Resident(int(pid)))
        prepared = await sandbox.run(
            Command(argv=("mkdir", "-m", "700", "/tmp/home"), cwd="/workspace", seconds=30)
        )
        if not prepared.ok:
            said = f"{prepared.ending} {prepared.exit_code}: {prepared.text[-500:]}"
            raise PolicyUnmet(
                f"no command runs in {self.policy.image} ({said})",
                "the image needs /bin/sh and the core programs, of Debian, Alpine or alike",
            )
        return sandbox

    async def _volume(self) -> str:
        """An overlay over our own directory, mounted by the engine when the container starts."""
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
        words = ["volume", "create", "--label", f"{LABEL}={owner_label()}", "--opt", "type=overlay"]
        await self.engine.ask(*words, "--opt", "device=overlay", "--opt", f"o={options}", self.name)
        self.volume = True
        return f"type=volume,src={self.name},volume-nocopy"

    async def undo(self) -> None:
        """Take everything away, in the order in which it hangs together."""
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
    """Keeps ``sandbox.spec.Sandbox``. Close it; ``async with`` does."""

    def __init__(self, parts: _Opening, place: container.Place, resident: Resident) -> None:
        self._parts = parts
        self._engine = parts.engine
        self._policy = parts.policy
        self._place = place
        self._resident = resident
        self._clock = RunClock(parts.policy.limits, parts.disk.output)
        self._busy = asyncio.Lock()
        self._over = asyncio.Event()

    @property
    def facts(self) -> dict[str, str]:
        """How this one is contained: who it runs as for the host, where it writes, who counts."""
        return {
            "backend": "docker",
            "identity": f"user {self._place.uid}",
            "workspace": "tmpfs" if self._parts.mounted else "disk",
            "limits": f"Docker {self._engine.version}, control groups version {self._resident.version}",
        }

    @property
    def name(self) -> str:
        """The container's."""
        return self._place.name

    def strays(self) -> list[int]:
        """The processes in the container beside those that stay in it."""
        return self._resident.strays()

    async def __aenter__(self) -> DockerSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def run(self, command: Command, *, on_output: Callable[[bytes], None] | None = None) -> Completed:
        """Run one command to its end; every process it started is dead when this returns.

        ``on_output`` sees at most ``output_bytes`` of the output. Raises SandboxUnavailable when the sandbox
        is closed or has died.
        """
        async with self._busy:
            if self._over.is_set():
                raise SandboxUnavailable("the sandbox is closed", "open another one")
            return await self._run(command, on_output)

    async def _run(self, command: Command, on_output: Callable[[bytes], None] | None) -> Completed:
        kills = self._resident.memory_kills()
        began = time.monotonic()
        words = self._engine.command(*container.execution(self._place, self._policy, command))
        with self._clock.streams(command, on_output) as streams:
            stdin, stdout, stderr = streams.fds
            try:
                process = await asyncio.create_subprocess_exec(
                    *words, stdin=stdin, stdout=stdout, stderr=stderr, env={}
                )
            except (OSError, ValueError) as error:  # arguments too long, a NUL in them
                streams.output.feed(f"{error}\n".encode())
                return result(126, Ending.EXITED, time.monotonic() - began, streams)
            streams.let_go()
            try:
                ending = await self._wait(process, self._clock.seconds(command))
            finally:
                await _unhurried(self._end(process))
            await streams.drained()
        if not self._resident.alive:
            raise SandboxUnavailable("the sandbox's container died", _MEND)
        if ending is Ending.EXITED and self._resident.memory_kills() > kills:
            ending = Ending.OUT_OF_MEMORY
        code = process.returncode if ending is Ending.EXITED else None
        return result(code, ending, time.monotonic() - began, streams)

    async def _wait(self, process: asyncio.subprocess.Process, seconds: float) -> Ending:
        """Until the client ends, time is up, the disk is full or the sandbox is closed."""
        ended = asyncio.ensure_future(process.wait())
        closed = asyncio.ensure_future(self._over.wait())
        full = asyncio.ensure_future(self._until_full())
        endings = {ended: Ending.EXITED, full: Ending.OUT_OF_SPACE, closed: Ending.STOPPED}
        try:
            await asyncio.wait(endings, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return next((ending for each, ending in endings.items() if each.done()), Ending.TIMED_OUT)
        finally:
            for each in endings:
                each.cancel()

    async def _until_full(self) -> None:
        """Measures a private layer on disk, as the keeper of the other backend does."""
        limit = self._policy.limits.workspace_bytes
        pause = 0.25
        while True:
            await asyncio.sleep(pause)
            if self._parts.mounted is not None:
                continue
            began = time.monotonic()
            used = await asyncio.to_thread(used_bytes, str(self._parts.disk.private / "upper"), limit)
            if used > limit:
                return
            pause = max(0.25, 5 * (time.monotonic() - began))

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """The client and everything in the container that its command started, dead."""
        if process.returncode is None:
            process.kill()
        await asyncio.to_thread(self._resident.kill_strays)
        if self._resident.strays() and self._resident.alive:  # they fork faster than they are killed
            try:
                await self._engine.ask("pause", self._place.name)
                self._resident.kill_once()
                await self._engine.ask("unpause", self._place.name)
            except EngineError:
                await self._engine.ask("rm", "--force", self._place.name)
            await asyncio.to_thread(self._resident.kill_strays)
        await process.wait()

    def entries(self) -> list[Entry]:
        """What differs from the layers below; see ``sandbox.layers.upper.scan``."""
        if self._over.is_set():
            raise SandboxUnavailable("the sandbox is closed", "ask for its entries before")
        return upper.scan(self._parts.upper, self._parts.layers, self._policy.limits.file_bytes)

    def freeze(self, into: Path) -> list[Entry]:
        """The same as a layer below ``into``; see ``sandbox.layers.freeze.freeze``."""
        if self._over.is_set():
            raise SandboxUnavailable("the sandbox is closed", "freeze it before")
        return freeze(self._parts.upper, self._parts.layers, self._policy.limits.workspace_bytes, into)

    async def aclose(self) -> None:
        """Kill what runs, remove the container, dispose of the private layer."""
        if self._over.is_set():
            return
        self._over.set()
        async with self._busy:
            await _unhurried(self._parts.undo())


async def _unhurried(ending: object) -> None:
    """Finish this even when the caller is cancelled meanwhile; then pass the cancellation on."""
    task = asyncio.ensure_future(ending)  # type: ignore[call-overload]
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled
