"""A part that a condition lacks: a type test, a membership, a comparison with a literal of the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ..registry import template
from .type_tests import list_types

MOST_NAMES = 6
MOST_LITERALS = 5
MOST_MORE = 10  # further names and attributes, as they are
_CONDITIONS = (ast.Compare, ast.BoolOp, ast.UnaryOp)


@template(
    "added-conjunct",
    0.35,
    *(
        ast.If,
        ast.While,
        ast.IfExp,
        ast.comprehension,
        ast.Return,
        ast.Assign,
        ast.GeneratorExp,
        ast.ListComp,
    ),
    errors=("TypeError", "AttributeError", "KeyError", "IndexError", "ValueError"),
)
def added_conjunct(site: Site) -> Iterator[Proposal]:
    """``a`` to ``a and not isinstance(x, str)``, ``key in table and a``, ``a or x == "b"``."""
    for test in _list_tests(site.node):
        plain = site.text(test)
        for part, joint, weight in _list_parts(site, test):
            if part in plain:
                continue
            own = plain if _binds(test, joint) else f"({plain})"
            first, second = (part, own) if joint == "guard" else (own, part)
            word = "or" if joint == "or" else "and"
            yield site.replace(test, f"{first} {word} {second}", weight)
            if joint == "and":
                yield site.replace(test, f"{part} and {own}", 0.6 * weight)


def _list_tests(node: ast.AST) -> list[ast.expr]:
    """The conditions of a node, and values that are conditions."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.comprehension(ifs=ifs):
            return ifs
        case ast.GeneratorExp(elt=elt) | ast.ListComp(elt=elt) if isinstance(elt, _CONDITIONS):
            return [elt]
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value) if _is_condition(value):
            return [value]
    return []


def _is_condition(value: ast.expr) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="isinstance" | "hasattr" | "callable" | "bool" | "any" | "all")):
            return True
        case ast.Call(func=ast.Attribute(attr="startswith" | "endswith")):
            return True
        case ast.UnaryOp(op=op):
            return isinstance(op, ast.Not)
    return isinstance(value, ast.Compare | ast.BoolOp)


def _binds(test: ast.expr, joint: str) -> bool:
    """Whether the condition can stand beside ``and`` or ``or`` without parentheses."""
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or if joint == "or" else ast.And)
    return not isinstance(test, ast.IfExp | ast.Lambda | ast.NamedExpr)


def _list_parts(site: Site, test: ast.expr) -> Iterator[tuple[str, str, float]]:
    """Parts with how they are joined: ``and``, ``or``, or in front as a ``guard`` of what follows."""
    used = dict.fromkeys(each.id for each in ast.walk(test) if isinstance(each, ast.Name))
    names = [each for each in used if each in site.locals and each not in ("self", "cls")]
    others = [each for each in site.locals if each not in used and each not in ("self", "cls")]
    for node in ast.walk(test):
        match node:
            case ast.Subscript(value=value, slice=key) if not isinstance(key, ast.Slice | ast.Constant):
                yield f"{site.text(key)} in {site.text(value)}", "guard", 1.0
            case ast.Subscript(value=value, slice=ast.Constant(value=0)):
                yield site.text(value), "guard", 0.7
            case ast.Call(func=ast.Name(id="len"), args=[value]):
                yield f"{site.text(value)} is not None", "guard", 0.4
            case ast.Attribute(value=ast.Name(id=name), attr=attr) if name not in ("self", "cls"):
                yield f'hasattr({name}, "{attr}")', "guard", 0.6
                yield name, "guard", 0.5
    for at, name in enumerate([*names, *others][:MOST_NAMES]):
        near = 1.0 if name in used else 0.6 if at < len(names) + 2 else 0.4
        for kind in list_types(site)[:6]:
            yield f"not isinstance({name}, {kind})", "and", 0.7 * near
            yield f"isinstance({name}, {kind})", "and", 0.6 * near
            yield f"isinstance({name}, {kind})", "or", 0.4 * near
        yield f"len({name})", "and", 0.4 * near
        for size in _list_sizes(site):
            yield f"len({name}) {size}", "and", 0.5 * near
        for literal in _list_literals(site):
            yield f"{name} == {literal}", "or", 0.45 * near
            yield f"{name} != {literal}", "and", 0.6 * near
            yield f"{name} == {literal}", "and", 0.35 * near
        yield f"not {name}", "and", 0.35 * near
        yield f"{name} is not None", "and", 0.45 * near
        yield f"{name} is None", "or", 0.35 * near
        yield name, "and", 0.5 * near
    for name in others[max(MOST_NAMES - len(names), 0) : MOST_NAMES + MOST_MORE]:
        yield name, "and", 0.25
    for attribute in site.attributes[: MOST_NAMES + MOST_MORE]:
        for part in (attribute, f"not {attribute}", f"{attribute} is not None"):
            yield part, "and", 0.45


def _list_sizes(site: Site) -> tuple[str, ...]:
    sizes = [each for each in site.clues.numbers if type(each) is int and 0 < each < 10]
    return ("> 1", *(f"== {size}" for size in sizes[:2]))


def _list_literals(site: Site) -> list[str]:
    """Literals of the tests that the file or the request has as well come first; texts before numbers."""
    texts = [each for each in site.clues.strings if 0 < len(each) < 20 and "\n" not in each]
    texts.sort(key=lambda each: each not in site.strings)
    return [repr(each) for each in texts[:MOST_LITERALS]] + ["''"]
