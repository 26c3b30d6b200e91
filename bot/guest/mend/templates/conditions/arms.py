"""A new ``elif`` or ``if`` that is made like the arm beside it, with one literal, name or type changed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template
from .type_tests import list_types

LONGEST = 100  # characters of a condition or a statement that is copied
MOST_LITERALS = 8


@template("new-arm", 0.4, ast.If, errors=("KeyError", "ValueError", "TypeError", "AttributeError"))
def new_arm(site: Site) -> Iterator[Proposal]:
    """``elif kind == "b": ...`` behind ``if kind == "a": ...``, its body like that of an arm beside it."""
    node = site.node
    assert isinstance(node, ast.If)  # noqa: S101
    span = site.source.whole_lines(node.body[-1])
    if span is None or site.source.span(node.test)[0] > span[0]:
        return
    arms = _list_arms(site, node)
    indent, inner, newline = site.source.indent(node), site.source.indent(node.body[-1]), site.source.newline
    words = ["elif", "if"] if _ends(node) and not node.orelse else ["elif"]
    for condition, change, weight in _list_conditions(site, node):
        for body, value in _list_bodies(site, arms, node, change).items():
            for word in words:
                arm = f"{indent}{word} {condition}:{newline}{inner}{body}{newline}"
                yield Proposal((TextEdit(span[1], span[1], arm),), weight * value)


def _ends(node: ast.If) -> bool:
    return isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)


def _list_arms(site: Site, node: ast.If) -> list[ast.If]:
    """The chain of ``if`` and ``elif`` that the node is part of."""
    first = node
    while isinstance(above := site.source.parents.get(first), ast.If) and above.orelse == [first]:
        first = above
    arms = [first]
    while len(arms[-1].orelse) == 1 and isinstance(arms[-1].orelse[0], ast.If):
        arms.append(arms[-1].orelse[0])
    return arms


def _list_conditions(site: Site, node: ast.If) -> Iterator[tuple[str, tuple[str, str], float]]:
    """The arm's condition with one part exchanged, and what was exchanged for what."""
    test = site.text(node.test)
    if len(test) > LONGEST or "\n" in test:
        return
    start = site.source.span(node.test)[0]
    for part in ast.walk(node.test):
        for new, weight in _list_others(site, part):
            old = site.text(part)
            a, b = site.source.span(part)
            if new != old:
                yield f"{test[: a - start]}{new}{test[b - start :]}", (old, new), weight


def _list_others(site: Site, part: ast.AST) -> Iterator[tuple[str, float]]:
    parent = site.source.parents.get(part)
    match part:
        case ast.Constant(value=str() as value):
            quote = site.text(part)[-1:]
            same = [each for each in site.clues.strings if (len(each) == len(value) == 1) or len(each) > 1]
            for text in [each for each in same if len(each) < 30 and "\n" not in each][:MOST_LITERALS]:
                yield (f"{quote}{text}{quote}" if quote not in text and "\\" not in text else repr(text)), 1.0
        case ast.Constant(value=bool() | None):
            yield from ((each, 0.4) for each in ("None", "True", "False"))
        case ast.Constant(value=int()):
            yield from ((repr(each), 0.8) for each in site.clues.numbers[:MOST_LITERALS] if type(each) is int)
        case ast.Name(id=name) if isinstance(parent, ast.Call) and parent.args[1:2] == [part]:
            if name[:1].isupper() or name in list_types(site):
                yield from ((each, 0.8) for each in list_types(site)[:MOST_LITERALS])
        case ast.Name(id=name) | ast.Attribute(attr=name) if name.isupper():
            yield from ((each, 0.8) for each in site.globals if each.isupper())


def _list_bodies(site: Site, arms: list[ast.If], node: ast.If, change: tuple[str, str]) -> dict[str, float]:
    """What the new arm may do: the same with the same exchange, what another arm does, or an empty value."""
    old, new = change
    bodies: dict[str, float] = {}
    if len(node.body) == 1 and len(text := site.text(node.body[0])) <= LONGEST and "\n" not in text:
        if old in text:
            bodies[text.replace(old, new)] = 1.0
        bodies.setdefault(text, 0.7)
        if isinstance(node.body[0], ast.Return | ast.Assign):
            for each in site.clues.strings[:MOST_LITERALS]:
                match node.body[0].value:
                    case ast.Constant(value=str()) as value:
                        bodies.setdefault(text.replace(site.text(value), repr(each)), 0.5)
    for arm in arms:
        for last in (arm.body, arm.orelse):
            if len(last) == 1 and not hasattr(last[0], "body"):
                text = site.text(last[0])
                if len(text) <= LONGEST and "\n" not in text:
                    bodies.setdefault(text, 0.5)
    match node.body[0]:
        case ast.Assign(targets=[ast.Name(id=name)]) if len(node.body) <= 2:
            for empty in ("[]", "None", '""', "{}", "0"):
                bodies.setdefault(f"{name} = {empty}", 0.4)
        case ast.Return():
            for empty in ("[]", "None", '""', "False", "True"):
                bodies.setdefault(f"return {empty}", 0.3)
    bodies.setdefault("pass", 0.15)
    return bodies


@template("narrowed-else", 0.4, ast.If)
def narrowed_else(site: Site) -> Iterator[Proposal]:
    """``else`` to ``elif condition``, where nothing is to be done in some cases."""
    node = site.node
    assert isinstance(node, ast.If)  # noqa: S101
    if not node.orelse or (len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)):
        return
    start, end = site.source.span(node.body[-1])[1], site.source.span(node.orelse[0])[0]
    found = re.search(r"^[ \t]*(else)[ \t]*:", site.source.text[start:end], re.M)
    if found is None:
        return
    at = (start + found.start(1), start + found.end(1))
    read = {each.id: None for part in node.orelse for each in ast.walk(part) if isinstance(each, ast.Name)}
    names = [each for each in read if each in site.locals and each not in ("self", "cls")]
    for name in [*names, *site.attributes[:4]]:
        for condition, weight in ((f"{name} is not None", 0.8), (name, 0.8), (f"not {name}", 0.3)):
            yield Proposal((TextEdit(*at, f"elif {condition}"),), weight)
    for condition in site.conditions[:10]:
        yield Proposal((TextEdit(*at, f"elif {condition}"),), 0.5)
