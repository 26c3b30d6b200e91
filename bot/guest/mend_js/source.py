"""A source file with its syntax tree by tree-sitter, and what can be asked of a place in it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_BYTES = 400_000
FUNCTIONS = frozenset(
    ("function_declaration", "function_expression", "generator_function_declaration", "generator_function",
     "arrow_function", "method_definition")
)  # fmt: skip
STATEMENTS = frozenset(
    ("expression_statement", "return_statement", "if_statement", "for_statement", "for_in_statement",
     "while_statement", "do_statement", "switch_statement", "throw_statement", "lexical_declaration",
     "variable_declaration", "break_statement", "continue_statement", "try_statement", "switch_case",
     "switch_default")
)  # fmt: skip
SIMPLE = frozenset(
    ("expression_statement", "return_statement", "throw_statement", "lexical_declaration",
     "variable_declaration", "break_statement", "continue_statement")
)  # fmt: skip
_CONDITIONAL = frozenset(
    ("if_statement", "while_statement", "do_statement", "for_statement", "ternary_expression")
)
_TEST = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|e2e|__mocks__|fixtures?|benchmarks?|examples?)/"
    r"|(?:^|/)(?:tests?|specs?)\.[cm]?[jt]sx?$|[.\-_](?:test|tests|spec|test-d|bench)\.[cm]?[jt]sx?$"
)
_SOURCE = re.compile(r"(?<!\.d)\.[cm]?[jt]sx?$")
_NOT_OURS = re.compile(r"(?:^|/)(?:node_modules|\.git|coverage|vendor)/|\.min\.js$")
_GRAMMARS = {"ts": "typescript", "mts": "typescript", "cts": "typescript", "tsx": "tsx"}


@cache
def _find_parser(grammar: str) -> Parser:
    tree_sitter = importlib.import_module("tree_sitter")
    module = importlib.import_module(f"tree_sitter_{'typescript' if grammar != 'javascript' else grammar}")
    language = getattr(module, "language" if grammar == "javascript" else f"language_{grammar}")()
    parser: Parser = tree_sitter.Parser(tree_sitter.Language(language))
    return parser


def is_test(path: str) -> bool:
    """Whether a relative path is one of the tests' own files."""
    return bool(_TEST.search(path))


def is_source(path: str) -> bool:
    """Whether a relative path is code of the repository that a mend may change."""
    return bool(_SOURCE.search(path)) and not _NOT_OURS.search(path) and not is_test(path)


@dataclass(frozen=True, slots=True)
class Name:
    """A variable that can be seen from a place: ``far`` is how many functions lie between."""

    text: str
    far: int
    kind: str  # parameter, variable, function, import or class


