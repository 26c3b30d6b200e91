"""One of a repository's own checks: its command, its folder, and what runs the tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Runner(StrEnum):
    """The test runner that a check command starts, where known: it decides how results are read."""

    PYTEST = "pytest"
    UNITTEST = "unittest"
    DJANGO = "django"
    NODE_TEST = "node:test"
    JEST = "jest"
    VITEST = "vitest"
    MOCHA = "mocha"
    CARGO = "cargo"
    GO = "go"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommand:
    """A shell command that is run from the root of the checkout.

    ``name`` is unique within a repository and what people read: "test", "lint", "npm test", "web: npm test".
    ``folder`` is the package that it checks, '' for the root. ``lint`` says that it looks at style alone.
    """

    name: str
    command: str
    runner: Runner = Runner.OTHER
    folder: str = ""
    lint: bool = False
