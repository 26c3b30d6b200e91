"""Runs inside the sandbox of ``bot.eval.judge``, on its own: writes one JSON line for each test's outcome.

As a pytest plugin (``-p hob_recorder``) and as a program in the place of ``-m unittest``. The lines go to
the file ``record`` beside it. The last line says that the run came to its end; without it nothing counts.
"""

from __future__ import annotations

import json
import sys
import unittest
from pathlib import Path
from typing import Any


def write(**row: Any) -> None:
    """Append one line, at once, so that a run that is cut off leaves whole lines."""
    with Path(__file__).with_name("record").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def pytest_runtest_logreport(report: Any) -> None:
    """Each phase of each test; the call counts, and every failure."""
    if report.when == "call" or report.outcome != "passed":
        write(id=report.nodeid, outcome=report.outcome)


def pytest_collectreport(report: Any) -> None:
    """A file that cannot be read."""
    if report.outcome == "failed":
        write(id=report.nodeid, outcome="failed")


def pytest_sessionfinish(session: Any, exitstatus: int) -> None:
    """The end, whatever the exit code."""
    write(finished=int(exitstatus))


class Recording(unittest.TextTestResult):
    """unittest's result, written down."""

    def addSuccess(self, test: unittest.TestCase) -> None:
        """A test passed."""
        super().addSuccess(test)
        write(id=test.id(), outcome="passed")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        """A test failed."""
        super().addFailure(test, err)
        write(id=test.id(), outcome="failed")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        """A test, or what prepares it, raised."""
        super().addError(test, err)
        write(id=test.id(), outcome="failed")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        """A test was left out."""
        super().addSkip(test, reason)
        write(id=test.id(), outcome="skipped")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        """A test failed as it says it does."""
        super().addExpectedFailure(test, err)
        write(id=test.id(), outcome="skipped")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        """A test passed that says it does not."""
        super().addUnexpectedSuccess(test)
        write(id=test.id(), outcome="failed")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        """One of the cases within a test."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            write(id=test.id(), outcome="failed")


class _Runner(unittest.TextTestRunner):
    def _makeResult(self) -> Recording:
        return Recording(self.stream, self.descriptions, self.verbosity)


class _Program(unittest.TestProgram):
    def runTests(self) -> None:
        """The runner is ours; the end is written before the process ends."""
        self.testRunner = _Runner(verbosity=self.verbosity)
        self.exit, leave = False, self.exit
        super().runTests()
        code = 0 if self.result.wasSuccessful() else 1
        write(finished=code)
        if leave:
            sys.exit(code)


if __name__ == "__main__":
    _Program(module=None)
