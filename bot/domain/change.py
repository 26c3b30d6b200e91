"""What differs between two trees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class ChangeKind(StrEnum):
    """What happened to a path between base and head."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One path of a change set. ``mode`` is git's: 0o100644, 0o100755 or 0o120000 (``data`` is the target).

    ``path`` is relative, ``/``-separated, UTF-8 with surrogate escapes for other bytes.
    """

    path: str
    kind: ChangeKind
    mode: int = 0
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A path that is kept out of the publication, and why (shown on the pull request).

    ``change`` is what a maintainer may release; None stays out, whoever asks.
    """

    path: str
    why: str
    change: FileChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What differs from commit ``base``, read from the overlay's upper directory, sorted by path.

    ``parents`` are the two commits that a merge joins: ``base`` then has their merged tree and exists only in
    Hob's mirror.
    """

    base: str
    files: tuple[FileChange, ...] = ()
    held: tuple[Held, ...] = ()
    parents: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.parents)

    @property
    def releasable(self) -> tuple[FileChange, ...]:
        """What is held back until a maintainer releases it."""
        return tuple(item.change for item in self.held if item.change is not None)

    @property
    def whole(self) -> ChangeSet:
        """With all that can be released among its files; only what never can is still held."""
        files = {file.path: file for file in (*self.files, *self.releasable)}
        held = tuple(item for item in self.held if item.change is None)
        return replace(self, files=tuple(files[path] for path in sorted(files)), held=held)
