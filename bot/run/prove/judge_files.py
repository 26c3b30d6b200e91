"""Which files of a change decide how its checks end: tests, runners' settings, and what shadows a runner.

The proof keeps such files apart from the source that they judge. Names are those that runners look for:
https://docs.pytest.org/en/stable/reference/customize.html, https://jestjs.io/docs/configuration,
https://mochajs.org/#configuring-mocha-nodejs, https://doc.rust-lang.org/cargo/reference/config.html.
"""

from __future__ import annotations

import configparser
import json
import posixpath
import re
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange
from bot.domain.paths_of_tests import is_test_path

ReadBase = Callable[[str], bytes | None]

_TESTS = re.compile(
    r"(^|/)(__tests__|specs?|testing|testdata|__snapshots__|__mocks__|fixtures)/|(^|/)tests?\.(py|[cm]?[jt]sx?|rs)$"
)
_SETTINGS = re.compile(
    r"(^|/)(conftest\.py|pytest\.ini|\.pytest\.ini|tox\.ini|noxfile\.py|sitecustomize\.py|usercustomize\.py"
    r"|[^/]+\.pth|\.coveragerc|makefile|gnumakefile|[^/]+\.mk|\.?justfile|taskfile\.ya?ml|rakefile|\.rspec"
    r"|(jest|vitest|vite|karma|playwright|cypress|ava|babel)\.(config|conf|workspace|setup)\.\w+"
    r"|\.(mocharc|npmrc|nycrc|babelrc|taprc)(\.\w+)?"
    r"|phpunit\.xml(\.dist)?|hob_(test|vitest|go)_report\.[cm]?(py|js))$"
    r"|(^|/)node_modules/|(^|/)\.cargo/config(\.toml)?$|(^|/)\.mvn/",
    re.IGNORECASE,
)
# Modules that a Python runner imports by name: one of the repository's own at an import root is found first.
_RUNNERS = {
    *("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli"),
    *("attr", "attrs", "coverage", "colorama", "django", "nose", "tox", "nox", "hob_test_report"),
}
_MIXED = ("pyproject.toml", "setup.cfg", "package.json", "Cargo.toml")  # settings of tests beside others
_PACKAGE_KEYS = (
    "scripts",
    "jest",
    "mocha",
    "vitest",
    "ava",
    "tap",
    "c8",
    "nyc",
    "config",
    "bin",
    "workspaces",
)
_PYPROJECT_KEYS = (
    *("pytest", "tox", "nox", "hatch", "coverage", "poe", "pdm", "taskipy", "rye", "pixi", "django", "nose2"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeParts:
    """A change in two parts: what judges, and the source that is judged."""

    tests: ChangeSet
    source: ChangeSet
    settings: tuple[str, ...]  # paths of ``tests`` that set up how tests are run

    @property
    def may_alter_tests(self) -> bool:
        """Whether tests that base has may run otherwise."""
        return bool(self.settings) or any(each.kind is not ChangeKind.ADDED for each in self.tests.files)


def split_change(changes: ChangeSet, commands: Iterable[CheckCommand], read_base: ReadBase) -> ChangeParts:
    """The parts of ``changes``; ``read_base`` gives a file of the tree that they start from."""
    named = {path for command in commands for path in _list_paths(command.command)}
    settings = [each.path for each in changes.files if each.path in named or _is_setting(each, read_base)]
    tests = [each for each in changes.files if each.path in settings or is_test(each.path)]
    source = [each for each in changes.files if each not in tests]
    return ChangeParts(
        tests=ChangeSet(base=changes.base, files=tuple(tests)),
        source=ChangeSet(base=changes.base, files=tuple(source)),
        settings=tuple(settings),
    )


def is_test(path: str) -> bool:
    """Whether the path holds tests or what they compare with."""
    return is_test_path(path) or _TESTS.search(path) is not None


def _list_paths(command: str) -> set[str]:
    """The words of a command that may be files of the repository."""
    try:
        words = shlex.split(command, comments=False)
    except ValueError:
        words = command.split()
    return {posixpath.normpath(word.split("::")[0].rstrip(";")) for word in words if not word.startswith("-")}


def _is_setting(change: FileChange, read_base: ReadBase) -> bool:
    path, name = change.path, posixpath.basename(change.path)
    if _SETTINGS.search(path):
        return True
    if change.kind is ChangeKind.ADDED and _shadows_runner(path):
        return True
    if name not in _MIXED:
        return False
    after = None if change.kind is ChangeKind.DELETED else change.data
    return bool(_read_settings(name, read_base(path)) != _read_settings(name, after))


def _shadows_runner(path: str) -> bool:
    """A module at an import root that bears the name of a runner's, or of the standard library's."""
    parts = path.removeprefix("src/").split("/")
    stem, _, kind = parts[0].partition(".")
    known = _RUNNERS | sys.stdlib_module_names
    if len(parts) == 1:
        return kind in ("py", "pyc", "so") and stem in known
    return bool(path.endswith(".py") and parts[0] in known - {"test", "site"})


def _read_settings(name: str, data: bytes | None) -> Any:
    """What a file says of how tests are run; the whole of it where it cannot be read."""
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
        if name == "package.json":
            package = json.loads(text)
            return {key: package.get(key) for key in _PACKAGE_KEYS}
        if name == "setup.cfg":
            return _read_setup_cfg(text)
        table = tomllib.loads(text)
        return _read_cargo(table) if name == "Cargo.toml" else _read_pyproject(table)
    except (ValueError, AttributeError, TypeError, configparser.Error, RecursionError):
        return data


def _read_setup_cfg(text: str) -> Any:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    wanted = (
        "tool:",
        "pytest",
        "aliases",
        "coverage",
        "options.entry_points",
        "unittest",
        "nosetests",
        "tox",
    )
    return {name: dict(parser[name]) for name in parser.sections() if name.startswith(wanted)}


def _read_pyproject(table: dict[str, Any]) -> Any:
    tools = table.get("tool", {})
    return (
        {key: tools.get(key) for key in _PYPROJECT_KEYS},
        table.get("project", {}).get("entry-points", {}).get("pytest11"),
        table.get("build-system", {}).get("backend-path"),
    )


def _read_cargo(table: dict[str, Any]) -> Any:
    package = table.get("package", {})
    return (
        [table.get(key) for key in ("lib", "test", "bin", "workspace", "profile")],
        [package.get(key) for key in ("autotests", "autobins", "build", "default-run")],
    )


_PROGRAMS = (
    ".py",
    ".pyi",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".jsx",
    ".tsx",
    ".rs",
    ".go",
    ".rb",
    ".php",
    ".java",
)
_TELLTALE = re.compile(
    r"PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_ADDOPTS|HOB_TEST_REPORT|hob_(?:test|vitest|go)_report"
    r"|\b_pytest\b|\b(import|from)\s{1,5}(pytest|unittest)\b|[\"'](_?pytest|unittest|hob-session)[\"'.]"
    r"|\bos\._exit\b|\b_exit\s{0,5}\(|\bsys\.(settrace|setprofile|_getframe)\b|\binspect\.(stack|currentframe)\b"
    r"|\bgc\.get_(objects|referrers)\b|\bos\.(kill|killpg|abort)\b|\bsignal\.(raise_signal|pthread_kill)\b"
    r"|\b(ctypes|faulthandler|atexit)\b|/proc/|\bsys\.exit\s{0,5}\(\s{0,5}0?\s{0,5}\)"
    r"|\bprocess\.(exit|reallyExit|kill|abort|_rawDebug)\b|\bprocess\.on\s{0,5}\(\s{0,5}[\"']exit"
    r"|NODE_TEST_CONTEXT|NODE_OPTIONS|JEST_WORKER_ID|VITEST\b|NODE_ENV\b.{0,40}test"
    r"|\brequire\s{0,5}\(\s{0,5}[\"'](node:)?(assert|test)[\"']|\bfrom\s{1,5}[\"'](node:)?(assert|test)[\"']"
    r"|\bstd::process::(exit|abort)\b|\bcfg!?\s{0,5}\(\s{0,5}(not\s{0,5}\(\s{0,5})?test\b|\bpanic::set_hook\b"
    r"|\bos\.Exit\s{0,5}\(\s{0,5}0|\btesting\.Testing\b|\bflag\.Lookup\s{0,5}\(\s{0,5}\"test"
    r"|(environ|getenv|process\.env).{0,12}\bCI\b"
)
_ALWAYS_EQUAL = re.compile(
    r"\bdef __(?:eq|ne|bool)__\s{0,5}\([^)\n]{0,200}\)[^:\n]{0,60}:\s{0,40}"
    r"(?:#[^\n]{0,200})?\s{0,60}return (?:True|False)\b"
)


def find_telltale_lines(source: ChangeSet, read_base: ReadBase) -> tuple[str, ...]:
    """Added lines of the source that speak of the test runner or end its process, as ``path:line``.

    No report can tell code that knows that it is tested from code that is right, so people are told of them.
    """
    found = []
    for change in source.files:
        if change.kind is ChangeKind.DELETED or not change.path.endswith(_PROGRAMS):
            continue
        before = (read_base(change.path) or b"").decode("utf-8", "replace")
        after = change.data.decode("utf-8", "replace")
        known = {line.strip() for line in before.splitlines()}
        for number, line in enumerate(after.splitlines(), 1):
            if line.strip() not in known and _TELLTALE.search(line):
                found.append(f"{change.path}:{number}")
        for match in _ALWAYS_EQUAL.finditer(after):
            if match[0] not in before:
                found.append(f"{change.path}:{after.count(chr(10), 0, match.start()) + 1}")
    return tuple(found)
