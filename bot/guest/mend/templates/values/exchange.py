"""Values in the place of others: a name for a literal, ``type(self)`` for the class, a list of one."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import FUNCTIONS
from ..literals.texts import is_docstring, is_in_text
from ..registry import template

MOST_NAMES = 10


@template("named-value", 0.45, ast.Constant)
def named_value(site: Site) -> Iterator[Proposal]:
    """A literal where a name of the scope, an attribute or a constant of the module is meant."""
    node = site.node
    function = site.function
    if not isinstance(node, ast.Constant) or function is None or is_in_text(site) or is_docstring(site, node):
        return
    if node.lineno < function.body[0].lineno or (isinstance(node.value, str) and len(node.value) > 20):
        return
    parent = site.source.parents.get(node)
    plain = isinstance(parent, ast.Call | ast.keyword | ast.BinOp | ast.Return | ast.Assign)
    names = [each for each in (*site.locals, *site.attributes) if each not in ("self", "cls")]
    for name in names[:MOST_NAMES]:
        kinds = site.types.get(name, set())
        same = not kinds or type(node.value).__name__ in kinds or node.value is None
        yield site.replace(node, name, (0.8 if plain else 0.5) * (1.0 if same else 0.3))
    for name in [each for each in site.globals if each.isupper()][:MOST_NAMES]:
        yield site.replace(node, name, 0.35)


@template("own-class", 0.6, ast.Call, ast.Name, ast.Constant)
def own_class(site: Site) -> Iterator[Proposal]:
    """The class by its name where a subclass is meant as well: ``Query()`` to ``type(self)()``."""
    node = site.node
    owner, function = site.source.owner(node), site.function
    if owner is None or function is None or not function.args.args:
        return
    first = function.args.args[0].arg
    match node:
        case ast.Call(func=ast.Name(id=name) as called) if name in (owner.name, "dict", "list", "set"):
            if first == "self":
                yield site.replace(called, "type(self)", 1.0 if name == owner.name else 0.3)
                yield site.replace(called, "self.__class__", 1.0 if name == owner.name else 0.3)
            elif first == "cls":
                yield site.replace(called, "cls", 1.0)
        case ast.Constant(value=str() as value) if (
            value == owner.name and first == "self" and not is_in_text(site)
        ):
            yield site.replace(node, "self.__class__.__name__", 1.0)
            yield site.replace(node, "type(self).__name__", 1.0)
        case ast.Name(id=name, ctx=ast.Load()) if name == owner.name and first in ("self", "cls"):
            parent = site.source.parents.get(node)
            if isinstance(parent, ast.Attribute):
                yield site.replace(node, first, 0.8)
                yield site.replace(node, "type(self)" if first == "self" else first, 0.6)


@template("like-object", 0.3, ast.Dict, ast.List, ast.Set)
def like_object(site: Site) -> Iterator[Proposal]:
    """``{}`` where an empty object of the type of an argument is meant: ``type(data)()``."""
    node = site.node
    empty = isinstance(node, ast.Dict | ast.List | ast.Set) and not getattr(
        node, "elts", getattr(node, "keys", [])
    )
    if empty and site.function is not None and isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        for argument in site.function.args.args:
            name = argument.arg
            if name != "cls":
                yield site.replace(node, f"type({name})()", 0.7)
                yield site.replace(node, f"{name}.__class__()", 0.7)


@template("boxed", 0.4, ast.Return, ast.Assign, ast.Call)
def boxed(site: Site) -> Iterator[Proposal]:
    """One thing where a list or a tuple of it is meant, and the reverse."""
    match site.node:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value):
            _ = value
        case ast.Call(args=[ast.Name() | ast.Attribute() | ast.Call() as value]):
            _ = value
        case _:
            return
    text = site.text(value)
    if isinstance(value, ast.List | ast.Tuple) and len(value.elts) == 1:
        yield site.replace(value, site.text(value.elts[0]), 0.8)
    elif isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.BinOp | ast.Constant):
        sure = 0.4 if isinstance(site.node, ast.Call) else 0.7
        yield site.replace(value, f"[{text}]", sure)
        yield site.replace(value, f"({text},)", 0.7 * sure)
        if isinstance(value, ast.Name | ast.Attribute) and not isinstance(site.node, ast.Call):
            yield site.replace(value, f"{text}[:]", 0.6)
            yield site.replace(value, f"{text}.copy()", 0.6)


@template("not-implemented", 0.7, ast.Return, ast.Raise)
def not_implemented(site: Site) -> Iterator[Proposal]:
    """``return False`` in a comparison or an operator where ``NotImplemented`` lets the other side answer."""
    function = site.function
    if function is None or not (function.name.startswith("__") and len(function.args.args) == 2):
        return
    match site.node:
        case ast.Return(value=ast.Constant() as value):
            yield site.replace(value, "NotImplemented", 1.0)
        case ast.Raise():
            yield site.replace(site.node, "return NotImplemented", 0.8)


@template("raised-instead", 0.4, ast.Return, ast.Pass, ast.Expr)
def raised_instead(site: Site) -> Iterator[Proposal]:
    """The exception that the tests wait for in the place of an answer or of nothing."""
    node = site.node
    if site.function is None or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    names = list(
        dict.fromkeys(
            (*site.clues.awaited[:3], *(("NotImplementedError",) if isinstance(node, ast.Pass) else ()))
        )
    )
    for name in names:
        if name.isidentifier():
            yield site.replace(node, f"raise {name}()", 0.5)
    for text in _list_raised(site):
        if any(name in text for name in names):
            yield site.replace(node, text, 0.8)


def _list_raised(site: Site) -> tuple[str, ...]:
    """What the class and the file raise, where it names nothing but what is known here."""
    return site.compute_once("raised", lambda: _read_raised(site))


def _read_raised(site: Site) -> Iterator[str]:
    known = {*site.locals, *site.globals, *dir(builtins)}
    for node in ast.walk(site.source.tree):
        if isinstance(node, ast.Raise) and node.exc is not None and not isinstance(node, FUNCTIONS):
            text = site.text(node)
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            if len(text) < 120 and "\n" not in text and names <= known:
                yield text
