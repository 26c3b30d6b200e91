"""What becomes of a result: thrown away, or handed over where a copy is meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ..registry import template


@template("kept-result", 0.5, ast.Expr)
def kept_result(site: Site) -> Iterator[Proposal]:
    """A method that returns a new value whose result is thrown away: ``text.strip()`` alone on a line."""
    node = site.node
    assert isinstance(node, ast.Expr)  # noqa: S101
    match node.value:
        case ast.Call(func=ast.Attribute(value=owner)) if not isinstance(owner, ast.Call):
            yield site.replace(node, f"{site.text(owner)} = {site.text(node.value)}", 1.0)
        case ast.Call(func=ast.Name(), args=[ast.Name() | ast.Attribute() as first, *_]):
            yield site.replace(node, f"{site.text(first)} = {site.text(node.value)}", 0.6)
        case ast.Yield(value=value) if value is not None:
            yield site.replace(node, f"yield from {site.text(value)}", 0.7)
        case ast.YieldFrom(value=value):
            yield site.replace(node, f"yield {site.text(value)}", 0.7)


@template("aliasing", 0.5, ast.Assign, ast.Return, ast.For)
def aliasing(site: Site) -> Iterator[Proposal]:
    """A list, dict or set handed over as it is where a copy is meant."""
    node = site.node
    value = (
        node.iter
        if isinstance(node, ast.For)
        else node.value
        if isinstance(node, ast.Assign | ast.Return)
        else None
    )
    if not isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        return
    text = site.text(value)
    kinds = site.kinds(value)
    for kind in ("list", "dict", "set"):
        if kind in kinds or (not kinds and not isinstance(value, ast.Name)):
            yield site.replace(value, f"{kind}({text})", 1.0 if kinds else 0.3)
