"""A sign, a property or a one that a value lacks or has too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, insert_at, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_VALUES = frozenset(("identifier", "member_expression", "subscript_expression", "call_expression"))
_SUMS = frozenset(("+", "-", "*", "/", "%"))
_PLACES = {  # what a value may stand in, with the field that it is then; "" for any
    "return_statement": "",
    "arguments": "",
    "assignment_expression": "right",
    "augmented_assignment_expression": "right",
    "variable_declarator": "value",
    "pair": "value",
    "ternary_expression": "",
    "binary_expression": "",
    "arrow_function": "body",
    "subscript_expression": "index",
}
_BYTES = 60
_MOST = 5


def _find_place(source: SourceFile, node: Node) -> str:
    """The type of what a node is a value in, "" where it is none."""
    above = source.parent(node)
    if above is None or above.type not in _PLACES or node.end_byte - node.start_byte > _BYTES:
        return ""
    name = _PLACES[above.type]
    child = above.child_by_field_name(name) if name else node
    return above.type if child is not None and child.id == node.id else ""


def _find_sign(node: Node | None) -> str:
    sign = node.child_by_field_name("operator") if node is not None else None
    return sign.type if sign is not None else ""


def turn_signs(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``-x`` for ``x``, and the other way round."""
    if node.type == "unary_expression" and _find_sign(node) in ("-", "~", "+"):
        argument = node.child_by_field_name("argument")
        if argument is not None and argument.type != "number":
            yield replace_node(node, source.text(argument), "sign", 0.5)
    place = _find_place(source, node)
    if node.type not in _VALUES or not place:
        return
    if place == "binary_expression" and _find_sign(source.parent(node)) not in ("*", "/"):
        return
    weight = {"arguments": 0.16, "return_statement": 0.2, "ternary_expression": 0.25}.get(place, 0.12)
    yield insert_at(node.start_byte, "-", "sign", weight)


def shift_values(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """One more or one less, of what is returned, added, kept or handed over."""
    place = _find_place(source, node)
    sum_ = node.type == "binary_expression" and _find_sign(node) in _SUMS
    if not (sum_ or node.type in _VALUES or (node.type == "unary_expression" and _find_sign(node) == "-")):
        return
    weight = {
        "augmented_assignment_expression": 0.35, "return_statement": 0.25, "assignment_expression": 0.2,
        "variable_declarator": 0.2, "arguments": 0.12, "ternary_expression": 0.15,
        "subscript_expression": 0.3,
    }.get(place, 0.0)  # fmt: skip
    if weight and node.type != "call_expression":
        yield insert_at(node.end_byte, " - 1", "off-by-one", weight)
        yield insert_at(node.end_byte, " + 1", "off-by-one", weight)
    elif weight:
        yield insert_at(node.end_byte, " - 1", "off-by-one", 0.5 * weight)
        yield insert_at(node.end_byte, " + 1", "off-by-one", 0.5 * weight)


def add_properties(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``a.b`` for ``a``: a property that has the name of the other side, or that is read of it elsewhere."""
    place = _find_place(source, node)
    if not place:
        return
    text = source.text(node)
    if node.type == "member_expression":
        owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
        if owner is not None and name is not None and owner.type != "this":
            yield replace_node(node, source.text(owner), "attribute", 0.14)
    if node.type not in ("identifier", "subscript_expression", "member_expression", "call_expression"):
        return
    rated = dict.fromkeys(source.properties.get(text, {}), 0.3)
    rated |= dict.fromkeys((each for each in _list_aims(source, node) if each in source.property_counts), 0.8)
    if node.type != "member_expression":
        often = sorted(source.property_counts, key=lambda each: -source.property_counts[each])
        rated = dict.fromkeys(often[:_MOST], 0.07) | rated
    for number, each in enumerate(sorted(rated, key=lambda one: -rated[one])[: 2 * _MOST]):
        yield insert_at(node.end_byte, f".{each}", "attribute", rated[each] * 0.95**number)


def _list_aims(source: SourceFile, node: Node) -> Iterator[str]:
    """The names of what a value is put into or compared with, without what marks them as inner ones."""
    above = source.parent(node)
    if above is None:
        return
    for field in ("left", "right", "name", "key"):
        other = above.child_by_field_name(field)
        if other is not None and other.id != node.id:
            name = source.text(other).rpartition(".")[2].strip("'\"")
            yield from dict.fromkeys((name, name.strip("_"), f"{name}_", f"_{name}"))


def change_spans(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """The end of a part where its length stands, and the other way round; a text's bytes for its signs."""
    counted = node.type == "member_expression" and source.text(node).endswith(".length")
    if counted and b"Buffer" in source.data:
        owner = node.child_by_field_name("object")
        if owner is not None and _find_place(source, node):
            yield replace_node(node, f"Buffer.byteLength({source.text(owner)})", "missing-call", 0.25)
    function = node.child_by_field_name("function") if node.type == "call_expression" else None
    name = function.child_by_field_name("property") if function is not None else None
    arguments = node.child_by_field_name("arguments")
    if name is None or arguments is None or arguments.named_child_count != 2:
        return
    if source.text(name) not in ("slice", "substring", "substr", "splice", "subarray"):
        return
    first, second = arguments.named_children
    one, two = source.text(first), source.text(second)
    bare = f"({one})" if first.type == "binary_expression" and _find_sign(first) not in ("*", "/") else one
    yield replace_node(second, f"{one} + {two}", "arithmetic", 0.4)
    yield replace_node(second, f"{two} - {bare}", "arithmetic", 0.3)
    if second.type == "binary_expression":
        for side in ("left", "right"):
            part = second.child_by_field_name(side)
            if part is not None:
                yield replace_node(second, source.text(part), "needless-term", 0.3)
