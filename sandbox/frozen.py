"""What one sandbox left, made into a read-only layer for others: how a setup command's work is shared."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.spec import Entry, EntryKind


class NotFreezable(Exception):
    """The private layer holds something that a shared one cannot; the message names it."""


def write_layer(entries: Iterable[Entry], into: Path) -> None:
    """Write files and links below the empty directory ``into``; special files are left out.

    Raises NotFreezable for a path that was deleted, which a layer made without privileges cannot express,
    and for a file whose content was too large to be read.
    """
    root = os.fsencode(into)
    for entry in entries:
        shown = entry.path.decode("utf-8", "replace")
        if entry.kind is EntryKind.DELETED:
            raise NotFreezable(f"it deletes {shown}, which is part of the repository")
        if entry.too_big:
            raise NotFreezable(f"it makes {shown}, which is too large")
        if entry.kind is EntryKind.SPECIAL:
            continue
        path = Path(os.fsdecode(os.path.join(root, entry.path)))  # noqa: PTH118 - bytes
        _make_folders(path.parent, into)
        if entry.kind is EntryKind.LINK:
            path.symlink_to(os.fsdecode(entry.data))
        else:
            path.write_bytes(entry.data)
            path.chmod(0o755 if entry.executable else 0o644)
    into.chmod(0o755)


def _make_folders(folder: Path, top: Path) -> None:
    """Folders that every user id can enter, whatever the umask is."""
    missing = []
    while folder != top and not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir()
        each.chmod(0o755)
