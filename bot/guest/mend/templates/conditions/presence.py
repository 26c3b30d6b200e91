"""Conditions that take an empty value for a missing one, or the reverse, or know one value of several."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...site import Proposal, Site
from ..registry import template

MOST = 5  # literals of the tests that are put beside the one that a condition knows
_TESTS = (ast.If, ast.While, ast.IfExp, ast.Assert)


@template("not-none", 0.5, ast.Name, ast.Attribute, ast.Call)
def not_none(site: Site) -> Iterator[Proposal]:
    """``a and b`` to ``a is not None and b``, ``not a or b`` to ``a is None or b``."""
    node, parent = site.node, site.source.parents.get(site.node)
    if not isinstance(node, ast.expr):
        return
    if isinstance(parent, ast.BoolOp) and not _is_last_value(site, parent, node):
        yield site.replace(node, f"{site.text(node)} is not None", 1.0)
    negated = isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)
    if parent is not None and negated and isinstance(site.source.parents.get(parent), ast.BoolOp):
        yield site.replace(parent, f"{site.text(node)} is None", 1.0)


def _is_last_value(site: Site, parent: ast.BoolOp, node: ast.expr) -> bool:
    """Whether it is what the whole expression gives: ``b`` in ``x = a and b``."""
    return parent.values[-1] is node and not isinstance(site.source.parents.get(parent), _TESTS)


@template("set-value", 0.4, ast.Compare)
def set_value(site: Site) -> Iterator[Proposal]:
    """``key in table`` where what is there may be empty: ``table.get(key)``, ``... and table[key]``."""
    match site.node:
        case ast.Compare(left=key, ops=[ast.In()], comparators=[ast.Name() | ast.Attribute() as table]):
            if not site.might(table, "dict", "OrderedDict", "defaultdict", "_Environ"):
                return
            at, owner = site.text(key), site.text(table)
            yield site.replace(site.node, f"{owner}.get({at})", 0.8)
            wide = isinstance(site.source.parents.get(site.node), ast.BoolOp | ast.UnaryOp)
            both = f"{at} in {owner} and {owner}[{at}]"
            yield site.replace(site.node, f"({both})" if wide else both, 0.5)


@template("one-of", 0.45, ast.Compare)
def one_of(site: Site) -> Iterator[Proposal]:
    """``a == "x"`` to ``a in ("x", "y")``, ``a != "x"`` to ``a not in ("x", "y")``."""
    match site.node:
        case ast.Compare(
            left=left, ops=[ast.Eq() | ast.NotEq() as op], comparators=[ast.Constant(value=value) as known]
        ) if isinstance(value, str | bytes | int) and not isinstance(value, bool):
            word = "in" if isinstance(op, ast.Eq) else "not in"
            others = ["None", *map(repr, _list_like(site, value))]
            for other in others:
                if other != repr(value):
                    told = f"{site.text(left)} {word} ({site.text(known)}, {other})"
                    yield site.replace(site.node, told, 0.4 if other == "None" else 0.7)


def _list_like(site: Site, value: str | bytes | int) -> Sequence[str | bytes | int]:
    """Literals of the tests of the type that a condition compares with."""
    if isinstance(value, int):
        return [each for each in site.clues.numbers if type(each) is int][:MOST]
    texts = [each for each in site.clues.strings if len(each) < 30 and "\n" not in each][:MOST]
    return [each.encode() for each in texts] if isinstance(value, bytes) else list(texts)


@template("trimmed", 0.4, ast.Attribute)
def trimmed(site: Site) -> Iterator[Proposal]:
    """``line.startswith("#")`` to ``line.lstrip().startswith("#")``, and the like for ``endswith``."""
    node, parent = site.node, site.source.parents.get(site.node)
    if not isinstance(node, ast.Attribute) or not isinstance(parent, ast.Call) or parent.func is not node:
        return
    if node.attr in ("startswith", "endswith", "split", "partition", "isdigit", "splitlines"):
        side = {"startswith": "lstrip", "endswith": "rstrip"}.get(node.attr, "strip")
        for method, weight in ((side, 1.0), ("strip", 0.6), ("lower", 0.6)):
            yield site.replace(node.value, f"{site.text(node.value)}.{method}()", weight)
