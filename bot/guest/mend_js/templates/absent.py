"""Statements that are not there at all: counting, turning a list round, leaving a loop, an empty block's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.declared import FUNCTIONS
from ..syntax.habits import list_inside, list_roots
from ..syntax.source import SIMPLE, SourceFile
from .edit import JsClues, JsEdit, insert_at, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_BLOCKS = ("statement_block", "program", "switch_case", "switch_default")
_LOOPS = frozenset(("for_statement", "for_in_statement", "while_statement", "do_statement"))
_LEAVING = frozenset(("return_statement", "throw_statement", "break_statement", "continue_statement"))
_LISTED = ("push", "unshift", "pop", "shift")
_MOST = 6
_BLOCK_BYTES = 1_500  # of a block whose lists are looked at


def count_on(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``i++`` or ``i--`` beside a statement, of what the function counts."""
    if not _is_placed(source, node):
        return
    function = source.find_function(node)
    counted = source.counters.get(function.id, []) if function is not None else []
    beside = node.named_child_count > 0 and node.named_children[0].type == "update_expression"
    for number, name in enumerate(counted[:_MOST]):
        for sign in ("++", "--"):
            weight = 0.35 if beside else 0.15
            yield from _put(source, node, f"{name}{sign}", weight * 0.9**number)


def use_lists(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``list.reverse()``, ``list.push(x)`` and the like, of what is used as a list here."""
    if not _is_placed(source, node):
        return
    block = source.parent(node) or node
    if block.end_byte - block.start_byte > _BLOCK_BYTES:
        return
    names = [each for each in source.list_names(node) if each.kind in ("variable", "parameter")]
    near = list_roots(source, block)
    lists = [
        each.text
        for each in names
        if each.text in near and source.properties.get(each.text, {}).keys() & {*_LISTED, "length", "concat"}
    ]
    for number, name in enumerate(lists[:3]):
        less = 0.8**number
        for method in ("reverse", "sort", "pop", "shift"):
            yield from _put(source, node, f"{name}.{method}()", 0.12 * less)
    above = source.parent(block)
    asked = above.child_by_field_name("condition") if above is not None else None
    given = [*(list_roots(source, asked) if asked is not None else ())]
    given += [each.text for each in names if each.far == 0 and each.kind == "parameter"]
    for number, name in enumerate(_list_targets(source, block)[:2]):
        for further, value in enumerate(each for each in dict.fromkeys(given) if each != name):
            yield from _put(source, node, f"{name}.push({value})", 0.2 * 0.8**number * 0.8**further)


def _list_targets(source: SourceFile, block: Node) -> list[str]:
    """The variables that a block puts something into."""
    found: dict[str, None] = {}
    for each in list_inside(block):
        left = each.child_by_field_name("left") if each.type == "assignment_expression" else None
        if left is not None and left.type in ("identifier", "member_expression"):
            found[source.text(left)] = None
    return list(found)


def leave_loops(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``continue`` or ``break`` for ``return`` in a loop, and an item that a loop leaves out."""
    if node.type == "return_statement" and _is_in_loop(source, node):
        end = ";" if source.text(node).endswith(";") else ""
        yield replace_node(node, f"continue{end}", "jump", 0.4)
        yield replace_node(node, f"break{end}", "jump", 0.3)
    body = node.child_by_field_name("body")
    if node.type != "for_in_statement" or body is None or not body.named_child_count:
        return
    left = node.child_by_field_name("left")
    if left is None or left.type != "identifier" or body.type != "statement_block":
        return
    name, first = source.text(left), body.named_children[0]
    known = sorted(source.property_counts, key=lambda each: -source.property_counts[each])
    texts = [f"{name} === {quote}" for quote in (f"'{each}'" for each in known[:_MOST])]
    checks = [f"!{name}", f"{name} == null", f"{name} === undefined", *texts]
    for number, check in enumerate(checks):
        new = f"if ({check}) continue{_end(source)}\n{_indent(source, first)}"
        yield insert_at(first.start_byte, new, "missing-guard", 0.15 * 0.93**number)


def fill_blocks(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A short statement that the file has elsewhere, or a jump, in a block that has none."""
    if node.type != "statement_block" or any(each.type != "comment" for each in node.named_children):
        return
    if source.parent(node) is None:
        return
    names = {each.text for each in source.list_names(node)} | {"this", "undefined"}
    own = source.find_function(node)
    near = sorted(source.short_statements, key=lambda each: own is None or each[2] != own.id)
    for number, (text, _roots, _function) in enumerate([each for each in near if each[1] <= names][:24]):
        yield insert_at(node.end_byte - 1, f" {text} ", "missing-statement", 0.5 * 0.94**number)
    for word in ("return", "return true", "return false", "return null", "continue", "break"):
        if "return" in word or _is_in_loop(source, node):
            yield insert_at(node.end_byte - 1, f" {word}{_end(source)} ", "missing-jump", 0.3)


def _is_placed(source: SourceFile, node: Node) -> bool:
    above = source.parent(node)
    return above is not None and above.type in _BLOCKS and node.type in SIMPLE | {"if_statement", *_LOOPS}


def _put(source: SourceFile, node: Node, text: str, weight: float) -> Iterator[JsEdit]:
    """A statement after another, or before it where that one leaves or begins the block."""
    indent, end = _indent(source, node), _end(source)
    above = source.parent(node)
    first = above is not None and above.named_child_count and above.named_children[0].id == node.id
    if node.type in _LEAVING or first:
        yield insert_at(node.start_byte, f"{text}{end}\n{indent}", "missing-statement", weight)
    if node.type not in _LEAVING:
        yield insert_at(node.end_byte, f"\n{indent}{text}{end}", "missing-statement", weight)


def _is_in_loop(source: SourceFile, node: Node) -> bool:
    above = source.parent(node)
    while above is not None and above.type not in FUNCTIONS:
        if above.type in _LOOPS:
            return True
        above = source.parent(above)
    return False


def _indent(source: SourceFile, node: Node) -> str:
    start = source.data.rfind(b"\n", 0, node.start_byte) + 1
    text = source.data[start : node.start_byte].decode("utf-8")
    return text if not text.strip() else " " * (len(text) - len(text.lstrip()))


def _end(source: SourceFile) -> str:
    return ";" if source.data.count(b";\n") > source.data.count(b"\n") * 0.15 else ""
