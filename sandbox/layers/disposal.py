"""Removing trees that hostile code may have built: of any depth, with any modes, following no link."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(top: Path) -> None:
    """Remove ``top`` and all below it; fine when it is gone already or somebody else removes it too.

    Nested directories are first moved up to the top, so that depth costs neither stack nor descriptors.
    Raises OSError when something cannot be removed.
    """
    try:
        fd = os.open(top, _DIRECTORY)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        top.unlink(missing_ok=True)
        return
    try:
        while names := os.listdir(fd):
            for name in names:
                with suppress(FileNotFoundError):
                    _remove(fd, name)
    finally:
        os.close(fd)
    with suppress(FileNotFoundError):
        top.rmdir()


def _remove(top: int, name: str) -> None:
    """Remove one entry of the top; a directory gives its own directories to the top and goes."""
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    inner = _open_with_rights(top, name)
    try:
        for child in os.listdir(inner):
            if stat.S_ISDIR(os.stat(child, dir_fd=inner, follow_symlinks=False).st_mode):
                _open_with_rights(inner, child, keep=False)
                os.rename(child, secrets.token_hex(8), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(child, dir_fd=inner)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _open_with_rights(parent: int, name: str, *, keep: bool = True) -> int:
    """Open a directory that may forbid it; its owner may first give the rights back."""
    pinned = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    try:
        if os.fstat(pinned).st_mode & stat.S_IRWXU != stat.S_IRWXU:
            os.chmod(f"/proc/self/fd/{pinned}", 0o700)
        return os.open(".", _DIRECTORY, dir_fd=pinned) if keep else -1
    finally:
        os.close(pinned)
