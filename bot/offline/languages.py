"""In which language the tests are that a command runs, as far as the command or its output says."""

from __future__ import annotations

import re
from enum import StrEnum


class TestLanguage(StrEnum):
    """Languages that the engine mends, has words for, or does not know; the value is their name."""

    __test__ = False  # not a test case of pytest's, for all its name

    PYTHON = "Python"
    JAVASCRIPT = "JavaScript"
    GO = "Go"
    RUST = "Rust"
    OTHER = "another language"


_WORDS = (
    (
        TestLanguage.PYTHON,
        r"python[\d.]*|pytest|py\.test|unittest|tox|nox|manage\.py|nose2?|trial|hatch|poetry",
    ),
    (
        TestLanguage.JAVASCRIPT,
        r"node|npm|npx|yarn|pnpm|bun|bunx|deno|mocha|_mocha|jest|vitest|ava|tape|tap|c8|nyc|tsx|ts-node|"
        r"jasmine|qunit|uvu",
    ),
    (TestLanguage.GO, r"go|gotestsum"),
    (TestLanguage.RUST, r"cargo|rustc|nextest"),
    (
        TestLanguage.OTHER,
        r"mvn|gradle|gradlew|dotnet|rspec|rake|bundle|phpunit|composer|mix|ctest|swift|sbt|stack|cabal",
    ),
)
_COMMAND = tuple(
    (language, re.compile(rf"(?:^|[\s;&|(/=])(?:{words})(?=$|[\s;&|)])")) for language, words in _WORDS
)
_SIGNS = (
    (
        TestLanguage.PYTHON,
        r"^Traceback \(most recent call last\)|^={3,80} .{0,200}\b(?:passed|failed|error)"
        r"|^Ran \d{1,9} tests? in",
    ),
    (
        TestLanguage.JAVASCRIPT,
        r"node:internal/|^[ \t]{1,9}at .{1,200}\.[cm]?[jt]sx?:\d{1,9}:\d|^TAP version \d"
        r"|^[ \t]{1,9}\d{1,9} passing \(",
    ),
    (TestLanguage.GO, r"^(?:--- FAIL: |FAIL\t|ok  \t)"),
    (TestLanguage.RUST, r"^test result: (?:ok|FAILED)\.|^error\[E\d{4}\]"),
)
_OUTPUT = tuple((language, re.compile(signs, re.M)) for language, signs in _SIGNS)


def read_language(command: str, output: str) -> TestLanguage:
    """By the first program that the command names; by the output where it is ``make`` or a script."""
    found = [
        (match.start(), language) for language, pattern in _COMMAND if (match := pattern.search(command))
    ]
    if found:
        return min(found)[1]
    return next((language for language, pattern in _OUTPUT if pattern.search(output)), TestLanguage.PYTHON)


def names_language(command: str) -> bool:
    """Whether the command itself says in which language its tests are."""
    return any(pattern.search(command) for _, pattern in _COMMAND)
