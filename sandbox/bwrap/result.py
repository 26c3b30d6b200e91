"""From the keeper's answer to a command's result."""

from __future__ import annotations

from typing import Any

from sandbox.output.result import make_result
from sandbox.output.streams import Streams
from sandbox.spec import CommandResult, Ending, SandboxUnavailable


def read_result(answer: dict[str, Any], ending: Ending, seconds: float, streams: Streams) -> CommandResult:
    """The result of a command. Raises SandboxUnavailable when bubblewrap itself could not start it."""
    code: int | None = answer["code"] if ending is Ending.EXITED else None
    if code is not None and not answer["started"]:
        printed = streams.output if streams.errors is None else streams.errors
        code = _start_failure_code(printed.content.decode("utf-8", "replace").strip())
    return make_result(code, ending, seconds, streams)


def _start_failure_code(message: str) -> int:
    """A shell's exit code for a missing program or directory; anything else is the sandbox's own failure."""
    if message.startswith("bwrap: execvp "):
        return 127
    if message.startswith(
        ("bwrap: Can't chdir ", "keeper: ")
    ):  # the latter: arguments too long, a NUL in them
        return 126
    raise SandboxUnavailable(f"the command could not be started: {message[-500:]}", "run hob doctor")
