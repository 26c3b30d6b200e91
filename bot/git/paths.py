"""Paths that are never published, because git or somebody's file system would take them for something
else.
"""

from __future__ import annotations

import os

from dulwich.index import validate_path_element_hfs, validate_path_element_ntfs

LONGEST = 4096
LONGEST_NAME = 255


def why_refused(path: bytes) -> str | None:
    """Why ``path`` is refused, as the end of a sentence for a person; None for an ordinary path.

    Refused are ``.git`` in every spelling that Windows or macOS take for it, ``..``, absolute paths and NUL.
    """
    if not path or path.startswith(b"/"):
        return "is not a relative path"
    if b"\0" in path or len(path) > LONGEST:
        return "is not a possible path"
    for part in path.split(b"/"):
        if part in (b"", b".", b".."):
            return "leaves the repository or is malformed"
        if len(part) > LONGEST_NAME:
            return "has a name that is too long"
        if not validate_path_element_ntfs(part) or not _hfs_honest(part):
            return "is git's own directory, to some file systems at least"
    return None


def as_text(path: bytes) -> str:
    """A path as the domain has it: UTF-8 with surrogate escapes."""
    return path.decode("utf-8", "surrogateescape")


def as_bytes(path: str) -> bytes:
    """The way back from `as_text`."""
    return path.encode("utf-8", "surrogateescape")


def printable_path(path: str) -> str:
    """A path for people and logs: no control characters, nothing that is not Unicode."""
    clean = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in clean)


def _hfs_honest(part: bytes) -> bool:
    # macOS cannot have names that are not UTF-8, so they cannot be taken for .git there
    try:
        part.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return validate_path_element_hfs(part)
