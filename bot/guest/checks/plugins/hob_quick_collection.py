"""Has pytest pass over the Python files of a large tree that are no tests by their names.

pytest asks its hooks about each file, once whether to ignore it and once what to collect from it, which takes
seconds where there are 100,000. This answers the first question where the answer to the second is known to be
nothing. It leaves both to pytest where a plugin or a conftest.py has a say in either, or has put something in
place of what asks them; settings are looked up for each file, since a conftest.py may set them at any time.
https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_ignore_collect

It runs in the repository's own Python, which may be old: Python 3.7 must read it. It is loaded by name: see
``hob_test_report`` for the word PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from typing import Any, List, Optional, Sequence  # noqa: UP035

import _pytest.main
import _pytest.pathlib
import _pytest.python
import pytest

_OWN = ("_pytest.main", "_pytest.python", "_pytest.doctest")  # pytest's own modules with these hooks
# What asks the hooks, in one version of pytest or another: a repository may put something in its place.
_ASKING = tuple(
    (module, owner, name)
    for module, owner, names in (
        (_pytest.main, "Session", ("collect", "gethookproxy", "isinitpath", "_collectfile", "_collect_path")),
        (_pytest.main, "Dir", ("collect",)),
        (_pytest.python, "Package", ("collect", "_collectfile")),
    )
    for name in names
    if hasattr(getattr(module, owner, None), name)
)
_ASKED_BY = ("_pytest.main", "_pytest.python", "_pytest.nodes", "_pytest.pathlib", "fnmatch")
_LOADED_ANYHOW = ("__init__.py", "conftest.py")


class QuickCollection:
    """The hook; ``pytest_configure`` registers it."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._patterns: List[str] = []  # noqa: UP006
        self._tests = re.compile("")  # what fits one of the patterns
        self._seen: List[Any] = []  # noqa: UP006  # of what it is known whether it is pytest's own
        self._alone = False
        self._session: Any = None

    def pytest_sessionstart(self, session: Any) -> None:
        """The session knows what the command names."""
        self._session = session

    def pytest_ignore_collect(self, collection_path: Any) -> Optional[bool]:  # noqa: UP045
        """True for what pytest would collect nothing from; None has pytest decide."""
        if collection_path.suffix != ".py" or collection_path.name in _LOADED_ANYHOW:
            return None
        if self._session is None or not self._is_alone() or self._may_hold_tests(collection_path):
            return None
        return True if collection_path.is_file() else None

    def _may_hold_tests(self, path: Any) -> bool:
        """Whether pytest's own hooks may collect something from a Python file, by what is set now."""
        if getattr(self._config.option, "doctestmodules", False) or self._session.isinitpath(path):
            return True
        patterns = self._config.getini("python_files")
        if patterns != self._patterns:
            self._patterns = list(patterns)
            by_name = not any("/" in pattern for pattern in patterns)
            self._tests = re.compile("|".join(map(fnmatch.translate, patterns)) if by_name else "")
        return self._tests.match(path.name) is not None

    def _is_alone(self) -> bool:
        """Whether these hooks are pytest's and this one; a conftest.py adds its own when it is reached."""
        hook = self._config.pluginmanager.hook  # what config has itself is another thing in pytest 7
        callers = [hook.pytest_ignore_collect, hook.pytest_collect_file]
        callers += [hook.pytest_collect_directory] if hasattr(hook, "pytest_collect_directory") else []
        added = [each for caller in callers for each in caller.get_hookimpls() if each.plugin is not self]
        asking = [getattr(getattr(module, owner), name) for module, owner, name in _ASKING]
        asking += [_pytest.python.path_matches_patterns, _pytest.pathlib.fnmatch_ex, fnmatch.fnmatch]
        seen = [*added, *(each.function for each in added), *asking]
        if seen != self._seen:
            self._seen = seen
            self._alone = all(map(_is_own, added)) and all(_stands_in(each, _ASKED_BY) for each in asking)
        return self._alone


def _is_own(implementation: Any) -> bool:
    """Whether an implementation of a hook is pytest's."""
    name = getattr(implementation.plugin, "__name__", "")
    return name in _OWN and _stands_in(implementation.function, (name,))


def _stands_in(function: Any, modules: Sequence[str]) -> bool:
    """Whether a function was written in one of the modules."""
    written = getattr(function, "__globals__", None)
    return any(written is vars(sys.modules[name]) for name in modules if name in sys.modules)


def pytest_configure(config: Any) -> None:
    """Register the hook, where pytest has paths as it takes them and looks for tests by name."""
    if getattr(pytest, "version_tuple", (0,)) < (7,) or not config.pluginmanager.has_plugin("python"):
        return
    if hasattr(_pytest.python, "path_matches_patterns") and hasattr(_pytest.pathlib, "fnmatch_ex"):
        config.pluginmanager.register(QuickCollection(config), "hob-quick-collection")
