"""Stands before ``go`` on a check's PATH: ``go test`` runs with ``-json``, so that each test is reported by
name.

What people read stays what ``go test`` prints without that. The tests do not learn where their results go.
https://pkg.go.dev/cmd/test2json describes the events.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ADDRESS = "HOB_TEST_REPORT"
NAME_CHARS = 600  # of 4096 bytes that a pipe takes at once; a character takes four at most
ENDS = {"pass": "passed", "fail": "failed", "skip": "skipped"}
# What has another output, or runs no tests.
OTHER = ("-json", "-c", "-list", "-n", "-x", "-h", "-help", "-bench", "-fuzz", "-exec", "-o")
UNREAD = re.compile(rb"FAIL\s+(\S+) \[(?:setup|build) failed\]")
MARKS = ("=== RUN", "=== PAUSE", "=== CONT", "=== NAME")


class Channel:
    """One session's lines to whoever watches the check; it never raises."""

    def __init__(self, address: str) -> None:
        self._key = secrets.token_hex(16)
        self._pipe = os.open(address, os.O_WRONLY)
        self.tell(begin="go")

    def tell(self, **said: object) -> None:
        """Write one line, short enough not to be mixed with another process's."""
        try:
            os.write(self._pipe, json.dumps({**said, "key": self._key}).encode() + b"\n")
        except OSError:
            return


class Package:
    """One package's tests, and its output as far as it is not printed yet."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str]] = []  # the test that it is of, '' for none
        self._parents: set[str] = set()
        self._failed: set[str] = set()

    def take(self, test: str, text: str) -> None:
        """Keep what was printed."""
        self._lines.append((test, text))

    def begin(self, test: str) -> None:
        """A test began; a test that has subtests is reported by these."""
        self._parents.add(test.rpartition("/")[0])

    def end(self, test: str, was: str) -> bool:
        """A test ended; whether that is to be told."""
        known = any(each.startswith(f"{test}/") for each in self._failed)
        if was == "failed":
            self._failed.add(test)
        return test not in self._parents or (was == "failed" and not known)

    @property
    def has_failures(self) -> bool:
        """Whether a test of it failed."""
        return bool(self._failed)

    def print(self, *, passed: bool, verbose: bool) -> None:
        """Print it: all where that was asked for, else the last line, or what has to do with failures."""
        if verbose:
            shown = [text for _, text in self._lines]
        elif passed:
            shown = [text for test, text in self._lines if not test and text.startswith(("ok  ", "?   "))]
        else:
            shown = [
                text
                for test, text in self._lines
                if (not test or test in self._failed) and not text.startswith(MARKS)
            ]
        sys.stdout.write("".join(shown))
        sys.stdout.flush()


def main() -> None:
    """Run ``go`` with these arguments."""
    words = sys.argv[1:]
    here = Path(sys.argv[0]).resolve().parent
    places = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(each for each in places if Path(each).resolve() != here)
    go = shutil.which("go")
    if go is None:
        sys.stderr.write("go: command not found\n")
        sys.exit(127)
    flags = [word.lstrip("-").partition("=")[0] for word in words if word.startswith("-")]
    plain = words[:1] == ["test"] and not any(f"-{flag}" in OTHER for flag in flags)
    if not plain or "-json" in os.environ.get("GOFLAGS", ""):
        os.execv(go, ["go", *words])  # noqa: S606 - this program takes the other's place
    address = os.environ.pop(ADDRESS, "")
    try:
        channel = Channel(address)
    except OSError:
        os.execv(go, ["go", *words])  # noqa: S606
    verbose = any(flag in ("v", "test.v") for flag in flags)
    running = subprocess.Popen([go, "test", "-json", *words[1:]], stdout=subprocess.PIPE)
    packages: dict[str, Package] = {}
    assert running.stdout is not None  # noqa: S101
    for line in running.stdout:
        if not take_event(line, packages, channel, verbose=verbose):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            if unread := UNREAD.match(line):  # an older go has no event for it
                channel.tell(test=unread[1].decode("utf-8", "replace")[:NAME_CHARS], was="failed")
    code = running.wait()
    for left in packages.values():
        left.print(passed=False, verbose=verbose)
    channel.tell(end=code if code >= 0 else 128 - code)
    sys.exit(code if code >= 0 else 128 - code)


def take_event(line: bytes, packages: dict[str, Package], channel: Channel, *, verbose: bool) -> bool:
    """Take one line of output; False when it is not an event."""
    try:
        event = json.loads(line)
        action = str(event["Action"])
    except (ValueError, KeyError, TypeError):
        return False
    name, test = str(event.get("Package", "")), str(event.get("Test", ""))
    if action == "build-output":
        sys.stdout.write(str(event.get("Output", "")))
        return True
    if not name:
        return True
    package = packages.setdefault(name, Package())
    if action == "output":
        package.take(test, str(event.get("Output", "")))
    elif action == "run":
        package.begin(test)
        channel.tell(running=f"{name} > {test}"[:NAME_CHARS])
    elif action in ENDS and test:
        told = package.end(test, ENDS[action])
        if told:
            channel.tell(test=f"{name} > {test}"[:NAME_CHARS], was=ENDS[action])
    elif action in ENDS:
        if action == "fail" and not package.has_failures:
            channel.tell(test=name[:NAME_CHARS], was="failed")
        packages.pop(name).print(passed=action != "fail", verbose=verbose)
    return True


if __name__ == "__main__":
    main()
