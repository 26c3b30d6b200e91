"""Parts that a condition or a chain of ``||`` lacks: another value, another property, a further fallback."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ..syntax.habits import list_roots
from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_EQUAL = {"===": "||", "==": "||", "!==": "&&", "!=": "&&"}
_COMPARED = frozenset((*_EQUAL, "<", "<=", ">", ">="))
_MOST = 6
_BYTES = 120  # of what gets a further part
_KNOWN = frozenset(("undefined", "null", "true", "false"))
_LIMITS = ("> 0", "!== 0", ">= 0", "=== 0", "< 0")


def add_alternatives(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``a === b || a === c`` for ``a === b``: a value that is compared elsewhere, the likest first."""
    parts = _split(source, node, _EQUAL)
    if parts is None:
        return
    left, sign, right = parts
    word = _EQUAL[sign]
    whole, chain = _find_chain(source, node, word)
    if chain.count(f"{left} {sign} ") > 8:
        return
    for other, weight in _list_compared(source, left, right, node):
        part = f"{left} {sign} {other}"
        if part not in chain:
            new = f"{source.text(node)} {word} {part}"
            yield replace_node(node, new if whole else f"({new})", "condition", weight)


def _split(source: SourceFile, node: Node, signs: Collection[str]) -> tuple[str, str, str] | None:
    sign = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if sign is None or sign.type not in signs or left is None or right is None:
        return None
    if node.end_byte - node.start_byte > _BYTES:
        return None
    return source.text(left), sign.type, source.text(right)


def _find_chain(source: SourceFile, node: Node, word: str) -> tuple[bool, str]:
    """Whether a part can follow by ``word`` without brackets, and the chain that it would be in."""
    at, above = node, source.parent(node)
    while above is not None and above.type == "binary_expression":
        sign = above.child_by_field_name("operator")
        if sign is None or sign.type != word:
            return False, source.text(at)
        at, above = above, source.parent(above)
    bare = above is not None and above.type not in ("unary_expression", "await_expression")
    return bare, source.text(at)


def _list_compared(source: SourceFile, left: str, right: str, node: Node) -> Iterator[tuple[str, float]]:
    """Values that the same is compared with elsewhere, then values of the same kind."""
    names = {each.text for each in source.list_names(node)}
    mine, alike = [], []
    for one, other in source.comparisons:
        if other == right or (other.isidentifier() and other not in names | _KNOWN):
            continue
        if one == left:
            mine.append(other)
        elif _describe(other) == _describe(right):
            alike.append(other)
    for number, other in enumerate(list(dict.fromkeys(mine))[:_MOST]):
        yield other, 0.35 * 0.9**number
    constants = [each.text for each in source.list_names(node) if _describe(each.text) == _describe(right)]
    others = [*alike, *(constants if right.isupper() else [])]
    for number, other in enumerate(
        [each for each in dict.fromkeys(others) if each not in mine and each != right][:8]
    ):
        yield other, 0.22 * 0.93**number


def _describe(text: str) -> str:
    """The kind of a value by its text: a sign, a string, a number, a constant, a name."""
    if text[:1] in "'\"`":
        return "sign" if len(text) <= 4 else "string"
    if text[:1].isdigit():
        return "number"
    return "constant" if text.isupper() else "name"


def compare_siblings(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A further part about another property of what a comparison is about: ``a.x === 0 && a.y > 0``."""
    parts = _split(source, node, _COMPARED)
    left = node.child_by_field_name("left")
    if parts is None or left is None or not (source.is_condition(node) or _is_given(source, node)):
        return
    owner = left.child_by_field_name("object")
    if owner is None:
        return
    whole, chain = _find_chain(source, node, "&&")
    text, thing = source.text(node), source.text(owner)
    keys = source.keys.get(thing, {})
    others = [f"{thing}['{key}']" for key in sorted(keys, key=lambda each: -keys[each])]
    known = source.properties.get(thing, {})
    others += [f"{thing}.{name}" for name in sorted(known, key=lambda each: -known[each])]
    for number, other in enumerate([each for each in others if each not in chain][:4]):
        less = 0.8**number
        for further, limit in enumerate(_LIMITS):
            new = f"{text} && {other} {limit}"
            yield replace_node(node, new if whole else f"({new})", "condition", 0.18 * less * 0.85**further)
        for word in ("&&", "||"):
            new = f"{text} {word} {other}"
            yield replace_node(node, f"({new})", "condition", 0.1 * less)


def _is_given(source: SourceFile, node: Node) -> bool:
    above = source.parent(node)
    return above is not None and above.type in ("return_statement", "arrow_function")


def extend_results(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A further part for a truth value that is returned: one that other conditions of the file have."""
    if node.type not in ("binary_expression", "call_expression", "unary_expression"):
        return
    if not _is_given(source, node) or node.end_byte - node.start_byte > _BYTES:
        return
    text = source.text(node)
    names = {each.text for each in source.list_names(node)}
    seen: dict[str, None] = {}
    for each in source.conditions:
        other = source.text(each)
        if other not in text and list_roots(source, each) <= names:
            seen[other] = None
    for number, other in enumerate(list(seen)[:_MOST]):
        for word in ("&&", "||"):
            yield replace_node(
                node, f"{_wrap(text, word)} {word} {_wrap(other, word)}", "condition", 0.14 * 0.85**number
            )


def _wrap(text: str, word: str) -> str:
    return f"({text})" if ("||" in text and word == "&&") or "?" in text or "=>" in text else text


def add_fallbacks(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """What else may stand in, between two of a chain: ``a || b.c || 1`` for ``a || 1``."""
    sign = node.child_by_field_name("operator") if node.type == "binary_expression" else None
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if sign is None or sign.type not in ("||", "??") or left is None or right is None:
        return
    if node.end_byte - node.start_byte > _BYTES:
        return
    names = {each.text for each in source.list_names(node)}
    chain = source.text(node)
    found: dict[str, float] = {}
    own = source.find_function(node)
    for text, roots, function in source.operands:
        near = own is not None and function == own.id
        if text not in chain and roots <= names:
            found[text] = max(found.get(text, 0.0), 0.3 if near else 0.15)
    ranked = sorted(found, key=lambda each: -found[each])
    for number, other in enumerate(ranked[:8]):
        weight = found[other] * 0.92**number
        yield replace_node(right, f"{other} {sign.type} {source.text(right)}", "missing-term", weight)
        yield replace_node(left, f"{other} {sign.type} {source.text(left)}", "missing-term", 0.5 * weight)
