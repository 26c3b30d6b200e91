"""Python in a text: calls whose arguments are literals, and literal values."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

LONGEST = 200  # characters of a call
CALL = re.compile(r"(?<![\w.@])(?:[A-Za-z_]\w{0,60}\.){0,4}[A-Za-z_]\w{0,60}\(")
_OPEN, _CLOSE = "([{", ")]}"


def find_calls(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and text of every outermost call whose arguments are literals or calls themselves."""
    position = 0
    while match := CALL.search(text, position):
        end = _find_end(text, match.end() - 1)
        position = match.end()
        while end and end < len(text) and text[end] in "([.":
            further = re.compile(r"\.[A-Za-z_]\w*").match(text, end)
            after = further.end() if further else _find_end(text, end)
            if not after or not is_call(text[match.start() : after]):
                break
            end = after
        if end and is_call(code := text[match.start() : end]):
            position = end
            wrapped = re.fullmatch(r"(?:print|repr)\((.*)\)", code, re.S)
            yield match.start(), end, wrapped[1] if wrapped and is_call(wrapped[1]) else code


def _find_end(text: str, start: int) -> int:
    """Behind the bracket that closes the one at ``start``; 0 when none does in reach."""
    depth, quote, at = 0, "", start
    while at < min(len(text), start + LONGEST):
        sign = text[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return 0


_PLAIN = (
    ast.Expression, ast.Call, ast.Attribute, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict,
    ast.UnaryOp, ast.BinOp, ast.Subscript, ast.Slice, ast.keyword, ast.expr_context, ast.operator,
    ast.unaryop,
)  # fmt: skip


def is_call(code: str) -> bool:
    try:
        tree = ast.parse(code, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    nodes = list(ast.walk(tree))
    match tree.body:
        case ast.Call(func=ast.Name(id=name), args=[], keywords=[]) if hasattr(builtins, name):
            return False  # "int() argument must be a string" in a message
    return (
        any(isinstance(node, ast.Call) for node in nodes)
        and all(isinstance(node, _PLAIN) for node in nodes)
        and not any(
            (getattr(node, "attr", None) or getattr(node, "id", None) or "").startswith("__")
            for node in nodes
        )
        and not any(isinstance(node, ast.Constant) and node.value is ... for node in nodes)
    )


_LITERAL = re.compile(
    r"[bru]{0,2}'(?:[^'\\\n]|\\.){0,300}'|[bru]{0,2}\"(?:[^\"\\\n]|\\.){0,300}\""
    r"|-?(?:\d[\d_]{0,40}(?:\.\d{1,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?(?![\w])"
    r"|(?:None|True|False)\b|set\(\)",
)


def measure_value(text: str) -> int:
    """How many characters the Python value at the beginning of a text has; 0 when there is none."""
    if text[:1] and text[0] in _OPEN:
        end = _find_end(text, 0)
        return end if end and parse_value(text[:end]) else 0
    match = _LITERAL.match(text)
    return match.end() if match and parse_value(match.group()) else 0


def parse_value(text: str) -> bool:
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return False
    return True
