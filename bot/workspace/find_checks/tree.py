"""A commit's paths and manifests as the finders of checks see them: without other people's code in it."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from fnmatch import filter as filter_names
from functools import cached_property
from typing import Any

import yaml

from bot.domain import Runner
from bot.repo_config import nests_deeply

ReadFile = Callable[[str], bytes | None]

MOST_MANIFESTS = 400  # files that are read of one commit
MOST_BYTES = 1 << 20  # of one manifest
MOST_YAML = 100_000  # characters of a file of YAML, which takes some microseconds each
MOST_CHARS = 2000  # of a command or a line that is looked at
MOST_TEST_FILES = 60  # of those whose name leaves open whether they hold tests
# Folders whose contents are copies, samples or material: no packages of this repository.
VENDORED = frozenset(
    (
        *("node_modules", "bower_components", "vendor", "_vendor", "vendored", "third_party", "third-party"),
        *("thirdparty", "external", "extern", "site-packages", ".venv", "venv", ".tox", ".nox", "dist"),
        *("examples", "example", "samples", "fixtures", "__fixtures__", "testdata", "test-data", "test_data"),
        *("templates", ".git", ".yarn", "target"),
    )
)
_MANIFESTS = (
    *("pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini"),
    *("noxfile.py", "manage.py", "package.json", "pnpm-workspace.yaml", "deno.json", "deno.jsonc"),
    *("Cargo.toml", "[Mm]akefile", "GNUmakefile", "[Jj]ustfile", ".justfile", "[Tt]askfile.y*ml"),
    *("composer.json", "Rakefile", "*.csproj", "*.fsproj", "*.vbproj", "CMakeLists.txt", "meson.build"),
    *(
        "tox.toml",
        "hatch.toml",
        "pixi.toml",
        "uv.toml",
        "pdm.toml",
        "pip.conf",
        "Pipfile",
        "lerna.json",
        "build.xml",
        "DESCRIPTION",
        "pubspec.yaml",
        "*.mk",
        "Makefile.*",
        "go.work",
    ),
)
_MODULES = ("__init__.py", "_version.py", "__about__.py", "version.py", "VERSION", "VERSION.txt")
_UNCERTAIN = re.compile(
    r"(?:.*/)?(?:tests?\.py|test[^_/]\w*\.py|\w+_tests\.py|tests?/__init__\.py)", re.DOTALL
)
_JVM_SOURCES = re.compile(r"(?:^|/)src/\w{1,60}/(?:java|kotlin|scala|groovy)/")
_GLOB = re.compile(r"[*?\[]")
_NODE_FILE = re.compile(r"\.[cm]?[jt]sx?\Z")
_NODE_TEST = re.compile(r"test\Z|test-.|..*[.\-_](?:test|spec)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCheck:
    """A test command as its own folder knows it; ``declared`` says that a manifest or settings ask for it."""

    label: str
    command: str
    runner: Runner = Runner.OTHER
    folder: str = ""
    declared: bool = True

    @property
    def line(self) -> str:
        """The shell command from the root of the checkout."""
        return f"cd {shlex.quote(self.folder)} && {self.command}" if self.folder else self.command


class Tree:
    """The paths of a commit that belong to the repository itself, and ``read`` for their bytes."""

    def __init__(self, paths: Iterable[str], read: ReadFile) -> None:
        self.all = frozenset(paths)
        self.paths = sorted(path for path in self.all if not is_vendored(path))
        self.vendored = sorted(self.all.difference(self.paths))
        self._read = read
        self._tables: dict[str, dict[str, Any]] = {}
        self._matches: dict[tuple[str, ...], list[str]] = {}
        self._folders: dict[tuple[str, ...], frozenset[str]] = {}

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(name_of_file(path), []).append(path)
        return found

    @cached_property
    def _names(self) -> FileNames:
        return FileNames(self._by_name)

    def text(self, path: str) -> str:
        """A file's text, '' where there is none, it was not read, or it is too long for what it is.

        Without its byte order mark, which Windows editors write and the readers of JSON and TOML refuse.
        """
        data = self._read(path) or b""
        return data.decode("utf-8-sig", "replace") if len(data) <= MOST_BYTES else ""

    def json(self, path: str) -> dict[str, Any]:
        """The object in a JSON file, {} where there is none."""
        try:
            data = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    def toml(self, path: str) -> dict[str, Any]:
        """The table in a TOML file, {} where there is none."""
        if path not in self._tables:  # several look into the same file, and a long one takes long
            try:
                self._tables[path] = tomllib.loads(self.text(path))
            except (ValueError, RecursionError):  # also for a number of 5,000 digits
                self._tables[path] = {}
        return self._tables[path]

    def yaml(self, path: str) -> Any:
        """What a YAML file says, None where there is none, it is too long, or it cannot be read."""
        text = self.text(path)
        if len(text) > MOST_YAML or nests_deeply(text.encode()):
            return None
        try:
            return yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError):
            return None  # the last two for values that do not fit their tag, such as ``!!bool x``

    def find(self, *patterns: str, under: str = "") -> list[str]:
        """Every path at or below ``under`` whose name fits a pattern, the nearest to the root first."""
        found = self._match(patterns)
        if under:
            begin, end = bisect_left(found, f"{under}/"), bisect_left(found, f"{under}0")  # "0" follows "/"
            found = found[begin:end]
        return sorted(found, key=lambda path: path.count("/"))  # within one depth they stay sorted by path

    def _match(self, patterns: tuple[str, ...]) -> list[str]:
        """The sorted paths whose name fits; looked up once for each set of patterns."""
        if patterns not in self._matches:
            names = self._names.list_fitting(patterns)
            self._matches[patterns] = sorted(path for name in names for path in self._by_name[name])
        return self._matches[patterns]

    def folders(self, *patterns: str) -> frozenset[str]:
        """The folders that hold a file whose name fits a pattern."""
        if patterns not in self._folders:
            self._folders[patterns] = frozenset(folder_of(path) for path in self._match(patterns))
        return self._folders[patterns]

    def has(self, *paths: str) -> bool:
        """Whether one of the paths is there."""
        return any(path in self.all for path in paths)


class FileNames:
    """The names of files, prepared for being asked which of them fit a pattern.

    Whole names and endings are looked up as such, since a large repository has 100,000 names, and is asked
    some fifty times.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._all = frozenset(names)

    @cached_property
    def _by_extension(self) -> dict[str, list[str]]:
        """The names with a dot, by what stands behind their last one."""
        found: dict[str, list[str]] = {}
        for name in self._all:
            _, dot, extension = name.rpartition(".")
            if dot:
                found.setdefault(extension, []).append(name)
        return found

    def list_fitting(self, patterns: Iterable[str]) -> frozenset[str]:
        """Those that fit one of the glob patterns."""
        wanted = frozenset(patterns)
        whole = frozenset(pattern for pattern in wanted if not _GLOB.search(pattern))
        found = set(self._all & whole)
        for pattern in wanted - whole:
            found.update(self._list_by_pattern(pattern))
        return frozenset(found)

    def _list_by_pattern(self, pattern: str) -> Iterable[str]:
        before, dot, extension = pattern.rpartition(".")
        if not dot or _GLOB.search(extension):
            return filter_names(self._all, pattern)
        names = self._by_extension.get(extension, [])
        if before == "*":
            return names
        if before[:1] == "*" and not _GLOB.search(before, 1):
            return [name for name in names if name.endswith(pattern[1:])]
        return filter_names(names, pattern)


