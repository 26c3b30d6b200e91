"""The keeper: a small process per sandbox that owns its mounts and starts its commands.

``link.py`` starts it in an isolated interpreter, which loads ``kernel``, ``network`` and ``stage`` alone. It
enters a private mount namespace (and, unless root, a user namespace), builds the sandbox's root there once,
mounts the workspace's overlay, and then starts bubblewrap for every command it is asked for. Mounts live
exactly as long as this process: when the worker dies the control socket ends, the keeper kills what runs and
leaves, and the kernel takes every mount and the private layer away. Nothing needs cleaning up afterwards.

A fork costs a command a third of its time, so there is always a spare: a child that has done all but become
bubblewrap, made while nobody waits. It is the keeper's alone; nothing of a command runs in it before that.

Control messages are words or JSON over a SOCK_SEQPACKET; whatever may be long travels in a memfd beside them.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import select
import signal
import socket
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.keeper import kernel
from sandbox.keeper.stage import STAGE, SetupError, Stage, enter_namespaces, write

if TYPE_CHECKING:
    from collections.abc import Collection

STATUS_FD = 5
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NAME = "hob-keeper"  # its spare's too, until that is bubblewrap


class Keeper:
    """Runs one command at a time for the worker; all its processes are dead before the answer is sent."""

    def __init__(self, control: socket.socket, stage: Stage, plan: dict[str, Any], fds: list[int]) -> None:
        self.control = control
        self.stage = stage
        self.bwrap: str = plan["bwrap"]
        self.limits = [tuple(limit) for limit in plan["rlimits"]]
        self.seccomp, *groups = fds
        for group in groups:  # once and not per command: moving a process between groups takes 10 ms
            os.write(group, b"0")
            os.close(group)
        self.quota: int = plan["workspace_bytes"] if plan["disk"] else 0
        self.full = False
        self.background: set[int] = set()  # the bubblewraps of commands that nobody waits for

    def serve(self) -> None:
        """Run commands until the worker closes the socket."""
        gc.disable()  # it would touch, and so copy, pages that are shared with the spare
        spare = self._fork_spare()
        while True:
            message, fds = receive(self.control)
            if not message:
                return
            if message.startswith(b"stop "):
                self._stop(int(message[5:]), spare[0])
                continue
            if message == b"run":
                self._run(fds, *spare)
            elif message == b"start":
                self._start(fds, *spare)
            spare = self._fork_spare()

    def _start(self, fds: list[int], pid: int, spare: socket.socket) -> None:
        """Start a command that nobody waits for; the last of ``fds`` is where bubblewrap reports its end."""
        self._reap_background()
        pid = self._hand_over(fds, pid, spare)
        for fd in set(fds):
            os.close(fd)
        self.background.add(pid)
        self.control.send(json.dumps({"pid": pid}).encode())

    def _stop(self, pid: int, *others: int) -> None:
        """Kill a command in the background and all that it started; ``others`` are children that stay."""
        if pid in self.background:
            self.background.discard(pid)
            kill_children(self.background.union(others))

    def _reap_background(self) -> None:
        """Forget the commands in the background that have ended."""
        for pid in list(self.background):
            if os.waitpid(pid, os.WNOHANG)[0]:
                self.background.discard(pid)

    def _hand_over(self, fds: list[int], pid: int, spare: socket.socket) -> int:
        """Give a command to the spare, which becomes its bubblewrap; returns that one's process id."""
        with spare:
            try:
                socket.send_fds(spare, [b"run"], fds)
            except OSError:  # it was the first to go when memory was short
                pid, another = self._fork_spare()
                with another:
                    socket.send_fds(another, [b"run"], fds)
        return pid

    def _fork_spare(self) -> tuple[int, socket.socket]:
        """Fork the child that waits to become bubblewrap; (its pid, our end of its socket)."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            ours.close()
            self.control.close()
            self._become_bwrap(theirs)
        theirs.close()
        return pid, ours

    def _run(self, fds: list[int], pid: int, spare: socket.socket) -> None:
        self._reap_background()
        status_read, status_write = os.pipe()
        pid = self._hand_over([*fds, status_write], pid, spare)
        for fd in {*fds, status_write}:
            os.close(fd)
        self.full = False
        code, worker = self._watch(pid)
        kill_children(self.background)
        status = os.read(status_read, 4096)
        os.close(status_read)
        answer = {"code": code, "started": b"exit-code" in status, "full": self.full}
        if worker:
            self.control.send(json.dumps(answer).encode())

    def _become_bwrap(self, waiting: socket.socket) -> None:
        try:
            become_first_oom_victim()
            # Opened anew: commands that start at the same time must not share a position in the filter.
            seccomp = os.open(f"/proc/self/fd/{self.seccomp}", os.O_RDONLY)
            if self.stage.identity >= 0:
                os.setgroups([])
                kernel.join_namespace(self.stage.identity, kernel.CLONE_NEWUSER)
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
            message, fds = receive(waiting)
            if not message:
                os._exit(0)
            request, stdin, stdout, stderr, arguments, status = fds
            argv = json.loads(os.pread(request, os.fstat(request).st_size, 0))
            fds = [stdin, stdout, stderr, arguments, seccomp, status]
            os.dup2(stderr, 2)
            spare = [os.dup2(fd, 100 + index) for index, fd in enumerate(fds)]
            for number, fd in enumerate(spare):
                os.dup2(fd, number, inheritable=True)
            os.closerange(len(fds), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            for kind, value in self.limits:
                hard = resource.getrlimit(kind)[1]
                value = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (value, value))
            os.execve(self.bwrap, argv, {})  # noqa: S606
        except BaseException as error:
            os.write(2, f"keeper: {error}\n".encode())
        finally:
            os._exit(125)

    def _watch(self, pid: int) -> tuple[int, bool]:
        """Wait for bubblewrap's end or the worker's kill; (exit code or -signal, is the worker alive)."""
        child = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(child, select.POLLIN)
        poll.register(self.control, select.POLLIN)
        worker = True
        pause = 0.25
        while True:
            ready = {fd for fd, _ in poll.poll(pause * 1000 if self.quota else None)}
            if child in ready:
                os.close(child)
                self.full = self.full or self._is_full()  # it may have written faster than it was measured
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), worker
            if self.control.fileno() in ready:
                message = receive(self.control)[0]
                if message.startswith(b"stop "):
                    self._stop(int(message[5:]), pid)
                    continue
                worker = message == b"kill"
                poll.unregister(self.control)
                os.kill(pid, signal.SIGKILL)
            elif self.quota:
                began = time.monotonic()
                self.full = self._is_full()
                pause = max(0.25, 5 * (time.monotonic() - began))
                if self.full:
                    os.kill(pid, signal.SIGKILL)

    def _is_full(self) -> bool:
        return bool(self.quota) and used_bytes(f"{STAGE}/private/upper", self.quota) > self.quota


def become_first_oom_victim() -> None:
    """Make this process the first that the kernel kills when the group or the host is out of memory."""
    with suppress(OSError):  # a container's read-only /proc
        write("/proc/self/oom_score_adj", "1000")


def used_bytes(top: str, enough: int) -> int:
    """Disk space of a tree, counted until it is over ``enough``, however deep it is and whatever its modes.

    Its owner gives itself the right to look into a directory, and takes it back. What it cannot read even so
    counts as too much. Of a tree that is moved about meanwhile it counts what it came to.
    """
    total, mode = 0, None
    above: list[tuple[tuple[int, int], list[str], int | None]] = []
    fd = os.open(top, _DIRECTORY)
    try:
        total, names = _measure(fd)
        while total <= enough and (names or above):
            if names:
                inner = _enter(names.pop(), fd)
                if inner is None:
                    continue
                above.append((_identify(fd), names, mode))
                os.close(fd)
                fd, mode = inner
                size, names = _measure(fd)
                total += size
                continue
            parent = os.open("..", _DIRECTORY, dir_fd=fd)
            if mode is not None:
                os.fchmod(fd, mode)
            os.close(fd)
            fd = parent
            place, names, mode = above.pop()
            if _identify(fd) != place:
                break
    except FileNotFoundError:
        pass
    except OSError:
        return enough + 1
    finally:
        os.close(fd)
    return total


def _measure(fd: int) -> tuple[int, list[str]]:
    """The disk space of a directory's own entries, and the directories among them."""
    total, names = 0, []
    with os.scandir(fd) as found:
        for entry in found:
            with suppress(FileNotFoundError):
                info = entry.stat(follow_symlinks=False)
                total += 512 * info.st_blocks + 1024
                if stat.S_ISDIR(info.st_mode):
                    names.append(entry.name)
    return total, names


