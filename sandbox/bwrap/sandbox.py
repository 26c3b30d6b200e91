"""The bubblewrap backend: a keeper with the mounts, one bubblewrap per command, an overlay as workspace.

Root and ordinary users take the same path; root differs in three ways. It needs no outer user namespace to
mount; its commands run as a user id of the host that nobody else has (id-mapped mounts translate the owners
of layers to it, Linux 5.19), so that not even the kernel sees root in there; and it can usually make control
groups. The private layer is a tmpfs of ``workspace_bytes`` that belongs to the keeper's mounts. Where a
tmpfs cannot carry an ordinary user's overlay (before Linux 6.6), a directory below ``scratch`` is watched.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox import seccomp
from sandbox.bwrap import arguments, rootfs
from sandbox.bwrap.background import BackgroundStreams, BwrapBackground
from sandbox.bwrap.host_checks import find_remedy
from sandbox.bwrap.result import read_result
from sandbox.egress import make_gate
from sandbox.egress.client_environment import CA_FILE, PORT
from sandbox.keeper import network
from sandbox.keeper.keeper import NAME
from sandbox.keeper.link import Answer, KeeperGone, KeeperLink
from sandbox.layers import upper
from sandbox.layers.freeze import freeze
from sandbox.layers.scratch import DiskLayer
from sandbox.limits import control_groups
from sandbox.limits.control_groups import ControlGroup
from sandbox.limits.process_tree import list_descendants, pause_trees, process_name
from sandbox.limits.rlimits import list_rlimits
from sandbox.limits.watchdog import Watchdog
from sandbox.memory_file import memory_file
from sandbox.output.result import RunClock
from sandbox.spec import (
    BackgroundCommand,
    BackgroundState,
    BackgroundUnavailable,
    Command,
    CommandResult,
    Ending,
    Entry,
    Policy,
    SandboxUnavailable,
)

if TYPE_CHECKING:
    from sandbox.egress.gate import Gate
    from sandbox.egress.upstream import Upstream

_FIRST_UID = 0x48_0B_00_00  # above every user and subordinate user range that distributions hand out
_KILL_SECONDS = 5.0
_OLDEST = (0, 8)
_SEARCH = "/usr/bin:/usr/local/bin:/bin"
_ENDINGS = {"memory": Ending.OUT_OF_MEMORY, "processes": Ending.STOPPED}


async def open_bwrap(
    *,
    layers: Sequence[Path],
    policy: Policy,
    scratch: Path,
    on_disk: bool = False,
    search: str = _SEARCH,
    upstream: Upstream | None = None,
) -> BwrapSandbox:
    """Open a sandbox; see ``sandbox.open_sandbox``. Raises SandboxUnavailable.

    ``on_disk`` keeps the private layer below ``scratch`` even where a tmpfs would do; ``search`` is the path
    on which bubblewrap is looked for, never the environment's; ``upstream`` is how the gate reaches hosts.
    """
    program = await asyncio.to_thread(_find_bubblewrap, search)
    if not layers:
        raise SandboxUnavailable("a workspace needs a layer", "pass at least one directory, it may be empty")
    gate = make_gate(policy.egress, upstream)
    group = await asyncio.to_thread(control_groups.make_group, policy.limits)
    disk = DiskLayer.create(scratch)
    try:
        uid = _FIRST_UID + secrets.randbelow(1 << 16) if os.geteuid() == 0 else None
        while True:
            plan = _keeper_plan(program, layers, policy, group, uid, disk, gate, on_disk=on_disk)
            link = await _start_keeper(plan, group)
            step = link.setup_report.get("step")
            if step is None:
                return BwrapSandbox(link, layers, policy, group, disk, gate)
            await link.close()
            if step == "layer" and uid is not None:
                uid = None  # this filesystem cannot translate owners: stay the root of a user namespace
            elif step == "workspace" and not on_disk:
                on_disk = True
            else:
                raise SandboxUnavailable(
                    f"the sandbox cannot be set up: {link.setup_report['error']}", find_remedy(step)
                )
    except BaseException:
        group.remove()
        disk.dispose()
        raise


@cache
def _find_bubblewrap(search: str) -> str:
    """The path of a bubblewrap that is new enough."""
    program = shutil.which("bwrap", path=search)
    if program is None:
        raise SandboxUnavailable("bubblewrap is not installed", "install it: apt install bubblewrap")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, env={}).stdout
    found = re.search(r"(\d{1,6})\.(\d{1,6})", version)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        raise SandboxUnavailable(
            f"{program} is {version.strip() or 'broken'}, too old for --disable-userns",
            "install bubblewrap 0.8 or newer (Debian 12, Ubuntu 24.04)",
        )
    return program


def _keeper_plan(
    program: str,
    layers: Sequence[Path],
    policy: Policy,
    group: ControlGroup,
    uid: int | None,
    disk: DiskLayer,
    gate: Gate | None,
    *,
    on_disk: bool,
) -> dict[str, Any]:
    root = rootfs.plan_root(policy.mounts, disk.output)
    trusted = [(CA_FILE[1:], gate.authority.bundle())] if gate else []
    return {
        "bwrap": program,
        "uid": uid,
        "layers": [str(layer.resolve()) for layer in layers],
        "disk": str(disk.private) if on_disk else "",
        "workspace_bytes": policy.limits.workspace_bytes,
        "tmp_bytes": policy.limits.tmp_bytes,
        "rlimits": list_rlimits(policy.limits, contained=group.contained),
        "network": (PORT if gate else 0, network.namespace_id()),
        "dirs": (*root.dirs, "etc/egress"),
        "links": root.links,
        "files": (*root.files, *trusted),
        "copies": root.copies,
        "binds": root.binds,
    }


async def _start_keeper(plan: dict[str, Any], group: ControlGroup) -> KeeperLink:
    fds = [memory_file(seccomp.compile_filter(contained=group.contained))]
    try:
        fds += group.open()
        return await KeeperLink.start(plan, fds)
    finally:
        for fd in fds:
            os.close(fd)


class BwrapSandbox:
    """The bubblewrap backend's ``sandbox.spec.Sandbox``. Close it; ``async with`` does."""

    def __init__(
        self,
        link: KeeperLink,
        layers: Sequence[Path],
        policy: Policy,
        group: ControlGroup,
        disk: DiskLayer,
        gate: Gate | None,
    ) -> None:
        self._link = link
        self._gate = gate
        if gate is not None and link.listener is not None:
            gate.listen(link.listener)
        self._layers = tuple(layers)
        self._policy = policy
        self._group = group
        self._disk = disk
        self._clock = RunClock(policy.limits, disk.output)
        self._busy = asyncio.Lock()
        self._closed = False
        self._background: list[BwrapBackground] = []
        self._kills: int | None = None  # what the control group counted after the last command

    @property
    def facts(self) -> dict[str, str]:
        """How this one is contained, for logs and the doctor: user on the host, storage, limits."""
        report = self._link.setup_report
        uid = report["uid"] if report["privileged"] else os.geteuid()
        return {
            "backend": "bwrap",
            "identity": f"user {uid}"
            if uid is not None
            else "root of a user namespace (no id-mapped mounts here)",
            "workspace": report["store"],
            "limits": self._group.by,
            "network": "a gate on the host" if self._gate else "none",
        }

    @property
    def keeper_pid(self) -> int:
        """The process id of the keeper, below which all processes of this sandbox are."""
        return self._link.process.pid

    def list_strays(self) -> list[int]:
        """The process ids below the keeper, its spare left out; between commands those in the background."""
        return [pid for pid in list_descendants(self.keeper_pid) if process_name(pid) != NAME]

    async def __aenter__(self) -> BwrapSandbox:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None
    ) -> CommandResult:
        """Run one command to its end; every process it started is dead when this returns.

        ``on_output`` sees at most ``output_bytes`` of the output. Raises SandboxUnavailable when the sandbox
        is closed, has died, or could not start the program's surroundings.
        """
        async with self._busy:
            if self._closed:
                raise SandboxUnavailable("the sandbox is closed", "open another one")
            return await self._run(command, on_output)

    async def _run(self, command: Command, on_output: Callable[[bytes], None] | None) -> CommandResult:
        kills = self._group.count_memory_kills() if self._kills is None else self._kills
        self._kills = None  # until this command is over: nothing runs between two
        began = time.monotonic()
        with self._clock.streams(command, on_output) as streams:
            options = memory_file(arguments.encode_options(self._policy, command))
            argv = ["bwrap", "--args", "3", "--", *command.argv]
            answer_future = self._link.ask(b"run", argv, [*streams.fds, options])
            os.close(options)
            streams.close_command_ends()
            ending = await self._wait(answer_future, self._clock.seconds(command))
            await streams.drain()
        answer = answer_future.result()[0]
        running = any(not each.is_over for each in self._background)
        now = self._group.count_memory_kills()
        self._kills = None if running else now
        if answer["full"]:
            ending = Ending.OUT_OF_SPACE
        elif ending is Ending.EXITED and now > kills:
            ending = Ending.OUT_OF_MEMORY
        elif ending is Ending.EXITED and self._closed:
            ending = Ending.STOPPED
        done = read_result(answer, ending, time.monotonic() - began, streams)
        if self._gate is None:
            return done
        requests, omitted = await self._gate.settle()
        return replace(done, requests=requests, omitted_requests=omitted)

    async def _wait(self, answer_future: asyncio.Future[Answer], seconds: float) -> Ending:
        """Wait for the answer; kill the command at its deadline, beyond a limit, or when cancelled."""
        watchdog = Watchdog(self._link.process.pid, self._policy.limits, self._link.kill)
        watching = None if self._group.contained else asyncio.ensure_future(watchdog.watch())
        ending = Ending.EXITED
        try:
            if not (await asyncio.wait({answer_future}, timeout=seconds))[0]:
                ending = Ending.TIMED_OUT
        finally:  # also when the caller was cancelled: nobody leaves while something runs
            if watching is not None:
                watching.cancel()
            await _kill_and_wait(answer_future, self._link)
        if error := answer_future.exception():
            raise SandboxUnavailable(
                "the sandbox's keeper died", "look for what killed it (memory of the host?)"
            ) from error
        return _ENDINGS.get(watchdog.reason, ending)

    async def start(
        self,
        command: Command,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_end: Callable[[BackgroundState], None] | None = None,
    ) -> BackgroundCommand:
        """See ``sandbox.spec.Sandbox.start``."""
        if self._link.setup_report["store"] != "tmpfs" or not self._group.contained:
            raise BackgroundUnavailable(
                "this machine cannot bound a command in the background: it needs control groups, and a "
                "workspace in memory"
            )
        async with self._busy:
            if self._closed:
                raise SandboxUnavailable("the sandbox is closed", "open another one")
            return await self._start(command, on_output, on_end)

    async def _start(
        self,
        command: Command,
        on_output: Callable[[bytes], None] | None,
        on_end: Callable[[BackgroundState], None] | None,
    ) -> BwrapBackground:
        self._kills = None  # it may be killed for memory between two commands
        with BackgroundStreams(command) as streams:
            options = memory_file(arguments.encode_options(self._policy, command))
            argv = ["bwrap", "--args", "3", "--", *command.argv]
            answer_future = self._link.ask(b"start", argv, [*streams.fds, options, streams.status])
            os.close(options)
            streams.close_command_ends()
            try:
                answer = await asyncio.shield(answer_future)
            except KeeperGone as gone:
                raise SandboxUnavailable(
                    "the sandbox's keeper died", "look for what killed it (memory of the host?)"
                ) from gone
            pid = int(answer[0]["pid"])
            seconds = min(self._clock.seconds_left, command.seconds or self._clock.seconds_left)
            started = BwrapBackground(
                streams.take(),
                lambda: self._link.stop(pid),
                seconds,
                pid,
                on_output=on_output,
                on_end=on_end,
            )
        self._background = [each for each in self._background if not each.is_over]
        self._background.append(started)
        return started

    @contextmanager
    def _while_paused(self) -> Iterator[None]:
        """Stop commands in the background for the duration of the block."""
        running = {each.pid for each in self._background if not each.is_over}
        with pause_trees(sorted(running.intersection(list_descendants(self.keeper_pid)) if running else ())):
            yield

    async def cut_network(self, reason: str) -> None:
        """See ``sandbox.spec.Sandbox.cut_network``; without a gate there is nothing to cut."""
        if self._gate is not None:
            await self._gate.shut(reason)

    def entries(self) -> list[Entry]:
        """What differs from the layers below; see ``sandbox.layers.upper.scan``."""
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed", "ask for its entries before")
        with self._while_paused():
            return upper.scan(self._link.upper, self._layers, self._policy.limits.file_bytes)

    def freeze(self, into: Path) -> list[Entry]:
        """The same as a layer below ``into``; see ``sandbox.layers.freeze.freeze``."""
        if self._closed:
            raise SandboxUnavailable("the sandbox is closed", "freeze it before")
        with self._while_paused():
            return freeze(self._link.upper, self._layers, self._policy.limits.workspace_bytes, into)

    async def aclose(self) -> None:
        """Kill what runs, unmount, and delete the private layer."""
        if self._closed:
            return
        self._closed = True
        if self._busy.locked():
            self._link.kill()
        async with self._busy:
            for each in self._background:
                each.note_close()
            await self._link.close()
            for each in self._background:
                each.close()
        if self._gate is not None:
            await self._gate.aclose()
        await asyncio.to_thread(self._group.remove)
        await asyncio.to_thread(self._disk.dispose)


async def _kill_and_wait(answer_future: asyncio.Future[Answer], link: KeeperLink) -> None:
    """Kill the command unless it has ended and wait for its end, even when cancelled; then raise that."""
    if answer_future.done():
        return
    link.kill()
    cancelled = None
    while not answer_future.done():
        try:
            if not (await asyncio.wait({answer_future}, timeout=_KILL_SECONDS))[0]:
                link.process.kill()  # it is stuck; bubblewrap dies with its parent
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
