"""Wrong operators: comparisons, boolean logic, arithmetic, and being off by one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import ATOMS, TextEdit, find_operator
from .registry import template

COMPARE = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
OTHER = {
    "<": {"<=": 1.0, ">": 0.7, ">=": 0.6, "!=": 0.3, "==": 0.15},
    "<=": {"<": 1.0, ">=": 0.7, ">": 0.6, "==": 0.3},
    ">": {">=": 1.0, "<": 0.7, "<=": 0.6, "!=": 0.3, "==": 0.15},
    ">=": {">": 1.0, "<=": 0.7, "<": 0.6, "==": 0.3},
    "==": {"!=": 1.0, ">=": 0.4, "<=": 0.4, "in": 0.3, "is": 0.2, ">": 0.2, "<": 0.2},
    "!=": {"==": 1.0, "<": 0.3, ">": 0.3, "is not": 0.2, "not in": 0.2},
    "is": {"is not": 1.0, "==": 0.8},
    "is not": {"is": 1.0, "!=": 0.8},
    "in": {"not in": 1.0, "==": 0.4},
    "not in": {"in": 1.0, "!=": 0.3},
}
ARITHMETIC = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.LShift: "<<",
    ast.RShift: ">>",
}
SWAPPED = {
    "+": {"-": 1.0, "*": 0.4, "|": 0.1},
    "-": {"+": 1.0, "/": 0.2, "*": 0.2},
    "*": {"/": 0.7, "+": 0.5, "**": 0.5, "//": 0.4},
    "/": {"//": 1.0, "*": 0.7, "%": 0.2},
    "//": {"/": 1.0, "%": 0.6, "*": 0.3},
    "%": {"//": 1.0, "/": 0.5},
    "**": {"*": 1.0},
    "&": {"|": 1.0, "^": 0.5},
    "|": {"&": 1.0, "^": 0.5, "+": 0.2},
    "^": {"|": 0.7, "&": 0.7},
    "<<": {">>": 1.0},
    ">>": {"<<": 1.0},
}


@template("comparison", 1.0, ast.Compare)
def comparison(site: Site) -> Iterator[Proposal]:
    """``<`` for ``<=``, ``==`` for ``!=``, ``in`` for ``not in`` and the like."""
    node = site.node
    assert isinstance(node, ast.Compare)  # noqa: S101 - narrows for the type checker
    left = node.left
    for op, right in zip(node.ops, node.comparators, strict=True):
        symbol = COMPARE[type(op)]
        place = find_operator(site.source, left, right, symbol)
        if place is not None:
            for other, weight in OTHER[symbol].items():
                if other in ("in", "not in") and not site.might(right, "str", "list", "tuple", "dict", "set"):
                    continue
                yield Proposal((TextEdit(*place, other),), weight)
        left = right


@template("boolean-operator", 0.8, ast.BoolOp)
def boolean_operator(site: Site) -> Iterator[Proposal]:
    """``and`` for ``or``, or one condition too many."""
    node = site.node
    assert isinstance(node, ast.BoolOp)  # noqa: S101
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    places = [
        find_operator(site.source, a, b, old) for a, b in zip(node.values, node.values[1:], strict=False)
    ]
    if all(places):
        yield Proposal(tuple(TextEdit(*place, new) for place in places if place), 1.0)
    if len(places) > 1:
        yield from (Proposal((TextEdit(*place, new),), 0.6) for place in places if place)
    for gone in range(len(node.values)):
        kept = [site.source.operand(each) for i, each in enumerate(node.values) if i != gone]
        yield site.replace(node, f" {old} ".join(kept), 0.45)


@template(
    "negation",
    0.75,
    ast.If,
    ast.While,
    ast.IfExp,
    ast.Assert,
    ast.UnaryOp,
    ast.BoolOp,
    ast.Return,
    ast.comprehension,
)
def negation(site: Site) -> Iterator[Proposal]:
    """A ``not`` that is missing or too many."""
    match site.node:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield site.replace(site.node, site.source.operand(operand), 1.0)
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
            if not isinstance(test, (ast.Compare, ast.UnaryOp)) or (
                isinstance(test, ast.Compare) and len(test.ops) > 1
            ):
                yield site.replace(test, f"not {_inside(site, test)}", 0.9)
        case ast.BoolOp(values=values):
            for each in values:
                if not isinstance(each, (ast.Compare, ast.UnaryOp)):
                    yield site.replace(each, f"not {_inside(site, each)}", 0.7)
        case ast.Return(value=value) if value is not None:
            if not isinstance(value, (ast.Constant, ast.UnaryOp)) and site.might(value, "bool"):
                weight = 0.7 if "bool" in site.types.get("return", ()) else 0.2
                yield site.replace(value, f"not {_inside(site, value)}", weight)
        case ast.comprehension(ifs=ifs):
            for each in ifs:
                if not isinstance(each, (ast.Compare, ast.UnaryOp)):
                    yield site.replace(each, f"not {_inside(site, each)}", 0.9)


def _inside(site: Site, node: ast.expr) -> str:
    return site.text(node) if isinstance(node, (*ATOMS, ast.Compare)) else f"({site.text(node)})"


@template("arithmetic", 0.75, ast.BinOp, errors=("ZeroDivisionError",))
def arithmetic(site: Site) -> Iterator[Proposal]:
    """``+`` for ``-``, ``/`` for ``//`` and the like; swapped operands; missing or needless parentheses."""
    node = site.node
    assert isinstance(node, ast.BinOp)  # noqa: S101
    symbol = ARITHMETIC.get(type(node.op))
    if symbol is None or (symbol == "%" and not site.numeric(node.left)):
        return
    place = find_operator(site.source, node.left, node.right, symbol)
    if place is not None and (
        symbol != "+" or site.numeric(node.left) or not site.might(node.left, "str", "list")
    ):
        for other, weight in SWAPPED[symbol].items():
            yield Proposal((TextEdit(*place, other),), weight)
    if symbol in ("-", "/", "//", "%", "**", "<<", ">>", "+") and place is not None:
        if symbol == "+" and site.might(node.left, *("int", "float")) and site.kinds(node.left):
            return
        left, right = site.source.operand(node.left), site.source.operand(node.right)
        yield site.replace(node, f"{right} {symbol} {left}", 0.6 if symbol != "+" else 0.35)


