"""Many patterns of paths in one: a path is matched in one pass, however many there are.

``*`` stands for anything within a name, and at the end of a pattern for anything at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

# What is said of a match, patterns of whole paths, and patterns of a path's last names at any depth; patterns
# with blanks between them.
PatternGroup = tuple[str, str, str]


class PathPatterns:
    """Groups of patterns; of several that fit, the first group counts. Paths are expected folded."""

    def __init__(self, groups: Iterable[PatternGroup]) -> None:
        listed = list(groups)
        self._words = [words for words, _, _ in listed]
        self._folded = _compile(listed, str.casefold)
        self._spelt = _compile(listed, str)
        folders = [(words, _list_folders(whole), _list_folders(last)) for words, whole, last in listed]
        self._folders = _compile(folders, str.casefold)

    def find(self, path: str) -> str:
        """The text of the first group that matches the path; '' where none does."""
        return self._say(self._folded.fullmatch(path))

    def find_folder(self, path: str) -> str:
        """The same for a path that is a folder of a pattern."""
        return self._say(self._folders.fullmatch(path))

    def is_spelt(self, path: str) -> bool:
        """Whether a pattern matches the path with the same case."""
        return self._spelt.fullmatch(path) is not None

    def _say(self, match: re.Match[str] | None) -> str:
        return self._words[int((match.lastgroup or "_0")[1:])] if match else ""


def _compile(groups: Sequence[PatternGroup], spell: Callable[[str], str]) -> re.Pattern[str]:
    kinds = []
    for number, (_, whole, last) in enumerate(groups):
        ways = [_translate(each) for each in spell(whole).split()]
        if last:
            ways.append(f"(?:.*/)?(?:{'|'.join(map(_translate, spell(last).split()))})")
        if ways:
            kinds.append(f"(?P<_{number}>{'|'.join(ways)})")
    return re.compile("|".join(kinds), re.DOTALL)


def _translate(pattern: str) -> str:
    *parts, last = map(re.escape, pattern.split("*"))
    if parts and not last:
        return "[^/]*".join(parts) + ".*"
    return "[^/]*".join([*parts, last])


def _list_folders(patterns: str) -> str:
    """The folders that the patterns name."""
    parts = [pattern.split("/")[:-1] for pattern in patterns.split()]
    return " ".join({"/".join(names[:depth]) for names in parts for depth in range(1, len(names) + 1)})
