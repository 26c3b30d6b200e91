"""Statements that are missing, too many, in the wrong order or block; guards and default values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.declared import FUNCTIONS
from ..syntax.habits import list_roots
from ..syntax.source import SIMPLE, SourceFile
from .edit import JsClues, JsEdit, insert_at, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_BLOCKS = ("statement_block", "program", "switch_case", "switch_default")
_RESULTS = frozenset(
    ("call_expression", "binary_expression", "identifier", "ternary_expression", "await_expression",
     "new_expression", "member_expression", "unary_expression")
)  # fmt: skip


def _indent(source: SourceFile, node: Node) -> str:
    start = source.data.rfind(b"\n", 0, node.start_byte) + 1
    text = source.data[start : node.start_byte].decode("utf-8")
    return text if not text.strip() else " " * (len(text) - len(text.lstrip()))


def _end(source: SourceFile) -> str:
    return ";" if source.data.count(b";\n") > source.data.count(b"\n") * 0.15 else ""


def _list_siblings(source: SourceFile, node: Node) -> tuple[list[Node], int]:
    above = source.parent(node)
    if above is None or above.type not in _BLOCKS:
        return [], 0
    siblings = [each for each in above.named_children if each.type != "comment"]
    return siblings, next((at for at, each in enumerate(siblings) if each.id == node.id), 0)


def return_results(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``return`` before a value that is thrown away, or at the end of a function that returns nothing."""
    if node.type == "expression_statement" and node.named_child_count:
        kind = node.named_children[0].type
        last = _is_last(source, node)
        if kind in _RESULTS:
            yield insert_at(node.start_byte, "return ", "missing-return", 0.6 if last else 0.25)
    if node.type == "return_statement":
        value = node.named_children[0] if node.named_child_count else None
        names = [each.text for each in source.list_names(node) if each.far == 0 and each.kind == "variable"]
        names += [each.text for each in source.list_names(node) if each.far == 0 and each.kind == "parameter"]
        text = source.text(value) if value is not None else ""
        others = [*names[:5], "this", "true", "false", "null", "undefined", "''", "[]", "0", "-1"]
        if value is None or value.type not in ("identifier", "this"):
            for number, each in enumerate(others):
                if each != text:
                    new = f"return {each}{';' if source.text(node).endswith(';') else ''}"
                    yield replace_node(node, new, "early-return", 0.22 * 0.93**number)
    if node.type in FUNCTIONS:
        body = node.child_by_field_name("body")
        if body is not None and body.type == "statement_block" and body.named_child_count:
            last_one = body.named_children[-1]
            if last_one.type not in ("return_statement", "throw_statement"):
                indent, end = _indent(source, last_one), _end(source)
                names = [each.text for each in source.list_names(node) if each.far == 0]
                for number, each in enumerate([*names[:4], "this", "true", "false"]):
                    new = f"\n{indent}return {each}{end}"
                    yield insert_at(last_one.end_byte, new, "missing-return", 0.25 * 0.85**number)


def _is_last(source: SourceFile, node: Node) -> bool:
    siblings, at = _list_siblings(source, node)
    return bool(siblings) and at == len(siblings) - 1


