"""Answers to questions about names of the code: what can be read out, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bot.domain import Brief
from bot.offline.texts import OTHER_MODEL, FinishFields

RESULT = "HOB-NAMES-RESULT "
NamesResult = dict[str, Any]

_NAME = re.compile(r"`([A-Za-z_][\w.]*)(?:\([^`]*\))?`|(?<![\w.])([A-Za-z_][\w.]*+)\(\)|"
                   r"\b([A-Za-z]+_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)\b")  # fmt: skip
_BARE = re.compile(
    r"\b(?:is|are|does|do|uses?|calls?|function|method|class|of|parameters of|arguments of)\s++"
    r"(?:the\s++)?(?:function\s++|method\s++|class\s++)?([A-Za-z_][\w.]*)", re.I
)  # fmt: skip
_ORDINARY = frozenset(
    [
        "the",
        "this",
        "that",
        "a",
        "an",
        "it",
        "defined",
        "used",
        "called",
        "there",
        "here",
        "function",
        "method",
        "class",
        "take",
        "takes",
        "return",
        "returns",
        "raise",
        "raises",
        "do",
        "does",
        "is",
        "are",
        "in",
        "of",
        "parameters",
        "arguments",
        "signature",
        "what",
        "where",
        "who",
        "uses",
        "calls",
        "code",
    ]
)


def find_names(brief: Brief) -> list[str]:
    """Names of code in a question, at most three; a word that could be one when none is marked as code."""
    found = [next(filter(None, each)) for each in _NAME.findall(brief.request)]
    if not found:
        found = [name for name in _BARE.findall(brief.request) if name.lower() not in _ORDINARY]
    return list(dict.fromkeys(name.strip(".") for name in found))[:3]


def read_names_result(text: str) -> NamesResult:
    """Parse what the program inside the sandbox printed; {} when it was not completed."""
    lines = [line for line in text.splitlines() if line.startswith(RESULT)]
    try:
        value = json.loads(lines[-1].removeprefix(RESULT)) if lines else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def answer_question(brief: Brief, found: Sequence[NamesResult]) -> FinishFields:
    """The part of what was read that the question is about."""
    asked = brief.request.lower()
    known = [each for each in found if each.get("definitions")]
    if not known:
        names = ", ".join(f"`{each['name']}`" for each in found if each.get("name"))
        what = (
            f"No Python file here defines {names}. " if names else "That is a question that I cannot answer. "
        )
        return "blocked", "", what + OTHER_MODEL
    if re.search(r"\b(who|what|which)\b.*\b(calls?|uses?)\b|\bwhere\b.*\b(used|called)\b", asked):
        return "answered", "", _join_parts(_render_uses(each) for each in known)
    if asked.strip(" @\n").startswith(("where", "which file", "what file")):
        lines = "\n".join(_render_place(one) for each in known for one in each["definitions"])
        said = f"This is where it is defined:\n\n{lines}{_render_more(known)}"
        further = [
            _render_part(one, render(one))
            for pattern, render in _FURTHER
            if re.search(pattern, asked)
            for each in known
            for one in each["definitions"]
        ]
        return "answered", "", _join_parts([said, *further])
    if not re.match(r"\W*(what|which)\b", asked):
        return _answer_places(known)
    if re.search(r"\b(takes?|accepts?|arguments?|parameters?|signature|fields?)\b", asked):
        return (
            "answered",
            "",
            _join_parts(
                _render_part(one, _render_parameters(one)) for each in known for one in each["definitions"]
            ),
        )
    if re.search(r"\b(returns?|gives?)\b", asked):
        return (
            "answered",
            "",
            _join_parts(
                _render_part(one, _render_returns(one)) for each in known for one in each["definitions"]
            ),
        )
    if re.search(r"\b(raises?|throws?|exceptions?)\b", asked):
        return (
            "answered",
            "",
            _join_parts(
                _render_part(one, _render_raises(one)) for each in known for one in each["definitions"]
            ),
        )
    documented = [one for each in known for one in each["definitions"] if one.get("doc")]
    if documented:
        return (
            "answered",
            "",
            _join_parts(_render_part(one, f"It says of itself: {one['doc']}") for one in documented),
        )
    return _answer_places(known)


def _answer_places(known: Sequence[NamesResult]) -> FinishFields:
    """The answer to any other question: where the name is defined."""
    lines = "\n".join(_render_place(one) for each in known for one in each["definitions"])
    return "blocked", "", f"I can only say where it is defined:\n\n{lines}\n\n{OTHER_MODEL}"


def _join_parts(parts: Any) -> str:
    return "\n\n".join(parts)


def _render_more(known: Sequence[NamesResult]) -> str:
    more = sum(each.get("more_definitions", 0) for each in known)
    return f"\n\nand {more} more places." if more else ""


def _render_place(one: NamesResult) -> str:
    return f"- `{one['name']}`: `{one['path']}:{one['line']}`, `{one['text']}`"


def _render_part(one: NamesResult, text: str) -> str:
    return f"`{one['name']}` (a {one['kind']}, `{one['path']}:{one['line']}`): {text}"


def _render_parameters(one: NamesResult) -> str:
    if one.get("takes"):
        return "it takes\n\n" + "\n".join(f"- `{each}`" for each in one["takes"])
    if one.get("fields"):
        return "its fields are\n\n" + "\n".join(f"- `{each}`" for each in one["fields"])
    return "it takes nothing." if "takes" in one else f"nothing to give: `{one['text']}`"


def _render_returns(one: NamesResult) -> str:
    kind = f"it is declared to return `{one['returns']}`. " if one.get("returns") else ""
    gives = ", ".join(f"`{each}`" for each in one.get("gives", ()))
    return kind + (f"Its `return` statements give {gives}." if gives else "It has no `return` with a value.")


def _render_raises(one: NamesResult) -> str:
    raised = ", ".join(f"`{each}`" for each in one.get("raises", ()))
    return f"it raises {raised} itself." if raised else "it raises nothing itself."


def _render_uses(each: NamesResult) -> str:
    head = f"`{each['name']}` is used in {each['use_count']} lines" if each["use_count"] else ""
    if not head:
        return f"Nothing in the Python files here uses `{each['name']}`."
    lines = "\n".join(f"- `{use['path']}:{use['line']}`, `{use['text']}`" for use in each["uses"])
    cut = f" (the first {len(each['uses'])})" if each["use_count"] > len(each["uses"]) else ""
    return f"{head}{cut}, going by the name alone:\n\n{lines}"


# What a question may ask besides the place.
_FURTHER = (
    (r"\b(?:takes?|accepts?|arguments?|parameters?|signature|fields?)\b", _render_parameters),
    (r"\b(?:returns?|gives?)\b", _render_returns),
    (r"\b(?:raises?|throws?|exceptions?)\b", _render_raises),
)
