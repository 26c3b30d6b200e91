"""What the recorder wrote to ``{test: outcome}``, under one spelling of test ids.

pytest writes ``tests/test_x.py::Case::test_a[1]``, unittest ``tests.test_x.Case.test_a``, and suites from
elsewhere ``test_a (tests.test_x.Case)``: all are compared as dotted names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_BRACKETED = re.compile(r"(\w+) \(([\w.]+)\)")


class TestOutcome(StrEnum):
    """What became of one test; of several reports of it the worst counts."""

    __test__ = False  # not a test case of pytest's, for all its name

    PASSED = "passed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcomes:
    """Outcomes by canonical id, and the ids as they were written. ``whole``: the run came to its end."""

    __test__ = False

    outcomes: dict[str, TestOutcome]
    spelled: dict[str, str]
    whole: bool

    def passed(self, test: str) -> bool:
        """Whether ``test`` ran and passed, in a run that was completed."""
        return self.whole and self.outcomes.get(make_canonical(test)) is TestOutcome.PASSED

    def list_failing(self, tests: Sequence[str]) -> tuple[str, ...]:
        """Those that did not pass: failed, skipped, or not there."""
        return tuple(test for test in tests if not self.passed(test))


def make_canonical(test: str) -> str:
    """The one spelling under which ids are compared."""
    bracketed = _BRACKETED.fullmatch(test)
    if bracketed:
        name, where = bracketed.groups()
        return where if where.endswith(f".{name}") else f"{where}.{name}"
    path, colons, rest = test.partition("::")
    if not colons:
        return test
    return f"{path.removesuffix('.py').replace('/', '.')}.{rest.replace('::', '.')}"


def read_outcomes(text: str) -> TestOutcomes:
    """The recorder's lines; what is no such line is left out (the code under test can write there too)."""
    order = list(TestOutcome)
    outcomes: dict[str, TestOutcome] = {}
    spelled: dict[str, str] = {}
    whole = False
    for line in text.splitlines():
        try:
            row = json.loads(line)
            if "finished" in row:
                whole = True
                continue
            test, seen = str(row["id"]), TestOutcome(row["outcome"])
        except (ValueError, KeyError, TypeError):
            continue
        name = make_canonical(test)
        spelled.setdefault(name, test)
        outcomes[name] = max(outcomes.get(name, seen), seen, key=order.index)
    return TestOutcomes(outcomes=outcomes, spelled=spelled, whole=whole)
