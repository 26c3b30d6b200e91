"""Calls that should not be there, and lookups: keys, defaults, membership."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import TextEdit, find_operator
from .calls import is_value
from .registry import template

_OF_NONE = frozenset(("TypeError", "AttributeError"))  # how it ends where None is taken for a value


@template("needless-call", 0.4, ast.Call)
def needless_call(site: Site) -> Iterator[Proposal]:
    """A call that should not be there: its argument, or the object it is a method of, is meant."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    if len(node.args) >= 1 and not isinstance(node.args[0], ast.Starred):
        yield site.replace(node, site.source.operand(node.args[0]), 0.8 if len(node.args) == 1 else 0.3)
    if isinstance(node.func, ast.Attribute) and not isinstance(site.source.parents.get(node), ast.Expr):
        yield site.replace(node, site.text(node.func.value), 0.9)


@template("needless-loop", 0.4, ast.ListComp, ast.GeneratorExp, ast.SetComp)
def needless_loop(site: Site) -> Iterator[Proposal]:
    """``[unquote(each) for each in parts]`` where ``parts`` or ``[each for each in parts]`` is meant."""
    node = site.node
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp) and len(node.generators) == 1:
        (loop,) = node.generators
        if not isinstance(node.elt, ast.Name) and isinstance(loop.target, ast.Name):
            yield site.replace(node.elt, loop.target.id, 0.6)
        if not loop.ifs:
            text = site.text(loop.iter)
            yield site.replace(node, f"({text})" if isinstance(node, ast.GeneratorExp) else text, 0.8)
            yield site.replace(node, f"list({text})", 0.5)


@template("needless-index", 0.4, ast.Subscript)
def needless_index(site: Site) -> Iterator[Proposal]:
    """``value[0]`` where the value itself is meant."""
    node = site.node
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and is_value(site, node):
        yield site.replace(node, site.text(node.value), 0.8)


@template("lookup", 0.55, ast.Subscript, ast.Call, errors=("KeyError", "TypeError"))
def lookup(site: Site) -> Iterator[Proposal]:
    """``d[key]`` where the key may be absent, and ``d.get(key)`` where it must be there."""
    match site.node:
        case ast.Subscript(value=value, slice=key, ctx=ast.Load()) if not isinstance(key, ast.Slice):
            if site.might(value, "dict", "OrderedDict", "Counter", "defaultdict"):
                sure = 1.0 if site.kinds(value) else 0.4
                for default in (
                    "",
                    ", 0",
                    ", None",
                    ", []",
                    ', ""',
                    ", {}",
                    ", False",
                    f", {site.text(key)}",
                    ", 1",
                    ", set()",
                    ", ()",
                ):
                    yield site.replace(
                        site.node,
                        f"{site.text(value)}.get({site.text(key)}{default})",
                        sure * (1.0 if len(default) < 4 else 0.6),
                    )
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[key, *_]):
            yield site.replace(site.node, f"{site.text(value)}[{site.text(key)}]", 0.4)
        case ast.Call(func=ast.Attribute(value=value, attr="setdefault"), args=[key, other]):
            yield site.replace(
                site.node, f"{site.text(value)}.get({site.text(key)}, {site.text(other)})", 0.4
            )


@template("fallback", 0.35, ast.Name, ast.Attribute, ast.Call, errors=("TypeError", "AttributeError"))
def fallback(site: Site) -> Iterator[Proposal]:
    """``value or default`` where the value may be None or empty."""
    node = site.node
    if (
        not isinstance(node, ast.expr)
        or not is_value(site, node)
        or isinstance(site.source.parents.get(node), ast.BoolOp)
    ):
        return
    if isinstance(node, ast.Call) and site.clues.errors & _OF_NONE:
        for other in ("[]", "{}", '""', "0"):
            yield site.replace(node, f"({site.text(node)} or {other})", 0.4)
        for name in site.globals:
            if name[:1].isupper() and not name.isupper():
                yield site.replace(node, f"({site.text(node)} or {name}())", 0.25)
    if "NoneType" in site.kinds(node):
        for other, weight in (("[]", 0.8), ("{}", 0.7), ('""', 0.8), ("0", 0.7), ("()", 0.4)):
            yield site.replace(node, f"({site.text(node)} or {other})", weight)
        for name in site.locals:
            if name not in ("self", "cls", site.text(node)):
                yield site.replace(node, f"({site.text(node)} or {name})", 0.3)
        for name in site.globals:
            if not name.startswith("__"):
                yield site.replace(node, f"({site.text(node)} or {name})", 0.25)


@template("keyword-value", 0.4, ast.keyword)
def keyword_value(site: Site) -> Iterator[Proposal]:
    """Two options of a call with each other's value."""
    node = site.node
    call = site.source.parents.get(node)
    if not isinstance(node, ast.keyword) or not isinstance(call, ast.Call):
        return
    for other in call.keywords:
        if (
            other is not node
            and other.arg
            and node.arg
            and call.keywords.index(other) > call.keywords.index(node)
        ):
            edits = (
                TextEdit(*site.source.span(node.value), site.text(other.value)),
                TextEdit(*site.source.span(other.value), site.text(node.value)),
            )
            yield Proposal(edits, 1.0)


@template("membership", 0.3, ast.Compare)
def membership(site: Site) -> Iterator[Proposal]:
    """The two sides of a comparison in each other's place; a side that needs ``len`` or ``.values()``."""
    node = site.node
    assert isinstance(node, ast.Compare)  # noqa: S101
    if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
        place = find_operator(site.source, node.left, node.comparators[0], "in")
        right = site.text(node.comparators[0])
        if place:
            yield site.replace(node.comparators[0], f"{right}.values()", 0.5)
            edits = (
                TextEdit(*site.source.span(node.left), right),
                TextEdit(*site.source.span(node.comparators[0]), site.text(node.left)),
            )
            yield Proposal(edits, 0.6)
