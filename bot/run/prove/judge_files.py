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
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange
from bot.domain.paths.paths_of_tests import is_test_path
from bot.run.prove.named_files import ReadBase, list_named_files

_TESTS = re.compile(
    r"(^|/)(__tests__|specs?|testing|testdata|__snapshots__|__mocks__|fixtures|goldens?|expected|snapshots|cassettes)/"
    r"|(^|/)tests?\.(py|[cm]?[jt]sx?|rs)$|\.(snap|golden|(approved|verified)\.\w{1,9})$"
)
_SETTINGS = re.compile(
    r"(^|/)(conftest\.py|pytest\.ini|\.pytest\.ini|tox\.ini|noxfile\.py|sitecustomize\.py|usercustomize\.py"
    r"|[^/]+\.pth|\.coveragerc|makefile|gnumakefile|[^/]+\.mk|\.?justfile|taskfile\.ya?ml|rakefile|\.rspec"
    r"|(jest|vitest|vite|karma|playwright|cypress|ava|babel|wdio|nightwatch|web-test-runner|tap)"
    r"\.(config|conf|workspace|setup)\.\w+|(setup-?tests?|tests?-?setup|(jest|vitest|mocha)-?setup)\.\w+"
    r"|\.(mocharc|npmrc|nycrc|babelrc|taprc)(\.\w+)?"
    r"|pnpm-workspace\.yaml|lerna\.json|nx\.json|turbo\.json|bunfig\.toml|go\.work|\.pnpmfile\.c?js|\.yarnrc(\.yml)?"
    r"|\.env(\.\w{1,20})?|\.?pytest\.toml|hatch\.toml|gradle\.properties"
    r"|import_map\.json|dart_test\.yaml|testng\.xml|junit-platform\.properties|[^/]{1,200}\.runsettings"
    r"|xunit\.runner\.json|\.bazelrc|\.busted|cmakepresets\.json|(test|spec)_helper\.rb|[^/]{1,200}\.pyc"
    r"|phpunit\.xml(\.dist)?|hob_((test|vitest|go)_report|quick_collection)\.[cm]?(py|js))$"
    r"|(^|/)(node_modules|__pycache__|site-packages|\.?venv)/|(^|/)rust-toolchain(\.toml)?$|(^|/)META-INF/services/|(^|/)[^/]{1,200}\.(egg|dist)-info/|(^|/)\.cargo/config(\.toml)?$|(^|/)\.mvn/",
    re.IGNORECASE,
)
# Modules that a Python runner imports by name: one of the repository's own at an import root is found first.
_RUNNERS = {
    *("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments", "exceptiongroup", "tomli"),
    *("attr", "attrs", "coverage", "colorama", "django", "nose", "tox", "nox", "hob_test_report"),
    "hob_quick_collection",
    *("hypothesis", "mock", "nose2", "testtools", "testfixtures", "sure", "assertpy", "expects", "hamcrest"),
    *("parameterized", "ddt", "freezegun", "responses", "twisted", "zope", "behave", "ward", "xdoctest"),
}
# Libraries that tests assert with, among copies of other people's code.
_LIBRARIES = re.compile(
    r"(^|/)(vendors?|_vendor|vendored|third[_-]?party|extern(al)?|deps|submodules)/(.{1,300}/)?"
    r"(testify|gomega|ginkgo|gotest\.tools|go-cmp|_?pytest|hypothesis|mock|nose2?|testtools|hamcrest|chai|mocha"
    r"|jest|sinon|vitest|phpunit|minitest|rspec[\w-]{0,20}|junit\w{0,9}|googletest|gtest|catch2?|doctest)(/|@|\.\w{1,5}$)",
    re.IGNORECASE,
)
_IMPORT_ROOTS = ("src", "lib", "python", "source", "test", "tests")
_MIXED = ("pyproject.toml", "setup.cfg", "package.json", "Cargo.toml")  # settings of tests beside others
# Files that hold much else: a changed line that has to do with tests counts.
_BY_LINE = re.compile(
    r"(^|/)([jt]sconfig(\.\w{1,20})?\.json|deno\.jsonc?|setup\.py|pom\.xml|(build|settings)\.gradle(\.kts)?"
    r"|CMakeLists\.txt|meson\.build|Directory\.Build\.(props|targets)|[^/]{1,200}\.csproj|mix\.exs|angular\.json"
    r"|project\.json|go\.mod|Gemfile|[^/]{1,200}\.gemspec|composer\.json|build\.(rs|sbt)|Pipfile|pixi\.toml"
    r"|pubspec\.yaml|Package\.swift|project\.clj|rebar\.config)$"
)
_OF_TESTS = re.compile(
    r"test|skip|check|surefire|failsafe|exclude|include|paths|baseUrl|rootDirs|extends|cmdclass|enabled|entry_points"
    r"|ignoreFail|\"imports\"|\bassert|rspec|phpunit|\bpest\b|autoload|^replace\b|=>\s{1,5}\.|\bpath:|^toolchain\b",
    re.IGNORECASE,
)
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
    "overrides",
    "resolutions",
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
        """Whether tests of the base may run differently."""
        return bool(self.settings) or any(each.kind is not ChangeKind.ADDED for each in self.tests.files)


