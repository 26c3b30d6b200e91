"""Faults in what the code is given to work with: tables, patterns, literals that should be parameters."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from ...site import Proposal, Site
from ...source import FUNCTIONS, TextEdit
from ..registry import template
from .texts import is_docstring, is_in_text


@template("unused-parameter", 0.8, ast.Constant)
def unused_parameter(site: Site) -> Iterator[Proposal]:
    """A literal in the place of a parameter that the function does not read."""
    node = site.node
    function = site.function
    if not isinstance(node, ast.Constant) or function is None or is_in_text(site) or is_docstring(site, node):
        return
    if node.lineno < function.body[0].lineno:
        return  # a default
    for name in site.compute_once("unused parameters", lambda: _list_unused(function)):
        kinds = site.types.get(name, set())
        same = not kinds or type(node.value).__name__ in kinds or node.value is None
        yield site.replace(node, name, 1.0 if same else 0.5)


def _list_unused(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Parameters that the function does not read."""
    arguments = function.args
    read = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        if each.arg not in read and each.arg not in ("self", "cls"):
            yield each.arg


@template("expected-value", 0.35, ast.Constant)
def expected_value(site: Site) -> Iterator[Proposal]:
    """``None`` where a test expects a plain value."""
    node = site.node
    if not isinstance(node, ast.Constant) or node.value is not None:
        return
    if isinstance(site.source.parents.get(node), ast.Compare):
        return
    for number in site.clues.numbers[:6]:
        yield site.replace(node, repr(number), 0.6)
    for text in site.clues.strings[:8]:
        yield site.replace(node, repr(text), 0.6)


@template("table-row", 0.6, ast.Dict, errors=("KeyError",))
def table_row(site: Site) -> Iterator[Proposal]:
    """A row that a table lacks: a key and a value that a test has side by side."""
    node = site.node
    if not isinstance(node, ast.Dict) or not node.keys or None in node.keys or site.function is not None:
        return
    keys = [each.value for each in node.keys if isinstance(each, ast.Constant)]
    values = [each.value for each in node.values if isinstance(each, ast.Constant)]
    if len(keys) != len(node.keys) or len(values) != len(node.values):
        return
    end = site.source.span(node.values[-1])[1]
    for key in _list_like(site, keys):
        for value in _list_like(site, values):
            if key not in keys and key != value:
                yield Proposal(
                    (TextEdit(end, end, f", {key!r}: {value!r}"),), 1.0 if value not in keys else 0.3
                )


def _list_like(site: Site, known: Sequence[object]) -> list[object]:
    """The tests' literals of the type that the table has there."""
    kinds = {type(each) for each in known}
    if kinds == {str}:
        return list(site.clues.strings[:8])
    if kinds == {int}:
        return [each for each in site.clues.numbers[:8] if type(each) is int]
    return [True, False] if kinds == {bool} else []


@template("whole-text", 0.5, ast.Constant)
def whole_text(site: Site) -> Iterator[Proposal]:
    r"""``^...$`` where the whole text is meant, without a line end: ``\A...\Z``."""
    body = _read_pattern(site)
    if body is None:
        return
    start, pattern = body
    edits = []
    if pattern.startswith("^"):
        edits.append(TextEdit(start, start + 1, r"\A"))
    if pattern.endswith("$") and not pattern.endswith(r"\$"):
        edits.append(TextEdit(start + len(pattern) - 1, start + len(pattern), r"\Z"))
    if edits:
        yield Proposal(tuple(edits), 1.0)
        yield Proposal(tuple(edits[-1:]), 0.8)


@template("alternative", 0.5, ast.Constant)
def alternative(site: Site) -> Iterator[Proposal]:
    """An alternative that a pattern lacks, out of the tests' words; a sign that a set of it lacks."""
    body = _read_pattern(site)
    if body is None:
        return
    start, pattern = body
    tested = [each for each in site.clues.strings if "\n" not in each]
    words = dict.fromkeys(word for each in tested for word in re.findall(r"\w{1,20}", each))
    if "|" in pattern:
        for place in re.finditer(r"\||(?<!\\)\)", pattern):
            at = start + place.start()
            inside = pattern[: place.start()].rpartition("(")[2]
            if "|" in inside or place.group() == "|":
                have = set(re.split(r"\W+", pattern))
                yield from (
                    Proposal((TextEdit(at, at, f"|{word}"),), 0.6)
                    for word in list(words)[:8]
                    if word not in have
                )
    signs = dict.fromkeys(
        sign for each in tested for sign in each if not sign.isalnum() and sign.isprintable()
    )
    for place in re.finditer(r"(?<!\\)\[\^?[^\]\n]{1,60}(?<!\\)\]", pattern):
        at = start + place.end() - 1
        for sign in list(signs)[:8]:
            if sign not in place.group():
                shown = f"\\{sign}" if sign in "]^\\-" else sign
                yield Proposal((TextEdit(at, at, shown),), 0.7)
        yield from (
            Proposal((TextEdit(at, at, more),), 0.4)
            for more in ("A-Z", "0-9", "_")
            if more not in place.group()
        )


def _read_pattern(site: Site) -> tuple[int, str] | None:
    """Where the text of a raw string begins, and that text; None for any other literal."""
    node = site.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or is_in_text(site):
        return None
    text = site.text(node)
    match = re.fullmatch(r"[rR](['\"])(.{1,300})\1", text)
    if match is None or match[1] in match[2]:
        return None
    return site.source.span(node)[0] + 2, match[2]


@template("missing-else", 0.35, ast.If)
def missing_else(site: Site) -> Iterator[Proposal]:
    """A name that gets its value in one branch only, and has none or an old one in the other."""
    match site.node:
        case ast.If(body=[*_, ast.Assign(targets=[ast.Name(id=name)]) as last], orelse=[]) if site.function:
            span = site.source.whole_lines(last)
            if span is None or any(isinstance(each, FUNCTIONS) for each in ast.walk(site.node)):
                return
            indent, inner = site.source.indent(site.node), site.source.indent(last)
            newline = site.source.newline
            others = [each for each in site.locals if each not in (name, "self", "cls")][:8]
            for value in (*others, "None", "0", '""', "[]", "{}", "False"):
                new = f"{indent}else:{newline}{inner}{name} = {value}{newline}"
                yield Proposal((TextEdit(span[1], span[1], new),), 0.8 if value in others else 0.5)


@template("kept-key", 0.55, ast.Expr, ast.AugAssign, errors=("KeyError",))
def kept_key(site: Site) -> Iterator[Proposal]:
    """``d[k].append(v)`` and ``d[k] += 1`` where the key may not be there yet."""
    match site.node:
        case ast.Expr(
            value=ast.Call(
                func=ast.Attribute(value=ast.Subscript(value=table, slice=key) as place, attr=method)
            )
        ) if not isinstance(key, ast.Slice):
            empty = {"append": "[]", "extend": "[]", "insert": "[]", "add": "set()", "update": "{}"}.get(
                method
            )
            if empty:
                new = f"{site.text(table)}.setdefault({site.text(key)}, {empty})"
                yield site.replace(place, new, 1.0)
        case ast.AugAssign(target=ast.Subscript(value=table, slice=key) as place, op=op, value=value) if (
            not isinstance(key, ast.Slice)
        ):
            sign = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.BitOr: "|"}.get(type(op))
            for empty in ("0", "[]", '""', "1", "set()") if sign else ():
                got = f"{site.text(table)}.get({site.text(key)}, {empty})"
                new = f"{site.text(place)} = {got} {sign} {site.source.operand(value)}"
                yield site.replace(site.node, new, 1.0 if empty == "0" else 0.4)
