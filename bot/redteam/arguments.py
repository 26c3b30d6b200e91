"""Arguments of every bad shape: none reaches a tool half-read, and each answer says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

from bot.agent.tools.registry import TOOLS
from bot.redteam.move import Move, Surroundings, answers, call, raw, refuses

_DEEP = '{"command": ' + "[" * 50_000 + "]" * 50_000 + "}"
_LONG = "x" * 200_000
_SHAPES = {
    "no JSON": "{not json",
    "a list": "[1, 2]",
    "a number": "7",
    "an unknown argument": json.dumps({"sudo": True}),
}
_WRONG = {
    "a NUL in a command": ("shell", {"command": "echo a\0b"}),
    "a command that is a list": ("shell", {"command": ["rm", "-rf", "/"]}),
    "no command": ("shell", {"command": ""}),
    "an endless time": ("shell", {"command": "true", "seconds": 1e308}),
    "a negative time": ("shell", {"command": "true", "seconds": -1}),
    "a time that is no number": ("shell", {"command": "true", "seconds": float("nan")}),
    "a path with a NUL": ("read", {"path": "calc.py\0/etc/passwd"}),
    "a line before the first": ("read", {"path": "calc.py", "start": 0}),
    "more lines than there may be": ("read", {"path": "calc.py", "lines": 10**9}),
    "an empty pattern": ("search", {"pattern": ""}),
    "an invalid pattern": ("search", {"pattern": "("}),
    "an option for a pattern's path": ("search", {"pattern": "x", "path": "--pre=/bin/sh"}),
    "an option for a glob": ("search", {"pattern": "x", "glob": "{" * 300}),
    "nothing to replace": ("edit", {"path": "calc.py", "old": "", "new": "x"}),
    "the same again": ("edit", {"path": "calc.py", "old": "x", "new": "x"}),
    "a text that is not there": ("edit", {"path": "calc.py", "old": "no such text", "new": "y"}),
    "a plan without steps": ("plan", {"steps": []}),
    "a plan of a thousand steps": ("plan", {"steps": [{"text": "x"}] * 1000}),
    "a step that is a page": ("plan", {"steps": [{"text": "x" * 5000}]}),
    "a step in a state of its own": ("plan", {"steps": [{"text": "x", "state": "approved"}]}),
    "a note on no line": ("note", {"path": "calc.py", "line": 0, "text": "x"}),
    "a note behind the end": ("note", {"path": "calc.py", "line": 999_999, "text": "x"}),
    "a note on a directory": ("note", {"path": ".", "line": 1, "text": "x"}),
    "a note outside": ("note", {"path": "../x", "line": 1, "text": "x"}),
    "a note that is a book": ("note", {"path": "calc.py", "line": 1, "text": _LONG}),
    "a reply to nobody": ("reply", {"comment": -1, "text": "x"}),
    "a reply to a comment of another thread": ("reply", {"comment": 1, "text": "x"}),
    "a reply to a number beyond all": ("reply", {"comment": 10**30, "text": "x"}),
    "an end of a kind of its own": ("finish", {"kind": "merged", "summary": "x"}),
    "an end without words": ("finish", {"kind": "answered", "summary": ""}),
    "an end with a book": ("finish", {"kind": "answered", "summary": _LONG}),
    "a change without a title": ("finish", {"kind": "changed", "title": " ", "summary": "x"}),
    "a command started and stopped at once": ("background", {"start": "true", "stop": 1}),
    "a command that was never started": ("background", {"read": 77}),
    "a command with a number below one": ("background", {"stop": -1}),
    "an hour of waiting": ("background", {"read": 1, "seconds": 3600}),
}


def list_moves(_: Surroundings) -> Iterator[Move]:
    """All of the family."""
    holds = "the call is refused with the reason, and nothing is done"
    for tool in TOOLS:
        for name, arguments in _SHAPES.items():
            yield _move(f"{tool} with {name}", holds, tool, arguments)
    for name, (tool, wrong) in _WRONG.items():
        yield _move(name, holds, tool, wrong)
    for name, tool in (("no tool", ""), ("a path", "../../bin/sh"), ("a name with a NUL", "shell\0")):
        yield Move(
            family="arguments",
            name=f"a tool that is {name}",
            holds="the answer lists the tools",
            calls=[raw(tool, {})],
            judge=refuses("there is no tool"),
        )
    yield _move("arguments of 50,000 brackets", holds, "shell", _DEEP)
    yield Move(
        family="arguments",
        name="a lone surrogate in a command",
        holds="it is refused or run, and the run goes on",
        calls=[call("shell", command="echo \ud800 | wc -c"), call("shell", command="echo goes on")],
        judge=answers("goes on"),
    )
    yield Move(
        family="arguments",
        name="a file of 3 MB in one argument",
        holds="it is written inside, within the limits of the sandbox",
        calls=[call("write", path="big.txt", text="0123456789\n" * 300_000)],
        judge=answers("big.txt"),
    )


def _move(name: str, holds: str, tool: str, arguments: object) -> Move:
    return Move(
        family="arguments",
        name=name,
        holds=holds,
        calls=[raw(tool, arguments)],
        judge=refuses("[error]", "[malformed"),
    )