@dataclass(kw_only=True)
class SourceFile:
    """One file. Offsets are bytes of its UTF-8 text; lines count from 1."""

    path: str
    data: bytes
    _names: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    _parents: dict[int, Node] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, path: str) -> SourceFile | None:
        """The file, None where it is too large, no UTF-8 or cannot be read."""
        try:
            data = (root / path).read_bytes()
            data.decode("utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return cls(path=path, data=data) if len(data) <= MOST_BYTES else None

    @cached_property
    def root_node(self) -> Node:
        """The whole file."""
        grammar = _GRAMMARS.get(self.path.rpartition(".")[2], "javascript")
        return _find_parser(grammar).parse(self.data).root_node

    @cached_property
    def nodes(self) -> list[Node]:
        """Every named node, outer ones first."""
        found: list[Node] = []
        stack = [self.root_node]
        while stack:
            node = stack.pop()
            found.append(node)
            for child in reversed(node.named_children):
                self._parents[child.id] = node
                stack.append(child)
        return found

    def parent(self, node: Node) -> Node | None:
        """The node around one of ``nodes``; tree-sitter itself looks for it from the root on."""
        return self._parents.get(node.id)

    @cached_property
    def functions(self) -> list[Node]:
        """Every function with a body, outer ones first."""
        return [node for node in self.nodes if node.type in FUNCTIONS]

    def text(self, node: Node) -> str:
        """A node's own text."""
        return self.data[node.start_byte : node.end_byte].decode("utf-8")

    def line_text(self, line: int) -> str:
        """One line, without its end."""
        lines = self.data.decode("utf-8").split("\n")
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def find_function(self, node: Node) -> Node | None:
        """The innermost function around a node."""
        at = self.parent(node)
        while at is not None and at.type not in FUNCTIONS:
            at = self.parent(at)
        return at

    def find_statement(self, node: Node) -> Node:
        """The innermost statement that a node is part of, or the node itself."""
        at: Node | None = node
        while at is not None and at.type not in STATEMENTS:
            at = self.parent(at)
        return at if at is not None else node

    def name_function(self, node: Node | None) -> str:
        """A function's name: its own, or that of what it is assigned to; '' for none."""
        while node is not None:
            name = node.child_by_field_name("name") if node.type in FUNCTIONS else None
            above = self.parent(node)
            if name is None and above is not None and node.type in FUNCTIONS:
                field_name = {"variable_declarator": "name", "assignment_expression": "left", "pair": "key"}
                name = above.child_by_field_name(field_name.get(above.type, "none"))
            if name is not None:
                return self.text(name)[:80]
            node = self.find_function(node)
        return ""

    def list_names(self, node: Node) -> list[Name]:
        """The variables that can be seen from a node, the nearest first."""
        found: dict[str, Name] = {}
        at: Node | None = node if node.type in FUNCTIONS else self.find_function(node)
        far = 0
        while True:
            for text, kind in self._list_own_names(at or self.root_node):
                found.setdefault(text, Name(text, far, kind))
            if at is None:
                return list(found.values())
            at = self.find_function(at)
            far += 1

    def _list_own_names(self, scope: Node) -> list[tuple[str, str]]:
        known = self._names.get(scope.id)
        if known is None:
            known = list(dict.fromkeys(_find_declared(self, scope)))
            self._names[scope.id] = known
        return known

    @cached_property
    def properties(self) -> dict[str, dict[str, int]]:
        """How often each property is read of each object, by the object's text."""
        found: dict[str, dict[str, int]] = {}
        for node in self.nodes:
            if node.type == "member_expression":
                owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
                if owner is not None and name is not None:
                    counts = found.setdefault(self.text(owner), {})
                    counts[self.text(name)] = counts.get(self.text(name), 0) + 1
        return found

    @cached_property
    def property_counts(self) -> dict[str, int]:
        """How often each property is read, of whatever object."""
        found: dict[str, int] = {}
        for counts in self.properties.values():
            for name, count in counts.items():
                found[name] = found.get(name, 0) + count
        return found

    def is_condition(self, node: Node) -> bool:
        """Whether a node's truth decides what runs: a condition, or a part of one."""
        above = self.parent(node)
        while above is not None and above.type == "parenthesized_expression":
            node, above = above, self.parent(above)
        if above is None:
            return False
        if above.type in _CONDITIONAL:
            condition = above.child_by_field_name("condition")
            return condition is not None and condition.id == node.id
        if above.type == "binary_expression":
            sign = above.child_by_field_name("operator")
            return sign is not None and sign.type in ("&&", "||")
        return above.type == "unary_expression" and self.data[above.start_byte : above.start_byte + 1] == b"!"

    @cached_property
    def conditions(self) -> list[Node]:
        """Every short condition or part of one."""
        return [
            node for node in self.nodes if node.end_byte - node.start_byte <= 60 and self.is_condition(node)
        ]

    @cached_property
    def literals(self) -> list[str]:
        """The strings of the file as they are written, the most frequent first."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            if node.type == "string" and node.end_byte - node.start_byte <= 60:
                counts[self.text(node)] = counts.get(self.text(node), 0) + 1
        return sorted(counts, key=lambda each: -counts[each])


def _find_declared(source: SourceFile, scope: Node) -> Iterator[tuple[str, str]]:
    """What a function or the file declares, without what functions inside it declare."""
    parameters = scope.child_by_field_name("parameters") or scope.child_by_field_name("parameter")
    if parameters is not None:
        for each in _list_bound(source, parameters):
            yield each, "parameter"
    stack = list(reversed(scope.named_children))
    while stack:
        node = stack.pop()
        name = node.child_by_field_name("name")
        if node.type in ("function_declaration", "generator_function_declaration") and name is not None:
            yield source.text(name), "function"
        elif node.type == "class_declaration" and name is not None:
            yield source.text(name), "class"
        elif node.type == "variable_declarator" and name is not None:
            value = node.child_by_field_name("value")
            kind = "function" if value is not None and value.type in FUNCTIONS else "variable"
            for each in _list_bound(source, name):
                yield each, kind
        elif node.type == "import_clause":
            for each in _list_bound(source, node):
                yield each, "import"
        elif node.type == "for_in_statement" and node.child_by_field_name("left") is not None:
            for each in _list_bound(source, node.child_by_field_name("left")):
                yield each, "variable"
        elif node.type == "catch_clause" and node.child_by_field_name("parameter") is not None:
            for each in _list_bound(source, node.child_by_field_name("parameter")):
                yield each, "variable"
        if node.type not in FUNCTIONS:
            stack.extend(reversed(node.named_children))


def _list_bound(source: SourceFile, node: Node | None) -> Iterator[str]:
    """The names that a pattern binds; default values bind none."""
    stack = [] if node is None else [node]
    while stack:
        at = stack.pop()
        if at.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield source.text(at)
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
