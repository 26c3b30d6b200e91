"""Handing bytes to another process as a descriptor instead of a path or an argument."""

from __future__ import annotations

import fcntl
import os


def memory_file(data: bytes) -> int:
    """Make a sealed file in memory, at its start, that its readers cannot change; its descriptor."""
    fd = os.memfd_create("data", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)
    fcntl.fcntl(
        fd,
        fcntl.F_ADD_SEALS,
        fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL,
    )
    return fd
