"""The contract of a sandbox: policy, command and result as frozen data, and the protocol of every backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

WORKSPACE = "/workspace"
ENGINE = "unix:///var/run/docker.sock"

KiB = 1 << 10
MiB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A host path shown inside, always read-only. ``target`` is absolute and never below the workspace."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings for one sandbox. Sizes in bytes, times in seconds."""

    memory_bytes: int = 2048 * MiB
    processes: int = 256
    command_seconds: float = 300.0
    run_seconds: float = 4 * 3600.0  # from the sandbox's opening; every command ends by then
    cpu_seconds: int = 3600  # of one process
    cpus: float = 4.0  # that all processes together may keep busy, where control groups are
    output_bytes: int = 256 * 1024
    kept_output_bytes: int = 64 * MiB  # of one command's output in a file inside, once it is over the cap
    all_output_bytes: int = 512 * MiB  # of all such files together; the oldest make room
    file_bytes: int = 512 * MiB
    workspace_bytes: int = 1024 * MiB
    tmp_bytes: int = 256 * MiB
    shm_bytes: int = 64 * MiB
    open_files: int = 1024

    @property
    def largest_file(self) -> int:
        """Bytes that one file may have: no more than any place has room for, however fast it is written."""
        return min(self.file_bytes, max(self.workspace_bytes, self.tmp_bytes, self.shm_bytes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Hosts that may be reached: a name, or ``*.name`` for all names below it (not for itself).

    ``ports`` are those of the host, 443 with TLS alone. ``methods`` empty means any; otherwise only these are
    let through, and TLS is opened by the gate to see them.
    """

    host: str
    ports: tuple[int, ...] = (443, 80)
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Egress:
    """What of the internet may be reached, through a proxy on the host. Sizes in bytes, times in seconds.

    ``total_bytes`` counts both directions over a sandbox's life, ``total_connections`` too; ``connections``
    are those open at once. ``idle_seconds`` ends a connection on which nothing moves.
    """

    rules: tuple[Rule, ...]
    total_bytes: int = 2048 * MiB
    total_connections: int = 20_000
    connections: int = 64
    head_seconds: float = 10.0
    connect_seconds: float = 15.0
    idle_seconds: float = 60.0
    connection_seconds: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a sandbox allows beyond nothing: there is no network in it unless ``egress`` says so.

    ``image`` and ``engine`` are for the docker backend alone: the image's name, and the engine's address.
    """

    limits: Limits = field(default_factory=Limits)
    mounts: tuple[Mount, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    path: tuple[str, ...] = ("/usr/local/bin", "/usr/bin", "/bin")
    image: str = ""
    engine: str = ENGINE
    egress: Egress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command. ``argv`` names its program; ``seconds`` may only lower the policy's limit."""

    argv: tuple[str, ...]
    stdin: bytes = b""
    cwd: str = WORKSPACE
    seconds: float | None = None
    output_bytes: int | None = None
    split_stderr: bool = False  # True: ``CommandResult.errors`` holds stderr; else it is merged into output
    env: tuple[tuple[str, str], ...] = ()


class Ending(StrEnum):
    """Why a command is over."""

    EXITED = "exited"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    OUT_OF_SPACE = "out of space"  # only where the workspace is on disk; on a tmpfs the program sees ENOSPC
    STOPPED = "stopped"  # the sandbox was closed or the caller was cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRequest:
    """One request to the network. ``reason`` says why it was refused or broken off; empty when it was served.

    ``allowed``: policy allowed it. ``sent`` and ``received`` are bytes to the host and from it.
    """

    host: str
    port: int
    method: str  # CONNECT for a tunnel whose inside is not looked at
    allowed: bool
    reason: str = ""
    sent: int = 0
    received: int = 0
    milliseconds: int = 0
    remedy: str = ""  # the rule, as ``sandbox.egress.rules.parse_rule`` reads it, that would have allowed it


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The result of a command. Output beyond the cap is dropped from the middle: head and tail are kept.

    ``output_file`` is then the path inside of the whole output, up to ``Limits.kept_output_bytes``.
    """

    exit_code: int | None
    ending: Ending
    seconds: float
    output: bytes
    errors: bytes = b""
    omitted_bytes: int = 0
    output_file: str = ""
    requests: tuple[NetworkRequest, ...] = ()  # for the network, refused ones too
    omitted_requests: int = 0  # as many more were not kept

    @property
    def ok(self) -> bool:
        """The command exited by itself with 0."""
        return self.ending is Ending.EXITED and self.exit_code == 0

    @property
    def text(self) -> str:
        """The output as text; bytes that are not UTF-8 become U+FFFD."""
        return self.output.decode("utf-8", "replace")


class EntryKind(StrEnum):
    """What stands at a path of the overlay's upper directory."""

    FILE = "file"
    LINK = "link"
    DELETED = "deleted"
    SPECIAL = "special"  # socket, device, FIFO: never published, but named


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path that a run touched. ``data`` is a file's content or a link's target."""

    path: bytes
    kind: EntryKind
    executable: bool = False
    data: bytes = b""
    too_big: bool = False  # content left out because it is over ``Limits.file_bytes``


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundState:
    """How a command in the background is doing. ``reason`` says why it was killed, empty where it was not."""

    is_running: bool
    seconds: float
    exit_code: int | None = None
    reason: str = ""


class BackgroundCommand(Protocol):
    """A command that runs beside others, in the same sandbox and within the same limits."""

    @property
    def state(self) -> BackgroundState:
        """Whether it runs, and how it ended."""
        ...

    def take_output(self) -> tuple[bytes, int]:
        """What it printed since the last call, and how many bytes before that were dropped for room."""
        ...

    async def wait(self, seconds: float) -> None:
        """Wait until it is over, ``seconds`` at most."""
        ...

    async def stop(self) -> None:
        """Kill it and everything it started; returns when that is done."""
        ...


class Sandbox(Protocol):
    """An open sandbox with one workspace. It runs one command at a time, beside those in the background."""

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None
    ) -> CommandResult:
        """Run one command to its end; every process it started is dead when this returns.

        ``on_output`` is called with all that it prints, as it comes, but for stderr where that is split off.
        It has to be quick, and keep little.
        """
        ...

    async def start(
        self,
        command: Command,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_end: Callable[[BackgroundState], None] | None = None,
    ) -> BackgroundCommand:
        """Start a command in the background; it is dead at the latest when the sandbox is closed.

        ``on_output`` is called with all that it prints, as it comes, whoever takes it; ``on_end`` once, when
        it is over. Both have to be quick.
        It reaches what other commands of this sandbox serve on the loopback, and they reach it. Raises
        BackgroundUnavailable where it could not be bounded.
        """
        ...

    async def cut_network(self, reason: str) -> None:
        """Let nothing out any more, for the rest of this sandbox's life; what is open is ended.

        ``reason`` is given with each request that is refused from now on.
        """
        ...

    def entries(self) -> list[Entry]:
        """What differs from the layers below, read without following links, sorted by path.

        What runs in the background is paused meanwhile, so that nothing moves.
        """
        ...

    def freeze(self, into: Path) -> list[Entry]:
        """Write the same below the empty directory ``into``, file by file; the entries come without content.

        Raises ``sandbox.layers.freeze.NotFreezable``.
        """
        ...

    async def aclose(self) -> None:
        """Kill what runs, unmount, and remove the private layer."""
        ...


class SandboxUnavailable(Exception):
    """This host cannot contain code. ``mend`` is one line that says how to fix that."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(f"{reason}: {mend}")
        self.reason = reason
        self.mend = mend


class BackgroundUnavailable(Exception):
    """Commands cannot run in the background here; the message says why."""


class PolicyUnmet(SandboxUnavailable):
    """The host contains code, but has not what this policy asks for, such as its image."""
