"""Python's checks: pytest with each package's own settings, Django's manage.py, what tox and nox name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.domain import Runner
from bot.workspace.find_checks.pytest_settings import PytestSettings, read_ini, read_pytest_settings
from bot.workspace.find_checks.runner import guess_runner
from bot.workspace.find_checks.tox import list_declared_commands, list_pytest_arguments
from bot.workspace.find_checks.tree import (
    FoundCheck,
    Tree,
    folder_of,
    get,
    is_below,
    is_uncertain,
    join,
    list_fitting,
    name_of_file,
    owner_of,
)

PYTEST = "python -m pytest -q"
OWN_PATTERNS = ("test_*.py", "*_test.py")  # of pytest, where nothing else is set
_PROJECT_FILES = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    "tox.ini",
)
_HOLDS_TESTS = re.compile(
    r"^(?:class \w+\(.*TestCase|(?:async )?def test_|    (?:async )?def test_\w+\(self)", re.M
)
_NOT_COLLECTED = ("vendor", "third_party", "third-party", "thirdparty", "external", "extern")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """A folder whose tests are run together; ``files`` are those of it that hold tests."""

    folder: str
    settings: PytestSettings | None
    files: tuple[str, ...]
    extra: tuple[str, ...] = ()  # file names that pytest does not look for by itself

    @property
    def runs(self) -> bool:
        return bool(self.files) or (self.settings is not None and self.settings.runs_doctests)


def find_python_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for each package that has tests; the root's does not collect the others'."""
    packages = list(_list_packages(tree))
    own = frozenset(each.folder for each in packages)
    inner: dict[str, list[str]] = {}
    for package in packages:
        if package.folder:
            inner.setdefault(owner_of(package.folder, own) or "", []).append(package.folder)
    for package in packages:
        yield from _find_package_checks(tree, package, inner.get(package.folder, ()))


def is_python_project(tree: Tree, folder: str) -> bool:
    """Whether a folder's files say that it is a Python project, or has settings for its tests."""
    data = tree.toml(join(folder, "pyproject.toml"))
    if get(data, "project") or get(data, "build-system") is not None or get(data, "tool", "poetry"):
        return True
    if (
        tree.has(join(folder, "setup.py"))
        or read_ini(tree, join(folder, "setup.cfg"), "metadata") is not None
    ):
        return True
    return read_pytest_settings(tree, folder) is not None or bool(list_declared_commands(tree, folder))


def _list_packages(tree: Tree) -> Iterator[_Package]:
    """The root and each project below it that the root's own settings do not collect, with their tests."""
    root = read_pytest_settings(tree, "")
    folders = {folder_of(path) for path in tree.find(*_PROJECT_FILES, "manage.py")} - {""}
    inner = [
        folder
        for folder in sorted(folders, key=lambda each: (each.count("/"), each))
        if not any(part in ("tests", "test", "docs", "doc") for part in folder.split("/"))
        and (is_python_project(tree, folder) or _is_django(tree, folder))
        and not _is_collected(root, folder)
    ]
    own = frozenset(("", *inner))
    yield _make_package(tree, "", root, own)
    for folder in inner:
        package = _make_package(tree, folder, read_pytest_settings(tree, folder), own)
        if package.runs:
            yield package


def _is_collected(root: PytestSettings | None, folder: str) -> bool:
    """Whether ``testpaths`` of the root name a folder, or something in it."""
    paths = root.testpaths if root else ()
    return any(
        fnmatchcase(folder, path) or is_below(folder, path) or is_below(path, folder) for path in paths
    )


