"""What a call lacks: a parameter that is not passed on, an option, the rest of the arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template

MOST_NAMES = 8
_OPTIONS = {
    "dumps": ("default=str",),
    "dump": ("default=str",),
    "compile": ("re.IGNORECASE", "re.MULTILINE", "re.DOTALL", "re.ASCII", "re.UNICODE", "re.VERBOSE"),
    "sub": ("flags=re.DOTALL", "flags=re.IGNORECASE", "flags=re.MULTILINE"),
    "warn": ("stacklevel=2", "DeprecationWarning"),
    "decode": ('"utf-8"', 'errors="replace"', 'errors="ignore"'),
    "encode": ('"utf-8"', 'errors="replace"'),
    "wraps": ("assigned=()",),
    "deepcopy": ("memo",),
}
_SAFE = {"pop": "None", "getattr": "None", "next": "None"}


@template("passed-on", 0.55, ast.Call, errors=("TypeError",))
def passed_on(site: Site) -> Iterator[Proposal]:
    """``make(a)`` to ``make(a, strict=strict)``: a parameter of the function goes on under its own name."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    function = site.function
    everything = [*node.args, *node.keywords]
    if len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and len(everything) == 1:
        return
    end = max((site.source.span(each)[1] for each in everything), default=site.source.span(node)[1] - 1)
    comma = ", " if everything else ""
    given = {each.arg for each in node.keywords} | {site.text(each) for each in node.args}

    def add(text: str, weight: float) -> Proposal:
        return Proposal((TextEdit(end, end, f"{comma}{text}"),), weight)

    callee = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if function is not None:
        parameters = function.args
        names = [*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs]
        unread = _list_unread(site)
        same = callee == function.name or callee == "super"
        for name in [each.arg for each in names if each.arg not in ("self", "cls")][:MOST_NAMES]:
            if name not in given:
                sure = 1.0 if name in unread else 0.6 if same else 0.4
                yield add(f"{name}={name}", sure)
        starred = {site.text(each.value) for each in node.keywords if each.arg is None}
        if parameters.kwarg is not None and parameters.kwarg.arg not in starred:
            yield add(f"**{parameters.kwarg.arg}", 0.8 if parameters.kwarg.arg in unread else 0.5)
        if parameters.vararg is not None and not node.keywords:
            yield add(f"*{parameters.vararg.arg}", 0.5)
        for attribute in site.attributes[:MOST_NAMES]:
            name = attribute.removeprefix("self.").lstrip("_")
            if name not in given:
                yield add(f"{name}={attribute}", 0.35)
        for name in site.locals[:12]:
            if name in site.clues.words and name not in given and name not in ("self", "cls"):
                yield add(f"{name}={name}", 0.5)
    for option in _OPTIONS.get(callee, ()):
        if option not in given and ("re." not in option or "re" in site.globals):
            yield add(option, 0.7)


@template("starred", 0.35, ast.Call, errors=("TypeError",))
def starred(site: Site) -> Iterator[Proposal]:
    """``call(args)`` to ``call(*args)``, and the reverse."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    for each in node.args:
        match each:
            case ast.Starred(value=value):
                yield site.replace(each, site.text(value), 0.6)
            case ast.Name(id=name) | ast.Attribute(attr=name):
                sure = 1.0 if name in ("args", "arguments", "items", "parts", "values") else 0.4
                yield site.replace(each, f"*{site.text(each)}", sure)
                if "dict" in site.kinds(each) or name.startswith(("kw", "kargs", "option")):
                    yield site.replace(each, f"**{site.text(each)}", 0.8)


def _list_unread(site: Site) -> tuple[str, ...]:
    """Parameters that the function does not read."""
    function = site.function
    if function is None:
        return ()
    read = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
    arguments = function.args
    every = [
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    ]
    return site.compute_once("unread", lambda: (each.arg for each in every if each and each.arg not in read))


@template("absent-key", 0.6, ast.Delete, ast.Call, ast.If, ast.UnaryOp, ast.IfExp, errors=("KeyError",))
def absent_key(site: Site) -> Iterator[Proposal]:
    """``del d[k]`` to ``d.pop(k, None)``; ``d.get(k)`` as a condition to ``k in d``."""
    match site.node:
        case ast.Delete(targets=[ast.Subscript(value=table, slice=key)]) if not isinstance(key, ast.Slice):
            yield site.replace(site.node, f"{site.text(table)}.pop({site.text(key)}, None)", 1.0)
        case ast.Call(func=ast.Attribute(value=table, attr="remove"), args=[item]):
            yield site.replace(site.node, f"{site.text(table)}.discard({site.text(item)})", 0.6)
        case ast.If(test=test) | ast.IfExp(test=test):
            yield from _ask_for_key(site, test, "in", "is not")
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            for made in _ask_for_key(site, inner, "not in", "is"):
                yield Proposal(
                    tuple(TextEdit(*site.source.span(site.node), e.new) for e in made.edits), made.weight
                )


def _ask_for_key(site: Site, test: ast.expr, word: str, sign: str) -> Iterator[Proposal]:
    match test:
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[key, *_]):
            yield site.replace(test, f"{site.text(key)} {word} {site.text(table)}", 1.0)
            yield site.replace(test, f"{site.text(test)} {sign} None", 0.9)
        case ast.Subscript(value=table, slice=key) if not isinstance(key, ast.Slice):
            yield site.replace(test, f"{site.text(key)} {word} {site.text(table)}", 0.8)
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, name, *_]):
            negative = "not " if word == "not in" else ""
            yield site.replace(test, f"{negative}hasattr({site.text(owner)}, {site.text(name)})", 0.6)
