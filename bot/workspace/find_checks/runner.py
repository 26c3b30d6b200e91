"""The test runner that a command starts, guessed from its words."""

from __future__ import annotations

import re

from bot.domain import Runner
from bot.workspace.find_checks.tree import MOST_CHARS

_RUNNERS = (
    (r"pytest|py\.test", Runner.PYTEST),
    ("unittest", Runner.UNITTEST),
    (r"manage\.py test", Runner.DJANGO),
    (r"cargo (?:test|nextest)", Runner.CARGO),
    ("go test", Runner.GO),
    (r"node\b[^&|;]* --test|node --test", Runner.NODE_TEST),
    ("vitest", Runner.VITEST),
    ("jest", Runner.JEST),
    ("_?mocha", Runner.MOCHA),
)


def guess_runner(command: str) -> Runner:
    """The test runner that the command starts; OTHER for an unknown one."""
    for pattern, runner in _RUNNERS:
        if re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", command[:MOST_CHARS]):
            return runner
    return Runner.OTHER
