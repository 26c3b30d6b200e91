"""The tools for files. Each works through a program inside the sandbox; the host opens no workspace path."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from bot.agent.tools.context import ToolContext, ToolError, ToolOutput, to_workspace_path
from bot.agent.tools.shell import Argument, Arguments
from bot.text.terminal import number_lines, render_output
from sandbox.spec import Ending

SEARCH_SECONDS = 60.0


class ReadArguments(Arguments):
    """See a text file with line numbers, or the names in a directory.

    The number and the tab in front of each line are not part of the file. A kept output of an earlier call is
    read by its name, such as output:3.

    Examples: {"path": "shop/cart.py"}, {"path": "shop/cart.py", "start": 120, "lines": 60}, {"path": "."}
    """

    path: Argument = Field(description="Relative to the workspace, or absolute.")
    start: int = Field(default=1, ge=1, description="The first line to show.")
    lines: int = Field(default=400, ge=1, le=2000, description="How many lines to show at most.")


class SearchArguments(Arguments):
    """Find a regular expression (ripgrep's) in the workspace's files, with path and line number.

    Files that .gitignore names, binary files and files over 8 MB are left out.

    Examples: {"pattern": "def total\\\\b", "path": "shop"}, {"pattern": "TODO(", "literal": true, "glob":
    "*.py"}, {"pattern": "price", "names_only": true}
    """

    pattern: Argument = Field(min_length=1)
    path: Argument = Field(default=".", description="A directory or a file.")
    glob: Argument = Field(
        default="", description="Only files whose path matches, such as *.py or !tests/**."
    )
    literal: bool = Field(default=False, description="Take the pattern as plain text.")
    ignore_case: bool = False
    context: int = Field(default=0, ge=0, le=20, description="Lines to show around each match.")
    names_only: bool = Field(default=False, description="Only the paths of the files that match.")


class EditArguments(Arguments):
    """Replace a text in a file by another, exactly as written: spaces, tabs and line breaks count.

    The old text must stand in the file exactly once (take a line or two around it to make it so), unless all
    is true. Do not put line numbers into it.

    Example: {"path": "shop/cart.py", "old": "    return total - rate\\\\n", "new": "    return total * (1 -
    rate)\\\\n"}
    """

    path: Argument
    old: str = Field(min_length=1)
    new: str
    all: bool = Field(default=False, description="Replace every occurrence.")


class WriteArguments(Arguments):
    """Make a file, or replace the whole of one. To change a part of a file use edit.

    Example: {"path": "tests/test_cart.py", "text": "from shop.cart import total\\\\n"}
    """

    path: Argument
    text: str


async def read(context: ToolContext, arguments: ReadArguments) -> ToolOutput:
    """Lines with numbers, and where to go on."""
    if arguments.path.startswith("output:"):
        lines = context.load_output(arguments.path).split("\n")
        return _page_output(lines, arguments, context.shown_chars)
    answer = await context.run_guest(
        {
            "op": "read",
            "path": to_workspace_path(arguments.path),
            "start": arguments.start,
            "lines": arguments.lines,
            "chars": context.shown_chars,
        }
    )
    if "directory" in answer:
        shown, total = answer["directory"], answer["total"]
        left_out = total - len(shown)
        more = (
            f"\n[{left_out} more of {total} names left out; list them by shell: ls | grep]"
            if left_out
            else ""
        )
        return ToolOutput(text="\n".join(shown) + more if shown else "[the directory is empty]")
    return ToolOutput(
        text=_render_lines(answer["lines"], answer["start"], answer["total"], answer["remarks"])
    )


async def search(context: ToolContext, arguments: SearchArguments) -> ToolOutput:
    """What ripgrep finds, sorted by path."""
    argv = [
        "rg",
        "--no-config",
        "--hidden",
        "--glob=!.git",
        "--color=never",
        "--sort=path",
        "--max-filesize=8M",
    ]
    argv += (
        ["--files-with-matches"]
        if arguments.names_only
        else ["--line-number", "--no-heading", "--with-filename"]
    )
    argv += ["--max-columns=300", "--max-columns-preview", f"--context={arguments.context}"]
    argv += [f"--glob={arguments.glob}"] if arguments.glob else []
    argv += ["--fixed-strings"] if arguments.literal else []
    argv += ["--ignore-case"] if arguments.ignore_case else []
    argv += ["-e", arguments.pattern, "--", to_workspace_path(arguments.path)]
    completed = await context.run(*argv, seconds=SEARCH_SECONDS, split_stderr=True)
    text, said = (
        render_output(completed.output).replace("\n./", "\n").removeprefix("./"),
        render_output(completed.errors).strip(),
    )
    if completed.ending is not Ending.EXITED:
        said = f"the search was {completed.ending}; narrow it by path or glob"
    elif completed.exit_code == 1 and not text:
        return ToolOutput(text="[nothing matches]")
    if not text and said:
        raise ToolError(said[:2000])
    if completed.omitted_bytes:
        said = f"{completed.omitted_bytes} bytes of matches were not kept; narrow the search. {said}"
    count = text.count("\n")
    head = f"[{count} lines]\n" if count > 20 else ""
    return ToolOutput(text=head + context.shorten(text) + (f"[{said[:2000]}]" if said else ""))


async def edit(context: ToolContext, arguments: EditArguments) -> ToolOutput:
    """Replace; the result shows the lines as they are now."""
    if arguments.old == arguments.new:
        raise ToolError("old and new are the same; nothing to do")
    path = to_workspace_path(arguments.path)
    answer = await context.run_guest(
        {"op": "edit", "path": path, "old": arguments.old, "new": arguments.new, "all": arguments.all}
    )
    context.edited = True
    count = answer["count"]
    head = f"{path} is changed" + (f" in {count} places; the first" if count > 1 else "") + ":"
    return ToolOutput(
        text=f"{head}\n{number_lines(answer['lines'], answer['start'])}{_render_remarks(answer)}".rstrip("\n")
    )


async def write(context: ToolContext, arguments: WriteArguments) -> ToolOutput:
    """Write the file; the result says what was there before."""
    path = to_workspace_path(arguments.path)
    answer = await context.run_guest({"op": "write", "path": path, "text": arguments.text})
    context.edited = True
    before = answer["before"]
    was = "a new file" if before is None else f"replaced {before} lines"
    return ToolOutput(
        text=f"{path}: {answer['lines']} lines, {answer['bytes']} bytes, {was}{_render_remarks(answer)}"
    )


def _page_output(lines: list[str], arguments: ReadArguments, chars: int) -> ToolOutput:
    if arguments.start > len(lines):
        raise ToolError(f"{arguments.path} has {len(lines)} lines; start={arguments.start} is behind its end")
    shown: list[str] = []
    room = chars
    for line in lines[arguments.start - 1 : arguments.start - 1 + arguments.lines]:
        if shown and room < len(line):
            break
        shown.append(line[:chars])
        room -= len(line) + 8
    return ToolOutput(text=_render_lines(shown, arguments.start, len(lines), []))


def _render_lines(lines: list[str], start: int, total: int | None, remarks: list[str]) -> str:
    if not lines:
        return "[the file is empty]"
    last = start + len(lines) - 1
    notes = list(remarks)
    if total is None:
        notes.append(f"lines {start}-{last} of a very large file; go on with start={last + 1}")
    elif last < total:
        notes.append(f"lines {start}-{last} of {total}; go on with start={last + 1}")
    return number_lines(lines, start) + "".join(f"[{note}]\n" for note in notes).rstrip("\n")


def _render_remarks(answer: dict[str, Any]) -> str:
    return "".join(f"\n[{remark}]" for remark in answer["remarks"])
