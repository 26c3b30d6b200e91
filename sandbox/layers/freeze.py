"""Making a shared layer of what a run left: work that was done once is shared."""

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

    ``most`` bytes in all, as the files' sizes say: a sparse one is not sparse in its copy. Of no file is more
    than a piece in memory. Raises NotFreezable, as ``write_layer`` does, and beyond ``most``.
    """
    entries = upper.scan(directory, layers, most, contents=False)
    room = most

    def fill(entry: Entry, path: Path) -> None:
        nonlocal room
        try:
            room -= upper.copy(directory, entry.path, path, room)
        except OverflowError:
            raise NotFreezable(f"it makes more than {most // MiB} MiB of files") from None

    _write(entries, into, fill)
    return entries


def write_layer(entries: Iterable[Entry], into: Path) -> None:
    """Write files and links below the empty directory ``into``; special files are left out.

    Raises NotFreezable for a path that was deleted, which a layer made without privileges cannot express,
    and for a file whose content was too large to be read.
    """

    def fill(entry: Entry, path: Path) -> None:
        if entry.too_big:
            raise NotFreezable(f"it makes {_shown(entry)}, which is too large")
        path.write_bytes(entry.data)

    _write(entries, into, fill)


def _write(entries: Iterable[Entry], into: Path, fill: Callable[[Entry, Path], None]) -> None:
    root = os.fsencode(into)
    for entry in entries:
        if entry.kind is EntryKind.DELETED:
            raise NotFreezable(f"it deletes {_shown(entry)}, which is part of the repository")
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


def _shown(entry: Entry) -> str:
    return entry.path.decode("utf-8", "replace")


def _make_folders(folder: Path, top: Path) -> None:
    """Folders that every user id can enter, whatever the umask is."""
    missing = []
    while folder != top and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        each.chmod(0o755)
