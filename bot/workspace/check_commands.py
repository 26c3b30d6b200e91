"""Which of the repository's own checks to run: what hob.yml says, else what the tree shows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bot.repo_config import RepoConfig

ReadFile = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommands:
    """Shell commands, '' where there is none, and why."""

    test: str = ""
    lint: str = ""
    not_run: tuple[str, ...] = ()


def find_check_commands(config: RepoConfig, paths: Sequence[str], read: ReadFile) -> CheckCommands:
    """The commands for a tree with these ``paths``; ``read`` gives a file of the base commit."""
    test = config.test or _detect(set(paths), read)
    missing = []
    if not test:
        missing.append("tests, since none were found; name the command as `test` in `.github/hob.yml`")
    if not config.lint:
        missing.append("a linter, since `.github/hob.yml` names none as `lint`")
    return CheckCommands(test=test, lint=config.lint or "", not_run=tuple(missing))


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
