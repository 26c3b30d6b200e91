"""The git program under a fixed environment: nothing of this machine's configuration reaches it.

It is only ever pointed (``--git-dir``) at a directory that Hob wrote, or at a local repository that is
read by plumbing which runs no hook and no filter. Wildcard-named configuration keys (``filter.*``,
``diff.*``) cannot be switched off one by one, so the rule is that no configuration an agent could write
is ever read.
"""

from __future__ import annotations

import asyncio
import os
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bot.errors import Retry, UserError
from bot.git.remote import clean_server_text

Config = Sequence[tuple[str, str]]

MEMORY_BYTES = 2 << 30  # of one git process that a stranger's input keeps busy
# Of what one call prints, all of which is held in memory here: a tree of ten objects can list a billion files
# (https://kate.io/blog/git-bomb/). 300,000 files take some 60 MiB.
OUTPUT_BYTES = 128 << 20
_CHUNK = 1 << 16

# Old commits of honest repositories fail these checks of git-fsck; none of them harms a checkout.
# https://git-scm.com/docs/git-fsck#_fsck_messages
HARMLESS_FSCK = (
    "badDate",
    "badDateOverflow",
    "badEmail",
    "badName",
    "badTimezone",
    "missingEmail",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "missingTaggerEntry",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
)

BASE_CONFIG: tuple[tuple[str, str], ...] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.protectNTFS", "true"),
    ("core.protectHFS", "true"),
    ("core.symlinks", "true"),
    ("core.quotePath", "false"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.fsckObjects", "true"),
    ("transfer.fsckObjects", "true"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", "main"),
    ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
    *((f"fetch.fsck.{name}", "ignore") for name in HARMLESS_FSCK),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitResult:
    """How one call of git ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last newline."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


class GitFailed(Exception):
    """Git exited with an error. ``message`` is its error output, redacted."""

    def __init__(self, verb: str, code: int, message: str) -> None:
        super().__init__(f"git {verb} exited with {code}: {message}")
        self.message = message


@cache
def find_git() -> str:
    """Where git is; raises ``UserError`` when this machine has none."""
    found = shutil.which("git")
    if found is None:
        raise UserError("git is not installed on the machine that runs Hob", phase="prepare")
    return found


def make_environment(config: Config = ()) -> dict[str, str]:
    """The whole environment of a call: fixed, plus ``config`` by variables, so never in argv or a file."""
    pairs = (*BASE_CONFIG, *config)
    env = {
        "PATH": f"{Path(find_git()).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_SSH_COMMAND": "false",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_CONFIG_COUNT": str(len(pairs)),
    }
    for at, (key, value) in enumerate(pairs):
        env[f"GIT_CONFIG_KEY_{at}"] = key
        env[f"GIT_CONFIG_VALUE_{at}"] = value
    return env


async def run(
    git_dir: Path,
    *args: str,
    config: Config = (),
    stdin: bytes = b"",
    seconds: float = 60.0,
    work_tree: Path | None = None,
    token: str | None = None,
    env: Mapping[str, str] | None = None,
    allowed: Sequence[int] = (0,),
) -> GitResult:
    """Run git on ``git_dir`` to its end; raises ``GitFailed``, ``Retry`` when it takes over ``seconds``, or
    ``UserError`` when it prints more than ``OUTPUT_BYTES``.

    ``token`` is only used to redact what git says; ``env`` comes on top of the fixed environment; ``allowed``
    are the exit codes that do not mean failure.
    """
    argv = [find_git(), f"--git-dir={git_dir}"]
    if work_tree is not None:
        argv.append(f"--work-tree={work_tree}")
    with _hold_input(stdin) as given:
        process = await asyncio.create_subprocess_exec(
            *argv,
            *args,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=make_environment(config) | dict(env or {}),
            cwd=work_tree or "/",
            start_new_session=True,
        )
    try:
        async with asyncio.timeout(seconds):
            out, err = await _take_output(process, args[0])
    except TimeoutError:
        raise Retry(f"git {args[0]} took longer than {seconds:.0f} seconds") from None
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            # Not ``wait``, which waits for ever where a pipe is left full: gh-88050 of CPython
            await process.communicate()
    return _check_exit(args[0], process.returncode or 0, out, err, token, allowed)


def run_now(
    git_dir: Path,
    *args: str,
    cwd: Path = Path("/"),
    stdin: bytes = b"",
    seconds: float = 60.0,
    env: Mapping[str, str] | None = None,
    allowed: Sequence[int] = (0,),
) -> GitResult:
    """``run`` without an event loop, for local work in a thread, within ``MEMORY_BYTES``. Blocking."""
    with (
        _hold_input(stdin) as given,
        subprocess.Popen(
            [find_git(), f"--git-dir={git_dir}", *args],
            env=make_environment() | dict(env or {}),
            cwd=cwd,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process,
    ):
        _limit_memory(process.pid)
        try:
            out, err = _take_output_now(process, args[0], seconds)
        except TimeoutError:
            raise Retry(f"git {args[0]} took longer than {seconds:.0f} seconds") from None
        finally:
            if process.poll() is None:
                process.kill()
    return _check_exit(args[0], process.returncode, out, err, None, allowed)


async def _take_output(process: asyncio.subprocess.Process, verb: str) -> tuple[bytes, bytes]:
    """What git prints, to its end, which comes soon where it prints too much."""

    async def take(pipe: asyncio.StreamReader | None) -> bytes:
        assert pipe is not None  # noqa: S101 - both are pipes
        taken = bytearray()
        while chunk := await pipe.read(_CHUNK):
            if len(taken) <= OUTPUT_BYTES:
                taken += chunk
            elif process.returncode is None:
                process.kill()
        return bytes(taken)

    out, err = await asyncio.gather(take(process.stdout), take(process.stderr))
    await process.wait()
    _check_length(out, verb)
    _check_length(err, verb)
    return out, err


def _take_output_now(process: subprocess.Popen[bytes], verb: str, seconds: float) -> tuple[bytes, bytes]:
    """The same, blocking. Raises TimeoutError when it goes on for more than ``seconds``."""
    until, out, err = time.monotonic() + seconds, bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe, taken in ((process.stdout, out), (process.stderr, err)):
            assert pipe is not None  # noqa: S101 - both are pipes
            waiting.register(pipe, selectors.EVENT_READ, taken)
        while waiting.get_map():
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            for key, _ in waiting.select(left):
                if chunk := os.read(key.fd, _CHUNK):
                    key.data.extend(chunk)
                    _check_length(key.data, verb)
                else:
                    waiting.unregister(key.fileobj)
    process.wait()
    return bytes(out), bytes(err)


def _check_length(taken: bytes | bytearray, verb: str) -> None:
    if len(taken) > OUTPUT_BYTES:
        raise UserError(
            f"the repository is too large: what `git {verb}` says of it is over {OUTPUT_BYTES >> 20} MiB",
            phase="prepare",
        )


@contextmanager
def _hold_input(stdin: bytes) -> Iterator[int]:
    """What git is given to read, as an open file: a pipe would have to be written beside the reading."""
    if not stdin:
        yield subprocess.DEVNULL
        return
    given = os.memfd_create("input")
    try:
        with os.fdopen(os.dup(given), "wb") as file:
            file.write(stdin)
        os.lseek(given, 0, os.SEEK_SET)
        yield given
    finally:
        os.close(given)


def _limit_memory(pid: int) -> None:
    """Bound what a git process allocates; packs that it maps are not counted (setrlimit(2), RLIMIT_DATA)."""
    with suppress(ProcessLookupError):  # it has ended already
        resource.prlimit(pid, resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def _check_exit(
    verb: str, code: int, out: bytes, err: bytes, token: str | None, allowed: Sequence[int] = (0,)
) -> GitResult:
    if code not in allowed:
        raise GitFailed(verb, code, clean_server_text(err, token))
    return GitResult(code=code, out=out, err=err)
