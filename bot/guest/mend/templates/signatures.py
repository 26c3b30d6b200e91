"""What takes effect when a function is defined: defaults, their mutability, parameters' order, decorators."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import FUNCTIONS, TextEdit
from .registry import template


@template("mutable-default", 0.9, ast.FunctionDef)
def mutable_default(site: Site) -> Iterator[Proposal]:
    """A list, dict or set as default value, shared by all calls."""
    function = site.node
    assert isinstance(function, ast.FunctionDef)  # noqa: S101
    positional = [*function.args.posonlyargs, *function.args.args]
    pairs = [
        *zip(
            positional[len(positional) - len(function.args.defaults) :], function.args.defaults, strict=True
        ),
        *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True),
    ]
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1:
        first = function.body[1]
    span = site.source.whole_lines(first)
    for argument, default in pairs:
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.Call) and span is not None:
            name, value = argument.arg, site.text(default)
            indent, newline = site.source.indent(first), site.source.newline
            step = indent.removeprefix(site.source.indent(function)) or "    "
            guard = f"{indent}if {name} is None:{newline}{indent}{step}{name} = {value}{newline}"
            edits = (TextEdit(*site.source.span(default), "None"), TextEdit(span[0], span[0], guard))
            yield Proposal(edits, 1.0 if not isinstance(default, ast.Call) else 0.6)


@template("parameters", 0.45, ast.FunctionDef, errors=("TypeError",))
def parameters(site: Site) -> Iterator[Proposal]:
    """Two parameters in each other's place; a default that is missing."""
    function = site.node
    assert isinstance(function, ast.FunctionDef)  # noqa: S101
    arguments = function.args.args
    start = 1 if arguments and arguments[0].arg in ("self", "cls") else 0
    for one, two in zip(arguments[start:], arguments[start + 1 :], strict=False):
        edits = (
            TextEdit(*site.source.span(one), site.text(two)),
            TextEdit(*site.source.span(two), site.text(one)),
        )
        yield Proposal(edits, 0.6)
    yield from _defaults(site, function)
    if arguments[start:] and not function.args.defaults:
        end = site.source.span(arguments[-1])[1]
        for default in ("None", "0", '""', "False", "1", "True", "()"):
            yield Proposal((TextEdit(end, end, f"={default}"),), 0.4)


def _defaults(site: Site, function: ast.FunctionDef) -> Iterator[Proposal]:
    """Another default; one for a parameter that the error says was not given."""
    positional = [*function.args.posonlyargs, *function.args.args]
    bare = positional[: len(positional) - len(function.args.defaults)]
    if bare and bare[-1].arg in site.clues.missing:
        end = site.source.span(bare[-1])[1]
        equals = " = " if bare[-1].annotation else "="
        for default, weight in _USUAL.items():
            yield Proposal((TextEdit(end, end, f"{equals}{default}"),), 2.0 * weight)
    for given in (*function.args.defaults, *function.args.kw_defaults):
        if isinstance(given, ast.Constant | ast.List | ast.Dict):
            for default, weight in _USUAL.items():
                if default != site.text(given):
                    yield site.replace(given, default, 0.8 * weight)


_USUAL = {"None": 1.0, "False": 0.8, "True": 0.8, "0": 0.8, '""': 0.6, "1": 0.6, "()": 0.4, "-1": 0.3}


@template("decorator", 0.45, ast.FunctionDef, errors=("TypeError",))
def decorator(site: Site) -> Iterator[Proposal]:
    """``@property``, ``@staticmethod`` or ``@classmethod`` that is missing, or a decorator too many."""
    function = site.node
    assert isinstance(function, ast.FunctionDef)  # noqa: S101
    indent, newline = site.source.indent(function), site.source.newline
    start = site.source.starts[function.lineno - 1]
    if isinstance(site.source.parents.get(function), ast.ClassDef):
        first = function.args.args[0].arg if function.args.args else ""
        names: tuple[str, ...] = ("property",) if len(function.args.args) == 1 and first == "self" else ()
        names += ("classmethod",) if first == "cls" else ("staticmethod",) if first != "self" else ()
        for name in names:
            yield Proposal((TextEdit(start, start, f"{indent}@{name}{newline}"),), 1.0)
    for each in function.decorator_list:
        line = site.source.starts[each.lineno - 1]
        end = site.source.starts[each.end_lineno or each.lineno]
        yield Proposal((TextEdit(line, end, ""),), 0.5)


@template("class-state", 0.6, ast.Assign, ast.AnnAssign)
def class_state(site: Site) -> Iterator[Proposal]:
    """A list or dict kept on the class, shared by all its objects, that ``__init__`` must make."""
    node = site.node
    owner = site.source.parents.get(node)
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(owner, ast.ClassDef):
        return
    value = node.value
    if not isinstance(value, ast.List | ast.Dict | ast.Set | ast.Call):
        return
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name):
        return
    for method in owner.body:
        if isinstance(method, FUNCTIONS) and method.name == "__init__":
            span = site.source.whole_lines(method.body[0])
            if span is not None:
                indent = site.source.indent(method.body[0])
                line = f"{indent}self.{target.id} = {site.text(value)}{site.source.newline}"
                yield Proposal((TextEdit(span[0], span[0], line),), 1.0)


@template("base-class", 0.25, ast.ClassDef)
def base_class(site: Site) -> Iterator[Proposal]:
    """Another exception or class of the file as base."""
    node = site.node
    assert isinstance(node, ast.ClassDef)  # noqa: S101
    classes = [
        each.name for each in site.source.tree.body if isinstance(each, ast.ClassDef) and each is not node
    ]
    for base in node.bases:
        for other in (*classes, *site.clues.awaited, "ValueError", "KeyError", "TypeError", "Exception"):
            if other != site.text(base):
                yield site.replace(base, other, 0.5)
