"""The tool for commands that run in the background: servers, watch modes, long builds."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from bot.agent.background_commands import BackgroundRefused
from bot.agent.tools.context import ToolContext, ToolError, ToolOutput
from bot.agent.tools.shell import Argument, Arguments
from bot.text.terminal import drop_progress_lines, render_output
from sandbox.spec import BackgroundCommand

WAIT_SECONDS = 60.0


class BackgroundArguments(Arguments):
    """Run a command beside your other calls, such as a server or a watch mode: start it, read what it printed
    since you last looked, stop it. Give exactly one of the three.

    Other commands reach what it serves on localhost. All of them end with the work, and share its memory.

    Examples: {"start": "python -m http.server 8080"}, {"read": 1, "seconds": 5}, {"stop": 1}
    """

    start: Argument | None = Field(default=None, min_length=1, description="Given to bash -c.")
    read: int | None = Field(default=None, ge=1, description="The number that start gave.")
    stop: int | None = Field(default=None, ge=1, description="The number that start gave.")
    seconds: float = Field(
        default=1, ge=0, le=WAIT_SECONDS, description="How long to wait for its end before it is read."
    )

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        if sum(each is not None for each in (self.start, self.read, self.stop)) != 1:
            raise ValueError("give one of start, read and stop")
        return self


async def background(context: ToolContext, arguments: BackgroundArguments) -> ToolOutput:
    """Start, read or stop."""
    try:
        if arguments.start is not None:
            number = await context.background.start(arguments.start, seconds=context.seconds_left)
        else:
            number = arguments.read or arguments.stop or 0
        command = context.background.find(number)
    except BackgroundRefused as refused:
        raise ToolError(str(refused)) from None
    if arguments.stop is not None:
        await command.stop()
    elif command.state.is_running:
        await command.wait(min(arguments.seconds, context.seconds_left))
    return ToolOutput(text=f"{_render_state(number, command)}\n{_take_text(context, command)}".strip())


def _render_state(number: int, command: BackgroundCommand) -> str:
    state = command.state
    took = f"{state.seconds:.1f} s"
    if state.is_running:
        return f"[command {number} runs in the background, for {took} now]"
    if state.reason:
        return f"[command {number} was ended after {took}: {state.reason}]"
    if state.exit_code is None:
        return f"[command {number} ended after {took}; it could not be started, or was killed]"
    return f"[command {number} ended after {took}, exit code {state.exit_code}]"


def _take_text(context: ToolContext, command: BackgroundCommand) -> str:
    output, dropped = command.take_output()
    gap = f"[{dropped} bytes before this were not kept]\n" if dropped else ""
    return gap + (context.shorten(drop_progress_lines(render_output(output))) or "[nothing new was printed]")
