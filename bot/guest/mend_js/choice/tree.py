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

    Raises:
        TreeTooLargeError: there is too much to note.
        OSError: a folder cannot be read.
    """
    found: dict[str, State] = {}
    for entry in _walk(root, git=True):
        if entry.name == _PACKAGES:
            continue
        told = entry.stat(follow_symlinks=False)
        folder = stat.S_ISDIR(told.st_mode)
        found[entry.path] = (0, 0, told.st_mode) if folder else (told.st_size, told.st_mtime_ns, told.st_mode)
        if len(found) > MOST_NOTED:
            raise TreeTooLargeError
    return {str(Path(path).relative_to(root)): state for path, state in found.items()}


def _walk(folder: Path, *, git: bool = False) -> Iterator[os.DirEntry[str]]:
    """All that a folder has, a folder before what is in it; not what is in folders of packages."""
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name == ".git" and not git:
                    continue
                yield entry
                if entry.name != _PACKAGES and entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
