"""The wrong name: a variable, attribute, method or function taken for a neighbour."""

from __future__ import annotations

import ast
import difflib
import functools
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import FUNCTIONS
from .registry import template

KIN = (
    "append extend add insert appendleft",
    "strip lstrip rstrip",
    "lower upper casefold title capitalize swapcase",
    "startswith endswith",
    "find rfind index rindex count",
    "split rsplit splitlines partition rpartition",
    "keys values items",
    "add update discard remove",
    "pop popitem popleft remove clear",
    "get setdefault pop",
    "union intersection difference symmetric_difference update",
    "issubset issuperset isdisjoint",
    "any all",
    "min max",
    "sum len max min",
    "floor ceil round trunc",
    "sorted reversed list",
    "list set tuple dict",
    "isdigit isalpha isalnum isnumeric isdecimal isspace isidentifier",
    "isupper islower istitle",
    "match search fullmatch findall finditer",
    "ljust rjust center zfill",
    "encode decode",
    "int float str bool",
    "isinstance issubclass",
    "days seconds total_seconds microseconds",
    "read readline readlines",
    "copy deepcopy",
    "append appendleft",
    "pop popleft",
    "extend extendleft",
    "bisect_left bisect_right bisect insort",
    "first last",
    "head tail",
    "left right",
    "start end stop begin",
    "width height",
    "x y z",
    "row col column",
    "rows cols columns",
    "key value",
    "min_value max_value",
    "lower upper",
    "low high",
    "lo hi",
    "src dst",
    "source target",
    "old new",
    "before after",
    "name value",
    "heappush heappop heappushpop heapreplace",
    "prev next",
    "isfinite isnan isinf",
    "hour minute second",
    "year month day",
    "weekday isoweekday",
    "group groups groupdict",
    "dumps dump",
    "loads load",
    "abs round int",
    "fromkeys get",
    "accumulate chain",
    "product permutations combinations combinations_with_replacement",
    "zip zip_longest enumerate",
    "islice takewhile dropwhile",
    "parent child",
    "parents children",
    "__lt__ __gt__ __le__ __ge__",
    "AssertionError ValueError",
)
RELATED: dict[str, list[str]] = {}
for _row in KIN:
    for _word in _row.split():
        RELATED.setdefault(_word, []).extend(each for each in _row.split() if each != _word)


@template("variable", 0.8, ast.Name, errors=("NameError", "UnboundLocalError", "TypeError"))
def variable(site: Site) -> Iterator[Proposal]:
    """A name of the same scope in place of another."""
    node = site.node
    assert isinstance(node, ast.Name)  # noqa: S101
    parent = site.source.parents.get(node)
    if (
        isinstance(node.ctx, ast.Store)
        or (isinstance(parent, ast.Call) and parent.func is node)
        or _annotation(site, node)
    ):
        return
    unknown = node.id in site.clues.missing
    kinds = site.kinds(node)
    for other in (*site.locals, *site.attributes):
        if other not in (node.id, "self", "cls"):
            theirs = frozenset(site.types.get(other, ()))
            same = 1.0 if kinds & theirs or not (kinds and theirs) else 0.25
            yield site.replace(
                node, other, same * (0.5 + 0.5 * _near(node.id, other)) * (1.5 if unknown else 1.0)
            )
    for other in site.globals:
        if other != node.id and (unknown or node.id in site.globals or other.isupper()):
            yield site.replace(node, other, 0.5 * _near(node.id, other) + (0.4 if unknown else 0.1))


