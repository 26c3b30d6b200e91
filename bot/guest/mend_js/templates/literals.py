"""Wrong numbers, strings, truth values and regular expressions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_TYPES = ("undefined", "object", "string", "number", "function", "boolean", "symbol", "bigint")
_MOST = 6
_PIECE = re.compile(
    r"\\[dDwWsSbB]|\\.|\[\^?(?:\\.|[^\]\\]){0,120}\]|\(\?[:=!]|\(\?<[=!]|[*+?]\??|\{\d{1,6}(?:,\d{0,6})?\}\??|\.|\||."
)
_PIECES: dict[str, tuple[tuple[str, float], ...]] = {
    "*": (("+", 0.5), ("*?", 0.3), ("?", 0.2)),
    "+": (("*", 0.5), ("+?", 0.3), ("", 0.3)),
    "?": (("*", 0.2), ("", 0.3), ("+", 0.1)),
    "*?": (("*", 0.5), ("+?", 0.3)),
    "+?": (("+", 0.5), ("*?", 0.3)),
    ".": (("\\.", 0.6), ("[^]", 0.2), ("[\\s\\S]", 0.2)),
    "\\.": ((".", 0.2),),
    "\\d": (("\\w", 0.3), ("\\D", 0.3), ("\\d+", 0.4), ("[\\d.]", 0.1)),
    "\\D": (("\\d", 0.5),),
    "\\w": (("\\d", 0.2), ("\\W", 0.3), ("[\\w-]", 0.4), ("\\w+", 0.3), ("[\\w.]", 0.2)),
    "\\W": (("\\w", 0.5),),
    "\\s": (("\\S", 0.4), ("\\s+", 0.4), ("\\s*", 0.4), (" ", 0.1)),
    "\\S": (("\\s", 0.5),),
    " ": (("\\s", 0.4), ("\\s*", 0.4), (" ?", 0.2)),
    "(?=": (("(?!", 0.5),),
    "(?!": (("(?=", 0.5),),
    "^": (("", 0.5),),
    "$": (("", 0.5),),
}
# A sign alone in a string, and what is meant instead.
_SIGNS = {
    "&": ";", ";": "&", ",": ";", ".": ",", "/": "\\\\", ":": ";", "-": "_", "_": "-", "+": " ", "[": "]",
    "]": "[", "(": ")", ")": "(", "'": "\\x22", "{": "}", "}": "{", "\\n": "\\r\\n", "<": ">", "?": "&",
    "=": ":", "#": "?", "%20": "+", "\\t": " ", "0": "1", "*": "?", "|": "&",
}  # fmt: skip
_RANGES = {
    "a-z": "a-zA-Z", "0-9": "0-9a-f", "A-Z": "a-zA-Z", "1-9": "0-9", "0-8": "0-9", "a-f": "a-fA-F",
    "b-z": "a-z", "A-F": "A-Fa-f", "a-y": "a-z",
}  # fmt: skip
_RADIXES = {10: (16, 36, 8, 2), 16: (10, 8), 2: (10, 16), 8: (10, 16), 24: (12, 60), 60: (24,)}
_SIGNED = (
    "arguments",
    "return_statement",
    "binary_expression",
    "variable_declarator",
    "assignment_expression",
)


def change_numbers(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """One more, one less, a number of the failing test's, another power of ten, another radix."""
    if node.type != "number":
        return
    text = source.text(node)
    above = source.parent(node)
    minus = above is not None and above.type == "unary_expression" and source.text(above).startswith("-")
    if above is not None and minus:
        yield replace_node(above, text, "sign", 0.6)
    elif above is not None and above.type in _SIGNED:
        yield replace_node(node, f"-{text}", "sign", 0.3)
    for new, weight in _list_near(text):
        if not (minus and new.startswith("-")):
            yield replace_node(node, new, "number", weight)
    for number in clues.numbers[:_MOST]:
        if number != text:
            yield replace_node(node, number, "number", 0.2, borrowed=number)


