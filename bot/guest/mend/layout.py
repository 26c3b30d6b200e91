"""How this repository's tests are run: import roots, pytest's arguments, what is a test and what is code."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

# Ours: no writes into the workspace, no plugin that forks or traces, capture that survives a fork.
OWN = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:cov",
    "-p",
    "no:xdist",
    "-p",
    "no:randomly",
    "-p",
    "no:timeout",
    "--capture=sys",
    "--tb=short",
    "-q",
)
RUNNERS = ("pytest", "py.test")
OLDEST = (3, 11)  # that these programs run on
MOST_CHARS = 1000  # of a word that is looked at
_FROM_ROOT = re.compile(r"^(?:\$PWD/|\$\{PWD\}/|\./|\.\./)+")
_IN_BIN = re.compile(r"(?:.*/)?bin/(?:python[\d.]*|pytest|py\.test|coverage|activate)")
_FOREIGN = re.compile(
    r"^(--cov|--no-cov|-n|--numprocesses|--dist|--timeout|--reruns|--benchmark|--junit|--html)"
)
_SKIPPED = {
    ".git",
    ".hg",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    "node_modules",
    "build",
    "dist",
    "__pycache__",
    "site-packages",
    ".eggs",
}


def find_import_roots(root: Path) -> list[str]:
    """What goes in front of ``sys.path``: the repository, and ``src`` or ``lib`` when packages lie there."""
    roots = [root]
    for name in ("src", "lib"):
        folder = root / name
        if folder.is_dir() and not (folder / "__init__.py").exists():
            roots.insert(0, folder)
    return [str(each) for each in roots]


def list_python_files(root: Path, limit: int = 20_000) -> Iterator[Path]:
    """The repository's Python files, relative to ``root``."""
    stack = [root]
    count = 0
    while stack and count < limit:
        try:
            entries = sorted(stack.pop().iterdir())
        except OSError:
            continue
        for entry in entries:
            if entry.is_symlink():
                continue
            if entry.is_dir():
                if entry.name not in _SKIPPED and not entry.name.endswith(".egg-info"):
                    stack.append(entry)
            elif entry.suffix == ".py":
                count += 1
                yield entry.relative_to(root)


def is_test(path: str) -> bool:
    """Whether a relative path is test code, which the search never changes."""
    parts = PurePosixPath(path).parts
    name = parts[-1]
    return (
        name == "conftest.py"
        or name.startswith("test_")
        or name.endswith(("_test.py", "_tests.py"))
        or name in ("tests.py", "test.py", "setup.py", "noxfile.py")
        or any(part in ("tests", "test", "testing", "docs", "examples") for part in parts[:-1])
    )


def find_interpreter(root: Path, command: str) -> str:
    """The Python that runs the tests: the one of the environment that the command names, else this one.

    One that cannot run these programs is passed over, and so is one that only lies beside a named program
    outside the repository. Folders are taken from ``root``, wherever a ``cd`` leads.
    """
    words = [word.strip("\"'();") for word in re.split(r"[\s=:;&|]+", command)]
    words = [_FROM_ROOT.sub("", word) for word in words if len(word) <= MOST_CHARS]
    bins = [word for word in words if _IN_BIN.fullmatch(word)]
    bins += [f"{word}/x" for word in words if PurePosixPath(word).name == "bin"]
    if re.search(r"\b(?:uv|poetry|pdm|pipenv|hatch) run\b", command):
        bins.append(".venv/bin/x")  # where they are told to, or by default, put it
    root = Path(os.path.normpath(root))
    for word in bins:
        folder = Path(os.path.normpath(root / PurePosixPath(word).parent))
        named = PurePosixPath(word).name
        if named.startswith("python") and _is_fit(folder / named):
            return str(folder / named)
        for beside in ("python", "python3") if folder.is_relative_to(root) else ():
            if _is_fit(folder / beside):
                return str(folder / beside)
    return sys.executable


def _is_fit(python: Path) -> bool:
    """Whether it is there, has pytest and is as new as these programs need."""
    test = f"import sys, pytest; sys.exit(sys.version_info < {OLDEST})"
    try:
        done = subprocess.run([str(python), "-c", test], capture_output=True, timeout=20, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def find_test_arguments(command: str) -> list[str]:
    """The part of the test command that selects tests: paths, ``-k``, ``-m``; [] when it is not pytest's."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    while words and re.fullmatch(r"\w+=\S*", words[0]):
        words.pop(0)
    at = next((at for at, word in enumerate(words) if PurePosixPath(word).name in RUNNERS), None)
    if at is None:
        return []
    words = words[at + 1 :]
    kept: list[str] = []
    take = drop = False
    for word in words:
        if word in ("&&", "||", ";", "|"):
            break
        if drop:
            drop = False
        elif take:
            kept.append(word)
            take = False
        elif word in ("-k", "-m", "-o", "-W", "-p", "--rootdir", "-c", "--deselect", "--ignore"):
            kept.append(word)
            take = True
        elif word in ("-n", "--maxfail", "--tb", "--timeout", "--durations"):
            drop = True
        elif not word.startswith("-") or word.startswith(
            ("--ignore", "--deselect", "--import-mode", "--doctest")
        ):
            kept.append(word)
    return kept


def find_added_options(root: Path) -> list[str]:
    """``addopts`` of the repository's pytest configuration, without those of plugins that may be absent."""
    return [word for word in _read_options(root) if not _FOREIGN.match(word) and word != "--strict-config"]


def _read_options(root: Path) -> list[str]:
    for name in ("pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg"):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(root / name)
        except (configparser.Error, OSError, UnicodeDecodeError):
            continue
        section = "tool:pytest" if name == "setup.cfg" else "pytest"
        if parser.has_option(section, "addopts"):
            try:
                return shlex.split(parser.get(section, "addopts"), comments=True)
            except ValueError:  # an open quote, over which pytest itself ends
                return []
    try:
        data = tomllib.loads((root / "pyproject.toml").read_text())
        value = data["tool"]["pytest"]["ini_options"]["addopts"]
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
        return shlex.split(value) if isinstance(value, str) else []
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return []


def list_argument_lines(root: Path, command: str) -> Iterator[Sequence[str]]:
    """Argument lists to start pytest with, the most faithful first; the next when pytest refuses one."""
    chosen = find_test_arguments(command)
    yield (*OWN, *chosen)
    kept = shlex.join(find_added_options(root))
    yield (*OWN, "-o", f"addopts={kept}", *chosen)
    yield (*OWN, "-o", "addopts=", "-W", "default", *chosen)
    yield (*OWN, "-o", "addopts=", "-W", "default")
