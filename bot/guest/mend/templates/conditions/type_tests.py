"""Type tests that are too narrow, too wide, or made on the exact type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...site import Proposal, Site
from ..registry import template

USUAL = ("str", "tuple", "list", "dict", "bytes", "int", "bool", "type")
_CLASS = re.compile(r"[A-Z]\w*[a-z]\w*")  # in capitals, and no constant


def list_types(site: Site) -> tuple[str, ...]:
    """Types that the file tests for, those of the function first, then its classes, then the usual ones."""
    return site.compute_once("types tested", lambda: _read_types(site))


def _read_types(site: Site) -> Iterator[str]:
    for scope in (site.function, site.source.owner(site.node), site.source.tree):
        for node in ast.walk(scope) if scope is not None else ():
            match node:
                case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kind]):
                    for each in kind.elts if isinstance(kind, ast.Tuple) else [kind]:
                        yield site.text(each)
    yield from USUAL
    yield from (name for name in site.globals if _CLASS.fullmatch(name))


@template("exact-type", 0.7, ast.Compare)
def exact_type(site: Site) -> Iterator[Proposal]:
    """``type(x) is T``, ``type(x) == T`` and ``type(x) in (T, U)`` to ``isinstance``, and the reverse."""
    match site.node:
        case ast.Compare(left=ast.Call(func=ast.Name(id="type"), args=[value]), ops=[op], comparators=[kind]):
            told = site.text(kind)
            if isinstance(kind, ast.List | ast.Set):
                told = f"({', '.join(site.text(each) for each in kind.elts)})"
            test = f"isinstance({site.text(value)}, {told})"
            yield site.replace(site.node, f"not {test}" if _is_negative(op) else test, 1.0)
        case ast.Compare(left=left, ops=[op], comparators=[ast.Name(id=name)]) if _CLASS.fullmatch(name):
            test = f"isinstance({site.text(left)}, {name})"
            yield site.replace(site.node, f"not {test}" if _is_negative(op) else test, 0.7)
            if _is_negative(op) or isinstance(op, ast.Is | ast.Eq):
                yield site.replace(
                    site.node, f"type({site.text(left)}) is {'not ' * _is_negative(op)}{name}", 0.3
                )


def _is_negative(op: ast.cmpop) -> bool:
    return isinstance(op, ast.NotEq | ast.IsNot | ast.NotIn)


@template("tested-type", 0.5, ast.Call, errors=("TypeError", "AttributeError"))
def tested_type(site: Site) -> Iterator[Proposal]:
    """``isinstance(x, T)`` with another type of the file, with one more, or with one less; ``callable``."""
    match site.node:
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass" as test), args=[value, kind]):
            parts = [site.text(each) for each in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
            for at, other in enumerate(each for each in list_types(site) if each not in parts):
                near = 1.0 if at < 4 else 0.5
                yield site.replace(kind, f"({', '.join([*parts, other])})", 0.8 * near)
                yield site.replace(kind, other, 0.6 * near)
            for gone in parts if len(parts) > 1 else ():
                kept = [each for each in parts if each != gone]
                yield site.replace(kind, kept[0] if len(kept) == 1 else f"({', '.join(kept)})", 0.5)
            told = site.text(value)
            if test == "isinstance" and len(parts) == 1:
                yield site.replace(site.node, f"type({told}) is {parts[0]}", 0.4)
                yield site.replace(site.node, f"callable({told})", 0.2)
            if parts == ["type"] and "inspect" in site.globals:
                yield site.replace(site.node, f"inspect.isclass({told})", 1.0)
