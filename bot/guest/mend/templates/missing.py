"""Parts of literals and calls that are missing: an item of a dict or list, an ``f``, an argument by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import TextEdit
from .registry import template

_HOLE = re.compile(r"\{[A-Za-z_][\w.\[\]()'\"]*(?:[:!][^{}]*)?\}")
_CONVERSIONS = (
    ("%r", "%s"),
    ("%s", "%r"),
    ("%d", "%s"),
    ("%s", "%d"),
    ("%f", "%s"),
    ("!r}", "}"),
    ("{}", "{!r}"),
)


@template("missing-f", 0.9, ast.Constant)
def missing_f_prefix(site: Site) -> Iterator[Proposal]:
    """``"{name}"`` where ``f"{name}"`` is meant."""
    node = site.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not _HOLE.search(node.value):
        return
    parent = site.source.parents.get(node)
    if isinstance(parent, ast.Attribute | ast.Expr) or site.text(node)[:1] not in ("'", '"'):
        return
    start = site.source.span(node)[0]
    yield Proposal((TextEdit(start, start, "f"),), 1.0)


@template("conversion", 0.45, ast.Constant, ast.JoinedStr)
def conversion(site: Site) -> Iterator[Proposal]:
    """``%r`` for ``%s``, ``{x!r}`` for ``{x}`` and the like."""
    node = site.node
    if not isinstance(node, ast.Constant | ast.JoinedStr) or isinstance(
        site.source.parents.get(node), ast.JoinedStr
    ):
        return
    if isinstance(node, ast.Constant) and not isinstance(node.value, str):
        return
    text, start = site.text(node), site.source.span(node)[0]
    if len(text) > 400 or ("%" not in text and "{" not in text):
        return
    for old, new in _CONVERSIONS:
        for found in re.finditer(re.escape(old), text):
            at = start + found.start()
            yield Proposal((TextEdit(at, at + len(old), new),), 0.7)


@template("missing-item", 0.45, ast.Dict, ast.List, ast.Tuple, ast.Set, errors=("KeyError", "IndexError"))
def missing_item(site: Site) -> Iterator[Proposal]:
    """An item that a literal lacks: the key that a test asks for, a local name's value under its own name."""
    node = site.node
    if isinstance(node, ast.Dict):
        if not node.keys or None in node.keys:
            return
        keys = {each.value for each in node.keys if isinstance(each, ast.Constant)}
        quote = next(
            (site.text(each)[0] for each in node.keys if each and site.text(each)[:1] in ("'", '"')), '"'
        )
        end = site.source.span(node.values[-1])[1]
        named = {name.rpartition(".")[2]: name for name in (*site.attributes, *site.locals)}
        wanted = [each for each in site.clues.missing if each not in keys]
        tested = [each for each in site.clues.strings if each not in keys and each not in wanted]
        for key in [*wanted, *tested[:30]]:
            values = [named[key]] if key in named else ["None", "0", "[]", "True", "False", '""']
            sure = 1.0 if key in named else 0.5
            for value in values:
                yield Proposal((TextEdit(end, end, f", {quote}{key}{quote}: {value}"),), sure)
        for key, value in named.items():
            if key not in keys and key not in ("self", "cls"):
                yield Proposal((TextEdit(end, end, f", {quote}{key}{quote}: {value}"),), 0.5)
        return
    assert isinstance(node, ast.List | ast.Tuple | ast.Set)  # noqa: S101
    if not node.elts or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    have = {each.value for each in node.elts if isinstance(each, ast.Constant)}
    if not have:
        return
    end = site.source.span(node.elts[-1])[1]
    first = next(iter(have))
    if isinstance(first, str):
        quote = next((site.text(e)[0] for e in node.elts if site.text(e)[:1] in ("'", '"')), '"')
        for text in (*site.clues.missing, *site.clues.strings[:30], *site.strings[:30]):
            if text not in have and quote not in text and "\\" not in text:
                yield Proposal((TextEdit(end, end, f", {quote}{text}{quote}"),), 0.6)
    elif type(first) is int:
        for number in site.clues.numbers[:10]:
            if number not in have:
                yield Proposal((TextEdit(end, end, f", {number}"),), 0.4)


@template("named-argument", 0.6, ast.Call, errors=("TypeError",))
def named_argument(site: Site) -> Iterator[Proposal]:
    """A required argument that a call does not give, by the name in the error."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    if "TypeError" not in site.clues.errors:
        return
    given = {each.arg for each in node.keywords}
    end = site.source.span(node)[1] - 1
    comma = "" if not (node.args or node.keywords) else ", "
    for name in site.clues.missing:
        if name in given or not name.isidentifier():
            continue
        known = {each.rpartition(".")[2]: each for each in (*site.attributes, *site.locals)}
        values = {known[name]: 1.0} if name in known else {}
        values |= {"True": 0.6, "False": 0.6, "None": 0.6, "0": 0.4, "1": 0.4, '""': 0.3, "[]": 0.3}
        for value, weight in values.items():
            yield Proposal((TextEdit(end, end, f"{comma}{name}={value}"),), weight)
