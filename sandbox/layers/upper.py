"""Reading what a run left in its overlay's upper directory, through descriptors that cannot lead out of it.

No command runs while this reads, so nothing moves; still every path is resolved by the kernel below the
directory, through no link and into no other mount. The walk is iterative; a directory whose path is near
PATH_MAX, which no checkout could hold, is named once as special and not entered.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from sandbox.keeper.kernel import open_beneath
from sandbox.spec import Entry, EntryKind, MiB

PATH_MAX = 4096
TOTAL_BYTES = 256 * MiB  # of content in one scan, smallest files first; what does not fit is ``too_big``

_SYS_ADMIN = 1 << 21  # the number of that capability, capabilities(7)
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_Found = tuple[bytes, os.stat_result]


def scan(upper: int, layers: Sequence[Path], file_bytes: int, *, contents: bool = True) -> list[Entry]:
    """The entries of an upper directory over ``layers`` (top first), sorted by path.

    A DELETED path means it and all below it in the layers; entries at or below the same path then say what
    stands there instead, so apply deletions first. Directories as such have no entry, nor have changes of
    nothing but modes other than a file's own. Without ``contents`` files come empty, for ``copy``. Raises
    OSError when the directory itself cannot be read.
    """
    entries: list[Entry] = []
    files: list[_Found] = []
    with _open_layers(layers) as lowers:
        for path, info in _walk(upper):
            if stat.S_ISREG(info.st_mode):
                files.append((path, info))
            elif stat.S_ISDIR(info.st_mode):
                entries += _hidden_entries(upper, path, lowers)
            else:
                entries.append(_special_entry(upper, path, info))
    if contents:
        entries += _read_files(upper, files, file_bytes)
    else:
        entries += [
            Entry(path=path, kind=EntryKind.FILE, executable=_is_executable(info)) for path, info in files
        ]
    return sorted(entries, key=lambda entry: (entry.path, entry.kind is not EntryKind.DELETED))


def _walk(upper: int) -> Iterator[_Found]:
    """(path, stat) of everything below a directory; one with a path near PATH_MAX is not entered."""
    waiting = [b""]
    while waiting:
        above = waiting.pop()
        with _open_directory(upper, above) as fd:
            for name in os.listdir(fd):
                info = os.stat(name, dir_fd=fd, follow_symlinks=False)
                path = os.path.join(above, os.fsencode(name))
                if stat.S_ISDIR(info.st_mode) and len(path) < PATH_MAX - 256:
                    waiting.append(path)
                yield path, info


@contextmanager
def _open_directory(upper: int, path: bytes) -> Iterator[int]:
    fd = _open_readable(upper, path, os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def _open_readable(upper: int, path: bytes, extra: int) -> int:
    """Open for reading whatever the modes say: the owner gives itself the right, and takes it back."""
    try:
        return open_beneath(upper, path or b".", os.O_RDONLY | os.O_NONBLOCK | extra)
    except PermissionError:
        pinned = _pin(upper, path)
        link = f"/proc/self/fd/{pinned}"
        try:
            mode = stat.S_IMODE(os.fstat(pinned).st_mode)
            os.chmod(link, mode | 0o700)
            fd = os.open(link, os.O_RDONLY | os.O_CLOEXEC | extra)
            if not extra:
                os.chmod(link, mode)
            return fd
        finally:
            os.close(pinned)


def _pin(upper: int, path: bytes) -> int:
    return open_beneath(upper, path or b".", os.O_PATH)


def _special_entry(upper: int, path: bytes, info: os.stat_result) -> Entry:
    if stat.S_ISLNK(info.st_mode):
        return Entry(path=path, kind=EntryKind.LINK, data=_link_target(upper, path))
    return Entry(path=path, kind=EntryKind.DELETED if _is_whiteout(info) else EntryKind.SPECIAL)


def _is_whiteout(info: os.stat_result) -> bool:
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _link_target(upper: int, path: bytes) -> bytes:
    fd = _pin(upper, os.path.dirname(path))
    try:
        return os.readlink(os.path.basename(path), dir_fd=fd)
    finally:
        os.close(fd)


def _read_files(upper: int, files: list[_Found], file_bytes: int) -> Iterator[Entry]:
    room = TOTAL_BYTES
    for path, info in sorted(files, key=lambda found: found[1].st_size):
        too_big = info.st_size > min(file_bytes, room)
        data = b"" if too_big else _read_content(upper, path, info.st_size)
        room -= len(data)
        yield Entry(
            path=path, kind=EntryKind.FILE, executable=_is_executable(info), data=data, too_big=too_big
        )


def copy(upper: int, path: bytes, target: Path, room: int) -> int:
    """Copy a file of the upper directory to ``target``, which is new; returns its bytes.

    Raises ``OverflowError`` when it has more than ``room``.
    """
    with open(_open_readable(upper, path, 0), "rb") as source, target.open("xb") as made:
        size = os.fstat(source.fileno()).st_size
        if size > room:
            raise OverflowError(path)
        shutil.copyfileobj(source, made, 1 << 20)
    return size


def _is_executable(info: os.stat_result) -> bool:
    return bool(info.st_mode & stat.S_IXUSR)


def _read_content(upper: int, path: bytes, size: int) -> bytes:
    with open(_open_readable(upper, path, 0), "rb") as file:
        return file.read(size)


def _hidden_entries(upper: int, path: bytes, lowers: Sequence[int]) -> Iterator[Entry]:
    """Entries for what an upper directory hides without a whiteout: a file, or names where it is opaque."""
    if len(path) >= PATH_MAX - 256:
        yield Entry(path=path, kind=EntryKind.SPECIAL)
        return
    if _is_file_below(lowers, path):
        yield Entry(path=path, kind=EntryKind.DELETED)
        return
    with _open_directory(upper, path) as fd:
        if not _is_opaque(fd):
            return
        present = {os.fsencode(name) for name in os.listdir(fd)}
    for name in sorted(_names_below(lowers, path) - present):
        yield Entry(path=os.path.join(path, name), kind=EntryKind.DELETED)


def _is_opaque(fd: int) -> bool:
    with suppress(OSError):
        return os.getxattr(fd, _name_opaque_mark()) == b"y"
    return False


@cache
def _name_opaque_mark() -> str:
    """The attribute by which the overlay marks a directory that hides the layers below.

    The keeper's overlay, where this process may mount, keeps its marks where no command can write; any other
    has ``userxattr``, and then the kernel refuses a command's own. Under the other name anybody may set a
    mark, which means nothing. https://docs.kernel.org/filesystems/overlayfs.html
    """
    status = Path("/proc/self/status").read_text("ascii")
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return "trusted.overlay.opaque" if effective & _SYS_ADMIN else "user.overlay.opaque"


def _is_file_below(lowers: Sequence[int], path: bytes) -> bool:
    """Whether the layers show something at this path that is no directory."""
    for lower in lowers:
        with suppress(OSError):
            fd = open_beneath(lower, path, os.O_PATH)
            try:
                info = os.fstat(fd)
            finally:
                os.close(fd)
            return not _is_whiteout(info) and not stat.S_ISDIR(info.st_mode)
    return False


def _names_below(lowers: Sequence[int], path: bytes) -> set[bytes]:
    """The names that the layers together show in a directory."""
    shown: set[bytes] = set()
    hidden: set[bytes] = set()
    for lower in lowers:
        try:
            fd = open_beneath(lower, path, _DIRECTORY)
        except OSError:
            continue
        try:
            for name in os.listdir(fd):
                info = os.stat(name, dir_fd=fd, follow_symlinks=False)
                if _is_whiteout(info):
                    hidden.add(os.fsencode(name))
                elif os.fsencode(name) not in hidden:
                    shown.add(os.fsencode(name))
            if _is_opaque(fd):
                break
        finally:
            os.close(fd)
    return shown


@contextmanager
def _open_layers(layers: Sequence[Path]) -> Iterator[list[int]]:
    fds: list[int] = []
    try:
        for layer in layers:
            fds.append(os.open(layer, _DIRECTORY | os.O_CLOEXEC))
        yield fds
    finally:
        for fd in fds:
            os.close(fd)
