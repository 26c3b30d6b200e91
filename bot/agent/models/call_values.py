"""Calls as values in a text: objects of JSON with their usual mistakes, Python calls, Gemma's own objects."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder(strict=False)  # line breaks within strings: small models write them
MOST_PYTHON_CHARS = 64_000  # no other thread runs while it is parsed
_NAME_KEYS = ("name", "function", "tool", "tool_name", "function_name")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input")
_QUOTE = re.compile(r"<escape>|<\|\"\|>")  # of FunctionGemma, and of Gemma after it
_BARE_KEY = re.compile(r"([{,]\s*+)([A-Za-z_]\w*+)\s*+:")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCall:
    """A call and the end of its text; ``arguments`` is an object, or the text that could not be read."""

    name: str
    arguments: dict[str, Any] | str
    end: int


def read_call(value: Any, end: int) -> FoundCall | None:
    """A call from an object with a name and arguments; None for any other object."""
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in _NAME_KEYS if value.get(key)), None)
    if isinstance(name, dict):  # OpenAI's own shape: {"type": "function", "function": {"name": ...}}
        return read_call(name, end)
    if not isinstance(name, str):
        return None
    arguments: Any = next((value[key] for key in _ARGUMENT_KEYS if value.get(key) is not None), {})
    if isinstance(arguments, str):
        arguments = decode_object(arguments)
    if not isinstance(arguments, dict | str):
        arguments = json.dumps(arguments)
    return FoundCall(name=name.removeprefix("functions."), arguments=arguments, end=end)


def decode_object(text: str) -> dict[str, Any] | str:
    """The object that ``text`` holds as JSON, or as JSON within a JSON string; else ``text`` itself."""
    value: Any = text
    for _ in range(2):
        try:
            value = json.loads(value, strict=False)
        except (ValueError, RecursionError):
            return text
        if isinstance(value, dict):
            return value
        if not isinstance(value, str):
            return text
    return text


def read_value(text: str, at: int) -> tuple[Any, int]:
    """The JSON value, or the Python literal, at ``at``, and its end; None where there is none."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        pass
    end = find_closing(text, at)
    try:
        return ast.literal_eval(text[at:end].strip()), end
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None, at


def read_mended(text: str, at: int) -> tuple[Any, int]:
    """An object with one brace too few at its end or too many around it, as small models write; None else."""
    if text.startswith("{{", at):
        value, end = read_value(text, at + 1)
        return (value, end + text.startswith("}", end)) if isinstance(value, dict) else (None, at)
    ends = [i for mark in ("</", "<|") if (i := text.find(mark, at)) >= 0]
    end = min(ends, default=len(text))
    try:
        return json.loads(text[at:end].rstrip() + "}", strict=False), end
    except (ValueError, RecursionError):
        return None, at


def find_closing(text: str, at: int) -> int:
    """Where the bracket at ``at`` is closed, brackets within strings not counted; the end where it is not."""
    depth, quote, skip = 0, "", False
    for position in range(at, len(text)):
        char = text[position]
        if skip:
            skip = False
        elif quote:
            skip = char == "\\"
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "{[(":
            depth += 1
        elif char in "}])":
            depth -= 1
            if depth == 0:
                return position + 1
    return len(text)


def read_gemma_call(name: str, text: str, at: int) -> FoundCall:
    """``{path:<escape>a.py<escape>,line:3}``: an object whose keys are bare and whose strings have marks.

    https://ai.google.dev/gemma/docs/functiongemma/formatting-and-best-practices
    """
    ends = [i for i in (text.find("<end_function_call>", at), text.find("<tool_call|>", at)) if i >= 0]
    end = min(ends, default=len(text))
    pieces = _QUOTE.split(text[at:end])
    plain = "".join(
        json.dumps(piece) if number % 2 else _BARE_KEY.sub(r'\1"\2":', piece)
        for number, piece in enumerate(pieces)
    )
    return FoundCall(name=name, arguments=decode_object(plain), end=end)


def read_python_calls(body: str) -> list[FoundCall] | None:
    """``[read(path="cart.py")]`` as Llama 4 writes it, and one call alone; arguments are literals."""
    if len(body) > MOST_PYTHON_CHARS:
        return None
    try:
        tree = ast.parse(body, mode="eval").body
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    nodes = tree.elts if isinstance(tree, ast.List) else [tree]
    found = []
    for each in nodes:
        node = each
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "print":
            node = each.args[0] if len(each.args) == 1 else each  # Gemma writes print(read(path="x"))
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            return None
        try:
            arguments = {given.arg or "": ast.literal_eval(given.value) for given in node.keywords}
        except (ValueError, TypeError, RecursionError, MemoryError):
            return None
        found.append(FoundCall(name=node.func.id, arguments=arguments, end=len(body)))
    return found
