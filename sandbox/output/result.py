"""What every backend does in the same way: a run's deadline, a command's streams, its result."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.layout import OUTPUT
from sandbox.output.capture import Overflow
from sandbox.output.streams import Streams
from sandbox.spec import Command, CommandResult, Ending, Limits


class RunClock:
    """Deadlines and output files of one sandbox's commands; ``output`` is the directory shown as OUTPUT."""

    def __init__(self, limits: Limits, output: Path) -> None:
        self._limits = limits
        self._output = output
        self._numbers = itertools.count(1)
        self._over = time.monotonic() + limits.run_seconds

    def seconds(self, command: Command) -> float:
        """How long a command may take now; 0 when the run's time is over."""
        wanted = self._limits.command_seconds if command.seconds is None else command.seconds
        return max(0.0, min(wanted, self._limits.command_seconds, self._over - time.monotonic()))

    @property
    def seconds_left(self) -> float:
        """Until every command of the sandbox has to be over."""
        return max(0.0, self._over - time.monotonic())

    def streams(self, command: Command, on_output: Callable[[bytes], None] | None) -> Streams:
        """The streams of the next command."""
        cap = self._limits.output_bytes if command.output_bytes is None else command.output_bytes
        path = self._output / f"{next(self._numbers)}.txt"
        self._make_room()
        return Streams(command, cap, on_output, Overflow(path, self._limits.kept_output_bytes))

    def _make_room(self) -> None:
        """Delete the oldest output files until another one fits into ``all_output_bytes``."""
        files = sorted(self._output.iterdir(), key=lambda path: int(path.stem))
        room = self._limits.all_output_bytes - self._limits.kept_output_bytes
        for path in reversed(files):
            room -= path.stat().st_size
            if room < 0:
                path.unlink()


def make_result(code: int | None, ending: Ending, seconds: float, streams: Streams) -> CommandResult:
    """The result of a command from its exit code, ending, duration and streams."""
    output, errors, overflow = streams.output, streams.errors, streams.overflow
    return CommandResult(
        exit_code=code,
        ending=ending,
        seconds=seconds,
        output=output.content,
        errors=errors.content if errors is not None else b"",
        omitted_bytes=output.omitted + (errors.omitted if errors is not None else 0),
        output_file=f"{OUTPUT}/{overflow.path.name}" if overflow.is_written else "",
    )
