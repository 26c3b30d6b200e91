"""Which of the repository's own checks to run: what hob.yml says, else what the tree shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.domain import CheckCommand, Runner
from bot.repo_config import RepoConfig

ReadFile = Callable[[str], bytes | None]


_RUNNERS = (
    (r"pytest|py\.test", Runner.PYTEST),
    ("unittest", Runner.UNITTEST),
    (r"manage\.py test", Runner.DJANGO),
    ("cargo test", Runner.CARGO),
    ("go test", Runner.GO),
    ("node --test", Runner.NODE_TEST),
    ("vitest", Runner.VITEST),
    ("jest", Runner.JEST),
    ("mocha", Runner.MOCHA),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommands:
    """The checks to run, in this order, and what is not run and why."""

    checks: tuple[CheckCommand, ...] = ()
    not_run: tuple[str, ...] = ()

    @property
    def test(self) -> str:
        """The command of the first check that runs tests, or ''."""
        return next((check.command for check in self.checks if not check.lint), "")

    @property
    def lint(self) -> str:
        """The command of the first check that looks at style alone, or ''."""
        return next((check.command for check in self.checks if check.lint), "")


def find_check_commands(config: RepoConfig, paths: Sequence[str], read: ReadFile) -> CheckCommands:
    """The commands for a tree with these ``paths``; ``read`` gives a file of the base commit."""
    checks, missing = [], []
    test = config.test or _detect(set(paths), read)
    if test:
        checks.append(CheckCommand(name="test", command=test, runner=guess_runner(test)))
    else:
        missing.append("tests, since none were found; name the command as `test` in `.github/hob.yml`")
    if config.lint:
        checks.append(CheckCommand(name="lint", command=config.lint, lint=True))
    else:
        missing.append("a linter, since `.github/hob.yml` names none as `lint`")
    return CheckCommands(checks=tuple(checks), not_run=tuple(missing))


def guess_runner(command: str) -> Runner:
    """The test program that the command starts, as far as its words tell."""
    for pattern, runner in _RUNNERS:
        if re.search(rf"(?<![\w-])(?:{pattern})(?![\w-])", command):
            return runner
    return Runner.OTHER


def _detect(paths: set[str], read: ReadFile) -> str:
    """The conventional test command of the ecosystem that the tree's files belong to."""
    if _has_python_tests(paths):
        return "python -m pytest -q"
    if "Cargo.toml" in paths:
        return "cargo test --offline"
    if "go.mod" in paths:
        return "go test ./..."
    if "package.json" in paths and _npm_test(read("package.json")):
        return "npm test --silent"
    if "Makefile" in paths and re.search(rb"^test\s*:", read("Makefile") or b"", re.MULTILINE):
        return "make test"
    return ""


def _has_python_tests(paths: set[str]) -> bool:
    names = (PurePosixPath(path).name for path in paths)
    return any(re.fullmatch(r"(test_.*|.*_test|tests?)\.py", name) for name in names)


def _npm_test(text: bytes | None) -> bool:
    try:
        scripts = json.loads(text or b"{}").get("scripts", {})
    except (ValueError, AttributeError):
        return False
    return isinstance(scripts, dict) and bool(scripts.get("test"))
