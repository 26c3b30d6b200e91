"""Which files of a repository say what a setup command installs, and which folders it installs to.

A setup layer may stand above another commit than the one it was made on only while the former are the same
and it holds nothing but the latter.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from sandbox.spec import Entry, EntryKind

MOST_FILES = 500
_MOST_NOTE = 1 << 20  # bytes of a file that pip leaves

# By ecosystem; patterns are matched against the file's name alone, wherever in the tree it is.
LOCK_FILES: dict[str, tuple[str, ...]] = {
    "Python": (
        *(
            "requirements*.txt",
            "requirements*.in",
            "constraints*.txt",
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
        ),
        *(
            "poetry.lock",
            "uv.lock",
            "pdm.lock",
            "pylock*.toml",
            "Pipfile",
            "Pipfile.lock",
            "environment*.yml",
        ),
        *(".python-version", "tox.ini", "pip.conf"),
    ),
    "Node": (
        *("package.json", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", ".yarnrc*", ".npmrc"),
        *("pnpm-lock.yaml", "pnpm-workspace.yaml", "bun.lock", "bun.lockb", ".nvmrc", ".node-version"),
    ),
    "Rust": ("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"),
    "Go": ("go.mod", "go.sum", "go.work", "go.work.sum"),
    "Ruby": ("Gemfile", "Gemfile.lock", "*.gemspec", ".ruby-version"),
    "PHP": ("composer.json", "composer.lock"),
    "Java": (
        "pom.xml",
        "build.gradle*",
        "settings.gradle*",
        "gradle.lockfile",
        "gradle.properties",
        "*.versions.toml",
    ),
    ".NET": (
        "*.csproj",
        "*.fsproj",
        "packages.lock.json",
        "Directory.Packages.props",
        "global.json",
        "nuget.config",
    ),
    "Elixir": ("mix.exs", "mix.lock"),
    "Dart": ("pubspec.yaml", "pubspec.lock"),
    "any": (".tool-versions", "mise.toml", "flake.lock"),
}
# What a command such as ``make deps`` reads without naming it; alone they say nothing of what is installed.
RECIPES = ("[Mm]akefile", "GNUmakefile", "*.mk", "justfile", "Taskfile.y*ml", "Rakefile", "noxfile.py")
_PATTERNS = tuple(pattern for patterns in LOCK_FILES.values() for pattern in patterns)

# Where package managers put what they fetch, inside a checkout.
DEPENDENCY_FOLDERS = (
    *("node_modules", ".pnpm-store", ".yarn", ".npm", ".venv", "venv", "*.egg-info", "vendor", ".bundle"),
    *(".cargo", ".m2", "deps"),
)
_EDITABLE = re.compile(rb'"editable":\s*true')
_FINDER = re.compile(r"__editable___.*_finder\.py")
_COMMON = re.compile(r"licen[cs]e|copying|notice|authors", re.IGNORECASE)


def find_inputs(command: str, tracked: Mapping[str, str]) -> dict[str, str] | None:
    """The tracked files that a setup command depends on, with their object names.

    They are the lock files, the recipes beside them, and what the command itself names; None when there is no
    lock file, or there are too many: then nobody can say what it depends on. ``tracked`` are all files of the
    commit.
    """
    named = {word.removeprefix("./") for word in _words(command)}
    locks = {path for path in tracked if _is_lock(path)}
    if not locks or len(locks) > MOST_FILES:
        return None
    recipes = {path for path in tracked if _matches(path, RECIPES)}
    return {path: tracked[path] for path in sorted(locks | recipes | (named & tracked.keys()))}


def _words(command: str) -> list[str]:
    try:
        return [word for part in shlex.split(command) for word in re.split(r"[;&|()<>=\s]+", part)]
    except ValueError:
        return command.split()


def _is_lock(path: str) -> bool:
    whole = PurePosixPath(path)
    if whole.parent.name == "requirements" and whole.suffix in (".txt", ".in"):
        return True
    return _matches(path, _PATTERNS)


def _matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path's last part fits one of the patterns."""
    name = path.rpartition("/")[2]
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def find_install_roots(
    entries: Iterable[Entry], tracked: Mapping[str, str], tree: Path
) -> tuple[str, ...] | None:
    """The dependency folders that hold everything a setup command wrote; None when it wrote anything else.

    Anything else is what may go stale at another commit: files beside the sources, tracked files, and what
    an installation of the repository itself makes of them (an editable one by path alone does not). ``tree``
    has the files' contents.
    """
    found: set[str] = set()
    known = set(tracked.values())
    for entry in entries:
        path = entry.path.decode("utf-8", "surrogateescape")
        root = _find_folder(path)
        if root is None or _is_made_from_sources(path, entry, tree, known):
            return None
        found.add(root)
    return tuple(sorted(found)) if fits_tree(found, tracked) else None


def fits_tree(folders: Iterable[str], tracked: Iterable[str]) -> bool:
    """Whether no tracked file is in one of the folders or in its way: as a layer they hide nothing then."""
    wanted = tuple(folders)
    return not any(
        path == root or path.startswith(f"{root}/") or root.startswith(f"{path}/")
        for path in tracked
        for root in wanted
    )


def _find_folder(path: str) -> str | None:
    parts = path.split("/")
    for depth, part in enumerate(parts[:-1], 1):
        if _matches(part, DEPENDENCY_FOLDERS):
            return "/".join(parts[:depth])
    return None


def _is_made_from_sources(path: str, entry: Entry, tree: Path, known: set[str]) -> bool:
    """Whether a file was made from the repository's own: a copy, or a sign that pip leaves (PEP 610, 660)."""
    name = path.rpartition("/")[2]
    if entry.kind is EntryKind.LINK:
        return _FINDER.fullmatch(name) is not None
    if entry.kind is not EntryKind.FILE:
        return False
    written = tree / path
    if name == "direct_url.json" and written.stat().st_size < _MOST_NOTE:
        data = written.read_bytes()
        if b"file:///workspace" in data and not _EDITABLE.search(data):
            return True
    return _FINDER.fullmatch(name) is not None or _is_copy(written, known)


def _is_copy(written: Path, known: set[str]) -> bool:
    """Whether a file's content is one of the ``known`` git objects, and says anything."""
    if _COMMON.search(written.name):
        return False
    blob = hashlib.sha1(b"blob %d\0" % written.stat().st_size, usedforsecurity=False)
    blank = True
    with written.open("rb") as file:
        while piece := file.read(1 << 20):
            blob.update(piece)
            blank = blank and not piece.strip()
    return not blank and blob.hexdigest() in known
