"""What a file does elsewhere: how it calls, compares and falls back, for edits that do it like that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tree_sitter import Node

_BYTES = 60
_EQUAL = frozenset(("===", "!==", "==", "!="))
_NAMED = frozenset(("variable_declarator", "assignment_expression", "pair"))


class SyntaxFile(Protocol):
    """What is asked of a file here: ``source.SourceFile`` gives it."""

    @property
    def nodes(self) -> list[Node]:
        """Every named node."""

    @property
    def functions(self) -> list[Node]:
        """Every function with a body."""

    def text(self, node: Node) -> str:
        """A node's own text."""

    def parent(self, node: Node) -> Node | None:
        """The node around another."""

    def find_function(self, node: Node) -> Node | None:
        """The innermost function around a node."""

    def name_function(self, node: Node | None) -> str:
        """A function's name."""


def list_inside(node: Node) -> Iterator[Node]:
    """A node and all below it, outer ones first; code may be nested deeper than Python's calls."""
    stack = [node]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(reversed(at.named_children))


def list_roots(source: SyntaxFile, node: Node) -> frozenset[str]:
    """The variables that a piece of code reads, ``this`` among them."""
    return frozenset(source.text(each) for each in list_inside(node) if each.type in ("identifier", "this"))


def list_read(source: SyntaxFile, function: Node) -> set[str]:
    """The names that a function's body has."""
    body = function.child_by_field_name("body")
    return {source.text(each) for each in list_inside(body or function) if "identifier" in each.type}


def find_signatures(source: SyntaxFile) -> dict[str, list[str]]:
    """The names of the parameters of each function that has one name in the file, by that name."""
    found: dict[str, list[str]] = {}
    twice = set()
    for node in source.functions:
        above, parameters = source.parent(node), node.child_by_field_name("parameters")
        named = node.child_by_field_name("name") is not None or (above is not None and above.type in _NAMED)
        name = source.name_function(node).rpartition(".")[2].strip("'\"") if named else ""
        if name and parameters is not None:
            twice |= {name} & found.keys()
            found[name] = [
                source.text(each).lstrip(".").partition("=")[0].strip()
                for each in parameters.named_children
                if each.type != "comment"
            ]
    return {name: given for name, given in found.items() if name not in twice}


def list_comparisons(source: SyntaxFile) -> list[tuple[str, str]]:
    """Both sides of each short comparison for equality; the labels of a ``switch`` are such as well."""
    found = []
    for node in source.nodes:
        if node.type == "binary_expression" and node.end_byte - node.start_byte <= _BYTES:
            sign = node.child_by_field_name("operator")
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if sign is not None and sign.type in _EQUAL and left is not None and right is not None:
                found.append((source.text(left), source.text(right)))
    return found


def list_operands(source: SyntaxFile) -> list[tuple[str, frozenset[str], int]]:
    """What stands in chains of ``||`` and what is read of objects: its text, names, and function."""
    found = []
    for node in source.nodes:
        above = source.parent(node)
        if above is None or node.end_byte - node.start_byte > _BYTES // 2:
            continue
        sign = above.child_by_field_name("operator") if above.type == "binary_expression" else None
        chained = sign is not None and sign.type in ("||", "??") and node.type in (
            "identifier", "member_expression", "subscript_expression"
        )  # fmt: skip
        read = node.type in ("member_expression", "subscript_expression") and above.type in (
            "binary_expression", "ternary_expression", "arguments"
        )  # fmt: skip
        if chained or read:
            function = source.find_function(node)
            found.append((source.text(node), list_roots(source, node), function.id if function else 0))
    return found


def find_counters(source: SyntaxFile) -> dict[int, list[str]]:
    """What each function counts up or down, by the function's id, the most often counted first."""
    found: dict[int, Counter[str]] = {}
    for node in source.nodes:
        target = node.child_by_field_name("argument") if node.type == "update_expression" else None
        function = source.find_function(node) if target is not None else None
        if target is not None and function is not None and target.end_byte - target.start_byte < _BYTES // 2:
            found.setdefault(function.id, Counter())[source.text(target)] += 1
    return {function: [name for name, _ in names.most_common()] for function, names in found.items()}
