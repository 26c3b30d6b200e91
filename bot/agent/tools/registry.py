"""All tools: their names, their definitions for the model, and how a call is executed and timed."""

from __future__ import annotations

import compileall
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from inspect import cleandoc
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import ToolCallPart
from pydantic_ai.tools import ToolDefinition

from bot import guest
from bot.agent.tools import background, checks, files, reports, shell
from bot.agent.tools.context import GUEST, OWN_WEIGHTS, ExecutedCall, ToolContext, ToolError, ToolOutput
from bot.domain import TaskKind
from bot.text.terminal import SHOWN_CHARS
from sandbox.spec import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool: its arguments' model, whose docstring is the description, and the function that does it."""

    name: str
    arguments: type[shell.Arguments]
    do: Callable[[ToolContext, Any], Awaitable[ToolOutput]]

    @property
    def definition(self) -> ToolDefinition:
        """As the model is shown it."""
        schema = self.arguments.model_json_schema()
        schema.pop("description", None)
        return ToolDefinition(
            name=self.name,
            description=cleandoc(self.arguments.__doc__ or ""),
            parameters_json_schema=_drop_titles(schema),
        )

    @property
    def short_definition(self) -> ToolDefinition:
        """For a small window: the first paragraph of the description, and the first example."""
        whole = self.definition
        first, *rest = (whole.description or "").split("\n\n")
        example = next((each for each in rest if each.startswith("Example")), "")
        text = " ".join(f"{first} {example.partition('}, {')[0]}".split())
        return replace(whole, description=text + ("}" if example and not text.endswith("}") else ""))


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(name="shell", arguments=shell.ShellArguments, do=shell.shell),
        Tool(name="read", arguments=files.ReadArguments, do=files.read),
        Tool(name="search", arguments=files.SearchArguments, do=files.search),
        Tool(name="edit", arguments=files.EditArguments, do=files.edit),
        Tool(name="write", arguments=files.WriteArguments, do=files.write),
        Tool(name="check", arguments=checks.CheckArguments, do=checks.check),
        Tool(name="background", arguments=background.BackgroundArguments, do=background.background),
        Tool(name="plan", arguments=reports.PlanArguments, do=reports.plan),
        Tool(name="note", arguments=reports.NoteArguments, do=reports.note),
        Tool(name="reply", arguments=reports.ReplyArguments, do=reports.reply),
        Tool(name="finish", arguments=reports.FinishArguments, do=reports.finish),
    )
}


_FRAME_CHARS = 1000  # around an output that was shortened already: how it ended, where the rest is
_ALWAYS = ("shell", "read", "search", "edit", "write")
_BY_KIND = {
    TaskKind.CHANGE: ("check",),
    TaskKind.REVISE: ("check", "reply"),
    TaskKind.REVIEW: ("note",),
    TaskKind.ANSWER: (),
}


def list_definitions() -> list[ToolDefinition]:
    """All tools as the model is shown them, always in the same order."""
    return list(_define_tools())


@cache
def _define_tools() -> tuple[ToolDefinition, ...]:
    return tuple(tool.definition for tool in TOOLS.values())  # the schemas take 20 ms: once a process


def list_short_definitions(kind: TaskKind) -> list[ToolDefinition]:
    """The tools that a task of that kind needs at least, described briefly, for a small window."""
    return [TOOLS[name].short_definition for name in (*_ALWAYS, *_BY_KIND[kind], "finish")]


@cache
def list_guest_mounts() -> tuple[Mount, ...]:
    """What the tools need inside the sandbox; goes into ``Policy.mounts``.

    The programs are compiled beside their sources, as pip does when it installs them: in the sandbox nothing
    can be written there, so each start would compile them anew. Where that is not allowed, it does.
    """
    programs = Path(guest.__file__).parent
    compileall.compile_dir(programs, quiet=2)
    return (Mount(source=programs, target=GUEST),)


def list_weights_mounts(folder: Path) -> tuple[Mount, ...]:
    """The operator's own weights of the offline engine, where there are some; goes into ``Policy.mounts``."""
    return (Mount(source=folder, target=OWN_WEIGHTS),) if folder.is_dir() else ()


async def execute_call(context: ToolContext, call: ToolCallPart, *, hint: str = "") -> ExecutedCall:
    """Carry out one call. What is wrong with it comes back as text, with ``hint`` if malformed."""
    tool = TOOLS.get(call.tool_name)
    if tool is None:
        return _refuse_call(
            call, f"there is no tool {call.tool_name!r}; the tools are {', '.join(TOOLS)}", hint
        )
    try:
        arguments = tool.arguments.model_validate(call.args_as_dict(raise_if_invalid=True))
    except ValidationError as error:
        return _refuse_call(call, _render_errors(error), hint)
    except (ValueError, AssertionError) as error:
        return _refuse_call(call, f"the arguments are not a JSON object: {error}", hint)
    start = time.monotonic()
    try:
        output = await tool.do(context, arguments)
    except ToolError as problem:
        output = ToolOutput(text=f"[error] {problem}", ok=False)
    milliseconds = round((time.monotonic() - start) * 1000)
    text = output.text
    if context.shown_chars < SHOWN_CHARS and len(text) > context.shown_chars + _FRAME_CHARS:
        text = context.shorten(text)
    return ExecutedCall(call=call, text=text, ok=output.ok, milliseconds=milliseconds)


def _refuse_call(call: ToolCallPart, problem: str, hint: str) -> ExecutedCall:
    return ExecutedCall(
        call=call, text=f"[malformed call] {problem}. {hint}".rstrip(), ok=False, malformed=True
    )


def _render_errors(error: ValidationError) -> str:
    problems = []
    for each in error.errors(include_url=False, include_input=False, include_context=False)[:8]:
        where = ".".join(str(part) for part in each["loc"])
        problems.append(f"{where}: {each['msg']}")
    return "; ".join(problems)


def _drop_titles(schema: Any) -> Any:
    """Titles only repeat the names: tokens for nothing. A property that is called title stays."""
    if isinstance(schema, list):
        return [_drop_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _drop_titles(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }
