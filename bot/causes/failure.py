"""A check or setup that failed, as the rules that explain it see it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.domain import TreeFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedCommand:
    """A command that ended, with what it printed, on a tree of which these facts are known."""

    command: str
    exit_code: int | None
    output: str
    facts: TreeFacts

    def find(self, *patterns: str) -> str:
        """The first group of the first pattern that is found, '' without one."""
        for pattern in patterns:
            found = re.search(pattern, self.output, re.MULTILINE)
            if found:
                return next((group for group in found.groups() if group), "")
        return ""

    def has(self, pattern: str) -> bool:
        """Whether a pattern is found."""
        return re.search(pattern, self.output, re.MULTILINE) is not None
