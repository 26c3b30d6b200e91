"""Operands of another type, which a method that compares or combines leaves to the other side."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..blocks import insert_before
from ..registry import template

# https://docs.python.org/3/reference/datamodel.html#object.__lt__
COMPARING = frozenset(("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"))
COMBINING = frozenset(f"__{name}__" for name in ("add", "sub", "mul", "and", "or", "xor", "radd", "rmul"))


@template(
    "foreign-operand",
    0.5,
    *(ast.Assert, ast.Return, ast.If, ast.Assign, ast.Try),
    errors=("AttributeError", "TypeError"),
)
def foreign_operand(site: Site) -> Iterator[Proposal]:
    """``return NotImplemented`` for what is not of the own class, in place of an assertion or of an error."""
    node, function = site.node, site.function
    match node:
        case ast.Assert(test=ast.Call(func=ast.Name(id="isinstance")) as test):
            for end, weight in (
                ("return NotImplemented", 1.0),
                ("return False", 0.8),
                ("raise TypeError", 0.5),
            ):
                made = insert_before(site, node, [f"if not {site.text(test)}:", f"\t{end}"], weight)
                lines = site.source.whole_lines(node)
                if made is not None and lines is not None:
                    yield Proposal((TextEdit(*lines, made.edits[0].new),), weight)
            return
    owner = site.source.owner(node)
    if owner is None or function is None or not isinstance(node, ast.stmt):
        return
    names = [each.arg for each in function.args.args]
    if function.name not in COMPARING | COMBINING or len(names) != 2:
        return
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1:
        first = function.body[1]
    if node is not first:
        return
    for kind in (owner.name, "type(self)", "self.__class__"):
        for end, weight in (("NotImplemented", 1.0), ("False", 0.5)):
            guard = [f"if not isinstance({names[1]}, {kind}):", f"\treturn {end}"]
            made = insert_before(site, node, guard, weight if kind == owner.name else 0.4 * weight)
            if made is not None:
                yield made