@template("parentheses", 0.35, ast.BinOp)
def parentheses(site: Site) -> Iterator[Proposal]:
    """``a + b * c`` for ``(a + b) * c`` and the other way round."""
    text = site.source.text
    match site.node:
        case ast.BinOp(left=ast.BinOp(right=inner) as left, right=right):
            start = site.source.span(inner)[0]
            end = site.source.span(right)[1]
            if text[site.source.span(left)[1]] != ")":
                yield Proposal((TextEdit(start, start, "("), TextEdit(end, end, ")")), 1.0)
            else:
                yield from _bare(site, left)
        case ast.BinOp(left=left, right=ast.BinOp(left=inner) as right):
            start = site.source.span(left)[0]
            end = site.source.span(inner)[1]
            if text[site.source.span(right)[0] - 1] != "(":
                yield Proposal((TextEdit(start, start, "("), TextEdit(end, end, ")")), 1.0)
            else:
                yield from _bare(site, right)


def _bare(site: Site, node: ast.expr) -> Iterator[Proposal]:
    start, end = site.source.span(node)
    text = site.source.text
    if text[start - 1 : start] == "(" and text[end : end + 1] == ")":
        yield Proposal((TextEdit(start - 1, start, ""), TextEdit(end, end + 1, "")), 0.7)


