"""A source file with its syntax tree by tree-sitter, and what can be asked of a place in it."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from . import habits
from .declared import FUNCTIONS, find_declared

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

MOST_BYTES = 400_000
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
_CALCULATING = frozenset(("+", "-", "*", "/", "%", "|", "&", "<<", ">>", ">>>"))
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
    _unused: dict[int, set[str]] = field(default_factory=dict)

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
            known = list(dict.fromkeys(find_declared(self.text, scope)))
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
    def keys(self) -> dict[str, dict[str, int]]:
        """How often each string is a key of each object, as in ``a["b"]``, by the object's text."""
        found: dict[str, dict[str, int]] = {}
        for node in self.nodes:
            if node.type == "subscript_expression":
                owner, index = node.child_by_field_name("object"), node.child_by_field_name("index")
                if owner is not None and index is not None and index.type == "string":
                    counts = found.setdefault(self.text(owner), {})
                    counts[self.text(index)[1:-1]] = counts.get(self.text(index)[1:-1], 0) + 1
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
    def calculations(self) -> dict[str, list[str]]:
        """The sums and products of the file by their operands without white space, frequent ones first."""
        counts: dict[str, dict[str, int]] = {}
        for node in self.nodes:
            sign = node.child_by_field_name("operator") if node.type == "binary_expression" else None
            if sign is None or sign.type not in _CALCULATING or node.end_byte - node.start_byte > 60:
                continue
            for side in ("left", "right"):
                operand = node.child_by_field_name(side)
                if operand is not None:
                    key = "".join(self.text(operand).split()).replace("'", '"')
                    known = counts.setdefault(key, {})
                    known[self.text(node)] = known.get(self.text(node), 0) + 1
        return {key: sorted(known, key=lambda each: -known[each]) for key, known in counts.items()}

    @cached_property
    def short_statements(self) -> list[tuple[str, frozenset[str], int]]:
        """Short assignments and calls: their text, the names that they use, and the function they are in."""
        found = []
        for node in self.nodes:
            if node.type != "expression_statement" or node.end_byte - node.start_byte > 60:
                continue
            inner = node.named_children[0].type if node.named_child_count else ""
            if inner not in ("assignment_expression", "update_expression", "call_expression"):
                continue
            roots = habits.list_roots(self, node)
            function = self.find_function(node)
            found.append((self.text(node), roots, function.id if function is not None else 0))
        return found

    @cached_property
    def signatures(self) -> dict[str, list[str]]:
        """The names of the parameters of each function that has one name in the file, by that name."""
        return habits.find_signatures(self)

    @cached_property
    def comparisons(self) -> list[tuple[str, str]]:
        """Both sides of each short comparison for equality."""
        return habits.list_comparisons(self)

    @cached_property
    def operands(self) -> list[tuple[str, frozenset[str], int]]:
        """What stands in chains of ``||`` and what is read of objects: its text, names, and function."""
        return habits.list_operands(self)

    @cached_property
    def counters(self) -> dict[int, list[str]]:
        """What each function counts, by the function's id."""
        return habits.find_counters(self)

    def list_unused(self, node: Node) -> set[str]:
        """The parameters of the function around a node that nothing in it reads."""
        function = self.find_function(node)
        if function is None:
            return set()
        if function.id not in self._unused:
            own = {name for name, kind in self._list_own_names(function) if kind == "parameter"}
            self._unused[function.id] = own - habits.list_read(self, function)
        return self._unused[function.id]

    @cached_property
    def literals(self) -> list[str]:
        """The strings of the file as they are written, the most frequent first."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            if node.type == "string" and node.end_byte - node.start_byte <= 60:
                counts[self.text(node)] = counts.get(self.text(node), 0) + 1
        return sorted(counts, key=lambda each: -counts[each])
