"""From the keeper's answer to what the caller is told of a command's end."""

from __future__ import annotations

from typing import Any

from sandbox.output.result import result
from sandbox.output.streams import Streams
from sandbox.spec import Completed, Ending, SandboxUnavailable


def completed(answer: dict[str, Any], ending: Ending, seconds: float, streams: Streams) -> Completed:
    """What a command left. Raises SandboxUnavailable when the surroundings could not be started."""
    code: int | None = answer["code"] if ending is Ending.EXITED else None
    if code is not None and not answer["started"]:
        said = streams.output if streams.errors is None else streams.errors
        code = _not_started(said.kept.decode("utf-8", "replace").strip())
    return result(code, ending, seconds, streams)


def _not_started(said: str) -> int:
    """A shell's exit code for a missing program or directory; anything else is the sandbox's own failure."""
    if said.startswith("bwrap: execvp "):
        return 127
    if said.startswith(("bwrap: Can't chdir ", "keeper: ")):  # the latter: arguments too long, a NUL in them
        return 126
    raise SandboxUnavailable(f"the command could not be started: {said[-500:]}", "run hob doctor")
