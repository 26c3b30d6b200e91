"""A workspace that the host itself mounts, for containers that somebody else's engine starts (root only).

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
    def shown(self) -> Path:
        """The directory to show as the workspace."""
        return self.top / "workspace"

    @classmethod
    def create(cls, scratch: Path, layers: list[Path], uid: int, size: int) -> HostWorkspace:
        """Mount one for a user id. Raises SandboxUnavailable with what the kernel said."""
        scratch.mkdir(parents=True, exist_ok=True)
        clear_stale(scratch)
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
        ran = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True)
        if ran.returncode:
            _dispose(top, lock)
            raise SandboxUnavailable(
                f"the workspace cannot be mounted: {ran.stderr.strip()[-500:]}",
                "the worker needs Linux 5.19, overlayfs and root's power to mount, in the engine's own mount "
                "namespace; or run it as an ordinary user who may talk to the engine",
            )
        return cls(top, lock, os.open(top / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def dispose(self) -> None:
        """Take it all away; the memory is given back by the kernel."""
        os.close(self.upper)
        _dispose(self.top, self.lock)


def clear_stale(scratch: Path) -> None:
    """Take away the workspaces of processes that are gone: the kernel let go of their locks."""
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
    """Never anything but an unmount and the removal of an empty directory."""
    with suppress(OSError):  # not mounted: the set-up failed before
        kernel.detach(str(top))
    with suppress(FileNotFoundError):
        top.rmdir()
    top.with_suffix(".lock").unlink(missing_ok=True)
    os.close(lock)