def split_change(changes: ChangeSet, commands: Iterable[CheckCommand], read_base: ReadBase) -> ChangeParts:
    """The parts of ``changes``; ``read_base`` gives a file of the tree that they start from."""
    commands = tuple(commands)
    named = {path for command in commands for path in _list_paths(command)}
    followed = list_named_files(commands, read_base) if changes.files else set()
    named |= {path for path in followed if not _is_looked_into(path)}
    settings = [each.path for each in changes.files if each.path in named or _is_setting(each, read_base)]
    tests = [each for each in changes.files if each.path in settings or is_test(each.path)]
    source = [each for each in changes.files if each not in tests]
    return ChangeParts(
        tests=ChangeSet(base=changes.base, files=tuple(tests)),
        source=ChangeSet(base=changes.base, files=tuple(source)),
        settings=tuple(settings),
    )


def _is_looked_into(path: str) -> bool:
    """Whether the file mixes test settings with other content."""
    return posixpath.basename(path) in _MIXED or _BY_LINE.search(path) is not None


def is_test(path: str) -> bool:
    """Whether the path holds tests or what they compare with."""
    return is_test_path(path) or _TESTS.search(path) is not None


def _list_paths(command: CheckCommand) -> set[str]:
    """The words of a command that may be files of the repository, relative to its root or the command's
    folder.
    """
    try:
        words = shlex.split(command.command, comments=False)
    except ValueError:
        words = command.command.split()
    paths = [word.split("::")[0].rstrip(";") for word in words if not word.startswith("-")]
    return {posixpath.normpath(posixpath.join(at, path)) for at in ("", command.folder) for path in paths}


def _is_setting(change: FileChange, read_base: ReadBase) -> bool:
    path, name = change.path, posixpath.basename(change.path)
    if _SETTINGS.search(path) or _LIBRARIES.search(path):
        return True
    if change.kind is ChangeKind.ADDED and _shadows_runner(path):
        return True
    if _BY_LINE.search(path):
        return _changes_line_of_tests(read_base(path) or b"", change.data)
    if name not in _MIXED:
        return False
    after = None if change.kind is ChangeKind.DELETED else change.data
    return bool(_read_settings(name, read_base(path)) != _read_settings(name, after))


def _changes_line_of_tests(before: bytes, after: bytes) -> bool:
    """Whether a removed or added line mentions tests."""
    old, new = (
        {line.strip() for line in data.decode("utf-8", "replace").splitlines()} for data in (before, after)
    )
    return any(_OF_TESTS.search(line) for line in old ^ new)


def _shadows_runner(path: str) -> bool:
    """A module at an import root that has the name of a runner's module, or of the standard library's.

    pytest puts the folder of a test file that is in no package first on the path.
    """
    parts = path.split("/")
    parts = parts[1:] if len(parts) > 1 and parts[0] in _IMPORT_ROOTS else parts
    stem, _, kind = parts[0].partition(".")
    known = _RUNNERS | sys.stdlib_module_names
    if len(parts) == 1:
        return kind in ("py", "pyc", "so") and (stem in known or stem.startswith("pytest_"))
    return bool(path.endswith(".py") and parts[0] in known - {"test", "site"})


def _read_settings(name: str, data: bytes | None) -> Any:
    """The part of a file that sets how tests are run; all of it where it cannot be parsed."""
    if data is None:
        return None
    try:
        text = data.decode("utf-8")
        if name == "package.json":
            package = json.loads(text)
            return [{key: package.get(key) for key in _PACKAGE_KEYS}, _list_local(package)]
        if name == "setup.cfg":
            return _read_setup_cfg(text)
        table = tomllib.loads(text)
        return _read_cargo(table) if name == "Cargo.toml" else _read_pyproject(table)
    except (ValueError, AttributeError, TypeError, configparser.Error, RecursionError):
        return data


def _list_local(package: dict[str, Any]) -> dict[str, str]:
    """The dependencies of a package.json that are folders of the repository."""
    kinds = ("dependencies", "devDependencies", "optionalDependencies")
    wanted = {name: str(spec) for kind in kinds for name, spec in (package.get(kind) or {}).items()}
    return {
        name: spec for name, spec in wanted.items() if spec.startswith(("file:", "link:", "portal:", "."))
    }


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
        [table.get(key) for key in ("patch", "replace")],
        {name: spec for name, spec in table.get("dev-dependencies", {}).items() if "path" in spec},
    )
