"""Tells the process that watches a check how each test ends: as a plugin of pytest, and for unittest.

It runs in the repository's own Python, which may be old: Python 3.7 must read it. pytest imports it by name
where ``sitecustomize`` may have done so before; the word that follows keeps it from warning of that, of which
``filterwarnings = error`` makes an error: PYTEST_DONT_REWRITE
(https://docs.pytest.org/en/stable/how-to/assert.html#disabling-assert-rewriting).
"""

from __future__ import annotations

import binascii
import gc
import json
import os
from typing import Any, Dict, Optional  # noqa: UP035

ADDRESS = "HOB_TEST_REPORT"
NAME_CHARS = 600  # of 4096 bytes that a pipe takes at once; a character may take six


class Channel:
    """What one session writes to. Only the process that opened it writes, and it never raises."""

    def __init__(self, pipe: int, runner: str) -> None:
        self._pid = os.getpid()
        self._key = binascii.hexlify(os.urandom(16)).decode("ascii")
        self._pipe = pipe
        self.tell(begin=runner)

    def tell(self, **said: Any) -> None:
        """Write one line, short enough not to be mixed with another process's."""
        if os.getpid() != self._pid:
            return
        said["key"] = self._key
        for name in ("test", "running"):
            if name in said:
                said[name] = said[name][:NAME_CHARS]
        try:
            os.write(self._pipe, json.dumps(said).encode("ascii") + b"\n")
        except OSError:
            self._pid = -1

    def end(self, status: int) -> None:
        """Say that the runner came to its end, and hang up."""
        self.tell(end=status)
        if os.getpid() == self._pid:
            self._pid = -1
            os.close(self._pipe)


class Pipe:
    """The way to whoever watches the check, opened before code of the repository runs in this process.

    That code may clear the environment, or write results of its own there: what the runner itself says later
    goes where it was to go, and the worst that is said of a test counts.
    """

    def __init__(self) -> None:
        self._opened: Optional[int] = None  # noqa: UP045

    def find(self) -> None:
        """Open it where the environment names it, once. A runner may be started from here as well."""
        address = os.environ.get(ADDRESS, "")
        if not address or self._opened is not None:
            return
        try:
            self._opened = os.open(address, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return

    def take(self, runner: str) -> Optional[Channel]:  # noqa: UP045
        """A session on it, once: a runner within a runner reports to nobody."""
        self.find()
        os.environ.pop(ADDRESS, None)
        opened, self._opened = self._opened, None
        return None if opened is None else Channel(opened, runner)


_pipe = Pipe()


class Session:
    """What pytest calls. Registered from ``pytest_configure``, so that it is not there in xdist's workers."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._status = -1

    def pytest_collection_finish(self, session: Any) -> None:
        """Say how many tests will run."""
        self._channel.tell(found=len(session.items))

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be imported is a failure of its own name."""
        if report.failed:
            self._channel.tell(test=report.nodeid or ".", was="failed")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say which test runs, in case that it is the last."""
        self._channel.tell(running=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """The call decides, and what fails before or after it fails the test too."""
        if report.outcome == "rerun":  # pytest-rerunfailures: the last run counts
            return
        was = report.outcome if report.outcome in ("passed", "skipped") else "failed"
        if report.when == "call" or was != "passed":
            self._channel.tell(test=report.nodeid, was=was, over=report.when == "teardown")

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Nothing runs between two tests."""
        self._channel.tell(running="")

    def pytest_sessionfinish(self, exitstatus: Any) -> None:
        """Remember the status; other plugins may still fail."""
        self._status = int(exitstatus)

    def pytest_unconfigure(self) -> None:
        """The end."""
        self._channel.end(self._status)


def pytest_addoption(parser: Any) -> None:
    """Called before a conftest.py is read, which may import the repository's code."""
    _pipe.find()


def pytest_configure(config: Any) -> None:
    """Report from the process that the command started, not from workers."""
    if hasattr(config, "workerinput"):
        return
    channel = _pipe.take("pytest")
    if channel is not None:
        config.pluginmanager.register(Session(channel), "hob-session")
        gc.freeze()  # pytest's own modules: they need not be looked through at each of its collections


class Watch:
    """Reports of ``unittest``, whoever runs it: the result that is opened first is the session's."""

    def __init__(self, result_class: Any) -> None:
        _pipe.find()
        self._channel: Optional[Channel] = None  # noqa: UP045
        self._owner: Any = None
        self._failed: Dict[str, bool] = {}  # noqa: UP006
        for name, was in (
            ("addSuccess", "passed"),
            ("addExpectedFailure", "skipped"),
            ("addSkip", "skipped"),
            ("addUnexpectedSuccess", "failed"),
            ("addFailure", "failed"),
            ("addError", "failed"),
        ):
            setattr(result_class, name, self._wrap(getattr(result_class, name), was))
        sub, begin, end = result_class.addSubTest, result_class.startTestRun, result_class.stopTestRun
        start = result_class.startTest
        watch = self

        def add_sub_test(result: Any, test: Any, subtest: Any, err: Any) -> Any:
            if err is not None:
                watch._tell(result, test, "failed")
            return sub(result, test, subtest, err)

        def start_test(result: Any, test: Any) -> Any:
            if watch._channel is not None and watch._owner is result:
                watch._channel.tell(running=name_test(test))
            return start(result, test)

        def start_test_run(result: Any) -> Any:
            if watch._channel is None:
                watch._channel = _pipe.take("unittest")
                watch._owner = result if watch._channel else None
            return begin(result)

        def stop_test_run(result: Any) -> Any:
            if watch._channel is not None and watch._owner is result:
                watch._channel.end(0 if result.wasSuccessful() else 1)
                watch._channel = None
            return end(result)

        result_class.addSubTest, result_class.startTest = add_sub_test, start_test
        result_class.startTestRun, result_class.stopTestRun = start_test_run, stop_test_run

    def _wrap(self, method: Any, was: str) -> Any:
        watch = self

        def add(result: Any, test: Any, *rest: Any) -> Any:
            watch._tell(result, test, was)
            return method(result, test, *rest)

        return add

    def _tell(self, result: Any, test: Any, was: str) -> None:
        if self._channel is not None and self._owner is result:
            self._channel.tell(test=name_test(test), was=was)


def name_test(test: Any) -> str:
    """The test's dotted name; a module that cannot be imported bears its own."""
    name = str(test.id())
    for prefix in ("unittest.loader._FailedTest.", "unittest.loader.ModuleImportFailure."):
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name
