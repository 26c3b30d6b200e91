"""What is left undone: the last piece after a loop, a set that is asked and never filled."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import FUNCTIONS, TextEdit
from ..blocks import insert_after
from ..registry import template

LONGEST = 100  # characters of a statement that is said once more
_EMPTY = {"[]": "list", "list()": "list", "set()": "set", "{}": "dict", "dict()": "dict"}
_FILLING = frozenset(("add", "append", "update", "extend", "insert", "setdefault", "appendleft"))


@template("after-loop", 0.7, ast.For, ast.AsyncFor, ast.While)
def once_more_after_loop(site: Site) -> Iterator[Proposal]:
    """``if line: lines.append(line)`` behind a loop that does so for each full line alone."""
    loop = site.node
    assert isinstance(loop, ast.For | ast.AsyncFor | ast.While)  # noqa: S101
    if site.function is None or loop.orelse:
        return
    for statement in _list_inner(loop.body):
        text = site.text(statement)
        if not isinstance(statement, ast.Expr) or "\n" in text or len(text) > LONGEST:
            continue
        for name in _list_given(site, statement.value):
            made = insert_after(site, loop, [f"if {name}:", f"\t{text}"], 1.0)
            if made is not None:
                yield made
        if isinstance(statement.value, ast.Call | ast.Yield):
            plain = insert_after(site, loop, [text], 0.6)
            if plain is not None:
                yield plain


def _list_inner(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block and of those inside it, but functions and inner loops."""
    for each in body:
        if isinstance(each, (*FUNCTIONS, ast.ClassDef, ast.For, ast.AsyncFor, ast.While)):
            continue
        yield each
        for inner in (getattr(each, "body", []), getattr(each, "orelse", [])):
            yield from _list_inner(inner)


def _list_given(site: Site, value: ast.expr) -> Iterator[str]:
    """The names that a call is given or a ``yield`` yields; for none, what the function reads."""
    match value:
        case ast.Call(args=args, func=func):
            for each in args:
                yield from (name.id for name in ast.walk(each) if isinstance(name, ast.Name))
            if not args and isinstance(func, ast.Name):
                yield from _list_read_by(site, func.id)
        case ast.Yield(value=ast.expr() as given):
            yield from (name.id for name in ast.walk(given) if isinstance(name, ast.Name))


def _list_read_by(site: Site, called: str) -> Iterator[str]:
    function = site.function
    for each in ast.walk(function) if function is not None else ():
        if isinstance(each, FUNCTIONS) and each is not function and each.name == called:
            read = {name.id: None for name in ast.walk(each) if isinstance(name, ast.Name)}
            yield from (name for name in read if name in site.locals)


@template("unfilled", 0.9, ast.If, ast.While)
def fill_what_is_asked(site: Site) -> Iterator[Proposal]:
    """``seen.add(key)`` behind ``if key in seen:``, where nothing in the function fills ``seen``."""
    statement = site.node
    assert isinstance(statement, ast.If | ast.While)  # noqa: S101
    function = site.function
    if function is None:
        return
    for node in ast.walk(statement.test):
        match node:
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[ast.Name() as holder]):
                kind = _find_empty(site, function, holder.id)
                if kind is None or _is_filled(function, holder.id):
                    continue
                key, name = site.text(left), holder.id
                line = {
                    "set": f"{name}.add({key})",
                    "list": f"{name}.append({key})",
                    "dict": f"{name}[{key}] = True",
                }[kind]
                made = insert_after(site, statement, [line], 1.0)
                if made is not None:
                    yield made


def _find_empty(site: Site, function: ast.AST, name: str) -> str | None:
    """The kind of an empty holder that a name is bound to in the function."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                return _EMPTY.get(site.text(value))
            case ast.AnnAssign(target=ast.Name(id=bound), value=ast.expr() as value) if bound == name:
                return _EMPTY.get(site.text(value))
    return None


def _is_filled(function: ast.AST, name: str) -> bool:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr)):
                if owner == name and attr in _FILLING:
                    return True
            case ast.Subscript(value=ast.Name(id=owner), ctx=ast.Store()) if owner == name:
                return True
            case ast.AugAssign(target=ast.Name(id=owner)) if owner == name:
                return True
    return False


@template("missing-wraps", 0.6, ast.FunctionDef, errors=("AttributeError",))
def missing_wraps(site: Site) -> Iterator[Proposal]:
    """``@functools.wraps(function)`` on the inner function of a decorator."""
    inner = site.node
    assert isinstance(inner, ast.FunctionDef)  # noqa: S101
    outer = next((each for each in site.source.ancestors(inner) if isinstance(each, FUNCTIONS)), None)
    if outer is None or inner.args.vararg is None or inner.args.kwarg is None:
        return
    maker = next((each for each in ("functools.wraps", "wraps") if each.split(".")[0] in site.globals), None)
    called = {
        node.func.id
        for node in ast.walk(inner)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    span = site.source.whole_lines(inner)
    if maker is None or span is None:
        return
    for argument in outer.args.args:
        if argument.arg in called:
            line = f"{site.source.indent(inner)}@{maker}({argument.arg}){site.source.newline}"
            start = site.source.starts[inner.lineno - 1]
            yield Proposal((TextEdit(start, start, line),), 1.0)
