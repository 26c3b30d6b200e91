"""A value that has to go through another function, one that the file already calls on other values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import FUNCTIONS, TextEdit
from ..calls import is_empty, is_value
from ..registry import template

MOST_FUNCTIONS = 14
LONGEST = 40  # characters of a function's name with its module
_EVERYWHERE = (
    "str",
    "list",
    "int",
    "dict",
    "tuple",
    "len",
    "repr",
    "float",
    "set",
    "sorted",
    "round",
    "bool",
)
_OF_MANY = frozenset(("list", "join", "tuple", "set", "sorted"))
_NOT_FOR_VALUES = frozenset(
    (
        "isinstance",
        "issubclass",
        "hasattr",
        "getattr",
        "setattr",
        "super",
        "print",
        "type",
        "property",
        "range",
    )
)


@template(
    "wrapped-value",
    0.4,
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp, ast.ListComp, ast.GeneratorExp, ast.IfExp),
    errors=("TypeError", "AttributeError", "ValueError"),
)
def wrapped_value(site: Site) -> Iterator[Proposal]:
    """``pattern + sep`` to ``pattern + re.escape(sep)``: a call that the file makes on something else."""
    node = site.node
    if not isinstance(node, ast.expr) or not is_value(site, node) or _is_tested_type(site, node):
        return
    if is_empty(node):
        return
    text = site.text(node)
    if len(text) > 200:
        return
    parent = site.source.parents.get(node)
    around = site.text(parent.func) if isinstance(parent, ast.Call) else ""
    for at, function in enumerate(list_called_on_one(site)):
        if function != around and not text.startswith(f"{function}("):
            yield site.replace(node, f"{function}({text})", 1.0 if at < 5 else 0.5)
    if isinstance(node, ast.Name | ast.Attribute | ast.Call) and around.rpartition(".")[2] in _OF_MANY:
        yield site.replace(node, f"map(str, {text})", 0.8)
        yield site.replace(node, f"filter(None, {text})", 0.4)


def _is_tested_type(site: Site, node: ast.expr) -> bool:
    parent = site.source.parents.get(node)
    if isinstance(parent, ast.Tuple):
        node, parent = parent, site.source.parents.get(parent)
    match parent:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kind]):
            return kind is node
    return isinstance(parent, ast.Raise | ast.ExceptHandler | ast.Dict)


def list_called_on_one(site: Site) -> tuple[str, ...]:
    """Functions that the file calls with one argument, the nearest and commonest first, then usual ones."""
    return site.compute_once("called on one", lambda: _read_called(site))


def _read_called(site: Site) -> Iterator[str]:
    counted: Counter[str] = Counter()
    known = {*site.globals, "self", "cls", *_EVERYWHERE}
    for scope, weight in ((site.function, 6), (site.source.owner(site.node), 3), (site.source.tree, 1)):
        for node in ast.walk(scope) if scope is not None else ():
            match node:
                case ast.Call(func=ast.Name() | ast.Attribute() as function, args=[only], keywords=[]):
                    text = site.text(function)
                    root = text.partition(".")[0]
                    plain = not isinstance(only, ast.Starred) and text not in _NOT_FOR_VALUES
                    if plain and root in known and len(text) <= LONGEST and text.count(".") <= 2:
                        counted[text] += weight
    for text in (*(name for name, _ in counted.most_common(MOST_FUNCTIONS)), *_EVERYWHERE):
        if not (text[:1].isupper() and text.endswith(("Error", "Exception", "Warning"))):
            yield text


@template("wrapped-sides", 0.35, ast.Compare)
def wrapped_sides(site: Site) -> Iterator[Proposal]:
    """``a == b`` to ``f(a) == f(b)`` with a function that the file calls."""
    match site.node:
        case ast.Compare(left=left, ops=[_], comparators=[right]) if not isinstance(right, ast.Constant):
            for function in list_called_on_one(site)[:MOST_FUNCTIONS]:
                edits = [
                    TextEdit(*site.source.span(each), f"{function}({site.text(each)})")
                    for each in (left, right)
                ]
                yield Proposal(tuple(edits), 0.6)


@template("other-callee", 0.4, ast.Call, errors=("TypeError", "AttributeError"))
def other_callee(site: Site) -> Iterator[Proposal]:
    """Another function of the file with the same arguments: ``escape(src)`` to ``self.safe_url(src)``."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    old = site.text(node.func)
    size = len(node.args) + len(node.keywords)
    for at, told in enumerate(site.compute_once("callees", lambda: _read_callees(site))):
        count, _, function = told.partition(" ")
        if function != old and int(count) == size:
            yield site.replace(node.func, function, 0.8 if at < 12 else 0.4)


def _read_callees(site: Site) -> Iterator[str]:
    """The functions that are called with how many arguments, the nearest first."""
    known = {*site.globals, "self", "cls"}
    counted: Counter[str] = Counter()
    for scope, weight in ((site.function, 9), (site.source.owner(site.node), 3), (site.source.tree, 1)):
        for node in ast.walk(scope) if scope is not None else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute | ast.Subscript):
                text = site.text(node.func)
                root = text.partition("[")[0].partition(".")[0]
                if (root in known or root in _EVERYWHERE) and len(text) <= LONGEST:
                    counted[f"{len(node.args) + len(node.keywords)} {text}"] += weight
    yield from (told for told, _ in counted.most_common(60))
    for function in site.source.tree.body:
        if isinstance(function, FUNCTIONS):
            least = len(function.args.args) - len(function.args.defaults)
            yield from (f"{size} {function.name}" for size in range(least, len(function.args.args) + 1))


@template("other-argument", 0.35, ast.Call)
def other_argument(site: Site) -> Iterator[Proposal]:
    """A call in whose place one of its later arguments is meant: ``getattr(x, "y", {})`` to ``{}``."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    if is_value(site, node):
        for argument in node.args[1:]:
            if not isinstance(argument, ast.Starred):
                yield site.replace(node, site.source.operand(argument), 0.6)


@template("needless-choice", 0.35, ast.BoolOp)
def needless_choice(site: Site) -> Iterator[Proposal]:
    """``x or default`` to ``x if x is not None else default``, where an empty ``x`` is meant as it is."""
    match site.node:
        case ast.BoolOp(op=ast.Or(), values=[ast.Name() | ast.Attribute() | ast.Subscript() as first, other]):
            text, rest = site.text(first), site.text(other)
            yield site.replace(site.node, f"{text} if {text} is not None else {rest}", 1.0)
