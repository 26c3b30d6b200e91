"""Has pytest pass over the Python files of a large tree that are no tests by their names.

pytest asks its hooks about each file, once whether to ignore it and once what to collect from it, which takes
seconds where there are 100,000. This answers the first question where the answer to the second is known to be
nothing. It leaves both to pytest where a plugin or a conftest.py has a say in either.
https://docs.pytest.org/en/stable/reference/reference.html#pytest.hookspec.pytest_ignore_collect

It runs in the repository's own Python, which may be old: Python 3.7 must read it. It is loaded by name: see
``hob_test_report`` for the word PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Optional

import pytest

_OWN = ("_pytest.main", "_pytest.python", "_pytest.doctest")  # pytest's own modules with these hooks
_LOADED_ANYHOW = ("__init__.py", "conftest.py")


class QuickCollection:
    """The hook; ``pytest_configure`` registers it."""

    def __init__(self, config: Any) -> None:
        self._tests = re.compile("|".join(fnmatch.translate(each) for each in config.getini("python_files")))
        hook = config.pluginmanager.hook  # of pytest itself: what config has is another thing in pytest 7
        self._hooks = (hook.pytest_ignore_collect, hook.pytest_collect_file)
        self._seen = -1  # of how many implementations it is known whether they are pytest's own
        self._alone = False
        self._session: Any = None

    def pytest_sessionstart(self, session: Any) -> None:
        """The session knows what the command names."""
        self._session = session

    def pytest_ignore_collect(self, collection_path: Any) -> Optional[bool]:  # noqa: UP045
        """True for what pytest would collect nothing from; None has pytest decide."""
        name = collection_path.name
        if not name.endswith(".py") or name in _LOADED_ANYHOW or self._tests.match(name):
            return None
        if not self._is_alone() or self._session is None or self._session.isinitpath(collection_path):
            return None
        return True if collection_path.is_file() else None

    def _is_alone(self) -> bool:
        """Whether these hooks are pytest's and this one; a conftest.py adds its own when it is reached."""
        added = [each for hook in self._hooks for each in hook.get_hookimpls()]
        if len(added) != self._seen:
            self._seen = len(added)
            names = [getattr(each.plugin, "__name__", "") for each in added if each.plugin is not self]
            self._alone = all(name in _OWN for name in names)
        return self._alone


def pytest_configure(config: Any) -> None:
    """Register the hook, where pytest has paths as it takes them, and files are tests by name alone."""
    if getattr(pytest, "version_tuple", (0,)) < (7,) or not config.pluginmanager.has_plugin("python"):
        return
    by_name = not any("/" in pattern for pattern in config.getini("python_files"))
    if by_name and not config.getoption("doctestmodules", False):
        config.pluginmanager.register(QuickCollection(config), "hob-quick-collection")
