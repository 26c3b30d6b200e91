"""Statements that stand elsewhere in the function, its class or its file and could stand here as well."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from ...site import Site

_BUILT = frozenset(dir(builtins))
_PAIRS = (
    ("left", "right"),
    ("start", "end"),
    ("min", "max"),
    ("first", "last"),
    ("prev", "next"),
    ("head", "tail"),
    ("low", "high"),
    ("lo", "hi"),
    ("x", "y"),
    ("width", "height"),
    ("row", "col"),
    ("key", "value"),
    ("parent", "child"),
)


def list_twins(site: Site) -> dict[str, float]:
    """Simple statements of the same function, class and file, whose names are known here."""
    known = set(site.locals) | set(site.globals)
    here = site.function
    lines: dict[str, float] = {}
    owner = site.source.owner(site.node)
    for scope, weight in ((here, 0.6), (owner, 0.7), (site.source.tree, 0.35)):
        for node in ast.walk(scope) if scope is not None else ():
            if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Delete) or _is_idle(node):
                continue
            if site.source.function(node) is None or node.lineno != node.end_lineno:
                continue
            text = site.text(node)
            stores = {
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)
            }
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - stores
            if len(text) < 100 and names <= known | _BUILT and (not stores or stores & set(site.locals)):
                near = 1.0 if stores & set(site.locals) or not stores else 0.5
                lines.setdefault(text, weight * near)
            for twin in _swap_usual_words(text, site):
                lines.setdefault(twin, 0.5 * weight)
        if len(lines) > 150:
            break
    return lines


def list_guards(site: Site) -> dict[str, float]:
    """Short ``if`` statements of the class and file whose names are known here."""
    known = set(site.locals) | set(site.globals) | _BUILT
    found: dict[str, float] = {}
    for scope, weight in ((site.source.owner(site.node), 0.8), (site.source.tree, 0.45)):
        for node in ast.walk(scope) if scope is not None else ():
            match node:
                case ast.If(
                    test=test,
                    body=[ast.stmt() as only],
                    orelse=[],
                ):
                    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                    text = site.text(node)
                    short = not hasattr(only, "body") and text.count("\n") == 1
                    if short and names <= known:
                        found.setdefault(f"if {site.text(test)}:\n\t{site.text(only)}", weight)
    return dict(list(found.items())[:40])


def _swap_usual_words(text: str, site: Site) -> Iterator[str]:
    """A statement with one word of a usual pair exchanged for the other: ``left``, ``right``."""
    for old, new in _SIGNS:
        if old in text:
            yield text.replace(old, new, 1)
    for one, two in _PAIRS:
        for old, new in ((one, two), (two, one)):
            if re.search(rf"(?<![a-z]){old}(?![a-z])", text):
                yield re.sub(rf"(?<![a-z]){old}(?![a-z])", new, text)


_SIGNS = (("+=", "-="), ("-=", "+="), ("= True", "= False"), ("= False", "= True"), (".append(", ".remove("),
          (".add(", ".discard("), (".discard(", ".add("), (".remove(", ".append("))  # fmt: skip


def _is_idle(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom)
