"""The keeper: a small process per sandbox that owns its mounts and starts its commands.

Run as ``python -I -S keeper.py FD``; it imports nothing but the standard library and ``kernel.py`` beside it.
It enters a private mount namespace (and, unless root, a user namespace), builds the sandbox's root there once,
mounts the workspace's overlay, and then starts bubblewrap for every command it is asked for. Mounts live
exactly as long as this process: when the worker dies the control socket ends, the keeper kills what runs and
leaves, and the kernel takes every mount and the private layer away. Nothing needs cleaning up afterwards.

Control messages are JSON over a SOCK_SEQPACKET; whatever may be long travels in a memfd beside them.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import stat
import sys
import time
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - no pathlib: start-up time

import kernel  # type: ignore[import-not-found]

STAGE = "/tmp"  # noqa: S108 - covered by our own tmpfs in our own mount namespace
STATUS_FD = 5


class SetupError(Exception):
    """A step of the set-up failed. ``step`` names it for the worker, which knows how to mend it."""

    def __init__(self, step: str, error: OSError) -> None:
        super().__init__(f"{step}: {error.strerror} ({error.filename or ''})")
        self.step = step
        self.errno = error.errno or 0


class Step:
    """``with Step("name")``: an OSError inside becomes a SetupError of that name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise SetupError(self.name, error) from error


def write(path: str, text: str) -> None:
    """Write a file of /proc or of the stage."""
    with open(path, "w") as file:  # noqa: PTH123
        file.write(text)


