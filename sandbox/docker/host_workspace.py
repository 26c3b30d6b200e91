"""A workspace that the host itself mounts (root only), for a container that the engine starts.

Everything lies in one tmpfs of the workspace's size: the layers, read-only and with their owners translated
to the container's user; the private upper directory; their overlay. To take the tmpfs away takes away all of
it, so disposal deletes nothing through a mount, and what a killed worker left is one mount below ``scratch``.
A short process does the mounting, in an isolated interpreter, because it forks.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.keeper import kernel
from sandbox.spec import SandboxUnavailable

_BOOT = """
import sys, types
package = sys.modules["sandbox"] = types.ModuleType("sandbox")
package.__path__ = [sys.argv[1]]
from sandbox.docker.mount_child import main
main(sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class HostWorkspace:
    """A mounted workspace. ``upper`` is its private layer as a descriptor, valid until dispose."""

    top: Path
    lock: int
    upper: int

    @property
    def workspace(self) -> Path:
        """The mounted overlay, to be bound at the workspace's path."""
        return self.top / "workspace"

    @classmethod
    def create(cls, scratch: Path, layers: list[Path], uid: int, size: int) -> HostWorkspace:
        """Mount one for a user id, ``size`` in bytes. Raises SandboxUnavailable with the kernel's error."""
        scratch.mkdir(parents=True, exist_ok=True)
        remove_stale(scratch)
        top = scratch / f"mounted-{secrets.token_hex(8)}"
        lock = os.open(top.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        top.mkdir(0o700)
        plan = {"top": str(top), "layers": [str(each.resolve()) for each in layers], "uid": uid, "size": size}
        command = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            _BOOT,
            str(Path(__file__).parent.parent),
            json.dumps(plan),
        ]
        child = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True)
        if child.returncode:
            _dispose(top, lock)
            raise SandboxUnavailable(
                f"the workspace cannot be mounted: {child.stderr.strip()[-500:]}",
                "the worker needs Linux 5.19, overlayfs and root's power to mount, in the engine's own mount "
                "namespace; or run it as an ordinary user who may talk to the engine",
            )
        return cls(top, lock, os.open(top / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def dispose(self) -> None:
        """Unmount everything, which frees its memory."""
        os.close(self.upper)
        _dispose(self.top, self.lock)


def remove_stale(scratch: Path) -> None:
    """Unmount the workspaces of dead processes, which are those whose lock is free."""
    for path in scratch.glob("mounted-*.lock"):
        with suppress(FileNotFoundError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            else:
                _dispose(path.with_suffix(""), fd)


def _dispose(top: Path, lock: int) -> None:
    """Unmount, and remove the empty directory and the lock; nothing is deleted through a mount."""
    with suppress(OSError):  # not mounted: the set-up failed before
        kernel.detach(str(top))
    with suppress(FileNotFoundError):
        top.rmdir()
    top.with_suffix(".lock").unlink(missing_ok=True)
    os.close(lock)
