"""Runs one check's command, watches it to its end, and says on stderr what its test runner reported.

Test runners report each test through a named pipe, whose place they learn from the environment and take out
of it again, under a key that only they know: so the code under test can neither rewrite what was said before,
nor end a session that it did not begin. A session that its runner did not end is reported as such, whatever
the exit code. The command's own output goes to stdout unchanged; stderr of this process is not open to it.

Input: one JSON object on stdin, with ``command``, ``added`` (paths that are new in this tree) and ``report``
(False: without plugins). Output: one JSON object on stderr, see ``bot.run.prove.run_check``.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import select
import signal
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Every check waits for these imports: pathlib, secrets, subprocess, tempfile and typing cost more than
# the rest.
PLUGINS = os.path.join(os.path.dirname(os.path.realpath(__file__)), "plugins")  # noqa: PTH118, PTH120
ADDRESS = "HOB_TEST_REPORT"
ADDOPTS = "-p hob_test_report -p hob_quick_collection --continue-on-collection-errors"
# https://nodejs.org/api/cli.html#node_optionsoptions; the first reporter is what people read.
NODE_OPTIONS = (
    f"--require={PLUGINS}/hob_test_report.cjs",
    *("--test-reporter=spec", "--test-reporter-destination=stdout"),
    *(f"--test-reporter=file://{PLUGINS}/hob_test_report.mjs", "--test-reporter-destination=stdout"),
)
# `PYTHONPATH=lib pytest`, `env PYTHONPATH="a:b" ...`, `export PYTHONPATH=src`: what a value follows.
SETS_PYTHONPATH = re.compile(r"(?<![\w$.-])PYTHONPATH=")
NO_VALUE = re.compile(r"\s|;|&|\||\)|\Z|''|\"\"")
MOST_SESSIONS = 400
SHEBANG_CHARS = 100  # of the 127 that old kernels read of a program's first line
PIPE_BYTES = 1 << 20
END = os.urandom(16).hex().encode()
GIT_SECONDS = 60
_PR_SET_DUMPABLE = 4
# The worst that was said of a test counts, where it ran more than once.
_ORDER = ("passed", "skipped", "failed")


class Session:
    """What one test runner reported under one key."""

    def __init__(self) -> None:
        self.runner = ""
        self.found = -1  # how many tests it says that it will run; -1: it did not say
        self.running = ""
        self.status: int | None = None  # its own exit status; None: it did not come to its end
        self.tests: dict[str, str] = {}

    def take(self, told: dict[str, Any]) -> None:
        """Take one line of the report. Nothing is taken after the end."""
        if self.status is not None:
            return
        if "begin" in told:
            self.runner = str(told["begin"])
        elif "found" in told:
            self.found = int(told["found"])
        elif "running" in told:
            self.running = str(told["running"])
        elif "end" in told:
            self.status = int(told["end"])
        elif told.get("was") in _ORDER:
            name, was = str(told["test"]), str(told["was"])
            self.tests[name] = max(self.tests.get(name, was), was, key=_ORDER.index)
            self.running = "" if self.running == name and told.get("over", True) else self.running


class Reports:
    """Listens for test runners until ``close``."""

    def __init__(self, folder: str) -> None:
        self.address = f"{folder}/report"
        os.mkfifo(self.address, 0o600)
        self._pipe = os.open(self.address, os.O_RDWR | os.O_CLOEXEC)  # also for writing: so it has no end
        with contextlib.suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._sessions: dict[str, Session] = {}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        rest = b""
        while True:
            rest += os.read(self._pipe, PIPE_BYTES)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line == END:
                    return
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                    self._take(json.loads(line))

    def _take(self, told: dict[str, Any]) -> None:
        key = str(told["key"])
        if "begin" in told and len(self._sessions) < MOST_SESSIONS:
            self._sessions.setdefault(key, Session())
        self._sessions[key].take(told)

    def close(self) -> list[Session]:
        """Read what was written so far, and nothing more."""
        with contextlib.suppress(OSError):  # the command may have done so
            os.unlink(self.address)  # noqa: PTH108
        os.write(self._pipe, b"\n" + END + b"\n")
        self._reading.join(10)
        return list(self._sessions.values())


class TrackedFiles:
    """The tracked files as they are, to be compared with later. Without git there is nothing to compare."""

    def __init__(self, folder: str, added: list[str]) -> None:
        self._folder = folder
        self._env = {**os.environ, "GIT_INDEX_FILE": f"{folder}/index", "GIT_OPTIONAL_LOCKS": "0"}
        self._known = False
        try:
            with open(".git/index", "rb") as index, open(self._env["GIT_INDEX_FILE"], "xb") as copy:  # noqa: PTH123
                copy.write(index.read())
        except OSError:
            return
        self._known = self._git("add", "--update") is not None
        if added and self._known:
            spec = "\0".join(added)
            self._known = (
                self._git("add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=spec)
                is not None
            )

    def list_changed(self) -> list[str]:
        """Paths whose content is another now, or that are gone."""
        listed = self._git("diff-files", "--name-only", "-z") if self._known else None
        return [path for path in (listed or "").split("\0") if path]

    def _git(self, *args: str, stdin: str = "") -> str | None:
        """What git prints; None where it fails."""
        options = ("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "--literal-pathspecs")
        asked = os.devnull
        if stdin:
            asked = f"{self._folder}/asked"
            with open(asked, "wb") as file:  # noqa: PTH123
                file.write(stdin.encode("utf-8", "surrogateescape"))
        try:
            out = read_output(("git", *options, *args), self._env, asked)
        except OSError:
            return None
        return None if out is None else out.decode("utf-8", "surrogateescape")


def read_output(argv: tuple[str, ...], env: dict[str, str], stdin: str) -> bytes | None:
    """What a program prints that reads the file ``stdin``; None where it fails or takes over GIT_SECONDS.

    Raises OSError where it is not there.
    """
    reading, writing = os.pipe()
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writing, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            pid = start(argv, env, actions)
        finally:
            os.close(writing)
        poll = select.poll()
        poll.register(reading, select.POLLIN)
        deadline = time.monotonic() + GIT_SECONDS
        out = b""
        while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            piece = os.read(reading, 1 << 16)
            if not piece:
                return out if wait(pid) == 0 else None
            out += piece
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        return None
    finally:
        os.close(reading)


def start(argv: tuple[str, ...], env: dict[str, str], actions: list[tuple[Any, ...]]) -> int:
    """Start a program of ``env``'s path, as ``subprocess`` would; its process id. Raises OSError."""
    found = (f"{path}/{argv[0]}" for path in os.get_exec_path(env))
    program = next((path for path in found if os.access(path, os.X_OK)), argv[0])
    # Python ignores these two signals itself.
    return os.posix_spawn(
        program, argv, env, file_actions=actions, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
    )