def enter_namespaces() -> bool:
    """Enter private namespaces; True when it was done with the real root's power."""
    if os.geteuid() == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWNS)
        except PermissionError:
            pass  # a container's root without CAP_SYS_ADMIN: try what an ordinary user can do
        else:
            kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
            return True
    uid, gid = os.geteuid(), os.getegid()
    with Step("user namespace"):
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
        write("/proc/self/setgroups", "deny")
        write("/proc/self/uid_map", f"0 {uid} 1")
        write("/proc/self/gid_map", f"0 {gid} 1")
        kernel.mount("none", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    return False


def new_user_namespace(uid: int) -> int:
    """A user namespace in which 0 is the host's ``uid``; needs the real root. Returns its descriptor."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        kernel.unshare(kernel.CLONE_NEWUSER)
        os.write(tell, b"1")
        signal.pause()
    try:
        os.close(tell)
        os.read(ready, 1)
        write(f"/proc/{pid}/uid_map", f"0 {uid} 1")
        write(f"/proc/{pid}/gid_map", f"0 {uid} 1")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ready)


class Stage:
    """The sandbox's root and workspace, built once below STAGE. Afterwards the fields say what came of it."""

    def __init__(self, plan: dict[str, Any], privileged: bool) -> None:
        self.plan = plan
        self.privileged = privileged
        self.identity = -1
        self.upper = -1
        self.store = "tmpfs"
        self._open: dict[str, int] = {}

    def build(self) -> None:
        """Do it all. Raises SetupError."""
        self._choose_identity()
        with Step("mount source"):
            for source in self._sources():
                self._open[source] = os.open(source, os.O_PATH)
        with Step("tmpfs"):
            kernel.mount("tmpfs", STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=16m")
            os.chdir(STAGE)
        with Step("root"):
            self._root()
        self._workspace()
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    def _sources(self) -> list[str]:
        plan = self.plan
        disk = [plan["disk"]] if plan["disk"] else []
        return [source for source, _, _ in plan["binds"]] + plan["layers"] + disk

    def _choose_identity(self) -> None:
        if self.privileged and self.plan["uid"]:
            with Step("user namespace"):
                self.identity = new_user_namespace(self.plan["uid"])

    def _root(self) -> None:
        for path in self.plan["dirs"]:
            os.makedirs(f"root/{path}", 0o755, exist_ok=True)
        for target, path in self.plan["links"]:
            os.symlink(target, f"root/{path}")
        for path, text in self.plan["files"]:
            write(f"root/{path}", text)
        for source, path, shared in self.plan["binds"]:
            self._bind(source, f"root/{path}", translate=shared)
        kernel.mount(
            "tmpfs", "root/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, self._size("tmp_bytes")
        )
        self._own("root/tmp", 0o1777)
        os.mkdir("root/tmp/home", 0o700)  # noqa: PTH102
        self._own("root/tmp/home", 0o700)

    def _size(self, name: str) -> str:
        size = self.plan[name]
        return f"mode=755,size={size},nr_inodes={max(1024, size // 4096)}"

    def _own(self, path: str, mode: int) -> None:
        if self.identity >= 0:
            os.chown(path, self.plan["uid"], self.plan["uid"])
        os.chmod(path, mode)  # noqa: PTH101

    def _bind(self, source: str, target: str, *, translate: bool) -> None:
        fd = self._open[source]
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.makedirs(target, 0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)  # noqa: PTH120
            write(target, "")
        if translate and self.identity >= 0:
            try:
                kernel.bind_with_ids(f"/proc/self/fd/{fd}", target, self.identity)
                return
            except OSError:
                pass  # this filesystem cannot translate owners; its modes decide then
        kernel.mount(f"/proc/self/fd/{fd}", target, "", kernel.MS_BIND | kernel.MS_REC)

    def _workspace(self) -> None:
        names = [f"l{number}" for number in range(len(self.plan["layers"]))]
        with Step("layer"):
            for name, layer in zip(names, self.plan["layers"], strict=True):
                self._layer(layer, name)
        with Step("workspace"):
            self._private_layer()
            options = f"lowerdir={':'.join(names)},upperdir=private/upper,workdir=private/work,"
            options += "index=off,metacopy=off,redirect_dir=nofollow,xino=off"
            options += "" if self.privileged else ",userxattr"
        with Step("overlay"):
            kernel.mount("overlay", "root/workspace", "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        self.upper = os.open("private/upper", os.O_RDONLY | os.O_DIRECTORY)

    def _layer(self, layer: str, name: str) -> None:
        os.mkdir(name)  # noqa: PTH102
        source = f"/proc/self/fd/{self._open[layer]}"
        if self.identity >= 0:
            kernel.bind_with_ids(source, name, self.identity)
        else:
            kernel.mount(source, name, "", kernel.MS_BIND | kernel.MS_REC)

    def _private_layer(self) -> None:
        os.mkdir("private")  # noqa: PTH102
        if self.plan["disk"]:
            self.store = "disk"
            source = f"/proc/self/fd/{self._open[self.plan['disk']]}"
            kernel.mount(source, "private", "", kernel.MS_BIND | kernel.MS_REC)
        else:
            size = self._size("workspace_bytes")
            kernel.mount("tmpfs", "private", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)
            if not self.privileged:
                os.setxattr("private", "user.overlay.probe", b"1")  # refused by tmpfs before Linux 6.6
                os.removexattr("private", "user.overlay.probe")
        for name in ("upper", "work"):
            os.mkdir(f"private/{name}")  # noqa: PTH102
            self._own(f"private/{name}", 0o755)


class Keeper:
    """Answers the worker: one command at a time, every process of it dead before its end is told."""

    def __init__(self, control: socket.socket, stage: Stage, plan: dict[str, Any], fds: list[int]) -> None:
        self.control = control
        self.stage = stage
        self.bwrap: str = plan["bwrap"]
        self.limits = [tuple(limit) for limit in plan["rlimits"]]
        self.seccomp, *self.groups = fds
        self.quota: int = plan["workspace_bytes"] if plan["disk"] else 0
        self.full = False

    def serve(self) -> None:
        """Until the worker closes the socket."""
        while True:
            message, fds = receive(self.control)
            if not message:
                return
            if message == b"run":
                self._run(fds)

    def _run(self, fds: list[int]) -> None:
        request, stdin, stdout, stderr, arguments = fds
        argv = json.loads(os.pread(request, os.fstat(request).st_size, 0))
        status_read, status_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become_bwrap(argv, [stdin, stdout, stderr, arguments, self.seccomp, status_write])
        for fd in {*fds, status_write}:
            os.close(fd)
        self.full = False
        code, worker = self._watch(pid)
        kill_children()
        told = os.read(status_read, 4096)
        os.close(status_read)
        answer = {"code": code, "started": b"exit-code" in told, "full": self.full}
        if worker:
            self.control.send(json.dumps(answer).encode())

    def _become_bwrap(self, argv: list[str], fds: list[int]) -> None:
        try:
            for group in self.groups:
                os.write(group, b"0")
            if self.stage.identity >= 0:
                os.setgroups([])
                kernel.join_namespace(self.stage.identity, kernel.CLONE_NEWUSER)
                os.setresgid(0, 0, 0)
                os.setresuid(0, 0, 0)
            os.lseek(self.seccomp, 0, os.SEEK_SET)
            spare = [os.dup2(fd, 100 + index) for index, fd in enumerate(fds)]
            for number, fd in enumerate(spare):
                os.dup2(fd, number, inheritable=True)
            os.closerange(len(fds), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            for kind, value in self.limits:
                hard = resource.getrlimit(kind)[1]
                value = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (value, value))
            os.execve(self.bwrap, argv, {})
        except BaseException as error:
            os.write(2, f"keeper: {error}\n".encode())
        finally:
            os._exit(125)

    def _watch(self, pid: int) -> tuple[int, bool]:
        """Wait for bubblewrap's end or the worker's word; (exit code or -signal, is the worker still there)."""
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
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), worker
            if self.control.fileno() in ready:
                worker = receive(self.control)[0] == b"kill"
                poll.unregister(self.control)
                os.kill(pid, signal.SIGKILL)
            elif self.quota:
                began = time.monotonic()
                self.full = used_bytes(f"{STAGE}/private/upper", self.quota) > self.quota
                pause = max(0.25, 5 * (time.monotonic() - began))
                if self.full:
                    os.kill(pid, signal.SIGKILL)


def used_bytes(top: str, enough: int) -> int:
    """Disk space of a tree, counted until it is more than ``enough``; what cannot be read counts as too much."""
    total = 0
    waiting = [top]
    while waiting and total <= enough:
        try:
            with os.scandir(waiting.pop()) as found:
                for entry in found:
                    info = entry.stat(follow_symlinks=False)
                    total += 512 * info.st_blocks + 1024
                    if stat.S_ISDIR(info.st_mode):
                        waiting.append(entry.path)
        except FileNotFoundError:
            continue
        except OSError:
            return enough + 1
    return total


def kill_children() -> None:
    """Kill and reap all we have, grandchildren included, which become ours when their parents die.

    The first process of a pid namespace can be reaped only after everything else in it is gone.
    """
    me = os.getpid()
    while True:
        for pid in children(me):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children(parent: int) -> list[int]:
    """The process ids of the direct children of a process with one thread."""
    with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:  # noqa: PTH123
        return [int(word) for word in file.read().split()]


def receive(control: socket.socket) -> tuple[bytes, list[int]]:
    """One message and its descriptors; empty at the end."""
    try:
        message, fds, _, _ = socket.recv_fds(control, 4096, 16)
    except ConnectionError:
        return b"", []
    return message, fds


def main() -> None:
    """Set up, report, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
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
    socket.send_fds(control, [json.dumps(answer).encode()], [stage.upper])
    os.close(stage.upper)
    Keeper(control, stage, plan, fds).serve()
    kill_children()


if __name__ == "__main__":
    main()
