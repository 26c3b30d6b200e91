"""Which new files git would ignore: the rules of every ``.gitignore`` on the way, read from trees, not
from disk.

Patterns are dulwich's; the order in which files are asked (deepest first, last line first, an excluded
directory ends it) is git's, and tested against git.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from dulwich.ignore import IgnoreFilter, read_ignore_patterns

from bot.git.noise import LEFT_OUT


class IgnoreRules:
    """Answers for one tree. ``read`` gives a regular file's content at a path of that tree, or None."""

    def __init__(self, read: Callable[[bytes], bytes | None]) -> None:
        self._read = read
        self._filters: dict[bytes, IgnoreFilter | None] = {}
        self._folders: dict[bytes, bool] = {b"": False}
        self._always = IgnoreFilter(pattern.encode() for pattern in LEFT_OUT)

    def __call__(self, path: bytes, *, is_folder: bool = False) -> bool:
        """Whether an untracked ``path`` is ignored, by itself or with a directory above it."""
        parent = path.rpartition(b"/")[0]
        return self._folder(parent) or self._excluded(path, is_folder)

    def _folder(self, path: bytes) -> bool:
        known = self._folders.get(path)
        if known is None:
            known = self._folder(path.rpartition(b"/")[0]) or self._excluded(path, True)
            self._folders[path] = known
        return known

    def _excluded(self, path: bytes, is_folder: bool) -> bool:
        """The verdict on this one entry, its parents aside."""
        parts = path.split(b"/")
        for depth in range(len(parts) - 1, -1, -1):
            rules = self._rules(b"/".join(parts[:depth]))
            verdict = _last_word(rules, b"/".join(parts[depth:]), is_folder)
            if verdict is not None:
                return verdict
        return bool(_last_word(self._always, path, is_folder))

    def _rules(self, folder: bytes) -> IgnoreFilter | None:
        if folder not in self._filters:
            text = self._read(folder + b"/.gitignore" if folder else b".gitignore")
            self._filters[folder] = (
                None if text is None else IgnoreFilter(read_ignore_patterns(io.BytesIO(text)))
            )
        return self._filters[folder]


def _last_word(rules: IgnoreFilter | None, name: bytes, is_folder: bool) -> bool | None:
    for pattern in reversed(rules.patterns if rules else ()):
        if pattern.matches(name, is_folder):
            return bool(pattern.is_exclude)
    return None