def _list_near(text: str) -> Iterator[tuple[str, float]]:
    """Numbers that are taken for a whole number: one more or less, ten times as much, another radix."""
    try:
        value = int(text, 0)
    except ValueError:
        return
    if len(text) >= 12:
        return
    show = hex if text.lower().startswith("0x") else str
    for new in (value + 1, value - 1):
        yield show(new), (0.8 if abs(value) < 10 else 0.55) if new >= 0 else 0.5
    for new in (value * 10, value // 10 if value % 10 == 0 else 0, value * 2, 0, 1):
        if new != value and abs(new - value) != 1:
            yield show(new), 0.25 if value >= 10 else 0.15
    for new in _RADIXES.get(value, ()):
        yield show(new), 0.3
    if 64 <= value <= 1024:
        for new in (value ^ 1, value + 2, value - 2, value + 10, value - 10, value + 100, value - 100):
            yield show(new), 0.15


def change_constants(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """true and false, null and undefined, empty values."""
    if node.type in ("true", "false"):
        yield replace_node(node, "false" if node.type == "true" else "true", "truth-value", 0.9)
        if _is_returned(source, node):
            yield replace_node(node, "undefined", "truth-value", 0.1)
    elif node.type in ("null", "undefined"):
        others = (("undefined", 0.5), ("null", 0.5), ("''", 0.2), ("[]", 0.2), ("{}", 0.15), ("0", 0.15),
                  ("false", 0.3), ("true", 0.15))  # fmt: skip
        for new, weight in others:
            if new != node.type:
                yield replace_node(node, new, "truth-value", weight)
    elif node.type in ("object", "array") and node.named_child_count == 0:
        empty = (("[]", 0.4), ("{}", 0.4), ("null", 0.2), ("undefined", 0.2), ("''", 0.1),
                  ("Object.create(null)", 0.2))  # fmt: skip
        for new, weight in empty:
            if new != source.text(node):
                yield replace_node(node, new, "truth-value", weight)


def _is_returned(source: SourceFile, node: Node) -> bool:
    above = source.parent(node)
    return above is not None and above.type == "return_statement"


def change_strings(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """Strings of the file or of the failing tests in a string's place, those that look like it first."""
    if node.type == "string_fragment" and source.parent(node) is not None:
        above = source.parent(node)
        if above is not None and above.type == "template_string":
            for text, weight in _vary(source.text(node)):
                yield replace_node(node, text, "text", weight)
        return
    if node.type != "string":
        return
    text = source.text(node)
    quote, inner = text[0], text[1:-1]
    if inner in _TYPES:
        for each in _TYPES:
            if each != inner:
                yield replace_node(
                    node, f"{quote}{each}{quote}", "string", 0.4 if each in _TYPES[:6] else 0.1
                )
        return
    above = source.parent(node)
    if above is not None and above.type in ("import_statement", "export_statement"):
        return
    for new, weight in _vary(inner):
        yield replace_node(node, f"{quote}{new}{quote}", "string", weight)
    seen = {text}
    ranked = sorted(source.literals, key=lambda each: -_compare(each[1:-1], inner))[:_MOST]
    for number, each in enumerate(ranked):
        if each not in seen and len(each) > 2:
            seen.add(each)
            yield replace_node(
                node, each, "string", (0.15 + 0.35 * _compare(each[1:-1], inner)) * 0.9**number
            )
    for each in sorted(clues.strings, key=lambda each: -_compare(each, inner))[:_MOST]:
        likeness = _compare(each, inner)
        if each != inner and "\n" not in each and (likeness > 0.3 or len(inner) < 3):
            shown = each.replace("\\", "\\\\").replace(quote, f"\\{quote}")
            if f"{quote}{shown}{quote}" not in seen:
                yield replace_node(
                    node, f"{quote}{shown}{quote}", "string", 0.1 + 0.5 * likeness, borrowed=each
                )


@lru_cache(maxsize=20_000)
def _compare(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    return difflib.SequenceMatcher(None, one[:60], other[:60], autojunk=False).ratio()


def _vary(inner: str) -> Iterator[tuple[str, float]]:
    """A string in another case, with or without a space, a sign or a letter at an end."""
    if inner.lower() != inner:
        yield inner.lower(), 0.3
    if inner.upper() != inner and len(inner) < 12:
        yield inner.upper(), 0.2
    if inner[:1].islower() and len(inner) > 1:
        yield inner[0].upper() + inner[1:], 0.2
    if inner.strip() != inner:
        yield inner.strip(), 0.3
    if inner == "":
        yield " ", 0.2
        yield ",", 0.1
    elif inner == " ":
        yield "", 0.3
    elif len(inner) < 4:
        yield f"{inner} ", 0.2
        yield f" {inner}", 0.1
        yield "", 0.2
    if len(inner) > 1:
        yield inner[:-1], 0.15
        yield inner[1:], 0.15
    if inner.endswith("s"):
        yield inner[:-1], 0.1
    elif inner.isalpha():
        yield f"{inner}s", 0.15
    if inner in _SIGNS:
        yield _SIGNS[inner], 0.25


def change_patterns(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """Flags, anchors, quantifiers and classes of regular expressions."""
    if node.type != "regex":
        return
    pattern, flags = node.child_by_field_name("pattern"), node.child_by_field_name("flags")
    if pattern is None:
        return
    said = source.text(flags) if flags is not None else ""
    text = source.text(pattern)

    def show(new: str, with_flags: str) -> str:
        return f"/{new}/{with_flags}"

    for flag, weight in (("g", 0.8), ("i", 0.7), ("m", 0.35), ("s", 0.25), ("u", 0.2), ("y", 0.05)):
        new = said.replace(flag, "") if flag in said else f"{said}{flag}"
        yield replace_node(node, show(text, new), "pattern", weight)
    if not text.startswith("^"):
        yield replace_node(node, show(f"^{text}", said), "pattern", 0.5)
    if not text.endswith("$"):
        yield replace_node(node, show(f"{text}$", said), "pattern", 0.5)
    if not text.startswith("^") and not text.endswith("$"):
        whole = f"^(?:{text})$" if "|" in text else f"^{text}$"
        yield replace_node(node, show(whole, said), "pattern", 0.3)
    at = 0
    for match in _PIECE.finditer(text):
        piece, at = match[0], match.start()
        for new, weight in _list_pieces(piece):
            yield replace_node(
                node, show(f"{text[:at]}{new}{text[match.end() :]}", said), "pattern", weight * 0.6
            )


def _list_pieces(piece: str) -> Iterator[tuple[str, float]]:
    yield from _PIECES.get(piece, ())
    if piece.startswith("["):
        inner = piece[1:-1]
        yield (f"[{inner[1:]}]" if inner.startswith("^") else f"[^{inner}]"), 0.5
        yield f"{piece}+", 0.4
        yield f"{piece}*", 0.3
        for more in ("-", "_", ".", " ", "a-z", "A-Z", "0-9", "A-F", "a-f", "~", "+", "%"):
            if more not in inner:
                yield f"[{inner}{more}]", 0.2
        for old, new in _RANGES.items():
            if old in inner and new not in inner:
                yield f"[{inner.replace(old, new, 1)}]", 0.4
    elif piece.startswith("{"):
        low, comma, high = piece.strip("{}?").partition(",")
        for count in (int(low) - 1, int(low) + 1):
            if count >= 0:
                yield f"{{{count}{comma}{high}}}", 0.5
        if not comma:
            yield f"{{{low},}}", 0.4
            yield f"{{1,{low}}}", 0.4
        elif high:
            yield f"{{{low},{int(high) + 1}}}", 0.5
            yield f"{{{low},{int(high) - 1}}}", 0.3
            yield f"{{{low},}}", 0.3
        yield "+", 0.2
    elif len(piece) == 1 and (piece.isalnum() or piece in "-,;:/#&=@!~%'\""):
        yield f"{piece}?", 0.25
        yield f"{piece}+", 0.2
