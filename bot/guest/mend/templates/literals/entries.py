"""An entry that a literal lacks: a row like its neighbour with the tests' words, a type, a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..conditions.type_tests import list_types
from ..handlers import NEVER_CAUGHT
from ..registry import template

MOST = 8
_WIDER = ("list", "tuple", "set", "frozenset", "dict", "str", "bytes", "int", "float", "bool", "type(None)")


@template("new-row", 0.5, ast.Dict, errors=("KeyError", "ValueError"))
def new_row(site: Site) -> Iterator[Proposal]:
    """``"md": markdown`` beside ``"html": html``: a row with a word of the tests and a neighbour's value."""
    node = site.node
    if not isinstance(node, ast.Dict) or not node.keys or None in node.keys:
        return
    keys = [each for each in node.keys if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if len(keys) != len(node.keys):
        return
    have = {each.value for each in keys}
    quote = site.text(keys[-1])[-1]
    words = [each for each in site.clues.strings if each not in have and len(each) < 30 and quote not in each]
    last = node.values[-1]
    end = site.source.span(last)[1]
    several = node.lineno != node.end_lineno and len(keys) > 1
    line = site.source.line(keys[-1].lineno)
    between = f",{site.source.newline}{line[: len(line) - len(line.lstrip())]}" if several else ", "
    for word in [each for each in words if "\n" not in each and "\\" not in each][:MOST]:
        for value, weight in _list_values(site, node, keys, word, quote).items():
            yield Proposal((TextEdit(end, end, f"{between}{quote}{word}{quote}: {value}"),), weight)


def _list_values(
    site: Site, node: ast.Dict, keys: list[ast.Constant], word: str, quote: str
) -> dict[str, float]:
    """Values of the other rows, the row's own word where another row says its key twice, the tests' words."""
    found: dict[str, float] = {}
    for key, value in zip(keys, node.values, strict=True):
        text = site.text(value)
        if len(text) < 80 and "\n" not in text and len(found) < MOST:
            if str(key.value) in text:
                found[text.replace(str(key.value), word)] = 1.0
            found.setdefault(text, 0.7)
    if any(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.values):
        for other in site.clues.strings[:MOST]:
            if quote not in other and "\\" not in other and "\n" not in other:
                found.setdefault(f"{quote}{other}{quote}", 0.6)
    return found


@template("new-name", 0.45, ast.Tuple, ast.List, ast.Set, errors=("TypeError", "ValueError"))
def new_name(site: Site) -> Iterator[Proposal]:
    """``(list, tuple)`` to ``(list, tuple, set)``; a class, an exception, a constant beside others."""
    node = site.node
    if not isinstance(node, ast.Tuple | ast.List | ast.Set) or not node.elts:
        return
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if not all(isinstance(each, ast.Name | ast.Attribute) for each in node.elts):
        return
    have = {site.text(each) for each in node.elts}
    end = site.source.span(node.elts[-1])[1]
    first = site.text(node.elts[0])
    wanted: dict[str, float] = {}
    if have & set(_WIDER):
        wanted |= dict.fromkeys((*_WIDER, *list_types(site)[:MOST]), 0.6)
    elif first[:1].isupper():
        alike = [each for each in site.globals if each[:1].isupper() and each.isupper() == first.isupper()]
        near = [each for each in alike if each in site.clues.words]
        wanted |= dict.fromkeys(near, 1.0) | dict.fromkeys(alike[:20], 0.5)
        if first.endswith(("Error", "Exception")):
            wanted |= dict.fromkeys(sorted(site.clues.errors - NEVER_CAUGHT), 1.0)
    for name, weight in wanted.items():
        if name not in have and name.replace(".", "").replace("(None)", "").isidentifier():
            yield Proposal((TextEdit(end, end, f", {name}"),), weight)
