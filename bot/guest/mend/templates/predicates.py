"""Truth values that are not computed, comparisons that mind the case, and types that are too narrow."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import NUMBERS, SIZED, Proposal, Site
from ..source import ATOMS, TextEdit
from .registry import template

_WIDER = {
    "list": ("tuple", "set"),
    "tuple": ("list",),
    "set": ("frozenset", "list"),
    "dict": ("list",),
    "str": ("bytes", "int"),
    "bytes": ("bytearray", "str"),
    "int": ("float", "str"),
    "float": ("int",),
}
_TYPES = frozenset((*_WIDER, "bool", "complex", "bytearray", "frozenset", "deque", "Decimal", "Fraction"))


@template("case-folding", 0.5, ast.Compare, ast.Call)
def case_folding(site: Site) -> Iterator[Proposal]:
    """``a == b`` where ``a.lower() == b.lower()`` is meant; the same for ``in`` and ``startswith``."""
    match site.node:
        case ast.Compare(
            left=left, ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()], comparators=[right]
        ):
            sides = (left, right)
        case ast.Call(
            func=ast.Attribute(value=left, attr="startswith" | "endswith" | "count" | "find"),
            args=[right, *_],
        ):
            sides = (left, right)
        case _:
            return
    if not all(site.might(each, "str") for each in sides) or not any(map(_is_variable, sides)):
        return
    known = any("str" in site.kinds(each) and _is_variable(each) for each in sides)
    for method in ("lower", "casefold", "upper"):
        edits = []
        for each in sides:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                if getattr(each.value, method)() != each.value:
                    edits.append(TextEdit(*site.source.span(each), repr(getattr(each.value, method)())))
            elif isinstance(each, ATOMS) and not isinstance(
                each, ast.List | ast.Dict | ast.Set | ast.Constant
            ):
                edits.append(TextEdit(*site.source.span(each), f"{site.text(each)}.{method}()"))
        if edits:
            weight = {"lower": 1.0, "casefold": 0.4, "upper": 0.5}[method]
            yield Proposal(tuple(edits), weight if known else 0.4 * weight)


def _is_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call)


@template("wider-type", 0.6, ast.Call, errors=("TypeError", "ValueError", "AttributeError"))
def wider_type(site: Site) -> Iterator[Proposal]:
    """``isinstance(x, list)`` where tuples are meant as well."""
    match site.node:
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, ast.Name(id=name) as kind]):
            seen = sorted(site.kinds(value) & _TYPES - {name})
            for other in dict.fromkeys((*seen, *_WIDER.get(name, ()))):
                yield site.replace(kind, f"({name}, {other})", 1.0 if other in seen else 0.4)
        case ast.Call(func=ast.Name(id="isinstance"), args=[value, ast.Tuple(elts=[*_, last]) as kind]):
            have = {site.text(each) for each in kind.elts}
            end = site.source.span(last)[1]
            for other in sorted(site.kinds(value) & _TYPES - have):
                yield Proposal((TextEdit(end, end, f", {other}"),), 1.0)


@template("predicate", 0.5, ast.Return)
def predicate(site: Site) -> Iterator[Proposal]:
    """``return True`` where the answer has to be computed from what is given."""
    match site.node:
        case ast.Return(value=ast.Constant(value=bool()) as value):
            for text, weight in _list_predicates(site).items():
                yield site.replace(value, text, weight)


def _list_predicates(site: Site) -> dict[str, float]:
    """Conditions of the names that are known here, the simplest first."""
    names = [each for each in (*site.locals, *site.attributes) if each not in ("self", "cls")][:8]
    found: dict[str, float] = {}
    for one in names:
        kinds = site.types.get(one, set())
        if kinds & SIZED:
            found |= {f"bool({one})": 0.7, f"not {one}": 0.7}
        if kinds & NUMBERS:
            found |= {f"{one} > 0": 0.7, f"{one} >= 0": 0.6, f"{one} < 0": 0.5, f"{one} % 2 == 0": 0.3}
            found |= {f"{one} == 0": 0.5, f"{one} != 0": 0.5}
        if "NoneType" in kinds:
            found |= {f"{one} is not None": 0.8, f"{one} is None": 0.6}
        if "str" in kinds:
            found |= {
                f"{one}.{test}()": 0.4 for test in ("isdigit", "isalpha", "isalnum", "isupper", "islower")
            }
            found |= {f"{one} == {one}[::-1]": 0.3}
        for two in names:
            if one != two:
                found |= _compare(site, one, two)
    for text in site.conditions[:10]:
        found.setdefault(text, 0.4)
    return found


def _compare(site: Site, one: str, two: str) -> dict[str, float]:
    first, second = site.types.get(one, set()), site.types.get(two, set())
    found: dict[str, float] = {}
    if second & SIZED and (not first & (SIZED - {"str"})):
        found |= {f"{one} in {two}": 0.9, f"{one} not in {two}": 0.6}
    if first & second & SIZED:
        found |= {f"{one} == {two}": 0.8, f"{one} != {two}": 0.5}
        if "str" in first & second:
            found |= {f"{one}.startswith({two})": 0.5, f"{one}.endswith({two})": 0.5}
    if first & second & NUMBERS:
        found |= {f"{one} < {two}": 0.7, f"{one} <= {two}": 0.7, f"{one} == {two}": 0.6}
        found |= {f"{one} != {two}": 0.4, f"{one} % {two} == 0": 0.5}
    return found
