"""A part of an expression that is missing or too many: a term of a sum, a filter of a comprehension."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import NUMBERS, Proposal, Site
from ..source import ATOMS, TextEdit
from .calls import is_value
from .registry import template

NUMERIC = NUMBERS - {"bool"}


@template("missing-term", 0.4, ast.Name, ast.Attribute, ast.BinOp, ast.Call, ast.Subscript)
def missing_term(site: Site) -> Iterator[Proposal]:
    """``a - b`` where ``a - b - len(c)`` is meant; ``b`` where ``a + b`` is."""
    node = site.node
    parent = site.source.parents.get(node)
    if not isinstance(node, ast.expr) or isinstance(parent, ast.BinOp) or not is_value(site, node):
        return
    kinds = site.kinds(node)
    text = site.text(node)
    low = text if isinstance(node, ATOMS) else f"({text})"
    sums = text if isinstance(node, (*ATOMS, ast.BinOp)) else f"({text})"
    if kinds & NUMERIC or (not kinds and isinstance(node, ast.BinOp)):
        for term, weight in _terms(site).items():
            if term != text:
                yield site.replace(node, f"{sums} + {term}", 0.8 * weight)
                yield site.replace(node, f"{sums} - {term}", 0.8 * weight)
                yield site.replace(node, f"{low} * {term}", 0.6 * weight)
                yield site.replace(node, f"{low} / {term}", 0.4 * weight)
                yield site.replace(node, f"{low} % {term}", 0.25 * weight)
    if not kinds and isinstance(node, ast.Call) and isinstance(parent, ast.Return | ast.Assign):
        for name in site.locals:
            if name not in ("self", "cls"):
                yield site.replace(node, f"{name} + {sums}", 0.5)
                yield site.replace(node, f"{name} - {sums}", 0.3)
    if kinds & {"str", "list", "tuple", "bytes"}:
        for name in (*site.locals, *site.attributes):
            if name != text and kinds & set(site.types.get(name, ())):
                yield site.replace(node, f"{name} + {sums}", 0.6)
                yield site.replace(node, f"{sums} + {name}", 0.6)


def _terms(site: Site) -> dict[str, float]:
    """Numbers of the function: names, attributes, and calls of ``len`` that stand in it."""
    terms = {name: 0.8 for name in (*site.locals, *site.attributes) if site.types.get(name, set()) & NUMERIC}
    for node in ast.walk(site.function) if site.function is not None else ():
        match node:
            case ast.Call(func=ast.Name(id="len"), args=[ast.Name() | ast.Attribute()]):
                terms[site.text(node)] = 1.0
    for name in site.locals:
        if site.types.get(name, set()) & {"str", "list", "tuple", "dict", "set"}:
            terms.setdefault(f"len({name})", 0.5)
    return terms


@template("needless-term", 0.45, ast.BinOp)
def needless_term(site: Site) -> Iterator[Proposal]:
    """One side of a sum or product only."""
    node = site.node
    assert isinstance(node, ast.BinOp)  # noqa: S101
    yield site.replace(node, site.source.operand(node.left), 1.0)
    yield site.replace(node, site.source.operand(node.right), 0.7)


@template("comprehension-filter", 0.5, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
def comprehension_filter(site: Site) -> Iterator[Proposal]:
    """A comprehension that lacks its filter or has one too many."""
    node = site.node
    assert isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp)  # noqa: S101
    last = node.generators[-1]
    if last.ifs:
        start = site.source.span(last.iter)[1]
        end = site.source.span(last.ifs[-1])[1]
        if site.source.text[start:end].lstrip().startswith("if"):
            yield Proposal((TextEdit(start, end, ""),), 0.7)
        return
    names = [each.id for each in ast.walk(last.target) if isinstance(each, ast.Name)]
    end = site.source.span(last.iter)[1]
    conditions: dict[str, float] = {}
    for name in names:
        conditions |= {name: 1.0, f"{name} is not None": 0.8, f"not {name}": 0.3, f"{name}.strip()": 0.3}
        conditions[f"{name} > 0"] = 0.3
        for attr in _read_from(site, name):
            conditions |= {attr: 0.5, f"not {attr}": 0.5}
            for other in site.locals:
                if other not in (name, "self", "cls"):
                    conditions |= {f"{attr} == {other}": 0.4, f"{attr} != {other}": 0.4}
                    conditions |= {f"{other} in {attr}": 0.4, f"{other} not in {attr}": 0.4}
        for other in site.locals:
            if other not in (name, "self", "cls"):
                conditions |= {f"{name} != {other}": 0.35, f"{name} in {other}": 0.3}
                conditions[f"{name} not in {other}"] = 0.35
    for text in site.conditions[:10]:
        conditions.setdefault(text, 0.4)
    for condition, weight in conditions.items():
        yield Proposal((TextEdit(end, end, f" if {condition}"),), weight)


def _read_from(site: Site, name: str) -> tuple[str, ...]:
    """Attributes that the file reads from things of that name."""
    found = {
        site.text(each): None
        for each in ast.walk(site.source.tree)
        if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id == name
    }
    return tuple(found)[:8]


@template("swapped-parts", 0.4, ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For)
def swapped_parts(site: Site) -> Iterator[Proposal]:
    """Two names, attributes or calls of one statement in each other's place: ``groups[v](k)``."""
    root = site.node.iter if isinstance(site.node, ast.For) else site.node
    parts = [each for each in ast.walk(root) if isinstance(each, ast.Name | ast.Attribute | ast.Call)][:14]
    parts = [each for each in parts if isinstance(getattr(each, "ctx", ast.Load()), ast.Load)]
    for index, one in enumerate(parts):
        for two in parts[index + 1 :]:
            a, b = site.source.span(one), site.source.span(two)
            if type(one) is not type(two) or (a[0] < b[1] and b[0] < a[1]):
                continue
            texts = site.text(one), site.text(two)
            if texts[0] != texts[1]:
                both = site.kinds(one) & site.kinds(two)
                yield Proposal((TextEdit(*a, texts[1]), TextEdit(*b, texts[0])), 1.0 if both else 0.7)
