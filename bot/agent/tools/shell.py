"""The tool that runs a command, inside the sandbox."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.agent.tools.context import ToolContext, ToolOutput
from bot.text.terminal import drop_progress_lines, render_output
from sandbox.spec import CommandResult, Ending


def _refuse_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL character cannot be passed to a program")
    return text


Argument = Annotated[str, AfterValidator(_refuse_nul)]


class Arguments(BaseModel):
    """Base of all tools' arguments: an unknown one is an error, so that a misspelt one is not ignored."""

    model_config = ConfigDict(extra="forbid")


class ShellArguments(Arguments):
    """Run a command with bash in the workspace and see its exit code and output (stdout and stderr together).

    There is no network beyond what the task names, and no input: a command that asks gets end-of-file.
    Whatever it starts ends with it; what shall go on running is for `background`. Nothing outside /workspace
    is kept from one call to the next, nor are `cd` and variables: join what belongs together with &&. Long
    output is cut in the middle and can be read afterwards.

    Examples: {"command": "python -m pytest tests/test_cart.py -q"}, {"command": "git diff --stat"},
    {"command": "cd docs && make html", "seconds": 240}
    """

    command: Argument = Field(min_length=1, description="Given to bash -c.")
    seconds: float = Field(default=120, gt=0, le=3600, description="The command is killed after that time.")


async def shell(context: ToolContext, arguments: ShellArguments) -> ToolOutput:
    """Run the command; a failure is its result, not an error."""
    completed = await context.run("bash", "-c", arguments.command, seconds=arguments.seconds)
    text = drop_progress_lines(render_output(completed.output))
    if completed.omitted_bytes:
        text += (
            f"\n[{completed.omitted_bytes} bytes from the middle of this output were not kept; "
            "to see them, run it again through head, tail, grep or into a file of the workspace]"
        )
    return ToolOutput(
        text=f"{_render_status(completed)}\n{context.shorten(text)}{_render_blocked(completed)}",
        ok=completed.ok,
    )


def _render_blocked(completed: CommandResult) -> str:
    """Which hosts the network policy refused, and that trying again will not help."""
    refused = {f"{r.host}:{r.port} ({r.reason})": None for r in completed.requests if not r.allowed}
    if not refused:
        return ""
    return (
        f"\n[blocked by the network policy: {'; '.join(list(refused)[:10])}. Trying again will not help;"
        " people are told of it, and can allow it]"
    )


def _render_status(completed: CommandResult) -> str:
    took = f"{completed.seconds:.1f} s"
    ending = completed.ending
    match ending:
        case Ending.EXITED:
            return f"[exit code {completed.exit_code}, {took}]"
        case Ending.TIMED_OUT:
            return f"[timed out after {took}; it was killed with everything it started]"
        case Ending.OUT_OF_MEMORY:
            return f"[killed after {took}: it took more memory than the sandbox has]"
        case Ending.OUT_OF_SPACE:
            return f"[killed after {took}: it wrote more than the workspace may hold]"
        case Ending.STOPPED:
            return f"[stopped after {took}]"
