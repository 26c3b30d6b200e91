"""Which paths decide how a test run ends, by the names that test runners look for."""

from __future__ import annotations

import re

_TEST_PATH = re.compile(
    r"(^|/)(tests?/|conftest\.py$|test_[^/]*$|[^/]*_test\.\w+$|[^/]*\.(test|spec)\.\w+$|pytest\.ini$|tox\.ini$)"
)


def is_test_path(path: str) -> bool:
    """Whether the path is a test, or configures a test runner."""
    return _TEST_PATH.search(path) is not None
