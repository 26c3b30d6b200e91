"""Conditions that are the wrong way round, lack a part, or look at the wrong side of a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.habits import list_inside
from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_CONDITIONS = frozenset(
    ("identifier", "member_expression", "call_expression", "subscript_expression", "parenthesized_expression")
)
_EDGES = ("{} === 0", "{} === null", "{} === undefined", "!{}", "{} === ''", "{}.length === 0", "{} < 0")
_BEYOND = ("{} !== 0", "{} !== null", "{} !== undefined", "{}", "{} !== ''", "{}.length > 0", "{} > 0")


def change_conditions(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A condition the other way round, or one that looks at a value's length, type or presence."""
    text = source.text(node)
    if node.type == "unary_expression" and text.startswith("!"):
        argument = node.child_by_field_name("argument")
        if argument is not None:
            yield replace_node(node, source.text(argument), "negation", 0.7)
    if node.type == "ternary_expression":
        yes, no = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        if yes is not None and no is not None:
            between = source.data[yes.end_byte : no.start_byte].decode("utf-8")
            swapped = f"{source.text(no)}{between}{source.text(yes)}"
            yield JsEdit(start=yes.start_byte, end=no.end_byte, new=swapped, template="branches", weight=0.55)
            yield replace_node(node, source.text(yes), "needless-term", 0.3)
            yield replace_node(node, source.text(no), "needless-term", 0.3)
    if not source.is_condition(node):
        return
    if node.type in _CONDITIONS:
        inner = text[1:-1] if node.type == "parenthesized_expression" else text
        if node.type == "parenthesized_expression":
            if node.named_child_count == 1 and node.named_children[0].type in _CONDITIONS:
                return
            yield replace_node(node, f"(!({inner}))", "negation", 0.35)
            return
        yield replace_node(node, f"!{text}", "negation", 0.6)
        if node.type in ("identifier", "member_expression"):
            for new, weight in (
                (f"{text} !== undefined", 0.3), (f"{text} != null", 0.3), (f"{text} !== null", 0.15),
                (f"{text}.length", 0.12), (f"{text}.length > 0", 0.08), (f"typeof {text} === 'string'", 0.1),
                (f"typeof {text} === 'object'", 0.08), (f"typeof {text} === 'function'", 0.08),
                (f"Array.isArray({text})", 0.1), (f"{text} > 0", 0.08), (f"{text} === true", 0.08),
                (f"{text} !== ''", 0.06),
            ):  # fmt: skip
                yield replace_node(node, _keep_whole(source, node, new), "condition", weight)
    if node.type == "binary_expression":
        sign = node.child_by_field_name("operator")
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if sign is None or left is None or right is None or sign.type not in ("!==", "!=", "===", "=="):
            return
        if source.text(right) in ("null", "undefined"):
            yield replace_node(node, source.text(left), "condition", 0.25)
            other = "undefined" if source.text(right) == "null" else "null"
            yield replace_node(right, other, "condition", 0.3)
            loose = f"{source.text(left)} {sign.type[:2]} null"
            yield replace_node(node, loose, "condition", 0.3)


def _keep_whole(source: SourceFile, node: Node, new: str) -> str:
    """``new``, in brackets where a sign before the node would take only its first part: ``!a === b``."""
    above = source.parent(node)
    return f"({new})" if " " in new and above is not None and above.type == "unary_expression" else new


