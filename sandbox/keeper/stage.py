"""Mounts a sandbox's root and workspace once, inside the keeper's private mount namespace."""

from __future__ import annotations

import os
import signal
import stat
from typing import Any

from sandbox.keeper import kernel, network

STAGE = "/tmp"  # covered by a tmpfs of our own in a mount namespace of our own
EMPTY_FILE, EMPTY_FOLDER = "empty", "nothing"  # below STAGE, to be shown in the place of others


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
    with open(path, "w") as file:
        file.write(text)


def copy(source: str, target: str) -> None:
    """Copy a small file that exists."""
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(old.read())


def enter_namespaces() -> bool:
    """Enter private namespaces; True as real root, False in a user namespace of this process's own."""
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
    """The sandbox's root and workspace below STAGE. After ``build`` the fields hold their descriptors."""

    def __init__(self, plan: dict[str, Any], privileged: bool) -> None:
        self.plan = plan
        self.privileged = privileged
        self.identity = -1
        self.upper = -1
        self.listener: int | None = None
        self.store = "tmpfs"
        self._open: dict[str, int] = {}

    def build(self) -> None:
        """Make all namespaces and mounts. Raises SetupError."""
        with Step("network namespace"):
            port, outside = self.plan["network"]
            listener = network.enter_namespace(port, outside)
            self.listener = None if listener is None else listener.detach()
        self._choose_identity()
        with Step("mount source"):
            for source in self._sources():
                self._open[source] = os.open(source, os.O_PATH)
        with Step("tmpfs"):
            kernel.mount("tmpfs", STAGE, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=16m")
            os.chdir(STAGE)
        with Step("root"):
            self._build_root()
        self._mount_workspace()
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()

    def _sources(self) -> list[str]:
        plan = self.plan
        disk = [plan["disk"]] if plan["disk"] else []
        return [*(source for source, _, _ in plan["binds"]), *plan["layers"], *disk]

    def _choose_identity(self) -> None:
        if self.privileged and self.plan["uid"]:
            with Step("user namespace"):
                self.identity = new_user_namespace(self.plan["uid"])

    def _build_root(self) -> None:
        for path in self.plan["dirs"]:
            os.makedirs(f"root/{path}", 0o755, exist_ok=True)
        for target, path in self.plan["links"]:
            os.symlink(target, f"root/{path}")
        write(EMPTY_FILE, "")
        os.mkdir(EMPTY_FOLDER, 0o555)
        for path, text in self.plan["files"]:
            write(f"root/{path}", text)
        for source, path in self.plan["copies"]:
            copy(source, f"root/{path}")
        for source, path, shared in self.plan["binds"]:
            self._bind(source, f"root/{path}", translate=shared)
        kernel.mount(
            "tmpfs", "root/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, self._size_options("tmp_bytes")
        )
        self._set_owner("root/tmp", 0o1777)
        os.mkdir("root/tmp/home", 0o700)
        self._set_owner("root/tmp/home", 0o700)

    def _size_options(self, name: str) -> str:
        size = self.plan[name]
        return f"mode=755,size={size},nr_inodes={max(1024, size // 4096)}"

    def _set_owner(self, path: str, mode: int) -> None:
        if self.identity >= 0:
            os.chown(path, self.plan["uid"], self.plan["uid"])
        os.chmod(path, mode)

    def _bind(self, source: str, target: str, *, translate: bool) -> None:
        fd = self._open[source]
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            os.makedirs(target, 0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
            write(target, "")
        if translate and self.identity >= 0:
            try:
                kernel.bind_with_ids(f"/proc/self/fd/{fd}", target, self.identity)
                return
            except OSError:
                pass  # this filesystem cannot translate owners; its modes decide then
        kernel.mount(f"/proc/self/fd/{fd}", target, "", kernel.MS_BIND | kernel.MS_REC)

    def _mount_workspace(self) -> None:
        names = [f"l{number}" for number in range(len(self.plan["layers"]))]
        with Step("layer"):
            for name, layer in zip(names, self.plan["layers"], strict=True):
                self._mount_layer(layer, name)
        with Step("workspace"):
            self._mount_private_layer()
            options = f"lowerdir={':'.join(names)},upperdir=private/upper,workdir=private/work,"
            options += "index=off,metacopy=off,redirect_dir=nofollow,xino=off"
            options += "" if self.privileged else ",userxattr"
        with Step("overlay"):
            kernel.mount("overlay", "root/workspace", "overlay", kernel.MS_NOSUID | kernel.MS_NODEV, options)
        self.upper = os.open("private/upper", os.O_RDONLY | os.O_DIRECTORY)
        with Step("overlay"):  # which holds them by itself; every mount in sight makes every command slower
            for name in (*names, *(() if self.plan["disk"] else ("private",))):
                kernel.detach(name)

    def _mount_layer(self, layer: str, name: str) -> None:
        os.mkdir(name)
        source = f"/proc/self/fd/{self._open[layer]}"
        if self.identity >= 0:
            kernel.bind_with_ids(source, name, self.identity)
        else:
            kernel.mount(source, name, "", kernel.MS_BIND | kernel.MS_REC)

    def _mount_private_layer(self) -> None:
        os.mkdir("private")
        if self.plan["disk"]:
            self.store = "disk"
            source = f"/proc/self/fd/{self._open[self.plan['disk']]}"
            kernel.mount(source, "private", "", kernel.MS_BIND | kernel.MS_REC)
        else:
            size = self._size_options("workspace_bytes")
            kernel.mount("tmpfs", "private", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, size)
            if not self.privileged:
                os.setxattr("private", "user.overlay.probe", b"1")  # refused by tmpfs before Linux 6.6
                os.removexattr("private", "user.overlay.probe")
        for name in ("upper", "work"):
            os.mkdir(f"private/{name}")
            self._set_owner(f"private/{name}", 0o755)