@template(
    "off-by-one",
    0.9,
    ast.Subscript,
    ast.Slice,
    ast.Call,
    ast.Compare,
    ast.Return,
    ast.Assign,
    ast.BinOp,
    errors=("IndexError",),
)
def off_by_one(site: Site) -> Iterator[Proposal]:
    """An index, bound, limit or result that is one too low or one too high."""
    match site.node:
        case ast.Subscript(slice=index) if not isinstance(index, (ast.Slice, ast.Tuple)):
            if not site.kinds(site.node.value) <= {"dict", "OrderedDict", "defaultdict"} or not site.kinds(
                site.node.value
            ):
                yield from _shift(site, index, 0.8)
        case ast.Slice(lower=lower, upper=upper):
            yield from _shift(site, lower, 0.9)
            yield from _shift(site, upper, 1.0)
        case ast.Call(func=ast.Name(id="range"), args=args):
            for each in args[:2]:
                yield from _shift(site, each, 1.0)
        case ast.Call(func=ast.Name(id="len")):
            parent = site.source.parents.get(site.node)
            if not isinstance(parent, ast.BinOp | ast.Slice | ast.Compare):
                yield from _shift(site, site.node, 0.6)
        case ast.Call(args=args):
            for each in args:
                if site.kinds(each) & {"int"} and not isinstance(each, ast.Constant):
                    yield from _shift(site, each, 0.35)
        case ast.Compare(left=left, comparators=[right]):
            for each in (right, left):
                if site.kinds(each) & {"int"} and not isinstance(each, ast.Constant):
                    yield from _shift(site, each, 0.6)
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value):
            if not isinstance(value, ast.Constant) and (
                site.kinds(value) & {"int"} or (isinstance(value, ast.Name) and site.numeric(value))
            ):
                yield from _shift(site, value, 0.5)
            if (
                "int" in site.types.get("return", ())
                and isinstance(site.node, ast.Return)
                and not site.kinds(value)
            ):
                yield from _shift(site, value, 0.5)
        case ast.BinOp(left=left, right=right):
            for each in (left, right):
                if site.kinds(each) & {"int"} and not isinstance(each, ast.Constant):
                    yield from _shift(site, each, 0.35)


def _shift(site: Site, node: ast.expr | None, weight: float) -> Iterator[Proposal]:
    """The expression plus and minus one, or without the one that is there."""
    match node:
        case None | ast.Constant() | ast.UnaryOp(operand=ast.Constant()):
            return  # the constants module shifts literals
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=1)):
            yield site.replace(node, site.text(left), weight)
            other = "-" if isinstance(op, ast.Add) else "+"
            yield site.replace(node, f"{site.text(left)} {other} 1", 0.5 * weight)
        case _ if site.numeric(node):
            text = site.text(node) if isinstance(node, (*ATOMS, ast.BinOp)) else f"({site.text(node)})"
            yield site.replace(node, f"{text} - 1", weight)
            yield site.replace(node, f"{text} + 1", weight)


@template("sign", 0.4, ast.UnaryOp, ast.Name, ast.Attribute, ast.Call)
def sign(site: Site) -> Iterator[Proposal]:
    """A minus that is missing or too many."""
    match site.node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield site.replace(site.node, site.source.operand(operand), 1.0)
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
            if site.kinds(site.node) & {"int", "float", "Decimal"}:
                yield site.replace(site.node, f"-{site.text(site.node)}", 0.3)


@template("assignment-operator", 0.7, ast.AugAssign, ast.Assign)
def assignment_operator(site: Site) -> Iterator[Proposal]:
    """``=`` for ``+=``, ``-=`` for ``+=`` and the like."""
    source = site.source
    match site.node:
        case ast.AugAssign(target=target, op=op, value=value):
            symbol = ARITHMETIC.get(type(op))
            place = symbol and find_operator(source, target, value, f"{symbol}=")
            if symbol and place:
                for other, weight in SWAPPED[symbol].items():
                    yield Proposal((TextEdit(*place, f"{other}="),), weight)
                yield Proposal((TextEdit(*place, "="),), 0.5)
        case ast.Assign(targets=[ast.Name() | ast.Attribute() | ast.Subscript() as target], value=value):
            place = find_operator(source, target, value, "=")
            if place and not isinstance(value, ast.Constant | ast.List | ast.Dict):
                yield Proposal((TextEdit(*place, "+="),), 0.6)
                if site.numeric(value):
                    yield Proposal((TextEdit(*place, "-="),), 0.3)
                yield Proposal((TextEdit(*place, "|="),), 0.15)
            elif place and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
                yield Proposal((TextEdit(*place, "+="),), 0.4)
