"""Making a shared, read-only layer of what a run left in its private one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sandbox.layers import upper
from sandbox.spec import Entry, EntryKind, MiB


class NotFreezable(Exception):
    """The private layer holds something that a shared one cannot; the message names it."""


def freeze(directory: int, layers: Sequence[Path], most: int, into: Path) -> list[Entry]:
    """Copy an upper directory below the empty directory ``into``; its entries, without content.

    ``most`` is the number of bytes in all by the files' sizes: a sparse file is not sparse in its copy. None
    is read as a whole. Raises NotFreezable as ``write_layer`` does, and beyond ``most``.
    """
    entries = upper.scan(directory, layers, most, contents=False)
    room = most

    def fill(entry: Entry, path: Path) -> None:
        nonlocal room
        try:
            room -= upper.copy(directory, entry.path, path, room)
        except OverflowError:
            raise NotFreezable(f"it makes more than {most // MiB} MiB of files") from None

    _write_entries(entries, into, fill)
    return entries


def write_layer(entries: Iterable[Entry], into: Path) -> None:
    """Write files and links below the empty directory ``into``; special files are left out.

    Raises NotFreezable for a path that was deleted, which a layer made without privileges cannot express,
    and for a file whose content was too large to be read.
    """

    def fill(entry: Entry, path: Path) -> None:
        if entry.too_big:
            raise NotFreezable(f"it makes {_display_path(entry)}, which is too large")
        path.write_bytes(entry.data)

    _write_entries(entries, into, fill)


def _write_entries(entries: Iterable[Entry], into: Path, fill: Callable[[Entry, Path], None]) -> None:
    root = os.fsencode(into)
    for entry in entries:
        if entry.kind is EntryKind.DELETED:
            raise NotFreezable(f"it deletes {_display_path(entry)}, which is part of the repository")
        if entry.kind is EntryKind.SPECIAL:
            continue
        path = Path(os.fsdecode(os.path.join(root, entry.path)))  # noqa: PTH118 - bytes
        _make_folders(path.parent, into)
        if entry.kind is EntryKind.LINK:
            path.symlink_to(os.fsdecode(entry.data))
        else:
            fill(entry, path)
            path.chmod(0o755 if entry.executable else 0o644)
    into.chmod(0o755)


def _display_path(entry: Entry) -> str:
    return entry.path.decode("utf-8", "replace")


def _make_folders(folder: Path, top: Path) -> None:
    """Make folders that every user id can enter, whatever the umask is."""
    missing = []
    while folder != top and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        each.chmod(0o755)