def wait(pid: int) -> int:
    """A process's exit code; of one that a signal ended, the signal's number and 128."""
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def main() -> None:
    """Run the command and write the report."""
    told = json.load(sys.stdin)
    with contextlib.suppress(OSError, AttributeError):  # its memory and descriptors are closed to the command
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    answer = os.fdopen(os.dup(2), "w", encoding="ascii")  # not inherited
    os.dup2(1, 2)
    folder = f"{os.environ.get('TMPDIR') or '/tmp'}/.hob-{os.urandom(16).hex()}"  # noqa: S108
    os.mkdir(folder, 0o700)  # noqa: PTH102
    before = TrackedFiles(folder, told["added"])
    reports = Reports(folder)
    env, command = dict(os.environ), told["command"]
    if told["report"]:
        env, command = make_environment(reports.address, make_tools(folder)), keep_plugins(command)
    nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    code = wait(start(("bash", "-c", command), env, [nothing]))
    sessions = reports.close()
    report = {
        "exit": code,
        "changed": before.list_changed()[:200],
        "sessions": [
            {"runner": each.runner, "found": each.found, "running": each.running, "status": each.status}
            for each in sessions
        ],
        "tests": merge_tests(sessions),
    }
    remove_folder(folder)
    json.dump(report, answer)
    answer.close()


def remove_folder(folder: str) -> None:
    """Remove a folder with all that is in it, as far as that is possible."""
    for above, folders, files in os.walk(folder, topdown=False):
        for name in files:
            with contextlib.suppress(OSError):
                os.unlink(f"{above}/{name}")  # noqa: PTH108
        for name in folders:
            with contextlib.suppress(OSError):
                os.rmdir(f"{above}/{name}")  # noqa: PTH106
    with contextlib.suppress(OSError):
        os.rmdir(folder)  # noqa: PTH106


def make_tools(folder: str) -> str:
    """A folder for the front of PATH with a wrapper of ``go``; '' where there is no go."""
    there = any(os.access(f"{path}/go", os.X_OK) for path in os.get_exec_path())
    if not there or " " in sys.executable or len(sys.executable) > SHEBANG_CHARS:
        return ""
    tools = f"{folder}/bin"
    os.mkdir(tools)  # noqa: PTH102
    with open(f"{PLUGINS}/hob_go_report.py", encoding="utf-8") as program:  # noqa: PTH123
        text = program.read()
    with open(f"{tools}/go", "w", encoding="utf-8") as tool:  # noqa: PTH123
        tool.write(f"#!{sys.executable} -IS\n{text}")
    os.chmod(f"{tools}/go", 0o700)  # noqa: PTH101
    return tools if os.access(f"{tools}/go", os.X_OK) else ""


def make_environment(address: str, tools: str = "") -> dict[str, str]:
    """The command's environment: as it is, and with what makes test runners report to ``address``."""
    env = {**os.environ, ADDRESS: address}
    env["PATH"] = os.pathsep.join(path for path in (tools, env.get("PATH", "")) if path)
    env["PYTHONPATH"] = os.pathsep.join(path for path in (PLUGINS, env.get("PYTHONPATH", "")) if path)
    env["PYTEST_ADDOPTS"] = f"{env.get('PYTEST_ADDOPTS', '')} {ADDOPTS}".strip()
    env["NODE_OPTIONS"] = " ".join((env.get("NODE_OPTIONS", ""), *NODE_OPTIONS)).strip()
    return env


def keep_plugins(command: str) -> str:
    """The command with the plugins in front of what it sets ``PYTHONPATH`` to itself."""
    parts = SETS_PYTHONPATH.split(command)
    told = [f"{PLUGINS}{'' if NO_VALUE.match(part) else os.pathsep}{part}" for part in parts[1:]]
    return "PYTHONPATH=".join((parts[0], *told))


def merge_tests(sessions: list[Session]) -> dict[str, str]:
    """Each test once, with the worst that was said of it."""
    merged: dict[str, str] = {}
    for session in sessions:
        for name, was in session.tests.items():
            merged[name] = max(merged.get(name, was), was, key=_ORDER.index)
    return merged


if __name__ == "__main__":
    main()
