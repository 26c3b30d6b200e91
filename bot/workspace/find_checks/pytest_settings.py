"""pytest's settings of one folder, from the file that pytest itself would take.

https://docs.pytest.org/en/stable/reference/customize.html#configuration-file-formats
"""

from __future__ import annotations

import configparser
import shlex
from dataclasses import dataclass
from typing import Any

from bot.workspace.find_checks.tree import Tree, get, join, list_texts

NAMES = ("python_files", "testpaths", "addopts", "pythonpath", "DJANGO_SETTINGS_MODULE")


@dataclass(frozen=True, slots=True, kw_only=True)
class PytestSettings:
    """What matters for finding tests. ``patterns`` is empty where the names are pytest's own."""

    patterns: tuple[str, ...] = ()
    testpaths: tuple[str, ...] = ()
    addopts: tuple[str, ...] = ()
    django: bool = False

    @property
    def runs_doctests(self) -> bool:
        """Whether doctests are tests here, so that no file needs a test's name."""
        return any(word.startswith(("--doctest-modules", "--doctest-glob")) for word in self.addopts)


def read_pytest_settings(tree: Tree, folder: str) -> PytestSettings | None:
    """The settings in a folder's own file; None where it has none."""
    for name in ("pytest.toml", ".pytest.toml"):
        if tree.has(join(folder, name)):
            return _as_settings(get(tree.toml(join(folder, name)), "pytest") or {})
    for name in ("pytest.ini", ".pytest.ini"):
        if tree.has(join(folder, name)):
            return _as_settings(read_ini(tree, join(folder, name), "pytest") or {})
    table = get(tree.toml(join(folder, "pyproject.toml")), "tool", "pytest")
    if isinstance(table, dict):
        return _as_settings(table.get("ini_options", table))
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        values = read_ini(tree, join(folder, name), section)
        if values is not None:
            return _as_settings(values)
    return None


def read_ini(tree: Tree, path: str, section: str) -> dict[str, str] | None:
    """One section of an INI file, None where it is missing or the file cannot be read."""
    return parse_ini(tree.text(path), section)


def parse_ini(text: str, section: str) -> dict[str, str] | None:
    """One section of an INI file's text, None where it is missing or the text cannot be read."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return dict(parser.items(section)) if parser.has_section(section) else None


def _as_settings(values: Any) -> PytestSettings:
    words = {name: _split(get(values, name)) for name in NAMES}
    return PytestSettings(
        patterns=words["python_files"],
        testpaths=tuple(
            "" if path == "." else path.removeprefix("./").rstrip("/") for path in words["testpaths"]
        ),
        addopts=words["addopts"],
        django=bool(words["DJANGO_SETTINGS_MODULE"]) or "--ds" in " ".join(words["addopts"]),
    )


def _split(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(list_texts(value))
    if not isinstance(value, str):
        return ()
    try:
        return tuple(shlex.split(value, comments=True))
    except ValueError:
        return tuple(value.split())
