"""Reckoning that is nearly right: rounded the wrong way, not added up, a default that None passes by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import ATOMS, FUNCTIONS, TextEdit
from ..registry import template

_INVERSE: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+"}
_SAME: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-"}


@template("rounding", 0.4, ast.BinOp)
def rounding(site: Site) -> Iterator[Proposal]:
    """``a // b`` rounds down: up is ``-(-a // b)``, to the nearest is ``(a + b // 2) // b``."""
    match site.node:
        case ast.BinOp(left=left, op=ast.FloorDiv(), right=right):
            one, two = site.source.operand(left), site.source.operand(right)
            yield site.replace(site.node, f"-(-{one} // {two})", 1.0)
            half = str(right.value // 2) if _is_whole(right) else f"{two} // 2"  # type: ignore[attr-defined]
            yield site.replace(site.node, f"({one} + {half}) // {two}", 0.8)


def _is_whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value > 1


@template("moved-call", 0.4, ast.Call, ast.BinOp)
def moved_call(site: Site) -> Iterator[Proposal]:
    """``abs(a // 100)`` for ``abs(a) // 100``, and the reverse: what a call has around it."""
    node = site.node
    match node:
        case ast.Call(func=ast.Name(id=name), args=[ast.BinOp(left=left, right=right) as inner], keywords=[]):
            one, two = site.source.span(left), site.source.span(right)
            between = site.source.text[one[1] : two[0]]
            if "(" in between or ")" in between or isinstance(site.source.parents.get(node), ast.Attribute):
                return
            first, second = site.text(left), site.text(right)
            made = f"{name}({first}){between}{second}"
            around = isinstance(site.source.parents.get(node), ast.BinOp)
            yield site.replace(node, f"({made})" if around else made, 1.0)
            if isinstance(inner.op, ast.Add | ast.Sub | ast.Mult):
                made = f"{first}{between}{name}({second})"
                yield site.replace(node, f"({made})" if around else made, 0.5)
        case ast.BinOp(left=ast.Call(func=ast.Name(id=name), args=[given], keywords=[]) as call, right=right):
            between = site.source.text[site.source.span(call)[1] : site.source.span(right)[0]]
            if "(" not in between and name in ("abs", "int", "round", "len", "max", "min", "sum"):
                text = f"{name}({site.source.operand(given)}{between}{site.source.operand(right)})"
                yield site.replace(node, text, 0.7)


@template("term-of-sibling", 0.5, ast.Call, ast.Tuple)
def term_of_sibling(site: Site) -> Iterator[Proposal]:
    """``Span(start, end + rest)`` for ``Span(start - rest, end + rest)``: the other lacks the term."""
    match site.node:
        case ast.Call(args=parts) | ast.Tuple(elts=parts, ctx=ast.Load()):
            pass
        case _:
            return
    for part in parts:
        if not isinstance(part, ast.BinOp) or type(part.op) not in _SAME:
            continue
        term = site.source.operand(part.right)
        for other in parts:
            if isinstance(other, ATOMS) and not isinstance(other, ast.Constant):
                yield site.replace(other, f"{site.text(other)} {_INVERSE[type(part.op)]} {term}", 1.0)
                yield site.replace(other, f"{site.text(other)} {_SAME[type(part.op)]} {term}", 0.8)


@template("added-up", 0.55, ast.Assign)
def added_up(site: Site) -> Iterator[Proposal]:
    """``found[key] = value`` in a loop, where the values of one key are to be added up or collected."""
    match site.node:
        case ast.Assign(targets=[ast.Subscript(value=holder, slice=key)], value=value):
            pass
        case _:
            return
    above = list(site.source.ancestors(site.node))
    inside = next((at for at, each in enumerate(above) if isinstance(each, FUNCTIONS)), len(above))
    if not any(isinstance(each, ast.For | ast.While) for each in above[:inside]) or isinstance(
        key, ast.Slice
    ):
        return
    owner, at, given = site.text(holder), site.text(key), site.text(value)
    if isinstance(key, ast.Tuple):
        at = f"({at})"
    yield site.replace(value, f"{owner}.get({at}, 0) + {site.source.operand(value)}", 1.0)
    yield site.replace(site.node, f"{owner}.setdefault({at}, []).append({given})", 0.6)
    yield site.replace(site.node, f"{owner}.setdefault({at}, {given})", 0.6)


@template("absent-or-empty", 0.6, ast.Call, errors=("TypeError", "ValueError", "AttributeError"))
def absent_or_empty(site: Site) -> Iterator[Proposal]:
    """``row.get(key, 0)`` gives what is there, None and the empty text too: ``row.get(key) or 0``."""
    match site.node:
        case ast.Call(func=ast.Attribute(attr="get", value=owner), args=[key, default], keywords=[]):
            text = f"{site.text(owner)}.get({site.text(key)}) or {site.text(default)}"
            alone = isinstance(
                site.source.parents.get(site.node), ast.Assign | ast.Return | ast.Call | ast.keyword
            )
            yield site.replace(site.node, text if alone else f"({text})", 1.0)


@template("renewed", 0.6, ast.Expr)
def renewed(site: Site) -> Iterator[Proposal]:
    """``batch.clear()`` empties it for those too who were given it: ``batch = []``."""
    match site.node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr="clear"), args=[])):
            kinds = site.kinds(owner)
            for kind, empty in (("list", "[]"), ("dict", "{}"), ("set", "set()")):
                if not kinds or kind in kinds:
                    yield site.replace(site.node, f"{site.text(owner)} = {empty}", 1.0 if kinds else 0.5)


@template("missing-await", 0.6, ast.Call, errors=("TypeError", "RuntimeWarning", "AttributeError"))
def missing_await(site: Site) -> Iterator[Proposal]:
    """A call in an ``async`` function whose result has to be waited for."""
    node, function = site.node, site.function
    parent = site.source.parents.get(node)
    if not isinstance(function, ast.AsyncFunctionDef) or isinstance(parent, ast.Await):
        return
    own = {each.name for each in ast.walk(site.source.tree) if isinstance(each, ast.AsyncFunctionDef)}
    assert isinstance(node, ast.Call)  # noqa: S101
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    plain = isinstance(parent, ast.Expr | ast.Return | ast.Assign | ast.AnnAssign | ast.Call)
    text = f"await {site.text(node)}"
    yield site.replace(node, text if plain else f"({text})", 1.0 if name in own else 0.5)


@template("grouped", 0.35, ast.BinOp, ast.BoolOp)
def grouped(site: Site) -> Iterator[Proposal]:
    """``a * 100 - b // 100`` for ``a * (100 - b) // 100``; ``a and b or c`` for ``a and (b or c)``."""
    text = site.source.text
    match site.node:
        case ast.BinOp(left=ast.BinOp(right=low) as left, right=ast.BinOp(left=high) as right):
            bare = text[site.source.span(left)[1]] != ")" and text[site.source.span(right)[0] - 1] != "("
            start, end = site.source.span(low)[0], site.source.span(high)[1]
        case ast.BoolOp(op=ast.Or(), values=[ast.BoolOp(op=ast.And(), values=[*_, low]) as left, high]):
            bare = text[site.source.span(left)[1]] != ")"
            start, end = site.source.span(low)[0], site.source.span(high)[1]
        case _:
            return
    if bare:
        yield Proposal((TextEdit(start, start, "("), TextEdit(end, end, ")")), 1.0)