def _enter(name: str, above: int) -> tuple[int, int | None] | None:
    """The directory open, and the mode to give it back; None where it is gone or something else by now."""
    try:
        pinned = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        mode, lent = stat.S_IMODE(os.fstat(pinned).st_mode), None
        if mode & 0o500 != 0o500 and os.geteuid() != 0:
            os.chmod(f"/proc/self/fd/{pinned}", mode | 0o700)
            lent = mode
        return os.open(".", _DIRECTORY, dir_fd=pinned), lent
    finally:
        os.close(pinned)


def _identify(fd: int) -> tuple[int, int]:
    info = os.fstat(fd)
    return info.st_dev, info.st_ino


def kill_children(spared: Collection[int] = ()) -> None:
    """Kill and reap all children, and grandchildren, which become children when their parents die.

    Children that are ``spared`` live on, and what is below them. The first process of a pid namespace can be
    reaped only after everything else in it is gone.
    """
    me = os.getpid()
    while doomed := [pid for pid in children(me) if pid not in spared]:
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in doomed:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def children(parent: int) -> list[int]:
    """The process ids of the direct children of a process with one thread."""
    with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:
        return [int(word) for word in file.read().split()]


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """One message and its descriptors; empty at the end."""
    try:
        message, fds, _, _ = socket.recv_fds(control, 4096, 16)
    except ConnectionError:
        return b"", []
    return message, fds


def main(control_fd: int) -> None:
    """Build the sandbox, report to the worker, run its commands."""
    with suppress(OSError):  # a container's read-only /proc
        write("/proc/self/comm", NAME)
    os.umask(0o022)  # the caller's may be stricter, but the user inside must read its root
    control = socket.socket(fileno=control_fd)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, (request, *fds) = receive(control)
    plan = json.loads(os.pread(request, os.fstat(request).st_size, 0))
    os.close(request)
    try:
        privileged = enter_namespaces()
        stage = Stage(plan, privileged)
        stage.build()
        kernel.become_subreaper()
    except SetupError as error:
        control.send(
            json.dumps({"step": error.step, "errno": error.errno, "error": str(error)[:2000]}).encode()
        )
        return
    answer = {
        "privileged": privileged,
        "store": stage.store,
        "uid": plan["uid"] if stage.identity >= 0 else None,
    }
    descriptors = [stage.upper, *([] if stage.listener is None else [stage.listener])]
    socket.send_fds(control, [json.dumps(answer).encode()], descriptors)
    for fd in descriptors:
        os.close(fd)
    Keeper(control, stage, plan, fds).serve()
    kill_children()
