"""Which new files are left out of a change: those that git would ignore, and what tools leave behind.

The rules are those of every ``.gitignore`` on the way, read from trees, not from disk. Patterns are
dulwich's; the order in which files are asked (deepest first, last line first, an excluded directory ends it)
is git's, and tested against git.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from dulwich.ignore import IgnoreFilter, read_ignore_patterns

# What tools leave behind in any repository: never part of a change. The same lines stand in the throw-away
# ``.git/info/exclude``, so that ``git status`` in the sandbox agrees with what is published. A ``.gitignore``
# of the repository overrides them with a negation, as git has it.
LEFT_OUT: tuple[str, ...] = (
    "__pycache__/",
    "*.py[cod]",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".venv/",
    ".coverage",
    ".coverage.*",
    "*.egg-info/",
    "node_modules/",
    ".DS_Store",
)


class IgnoreRules:
    """Whether paths of one tree are ignored. ``read`` gives a regular file's content at a path, or None."""

    def __init__(self, read: Callable[[bytes], bytes | None]) -> None:
        self._read = read
        self._filters: dict[bytes, IgnoreFilter | None] = {}
        self._folders: dict[bytes, bool] = {b"": False}
        self._always = IgnoreFilter(pattern.encode() for pattern in LEFT_OUT)

    def __call__(self, path: bytes, *, is_folder: bool = False) -> bool:
        """Whether an untracked ``path`` is ignored, by itself or with a directory above it."""
        parent = path.rpartition(b"/")[0]
        return self._is_folder_excluded(parent) or self._is_excluded(path, is_folder)

    def _is_folder_excluded(self, path: bytes) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._is_folder_excluded(path.rpartition(b"/")[0]) or self._is_excluded(path, True)
            self._folders[path] = known
        return known

    def _is_excluded(self, path: bytes, is_folder: bool) -> bool:
        """Whether this one entry is excluded, whatever is true of the directories above it."""
        parts = path.split(b"/")
        for depth in range(len(parts) - 1, -1, -1):
            rules = self._load_rules(b"/".join(parts[:depth]))
            verdict = _match_last(rules, b"/".join(parts[depth:]), is_folder)
            if verdict is not None:
                return verdict
        return bool(_match_last(self._always, path, is_folder))

    def _load_rules(self, folder: bytes) -> IgnoreFilter | None:
        if folder not in self._filters:
            text = self._read(folder + b"/.gitignore" if folder else b".gitignore")
            self._filters[folder] = (
                None if text is None else IgnoreFilter(read_ignore_patterns(io.BytesIO(text)))
            )
        return self._filters[folder]


def _match_last(rules: IgnoreFilter | None, name: bytes, is_folder: bool) -> bool | None:
    """What the last matching pattern says: True excludes, False includes again; None when none matches."""
    for pattern in reversed(rules.patterns if rules else ()):
        if pattern.matches(name, is_folder):
            return bool(pattern.is_exclude)
    return None