def change_jumps(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``break`` and ``continue`` in each other's place, ``break`` at the end of a case."""
    text = source.text(node)
    if node.type == "break_statement":
        yield replace_node(node, text.replace("break", "continue", 1), "jump", 0.5)
        if text.startswith("break") and source.find_function(node) is not None:
            yield replace_node(node, text.replace("break", "return", 1), "jump", 0.25)
    elif node.type == "continue_statement":
        yield replace_node(node, text.replace("continue", "break", 1), "jump", 0.5)
    elif node.type == "switch_case" and node.named_child_count > 1:
        last = node.named_children[-1]
        if last.type not in ("break_statement", "return_statement", "throw_statement", "continue_statement"):
            new = f"\n{_indent(source, last)}break{_end(source)}"
            yield insert_at(last.end_byte, new, "missing-jump", 0.8)
    elif node.type in SIMPLE and _is_in_loop(source, node) and _is_last(source, node):
        above = source.parent(node)
        inside = source.parent(above) if above is not None else None
        if (
            inside is not None
            and inside.type in ("if_statement", "else_clause")
            and node.type == "expression_statement"
        ):
            for word in ("break", "continue"):
                new = f"\n{_indent(source, node)}{word}{_end(source)}"
                yield insert_at(node.end_byte, new, "missing-jump", 0.25)


def _is_in_loop(source: SourceFile, node: Node) -> bool:
    above = source.parent(node)
    while above is not None and above.type not in FUNCTIONS:
        if above.type in ("for_statement", "for_in_statement", "while_statement", "do_statement"):
            return True
        above = source.parent(above)
    return False


def move_statements(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A statement less, two in each other's place, one out of its block or into the block before it."""
    siblings, at = _list_siblings(source, node)
    if not siblings:
        return
    text = source.text(node)
    if node.type in ("expression_statement", "continue_statement", "throw_statement") or (
        node.type == "return_statement" and at < len(siblings)
    ):
        yield replace_node(node, _blank(source, node), "removed-statement", 0.2)
    if node.type == "if_statement" and node.end_byte - node.start_byte < 400:
        yield replace_node(node, _blank(source, node), "removed-statement", 0.16)
        then = node.child_by_field_name("consequence")
        if then is not None and node.child_by_field_name("alternative") is None:
            yield replace_node(node, source.text(then), "removed-statement", 0.14)
    if at + 1 < len(siblings):
        other = siblings[at + 1]
        between = source.data[node.end_byte : other.start_byte].decode("utf-8")
        if other.end_byte - node.start_byte < 600 and node.type in SIMPLE | {"if_statement"}:
            new = f"{source.text(other)}{between}{text}"
            yield JsEdit(start=node.start_byte, end=other.end_byte, new=new, template="statement-order",
                         weight=0.25)  # fmt: skip
    above = source.parent(node)
    if (
        above is not None
        and above.type == "statement_block"
        and len(siblings) > 1
        and at == len(siblings) - 1
    ):
        holder = source.parent(above)
        if holder is not None and holder.type in ("if_statement", "for_statement", "for_in_statement",
                                                  "while_statement", "else_clause"):  # fmt: skip
            rest = source.data[siblings[at - 1].end_byte : node.start_byte].decode("utf-8")
            after = source.data[node.end_byte : above.end_byte].decode("utf-8")
            outer = _indent(
                source, holder if holder.type != "else_clause" else source.parent(holder) or holder
            )
            new = f"{after}\n{outer}{text}"
            yield JsEdit(start=node.start_byte - len(rest.encode()), end=above.end_byte, new=new,
                         template="block", weight=0.2)  # fmt: skip
    if at and node.type in SIMPLE:
        before = siblings[at - 1]
        block = before.child_by_field_name("consequence") or before.child_by_field_name("body")
        if block is not None and block.type == "statement_block" and block.end_byte == before.end_byte:
            new = f"  {text}\n{_indent(source, before)}}}"
            yield JsEdit(start=block.end_byte - 1, end=node.end_byte, new=new, template="block", weight=0.15)
        if before.type == "if_statement" and before.child_by_field_name("alternative") is None:
            yield JsEdit(start=before.end_byte, end=node.end_byte, new=f" else {{ {text} }}",
                         template="else-branch", weight=0.15)  # fmt: skip


def _blank(source: SourceFile, node: Node) -> str:
    """What stands for a statement that is left out: nothing in a block, ``{}`` where one is needed."""
    above = source.parent(node)
    return "" if above is not None and above.type in _BLOCKS else "{}"


def copy_statements(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A short assignment or call that other places of the file make, before or after a statement."""
    siblings, _at = _list_siblings(source, node)
    if not siblings or node.type not in SIMPLE | {"if_statement"}:
        return
    visible = {each.text for each in source.list_names(node)} | {
        "this",
        "undefined",
        "Object",
        "Math",
        "Array",
    }
    here = {source.text(each) for each in siblings}
    own = source.find_function(node)
    used = list_roots(source, node)
    found: list[tuple[int, int, str]] = []
    for text, roots, function in source.short_statements:
        if text in here or not roots <= visible:
            continue
        far = 0 if own is not None and function == own.id else 1
        found.append((far, -len(roots & used), text))
    indent = _indent(source, node)
    for number, (far, shared, text) in enumerate(sorted(dict.fromkeys(found))[:16]):
        weight = (0.14 if far == 0 else 0.08) * (1.5 if shared < -1 else 1.0) * 0.92**number
        yield insert_at(node.start_byte, f"{text}\n{indent}", "missing-statement", weight)
        if node.type not in ("return_statement", "throw_statement", "break_statement", "continue_statement"):
            yield insert_at(node.end_byte, f"\n{indent}{text}", "missing-statement", weight)


def join_branches(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``else`` before an ``if`` that follows another, or no ``else``; the branches in each other's place."""
    if node.type != "if_statement":
        return
    then, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    siblings, at = _list_siblings(source, node)
    if at and siblings[at - 1].type == "if_statement":
        yield insert_at(node.start_byte, "else ", "else-branch", 0.3)
    if then is None or other is None or not other.named_child_count:
        return
    inner = other.named_children[0]
    if inner.type != "if_statement":
        between = source.data[then.end_byte : inner.start_byte].decode("utf-8")
        new = f"{source.text(inner)}{between}{source.text(then)}"
        yield JsEdit(start=then.start_byte, end=inner.end_byte, new=new, template="branches", weight=0.35)
    yield replace_node(other, source.text(inner), "else-branch", 0.15)


def add_guards(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """``if (!x) return ...`` where a function begins; the check that others of the file make."""
    if node.type not in FUNCTIONS:
        return
    body = node.child_by_field_name("body")
    if body is None or body.type != "statement_block" or not body.named_child_count:
        return
    first = body.named_children[0]
    at, indent, end = first.start_byte, _indent(source, first), _end(source)
    names = [each.text for each in source.list_names(node) if each.far == 0 and each.kind == "parameter"][:3]
    results = ["''", "[]", "false", "null", "undefined", "0", "{}", "true"]
    throws = list(dict.fromkeys(_THROW.findall(source.data.decode("utf-8"))))[:3] if clues.throws else []
    for place, name in enumerate(names):
        less = 0.8**place
        for number, check in enumerate(_CHECKS):
            for further, result in enumerate([name, *results]):
                weight = 0.12 * less * 0.75**number * 0.93**further
                yield insert_at(
                    at, f"if ({check.format(name)}) return {result}{end}\n{indent}", "missing-guard", weight
                )
        for thrown in throws:
            for check in _REFUSED:
                yield insert_at(
                    at, f"if ({check.format(name)}) {thrown}{end}\n{indent}", "missing-guard", 0.15 * less
                )


_HOLDERS = ("variable_declarator", "assignment_expression", "pair")
_CHECKS = ("!{}", "{} == null", "{}.length === 0", "typeof {} !== 'string'", "!Array.isArray({})")
_REFUSED = ("!{}", "typeof {} !== 'string'", "typeof {} !== 'number'", "typeof {} !== 'function'", "{} < 0",
            "typeof {} !== 'object'")  # fmt: skip
_THROW = re.compile(r"throw new \w{3,40}\([^\n;]{0,120}\)")


def add_defaults(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A default for a parameter, or for a value that may not be there."""
    above = source.parent(node)
    if above is None:
        return
    if node.type == "identifier" and above.type == "formal_parameters":
        for value, weight in (("{}", 0.3), ("[]", 0.2), ("''", 0.2), ("0", 0.2), ("1", 0.12), ("false", 0.1),
                              ("true", 0.12)):  # fmt: skip
            yield insert_at(node.end_byte, f" = {value}", "parameters", weight)
    if node.type in ("identifier", "member_expression", "subscript_expression", "call_expression") and (
        (above.type in ("variable_declarator", "assignment_expression") and _is_value(above, node))
        or above.type in ("return_statement", "arguments")
    ):
        text = source.text(node)
        for value, weight in (("{}", 0.12), ("[]", 0.12), ("''", 0.14), ("0", 0.12), ("null", 0.08),
                              ("false", 0.06), ("1", 0.05)):  # fmt: skip
            if len(text) < 80:
                yield insert_at(node.end_byte, f" || {value}", "fallback", weight)


def _is_value(above: Node, node: Node) -> bool:
    value = above.child_by_field_name("value") or above.child_by_field_name("right")
    return value is not None and value.id == node.id


def change_declarations(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """``let`` for ``const`` where an error says so; a copy of a thing in its place; ``of`` for ``in``."""
    constant = node.type == "lexical_declaration" and source.text(node).startswith("const")
    if constant and "Assignment to constant variable" in clues.output:
        yield JsEdit(start=node.start_byte, end=node.start_byte + 5, new="let", template="declaration",
                     weight=0.9)  # fmt: skip
    if node.type == "for_in_statement":
        sign = node.child_by_field_name("operator")
        if sign is not None:
            other = "of" if sign.type == "in" else "in"
            yield replace_node(sign, other, "membership", 0.5)
        right = node.child_by_field_name("right")
        if right is not None:
            for function in ("Object.keys", "Object.entries", "Object.values"):
                yield replace_node(right, f"{function}({source.text(right)})", "missing-call", 0.12)
    if node.type in ("identifier", "member_expression"):
        above = source.parent(node)
        returned = above is not None and above.type == "return_statement"
        if above is not None and (returned or (above.type in _HOLDERS and _is_value(above, node))):
            text = source.text(node)
            for new, weight in ((f"{text}.slice()", 0.08), (f"{{ ...{text} }}", 0.12), (f"[...{text}]", 0.1)):
                yield replace_node(node, new, "aliasing", weight)


def add_items(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """A property that a test awaits, of the variable that has its name."""
    if node.type != "object" or not node.named_child_count:
        return
    known = {source.text(each).partition(":")[0].strip() for each in node.named_children}
    last = node.named_children[-1]
    names = [each.text for each in source.list_names(node)]
    for number, name in enumerate(each for each in names if each in clues.words and each not in known):
        yield insert_at(last.end_byte, f", {name}", "missing-item", 0.35 * 0.8**number)