def extend_conditions(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A further part for the condition of an ``if``: one that other conditions of its function have."""
    if node.type not in ("if_statement", "while_statement"):
        return
    condition = node.child_by_field_name("condition")
    if condition is None or condition.named_child_count != 1:
        return
    own = condition.named_children[0]
    function = source.find_function(node)
    seen = {source.text(own)}
    names = {each.text for each in source.list_names(node)}
    nearby: list[str] = []
    for each in source.conditions:
        text = source.text(each)
        roots = {source.text(leaf) for leaf in _list_leaves(each) if leaf.type == "identifier"}
        if text not in seen and (roots <= names | {"Array", "Object", "Number", "undefined", "isNaN"}):
            seen.add(text)
            same = source.find_function(each)
            near = same is not None and function is not None and same.id == function.id
            nearby.insert(0, text) if near else nearby.append(text)
    text = source.text(own)
    mine = f"({text})" if own.type == "binary_expression" and "||" in text else text
    for number, other in enumerate(nearby[:8]):
        less = 0.85**number
        theirs = f"({other})" if "||" in other or "?" in other else other
        yield replace_node(own, f"{mine} && {theirs}", "condition", 0.14 * less)
        yield replace_node(own, f"{text} || {other}", "condition", 0.14 * less)
        if " " not in other:
            yield replace_node(own, f"{mine} && !{other}", "condition", 0.12 * less)


def _list_leaves(node: Node) -> Iterator[Node]:
    return (each for each in list_inside(node) if each.named_child_count == 0)


def add_edge_cases(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A part of a condition for null, undefined, zero or nothing, of a name that the condition is about."""
    if node.type == "binary_expression":
        yield from _check_object(source, node)
    if node.type not in ("binary_expression", "call_expression", "identifier", "unary_expression"):
        return
    if not source.is_condition(node) or node.end_byte - node.start_byte > 120:
        return
    text = source.text(node)
    above = source.parent(node)
    names = [source.text(leaf) for leaf in _list_leaves(node) if leaf.type == "identifier"]
    parameters = [each.text for each in source.list_names(node) if each.far == 0 and each.kind == "parameter"]
    inner = f"({text})" if node.type == "binary_expression" and ("||" in text or "&&" in text) else text
    whole = above is not None and above.type == "parenthesized_expression"
    for place, name in enumerate(dict.fromkeys([*names[:3], *parameters[:2]])):
        less = 0.75**place
        for number, (edge, beyond) in enumerate(zip(_EDGES, _BEYOND, strict=True)):
            weight = 0.16 * less * 0.9**number
            either, both = f"{edge.format(name)} || {inner}", f"{inner} && {beyond.format(name)}"
            yield replace_node(node, either if whole else f"({either})", "condition", weight)
            yield replace_node(node, both if whole else f"({both})", "condition", weight)


def _check_object(source: SourceFile, node: Node) -> Iterator[JsEdit]:
    """``typeof null`` is "object"; what equals a value may also be missing."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    sign = node.child_by_field_name("operator")
    if left is None or right is None or sign is None or sign.type not in ("===", "!==", "==", "!="):
        return
    equal = sign.type in ("===", "==")
    joined, other = ("&&", "!==") if equal else ("||", "===")
    text = source.text(node)
    if (
        left.type == "unary_expression"
        and source.text(left).startswith("typeof")
        and "object" in source.text(right)
    ):
        name = source.text(left).removeprefix("typeof").strip(" ()")
        above = source.parent(node)
        mixed = (
            above is not None
            and above.type == "binary_expression"
            and f" {joined} " not in source.text(above)
        )
        for value in ("null", "undefined"):
            new = f"{text} {joined} {name} {other} {value}"
            weight = 0.55 if value == "null" else 0.1
            yield replace_node(node, f"({new})" if mixed else new, "condition", weight)
        yield replace_node(
            node, f"{text} {joined} {'!' if equal else ''}Array.isArray({name})", "condition", 0.2
        )
    elif source.is_condition(node) or equal:
        name = source.text(left)
        both = "||" if equal else "&&"
        for value, weight in (("undefined", 0.2), ("null", 0.15), ("''", 0.08)):
            if source.text(right) != value:
                new = f"({text} {both} {name} {sign.type} {value})"
                yield replace_node(node, new, "condition", weight)


def compare_strictly(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``x === null`` and the like for ``!x``, which zero and the empty string are as well."""
    if node.type != "unary_expression" or not source.text(node).startswith("!"):
        return
    argument = node.child_by_field_name("argument")
    if argument is None or argument.type not in ("identifier", "member_expression", "subscript_expression"):
        return
    text = source.text(argument)
    for value, weight in (("=== null", 0.25), ("=== undefined", 0.25), ("== null", 0.25), ("=== false", 0.1)):
        yield replace_node(node, _keep_whole(source, node, f"{text} {value}"), "condition", weight)
