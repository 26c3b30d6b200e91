"""The files in which tests stand, found by the tests' names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from bot.run.prove.named_files import ReadBase

MOST_FILES = 40  # that are looked for
MOST_BYTES = 256 << 10  # of one of them


def read_test_files(tests: Iterable[str], read_base: ReadBase) -> dict[str, str]:
    """The texts of the files that ``tests`` stand in, by path, as far as their names tell."""
    found = {}
    paths = dict.fromkeys(path for test in tests for path in _guess_paths(test))
    for path in islice(paths, MOST_FILES):
        data = read_base(path)
        if data is not None:
            found[path] = data[:MOST_BYTES].decode("utf-8", "replace")
    return found


def _guess_paths(test: str) -> Iterator[str]:
    """Where a test may stand, by its name: ``a/test_b.py::c``, ``a.test.js > it``, ``a.test_b.C.d``."""
    path = re.split(r"::| > ", test, maxsplit=1)[0]
    if path != test:
        yield path
        return
    parts = test.split(".")
    for n in range(1, min(len(parts), 8)):
        yield "/".join(parts[:n]) + ".py"
