"""Terms that a calculation or a text lacks and other places of the file have; values that are mixed up."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST = 5
_PROPERTY = re.compile(r"([\w$]{1,40}(?:\.[\w$]{1,40}){0,3})(?:\.[\w$]{1,40}|\[\"[\w$]{1,40}\"\])")
_OPERANDS = frozenset(("identifier", "member_expression", "subscript_expression", "call_expression"))
_PLACES = frozenset(
    ("arguments", "return_statement", "variable_declarator", "assignment_expression", "ternary_expression",
     "pair", "binary_expression", "augmented_assignment_expression", "array", "template_substitution",
     "arrow_function")
)  # fmt: skip


def add_terms(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``a * b`` for ``b`` where other places calculate so; a short text before or after another."""
    above = source.parent(node)
    if node.type not in _OPERANDS or above is None or above.type not in _PLACES:
        return
    text = source.text(node)
    if len(text) > 60 or _is_target(above, node):
        return
    bare = above.type != "binary_expression"
    for number, other in enumerate(source.calculations.get(_squeeze(text), ())[:_MOST]):
        yield replace_node(node, other if bare else f"({other})", "missing-term", 0.3 * 0.85**number)
    for number, other in enumerate(_list_like(source, text)):
        yield replace_node(node, other if bare else f"({other})", "missing-term", 0.2 * 0.85**number)
    if above.type in ("ternary_expression", "return_statement", "arguments", "binary_expression", "array"):
        signs = [each for each in source.literals if 3 <= len(each) <= 4][:_MOST]
        for number, sign in enumerate(signs):
            yield replace_node(node, f"{sign} + {text}", "missing-term", 0.1 * 0.9**number)
            yield replace_node(node, f"{text} + {sign}", "missing-term", 0.1 * 0.9**number)


def _list_like(source: SourceFile, text: str) -> list[str]:
    """How the file calculates with another property of the same object, with this one in its place."""
    own = _PROPERTY.fullmatch(_squeeze(text))
    found: dict[str, None] = {}
    for key, calculations in source.calculations.items() if own else ():
        other = _PROPERTY.fullmatch(key)
        if own is None or other is None or other[1] != own[1] or key == own[0]:
            continue
        for made in calculations[:2]:
            for written in (key, key.replace('"', "'")):
                if made.count(written) == 1 and own[0] not in _squeeze(made):
                    found[made.replace(written, text)] = None
    return list(found)[:_MOST]


def _squeeze(text: str) -> str:
    return "".join(text.split()).replace("'", '"')


def _is_target(above: Node, node: Node) -> bool:
    for name in ("left", "name", "key"):
        child = above.child_by_field_name(name)
        if child is not None and child.id == node.id and above.type != "binary_expression":
            return True
    return False


def swap_values(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """The values of two assignments in a row, of two properties or items, in each other's place."""
    values = []
    if node.type in ("statement_block", "program"):
        for each in node.named_children:
            inner = (
                each.named_children[0]
                if each.type == "expression_statement" and each.named_child_count
                else None
            )
            right = inner.child_by_field_name("right") if inner is not None else None
            values.append(right if inner is not None and inner.type == "assignment_expression" else None)
    elif node.type == "object":
        values = [each.child_by_field_name("value") for each in node.named_children]
    elif node.type == "array":
        values = list(node.named_children)
    for one, two in itertools.pairwise(values):
        if (
            one is None
            or two is None
            or source.text(one) == source.text(two)
            or two.end_byte - one.start_byte > 400
        ):
            continue
        between = source.data[one.end_byte : two.start_byte].decode("utf-8")
        new = f"{source.text(two)}{between}{source.text(one)}"
        yield JsEdit(start=one.start_byte, end=two.end_byte, new=new, template="swapped-parts", weight=0.25)