def _make_package(tree: Tree, folder: str, settings: PytestSettings | None, own: Container[str]) -> _Package:
    patterns = (settings.patterns if settings else ()) or OWN_PATTERNS
    owned: dict[str, bool] = {}  # by folder: most hold many files
    here = []
    for path in tree.find("*.py", under=folder):
        place = folder_of(path)
        if place not in owned:
            owned[place] = owner_of(path, own) == folder
        if owned[place]:
            here.append(path)
    fitting = list_fitting(map(name_of_file, here), patterns)
    files = [path for path in here if name_of_file(path) in fitting]
    plain, extra = {folder_of(path) for path in files}, set()
    chosen = [join(folder, each) if each else folder for each in (settings.testpaths if settings else ())]
    for path in here if patterns == OWN_PATTERNS else ():
        if chosen and not any(is_below(path, each) or "*" in each for each in chosen):
            continue
        if (
            name_of_file(path) in fitting
            or not is_uncertain(path)
            or not _HOLDS_TESTS.search(tree.text(path))
        ):
            continue
        if path.endswith("__init__.py"):  # beside tests it has what they inherit from
            if folder_of(path) in plain or "TestCase" not in tree.text(path):
                continue
            extra.add(
                "/".join(path.split("/")[-2:])
            )  # with its folder, or all packages would be read for tests
        else:
            extra.add(name_of_file(path))
        files.append(path)
    return _Package(folder=folder, settings=settings, files=tuple(files), extra=tuple(sorted(extra)))


def _is_django(tree: Tree, folder: str) -> bool:
    return "django" in tree.text(join(folder, "manage.py"))


def _find_package_checks(tree: Tree, package: _Package, inner: Sequence[str]) -> Iterator[FoundCheck]:
    folder, settings = package.folder, package.settings
    if not package.runs:
        for line in list_declared_commands(tree, folder)[:3]:
            if list_pytest_arguments(tree, folder, line) is None and _names_file(tree, folder, line):
                yield FoundCheck(label=line, command=line, runner=guess_runner(line), folder=folder)
        return
    declared = is_python_project(tree, folder)
    if _is_django(tree, folder) and not (settings and settings.django):
        yield FoundCheck(
            label="manage.py test", command="python manage.py test", runner=Runner.DJANGO, folder=folder
        )
        return
    named = list_declared_commands(tree, folder)
    arguments = [list_pytest_arguments(tree, folder, line) for line in named]
    other = [line for line, words in zip(named, arguments, strict=True) if words is None]
    if other and settings is None and len(other) == len(named):
        for line in other[:3]:
            yield FoundCheck(label=line, command=line, runner=guess_runner(line), folder=folder)
        return
    chosen = _choose_words([words for words in arguments if words is not None])
    if settings and settings.testpaths:
        chosen = [word for word in chosen if word.startswith("-")]
    command = " ".join([PYTEST, *_make_options(tree, package, inner), *map(shlex.quote, chosen)])
    yield FoundCheck(label="pytest", command=command, runner=Runner.PYTEST, folder=folder, declared=declared)


def _choose_words(arguments: Sequence[list[str]]) -> list[str]:
    """The words of the first command that has some; one that picks tests by mark where every one does."""
    whole = [words for words in arguments if not {"-m", "-k"} & set(words)]
    return next((words for words in whole or arguments if words), [])


def _names_file(tree: Tree, folder: str, line: str) -> bool:
    """Whether a command has a file of the folder among its words."""
    return any(tree.has(join(folder, word.removeprefix("./"))) for word in line.split())


def _make_options(tree: Tree, package: _Package, inner: Sequence[str]) -> Iterator[str]:
    """Further names of test files, and folders that are checked on their own or are not this project's."""
    if package.extra:
        yield "-o " + shlex.quote(f"python_files={' '.join((*OWN_PATTERNS, *package.extra))}")
    if package.settings and package.settings.testpaths:
        return
    start = f"{package.folder}/" if package.folder else ""
    for folder in inner:
        yield f"--ignore={shlex.quote(folder.removeprefix(start))}"
    foreign = {
        name
        for path in tree.vendored
        if path.startswith(start) and path.endswith(".py")
        for name in (path.removeprefix(start).partition("/")[0],)
        if name in _NOT_COLLECTED and list_fitting([name_of_file(path)], (*OWN_PATTERNS, "conftest.py"))
    }
    for name in sorted(foreign):
        yield f"--ignore={name}"
