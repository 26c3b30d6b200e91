"""Whole statements: put lines before or after one, take one away, move one between blocks."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..site import Proposal, Site
from ..source import TextEdit


def insert_before(site: Site, statement: ast.stmt, lines: Sequence[str], weight: float) -> Proposal | None:
    """Insert lines, indented like ``statement``, in front of it."""
    span = site.source.whole_lines(statement)
    if span is None:
        return None
    return Proposal((TextEdit(span[0], span[0], _join_lines(site, statement, lines)),), weight)


def insert_after(site: Site, statement: ast.stmt, lines: Sequence[str], weight: float) -> Proposal | None:
    """Insert lines, indented like ``statement``, after it."""
    span = site.source.whole_lines(statement)
    if span is None:
        return None
    text = _join_lines(site, statement, lines)
    if not site.source.text.endswith(("\n", "\r"), 0, span[1]):
        text = site.source.newline + text.removesuffix(site.source.newline)
    return Proposal((TextEdit(span[1], span[1], text),), weight)


def remove_statement(site: Site, statement: ast.stmt, weight: float) -> Proposal | None:
    """Take a statement away; ``pass`` stays when it was alone in its block."""
    span = site.source.whole_lines(statement)
    if span is None:
        return None
    if len(site.source.block(statement)) == 1:
        return Proposal((TextEdit(*site.source.span(statement), "pass"),), weight)
    return Proposal((TextEdit(*span, ""),), weight)


def shift_lines(site: Site, statement: ast.stmt, indent: str) -> str | None:
    """The full lines of a statement at another indentation; None when it holds a text of several lines."""
    span = site.source.whole_lines(statement)
    strings = (each for each in ast.walk(statement) if isinstance(each, ast.Constant | ast.JoinedStr))
    if span is None or any(each.end_lineno != each.lineno for each in strings):
        return None
    old = site.source.indent(statement)
    lines = site.source.text[slice(*span)].splitlines(keepends=True)
    if not all(line.startswith(old) or not line.strip() for line in lines):
        return None
    return "".join(indent + line.removeprefix(old) if line.strip() else line for line in lines)


def find_inner_indent(site: Site, statement: ast.stmt) -> str:
    """The indentation of a block below ``statement``, in the file's own steps."""
    own = site.source.indent(statement)
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body:
        inner = site.source.indent(body[0])
        if inner.startswith(own) and inner != own:
            return inner
    for node in site.source.tree.body:
        for child in getattr(node, "body", [])[:1]:
            if isinstance(child, ast.stmt) and site.source.indent(child):
                return own + site.source.indent(child)
    return own + "    "


def _join_lines(site: Site, statement: ast.stmt, lines: Sequence[str]) -> str:
    indent = site.source.indent(statement)
    step = find_inner_indent(site, statement).removeprefix(indent) or "    "
    return "".join(indent + line.replace("\t", step) + site.source.newline for line in lines)
