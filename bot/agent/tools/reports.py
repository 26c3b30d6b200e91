"""The tools that report to users: the plan, notes on the change, replies, and the end of the work."""

from __future__ import annotations

import asyncio
import posixpath
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.agent.tools.context import Finish, ToolContext, ToolError, ToolOutput, to_workspace_path
from bot.agent.tools.shell import Argument, Arguments
from bot.domain import Note, OutcomeKind, Reply, Step, StepState


class PlanStep(BaseModel):
    """One line of the checklist."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=200)
    state: Literal["todo", "doing", "done", "skipped"] = "todo"


class PlanArguments(Arguments):
    """Show people the plan as a checklist: all steps, each time. Two to eight short steps, one of them doing.

    Example: {"steps": [{"text": "Reproduce the failure", "state": "done"}, {"text": "Fix rounding", "state":
    "doing"}, {"text": "Add a test", "state": "todo"}]}
    """

    steps: list[PlanStep] = Field(min_length=1, max_length=20)


class NoteArguments(Arguments):
    """Leave a review comment on a line that you changed, for the people who will review it, or that the pull
    request under your review changes.

    Say why it is done this way or what they should look at. A few good ones; not what the code already says.
    In a review, ``suggestion`` is what should stand in the place of the lines, as they would be in the file.
    A second note on the same line takes the place of the first; ``withdraw`` takes it away.

    Examples: {"path": "shop/cart.py", "line": 41, "text": "Rounded once at the end: per item it loses
    cents."}, {"path": "shop/cart.py", "line": 41, "withdraw": true}
    """

    path: Argument = Field(min_length=1)
    line: int = Field(ge=1, description="Line number in the file as it is now.")
    text: str = Field(default="", max_length=4000, description="Needed unless the note is withdrawn.")
    withdraw: bool = False
    start_line: int | None = Field(default=None, ge=1, description="The first line, where there are several.")
    suggestion: str | None = Field(default=None, max_length=8000)


class ReplyArguments(Arguments):
    """Answer a review comment in its thread, by the number that the task gives for it. Say with ``fixed``
    whether the files now are as the comment wants them; say in the text why, where they are not. A second
    reply to the same comment takes the place of the first; ``withdraw`` takes it away.

    Example: {"comment": 1234567, "text": "The check now comes first.", "fixed": true}
    """

    comment: int = Field(ge=1)
    text: str = Field(default="", max_length=8000, description="Needed unless the reply is withdrawn.")
    fixed: bool = False
    withdraw: bool = False


class FinishArguments(Arguments):
    """End the work. Everything in the workspace that differs from the start is handed over with these words.

    kind: "changed" when files were changed for the request; "answered" when the answer is in the summary and
    nothing needed to change; "nothing" when there is nothing to do, and why; "blocked" when it cannot be
    done, what you tried and what you need. Say honestly what was not done or not checked.

    Example: {"kind": "changed", "title": "Round the total once", "summary": "Rounding every item lost cents.
    Rounds at the end now; test_total covers it."}
    """

    kind: Literal["changed", "answered", "nothing", "blocked"]
    title: str = Field(
        default="", max_length=120, description="One line, as for a commit. Needed for changed."
    )
    summary: str = Field(min_length=1, max_length=20_000, description="Markdown.")


async def plan(context: ToolContext, arguments: PlanArguments) -> ToolOutput:
    """Replace the plan."""
    context.plan = tuple(Step(text=step.text, state=StepState(step.state)) for step in arguments.steps)
    return ToolOutput(text="The plan is shown.")


async def note(context: ToolContext, arguments: NoteArguments) -> ToolOutput:
    """Add a note on lines that are there; one on the same line is replaced, or withdrawn."""
    path = posixpath.normpath(to_workspace_path(arguments.path))
    others = [each for each in context.notes if (each.path, each.line) != (path, arguments.line)]
    if arguments.withdraw:
        if len(others) == len(context.notes):
            raise ToolError(f"there is no note on {path}:{arguments.line}; {_list_notes(context)}")
        context.notes[:] = others
        return ToolOutput(text=f"The note on {path}:{arguments.line} is withdrawn.")
    if not arguments.text.strip() and arguments.suggestion is None:
        raise ToolError("a note needs a text")
    start = arguments.start_line or arguments.line
    if start > arguments.line:
        raise ToolError("start_line is behind line")
    await _check_line(context, path, arguments.line)
    text = arguments.text
    if arguments.suggestion is not None:
        text = f"{text}\n\n{_render_suggestion(arguments.suggestion)}".strip()
    made = Note(path=path, line=arguments.line, text=text, start=0 if start == arguments.line else start)
    context.notes[:] = [*others, made]
    return ToolOutput(
        text=f"Noted on {path}:{arguments.line}. It is posted if that line is part of the change."
    )


async def _check_line(context: ToolContext, path: str, line: int) -> None:
    """Raise ``ToolError`` unless ``path`` is a text file of the workspace that has a line ``line``."""
    if path.startswith(("../", "/")) or path in ("..", "."):
        raise ToolError(f"{path} is not a file of the workspace, so there is nothing to note")
    if (path, line) in context.lines_there and not context.background.were_any:
        return
    answer = await context.run_guest({"op": "read", "path": path, "start": line, "lines": 1, "chars": 200})
    if "directory" in answer:
        raise ToolError(f"{path} is a directory; a note stands on a line of a file")
    if not answer["lines"]:
        raise ToolError(f"{path} has no line {line}; it has {answer['total']}")
    context.lines_there.add((path, line))


def _list_notes(context: ToolContext) -> str:
    places = [f"{each.path}:{each.line}" for each in context.notes]
    return f"notes are on {', '.join(places)}" if places else "there are no notes"


def _render_suggestion(lines: str) -> str:
    """A suggestion block, which no line in it can end. An empty one takes the lines out."""
    longest = max((len(run) for run in re.findall(r"`{3,}", lines)), default=2)
    fence = "`" * (longest + 1)
    body = f"{lines.rstrip()}\n" if lines.strip() else ""
    return f"{fence}suggestion\n{body}{fence}"


async def reply(context: ToolContext, arguments: ReplyArguments) -> ToolOutput:
    """Add a reply to a comment that can be answered; one to the same comment is replaced, or withdrawn."""
    number = arguments.comment
    if context.answerable is not None and number not in context.answerable:
        those = ", ".join(map(str, context.answerable))
        raise ToolError(
            f"there is no comment {number} to reply to; those that can be answered are {those}"
            if those
            else "there is no review comment to reply to here; say it in the summary of finish"
        )
    others = [each for each in context.replies if each.comment != number]
    if arguments.withdraw:
        if len(others) == len(context.replies):
            raise ToolError(f"there is no reply of yours to comment {number}")
        context.replies[:] = others
        return ToolOutput(text=f"The reply to comment {number} is withdrawn.")
    if not arguments.text.strip():
        raise ToolError("a reply needs a text")
    context.replies[:] = [*others, Reply(comment=number, text=arguments.text, fixed=arguments.fixed)]
    return ToolOutput(text="The reply is posted when the work ends.")


async def finish(context: ToolContext, arguments: FinishArguments) -> ToolOutput:
    """Note how it ended; the loop stops after this turn."""
    kind = OutcomeKind(arguments.kind)
    if kind is OutcomeKind.CHANGED and not arguments.title.strip():
        raise ToolError("changed needs a title")
    if kind is OutcomeKind.CHANGED and not await _has_changes(context):
        raise ToolError(
            "nothing in the workspace is changed; finish as answered, nothing or blocked, or change it"
        )
    for each in context.notes if context.seconds_left > 0 else ():
        try:
            await _check_line(context, each.path, each.line)
        except ToolError as gone:
            raise ToolError(
                f"your note on {each.path}:{each.line} has lost its line ({gone}); withdraw it, note it anew"
            ) from None
    context.finish = Finish(
        kind=kind, title=" ".join(arguments.title.split()), summary=arguments.summary.strip()
    )
    return ToolOutput(text="The work ends here.")


async def _has_changes(context: ToolContext) -> bool:
    entries = await asyncio.to_thread(context.sandbox.entries)
    return any(not entry.path.startswith(b".git/") for entry in entries)
