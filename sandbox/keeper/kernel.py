"""The few system calls that Python does not offer, through libc; usable without the rest of the package.

Numbers from 424 upwards are the same on every architecture (Linux, ``scripts/syscall.tbl``).
"""

from __future__ import annotations

import ctypes
import os

CLONE_NEWNS = 0x0002_0000
CLONE_NEWUSER = 0x1000_0000
CLONE_NEWNET = 0x4000_0000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8

_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_OPENAT2, _SYS_MOUNT_SETATTR = 428, 429, 437, 442
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_IDMAP = 1, 0x0010_0000
_RESOLVE_NO_XDEV, _RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 1, 2, 4, 8
_PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError whose filename says which mount it was."""
    arguments = [part.encode() for part in (source, target, kind, data)]
    _check(
        _libc.mount(*arguments[:3], ctypes.c_ulong(flags), arguments[3]), f"mount {kind or source} {target}"
    )


def detach(target: str) -> None:
    """Unmount lazily: the mount and all below it can no longer be reached. Raises OSError."""
    _check(_libc.umount2(target.encode(), _MNT_DETACH | _UMOUNT_NOFOLLOW), f"umount {target}")


def unshare(flags: int) -> None:
    """unshare(2). Raises OSError."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def join_namespace(fd: int, flag: int) -> None:
    """setns(2). Raises OSError."""
    _check(_libc.setns(ctypes.c_int(fd), ctypes.c_int(flag)), "setns")


def become_subreaper() -> None:
    """Make orphans among our descendants our children, so that we can wait for them."""
    _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl")


def bind_with_ids(source: str, target: str, user_namespace: int, *, read_only: bool = False) -> None:
    """Bind ``source`` on ``target`` with owners translated through a user namespace (Linux 5.12).

    Raises OSError when the kernel or the filesystem of ``source`` cannot do that.
    """
    call = _libc.syscall
    tree = _check(
        call(_SYS_OPEN_TREE, _AT_FDCWD, source.encode(), _OPEN_TREE_CLONE | os.O_CLOEXEC), "open_tree"
    )
    try:
        flags = _MOUNT_ATTR_IDMAP | (_MOUNT_ATTR_RDONLY if read_only else 0)
        attr = _MountAttr(flags, 0, 0, user_namespace)
        size = ctypes.c_size_t(ctypes.sizeof(attr))
        _check(call(_SYS_MOUNT_SETATTR, tree, b"", _AT_EMPTY_PATH, ctypes.byref(attr), size), "mount_setattr")
        _check(
            call(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH),
            "move_mount",
        )
    finally:
        os.close(tree)


def open_beneath(directory: int, path: bytes, flags: int) -> int:
    """Open ``path`` below the directory, following no link of any kind and crossing no mount (Linux 5.6).

    ``path`` is relative, without dot parts, shorter than PATH_MAX. Raises OSError.
    """
    resolve = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_XDEV
    how = _OpenHow(flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0, resolve)
    size = ctypes.c_size_t(ctypes.sizeof(how))
    return _check(
        _libc.syscall(_SYS_OPENAT2, ctypes.c_int(directory), path, ctypes.byref(how), size), "openat2"
    )
