"""A tool call in one line that a person reads, instead of its arguments."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.text.terminal import escape_controls, replace_controls, strip_escapes

LONGEST = 120  # characters
_MOST_LINES = 400  # of an edit that is shown as a difference

# The programs that the offline engine runs in the sandbox (bot.agent.tools.context.GUEST), each described.
_OWN_PROGRAM = re.compile(r"python -I /opt/hob/guest/(\w+)")
_OWN_PROGRAMS = {
    "mend": "Search for a change that makes the tests pass",
    "mend_js": "Search for a change that makes the tests pass",
    "names": "Look up or rename a Python name",
    "apply_suggestion": "Apply what a review suggests",
    "suggest": "Apply what a review suggests",  # its name in transcripts of 2026
}

Arguments = Mapping[str, Any]


def render_headline(call: Mapping[str, Any]) -> str:
    """What a call does: ``$ pytest -q``, ``Read cart.py from line 40``."""
    name, arguments = str(call.get("name", "")), call.get("args")
    given: Arguments = arguments if isinstance(arguments, Mapping) else {}
    render = _HEADLINES.get(name)
    text = render(given) if render and "" not in given else f"{name} {_first_value(given)}"
    line = escape_controls(" ".join(strip_escapes(text).split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def render_edit(call: Mapping[str, Any]) -> list[tuple[str, str]]:
    """An edit's old and new text as rows of a difference, (kind, text); empty for any other call."""
    arguments = call.get("args")
    if call.get("name") != "edit" or not isinstance(arguments, Mapping):
        return []
    old, new = (_lines(arguments.get(side)) for side in ("old", "new"))
    if not old or len(old) + len(new) > _MOST_LINES:
        return []
    kinds = {"-": "del", "+": "add", " ": "same"}
    return [(kinds[row[0]], row[2:]) for row in difflib.ndiff(old, new) if row[0] in kinds]


def _lines(text: Any) -> list[str]:
    return replace_controls(strip_escapes(str(text or "")), "\ufffd").split("\n")


def _first_value(given: Arguments) -> str:
    return str(next(iter(given.values()), ""))


def name_command(command: str) -> str:
    """What a program of the offline engine does, as a sentence; any other command is returned unchanged."""
    own = _OWN_PROGRAM.match(command)
    return _OWN_PROGRAMS.get(own[1], command) if own else command


def _shell(given: Arguments) -> str:
    command = str(given.get("command", ""))
    said = name_command(command)
    return said if said != command else f"$ {command}"


def _read(given: Arguments) -> str:
    start = given.get("start")
    return f"Read {given.get('path', '')}" + (f" from line {start}" if start and start != 1 else "")


def _search(given: Arguments) -> str:
    where = given.get("path") or "."
    return f"Search “{given.get('pattern', '')}”" + (f" in {where}" if where != "." else "")


def _write(given: Arguments) -> str:
    lines = str(given.get("text", "")).count("\n")
    return f"Write {given.get('path', '')} ({lines} lines)"


def _background(given: Arguments) -> str:
    if given.get("start"):
        return f"In the background: $ {given['start']}"
    verb, number = ("Stop", given.get("stop")) if given.get("stop") else ("Look at", given.get("read"))
    return f"{verb} the background command {number}"


def _plan(given: Arguments) -> str:
    steps = given.get("steps")
    return f"Plan {len(steps) if isinstance(steps, list) else 0} steps"


_HEADLINES: Mapping[str, Callable[[Arguments], str]] = {
    "shell": _shell,
    "read": _read,
    "search": _search,
    "edit": lambda given: f"Edit {given.get('path', '')}",
    "write": _write,
    "check": lambda given: f"Run the check {_first_value(given)}".rstrip(),
    "background": _background,
    "plan": _plan,
    "note": lambda given: f"Remark on {given.get('path', '')}:{given.get('line', '')}",
    "reply": lambda given: "Answer a comment",
    "finish": lambda given: f"Finish: {given.get('title') or given.get('kind', '')}",
}
