"""The names that a function or a file of JavaScript declares, from its syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

FUNCTIONS = frozenset(
    ("function_declaration", "function_expression", "generator_function_declaration", "generator_function",
     "arrow_function", "method_definition")
)  # fmt: skip
ReadText = Callable[["Node"], str]


def find_declared(read: ReadText, scope: Node) -> Iterator[tuple[str, str]]:
    """Name and kind of what a function or the file declares, without what functions inside it declare."""
    parameters = scope.child_by_field_name("parameters") or scope.child_by_field_name("parameter")
    if parameters is not None:
        for each in _list_bound(read, parameters):
            yield each, "parameter"
    stack = list(reversed(scope.named_children))
    while stack:
        node = stack.pop()
        name = node.child_by_field_name("name")
        if node.type in ("function_declaration", "generator_function_declaration") and name is not None:
            yield read(name), "function"
        elif node.type == "class_declaration" and name is not None:
            yield read(name), "class"
        elif node.type == "variable_declarator" and name is not None:
            value = node.child_by_field_name("value")
            kind = "function" if value is not None and value.type in FUNCTIONS else "variable"
            for each in _list_bound(read, name):
                yield each, kind
        elif node.type == "import_clause":
            for each in _list_bound(read, node):
                yield each, "import"
        elif node.type == "for_in_statement" and node.child_by_field_name("left") is not None:
            for each in _list_bound(read, node.child_by_field_name("left")):
                yield each, "variable"
        elif node.type == "catch_clause" and node.child_by_field_name("parameter") is not None:
            for each in _list_bound(read, node.child_by_field_name("parameter")):
                yield each, "variable"
        if node.type not in FUNCTIONS:
            stack.extend(reversed(node.named_children))


def _list_bound(read: ReadText, node: Node | None) -> Iterator[str]:
    """The names that a pattern binds; default values bind none."""
    stack = [] if node is None else [node]
    while stack:
        at = stack.pop()
        if at.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield read(at)
        elif at.type in ("assignment_pattern", "object_assignment_pattern"):
            left = at.child_by_field_name("left")
            stack.extend([] if left is None else [left])
        elif at.type == "pair_pattern":
            value = at.child_by_field_name("value")
            stack.extend([] if value is None else [value])
        elif at.type == "import_specifier":
            bound = at.child_by_field_name("alias") or at.child_by_field_name("name")
            stack.extend([] if bound is None else [bound])
        elif at.type in ("required_parameter", "optional_parameter"):
            pattern = at.child_by_field_name("pattern")
            stack.extend([] if pattern is None else [pattern])
        elif at.type not in ("type_annotation", "member_expression", "subscript_expression"):
            stack.extend(reversed(at.named_children))
