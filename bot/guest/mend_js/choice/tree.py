"""A copy of the repository's tree, for what must not reach the tree itself; what files a tree has."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 5_000  # that are copied, folders among them
MOST_BYTES = 100_000_000
MOST_NOTED = 200_000  # files whose state is noted
_PACKAGES = "node_modules"
UNREAD = -1  # the size of what cannot be read
State = tuple[int, int, int]  # size, time of the last change in nanoseconds, mode


class TreeTooLargeError(Exception):
    """The tree has more than is copied or noted."""


def copy_tree(root: Path, into: Path) -> None:
    """Copy the files of ``root`` to the new folder ``into``, without ``.git``.

    Symbolic links stay as they are; folders of packages (``node_modules``) become links to those of ``root``.

    Raises:
        TreeTooLargeError: it has too many files, or too large ones; what is copied so far stays.
        OSError: a file cannot be read or written.
    """
    into.mkdir()
    size = 0
    for number, entry in enumerate(_walk(root)):
        there = into / Path(entry.path).relative_to(root)
        if entry.is_symlink() or entry.name == _PACKAGES:
            there.symlink_to(entry.path if entry.name == _PACKAGES else os.readlink(entry.path))  # noqa: PTH115
        elif entry.is_dir(follow_symlinks=False):
            there.mkdir()
        elif entry.is_file(follow_symlinks=False):
            size += entry.stat(follow_symlinks=False).st_size
            if size > MOST_BYTES:
                raise TreeTooLargeError
            shutil.copy2(entry.path, there, follow_symlinks=False)
        if number >= MOST_FILES:
            raise TreeTooLargeError


def note_files(root: Path) -> dict[str, State]:
    """The state of everything in a tree but packages, by path within it; folders by their mode alone.

    What cannot be read is noted with the size ``UNREAD``, a folder without what is in it; what goes away
    meanwhile is not noted.

    Raises:
        TreeTooLargeError: there is too much to note.
        OSError: the root itself cannot be read.
    """
    found: dict[str, State] = {}
    unread: list[str] = []
    for entry in _walk(root, git=True, unread=unread):
        if entry.name == _PACKAGES:
            continue
        state = _note_entry(entry)
        if state is not None:
            found[entry.path] = state
        if len(found) > MOST_NOTED:
            raise TreeTooLargeError
    for path in unread:
        if path in found:
            found[path] = (UNREAD, 0, found[path][2])
    return {str(Path(path).relative_to(root)): state for path, state in found.items()}


def _note_entry(entry: os.DirEntry[str]) -> State | None:
    """None for what is gone."""
    try:
        told = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        return (UNREAD, 0, 0)
    folder = stat.S_ISDIR(told.st_mode)
    return (0, 0, told.st_mode) if folder else (told.st_size, told.st_mtime_ns, told.st_mode)


def _walk(folder: Path, *, git: bool = False, unread: list[str] | None = None) -> Iterator[os.DirEntry[str]]:
    """All that a folder has, a folder before what is in it; not what is in folders of packages.

    Folders below it that cannot be read are added to ``unread``; without that the error is raised.
    """
    waiting = [str(folder)]
    while waiting:
        path = waiting.pop()
        try:
            with os.scandir(path) as entries:
                listed = list(entries)
        except OSError:
            if unread is None or path == str(folder):
                raise
            unread.append(path)
            continue
        for entry in listed:
            if entry.name == ".git" and not git:
                continue
            yield entry
            if entry.name != _PACKAGES and entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