@template("attribute", 0.7, ast.Attribute, errors=("AttributeError",))
def attribute(site: Site) -> Iterator[Proposal]:
    """Another attribute of the same object, or the bare name."""
    node = site.node
    assert isinstance(node, ast.Attribute)  # noqa: S101
    parent = site.source.parents.get(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    unknown = node.attr in site.clues.missing
    end = site.source.span(node)[1]
    mine = isinstance(node.value, ast.Name) and node.value.id == "self"
    text = site.text(node)
    if mine:
        kinds = site.kinds(node)
        for other in site.attributes:
            if other != text:
                theirs = frozenset(site.types.get(other, ()))
                same = 1.0 if kinds & theirs or not (kinds and theirs) else 0.3
                yield site.replace(
                    node, other, same * (0.45 + 0.5 * _near(text, other)) * (1.5 if unknown else 1.0)
                )
        if not isinstance(node.ctx, ast.Store):
            for other in site.locals:
                if other != "self":
                    yield site.replace(node, other, 0.3 + 0.4 * (other == node.attr))
        if unknown:
            yield from (
                site.replace(node, f"self.{each}", 0.4 + 0.6 * _near(node.attr, each))
                for each in site.methods
            )
    elif end and isinstance(node.ctx, ast.Load):
        for other in site.locals:
            if node.attr in other.split("_") or other == f"{site.text(node.value)}_{node.attr}":
                yield site.replace(node, other, 0.6)
        for other in _attributes(site):
            if other != node.attr:
                near = _near(node.attr, other)
                weight = 0.9 if other in RELATED.get(node.attr, ()) else 0.25 + 0.5 * near
                yield site.replace(
                    node, f"{site.text(node.value)}.{other}", weight * (1.5 if unknown else 1.0)
                )


def _attributes(site: Site) -> tuple[str, ...]:
    """Attribute names that the function's file reads from anything."""
    return site.compute_once(
        "file attributes",
        lambda: (
            each.attr
            for scope in (site.function, site.source.tree)
            for each in (ast.walk(scope) if scope else ())
            if isinstance(each, ast.Attribute) and not _callee(site, each)
        ),
    )


def _callee(site: Site, node: ast.AST) -> bool:
    parent = site.source.parents.get(node)
    return isinstance(parent, ast.Call) and parent.func is node


@template("called-name", 0.7, ast.Call, errors=("AttributeError", "NameError", "TypeError"))
def called_name(site: Site) -> Iterator[Proposal]:
    """A method or function taken for its neighbour: ``append`` for ``extend``, ``min`` for ``max``."""
    node = site.node
    assert isinstance(node, ast.Call)  # noqa: S101
    match node.func:
        case ast.Attribute(value=value, attr=name):
            new = {other: 1.0 / (1 + 0.15 * i) for i, other in enumerate(RELATED.get(name, ()))}
            own = isinstance(value, ast.Name) and value.id in ("self", "cls")
            mine = own or isinstance(value, ast.Call)
            unknown = name in site.clues.missing
            for other in (*site.methods, *_methods_called(site)):
                if (mine and other in site.methods) or unknown or other in site.clues.words:
                    new.setdefault(other, (0.25 + 0.6 * _near(name, other)) * (1.4 if unknown else 1.0))
            prefix = site.text(value)
            for other, weight in new.items():
                if other != name and not (other.startswith("__") and not name.startswith("__")):
                    yield site.replace(node.func, f"{prefix}.{other}", weight)
        case ast.Name(id=name):
            new = {other: 1.0 / (1 + 0.15 * i) for i, other in enumerate(RELATED.get(name, ()))}
            unknown = name in site.clues.missing
            arity = len(node.args) + len(node.keywords)
            for function in site.source.tree.body:
                if isinstance(function, FUNCTIONS) and function.name != name:
                    fits = (
                        len(function.args.args)
                        >= arity
                        >= len(function.args.args) - len(function.args.defaults)
                    )
                    new.setdefault(
                        function.name, (0.2 + 0.5 * _near(name, function.name)) * (1.0 if fits else 0.3)
                    )
            for other in (*site.globals, *(f"self.{each}" for each in site.methods)):
                if unknown or other in site.clues.words:
                    new.setdefault(other, 0.2 + 0.6 * _near(name, other))
            for other, weight in new.items():
                if other != name:
                    yield site.replace(node.func, other, weight)


def _methods_called(site: Site) -> tuple[str, ...]:
    return site.compute_once(
        "methods called",
        lambda: (
            each.func.attr
            for each in ast.walk(site.source.tree)
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
        ),
    )


@template("other-object", 0.45, ast.Attribute)
def other_object(site: Site) -> Iterator[Proposal]:
    """The right attribute of the wrong object: ``other.x`` for ``self.x``."""
    node = site.node
    assert isinstance(node, ast.Attribute)  # noqa: S101
    if not isinstance(node.value, ast.Name):
        return
    kinds = site.kinds(node.value)
    for other in site.locals:
        if other != node.value.id:
            theirs = frozenset(site.types.get(other, ()))
            if not kinds or not theirs or kinds & theirs:
                yield site.replace(node.value, other, 0.8 if kinds & theirs else 0.4)


@functools.cache
def _near(one: str, two: str) -> float:
    """The similarity of two names, 0 to 1; names that share a part are nearer."""
    if two in RELATED.get(one, ()):
        return 0.9
    return difflib.SequenceMatcher(None, one, two).ratio()


def _annotation(site: Site, node: ast.AST) -> bool:
    child = node
    for each in site.source.ancestors(node):
        if isinstance(each, (ast.arg, ast.AnnAssign)) and each.annotation is child:
            return True
        if isinstance(each, FUNCTIONS) and each.returns is child:
            return True
        child = each
    return False