def list_fitting(names: Iterable[str], patterns: Iterable[str]) -> frozenset[str]:
    """Those of the names that fit one of the glob patterns; for one question about these names."""
    return FileNames(names).list_fitting(patterns)


def join(folder: str, name: str) -> str:
    """The path of a name in a folder, '' being the root."""
    return f"{folder}/{name}" if folder else name


def folder_of(path: str) -> str:
    """The folder of a path, '' being the root."""
    return path.rpartition("/")[0]


def name_of_file(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return not folder or path == folder or path.startswith(f"{folder}/")


def owner_of(path: str, folders: Container[str]) -> str | None:
    """The innermost of ``folders`` that a path lies below; None when it lies in none."""
    folder = folder_of(path)
    while folder not in folders:
        if not folder:
            return None
        folder = folder_of(folder)
    return folder


def is_vendored(path: str) -> bool:
    """Whether a path lies in a folder of copies, samples, material or templates.

    Below ``src/main/java`` and its like the folders are the parts of a package's name.
    """
    found = _JVM_SOURCES.search(path) if "src/" in path else None
    folders = path[: found.end()] if found else path
    return any(part in VENDORED or "{{" in part for part in folders.split("/")[:-1])


def get(data: object, *keys: str) -> Any:
    """What stands at the end of ``keys`` in nested tables, None where one is missing or no table."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def list_texts(value: object) -> list[str]:
    """The texts in a list, [] where it is none."""
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def name_of(expression: ast.expr) -> str:
    """A dotted name of two parts at most as it is written, '' for any other expression."""
    match expression:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=first), attr=second):
            return f"{first}.{second}"
    return ""


def list_manifests(paths: Iterable[str]) -> list[str]:
    """The files of a commit that are read for its checks and projects, a bounded number, outermost first."""
    manifests, uncertain, modules = [], [], []
    known = list(paths)
    wanted = list_fitting(map(name_of_file, known), _MANIFESTS)
    for path in sorted(known, key=lambda path: (path.count("/"), path)):
        name = name_of_file(path)
        if ("." not in name and name not in wanted and name not in _MODULES) or is_vendored(path):
            continue
        if name in wanted:
            manifests.append(path)
        elif is_uncertain(path) or is_node_test(path):
            uncertain.append(path)
        elif name in _MODULES and path.count("/") < 4:
            modules.append(path)
    return manifests[:MOST_MANIFESTS] + uncertain[:MOST_TEST_FILES] + modules[:MOST_TEST_FILES]


def is_uncertain(path: str) -> bool:
    """Whether a Python file may hold tests though pytest does not look for its name."""
    return _UNCERTAIN.fullmatch(path) is not None


def is_node_test(path: str) -> bool:
    """Whether ``node --test`` or a JavaScript test runner looks for a path by itself.

    https://nodejs.org/api/test.html#running-tests-from-the-command-line
    """
    suffix = _NODE_FILE.search(path)  # most paths have another ending: they are not taken apart
    if suffix is None:
        return False
    *folders, name = path.split("/")
    end = len(name) - len(suffix[0])
    if not end:
        return False
    in_folder = "test" in folders or "__tests__" in folders
    return in_folder or _NODE_TEST.match(name[:end]) is not None
