"""The template of learned edits: pairs of generalised expressions, mined by ``hob tune`` from past fixes.

In a pair ``_h0_`` stands for any expression, the same one everywhere. ``patterns.json`` names for each the
commits that it was seen in.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..site import Proposal, Site
from ..source import ATOMS
from ..templates.registry import template

SHIPPED = Path(__file__).with_name("patterns.json")
OWN = Path("/opt/hob/tuned/patterns.json")  # what `hob tune` wrote, where the operator has it
OFTEN = 6.0  # commits from which on a pattern is as likely as one can be
_HOLE = re.compile(r"_h\d++_")
_TIGHT = (
    ast.BinOp,
    ast.BoolOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Attribute,
    ast.Subscript,
    ast.Starred,
    ast.Await,
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression with holes, and what takes its place; ``seen`` in so many commits."""

    before: ast.expr
    after: str
    seen: int


def read_patterns(path: Path) -> tuple[Pattern, ...]:
    """The patterns of a file, none where it is not there or cannot be read."""
    try:
        rows = json.loads(path.read_text("utf-8"))["patterns"]
        return tuple(
            Pattern(ast.parse(row["before"], mode="eval").body, str(row["after"]), int(row["seen"]))
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError, SyntaxError):
        return ()


@cache
def _load_patterns() -> tuple[Pattern, ...]:
    return read_patterns(OWN) or read_patterns(SHIPPED)


@template(
    "learned-pattern", 0.3, ast.Name, ast.Attribute, ast.Call, ast.Subscript, ast.BinOp, ast.Compare,
    ast.BoolOp, ast.UnaryOp, ast.IfExp, ast.Constant, ast.Tuple, ast.List, ast.Dict,
)  # fmt: skip
def learned_pattern(site: Site) -> Iterator[Proposal]:
    """An expression as fixes of other repositories changed it."""
    if isinstance(site.node, ast.expr):
        yield from propose_patterns(site, site.node, _load_patterns())


def propose_patterns(site: Site, node: ast.expr, patterns: tuple[Pattern, ...]) -> Iterator[Proposal]:
    """What the patterns make of an expression that is read."""
    parent = site.source.parents.get(node)
    if isinstance(getattr(node, "ctx", None), ast.Store | ast.Del) or isinstance(parent, ast.JoinedStr):
        return
    for pattern in patterns:
        holes: dict[str, ast.AST] = {}
        if not _unify(pattern.before, node, holes):
            continue
        filled = {name: site.source.operand(each) for name, each in holes.items()}
        text = _fill(pattern.after, filled)
        try:
            made = ast.parse(text, mode="eval").body
        except SyntaxError:
            continue
        tight = isinstance(parent, _TIGHT) and not isinstance(made, ATOMS)
        yield site.replace(node, f"({text})" if tight else text, min(1.0, pattern.seen / OFTEN))


def _unify(pattern: object, node: object, holes: dict[str, ast.AST]) -> bool:
    """Whether a pattern fits; ``holes`` get what stands in them."""
    if isinstance(pattern, ast.Name) and _HOLE.fullmatch(pattern.id):
        if not isinstance(node, ast.expr):
            return False
        before = holes.setdefault(pattern.id, node)
        return before is node or ast.dump(before) == ast.dump(node)
    if isinstance(pattern, ast.AST):
        return type(pattern) is type(node) and all(
            _unify(getattr(pattern, name, None), getattr(node, name, None), holes) for name in pattern._fields
        )
    if isinstance(pattern, list):
        return (
            isinstance(node, list)
            and len(pattern) == len(node)
            and all(_unify(one, other, holes) for one, other in zip(pattern, node, strict=True))
        )
    return type(pattern) is type(node) and pattern == node


def _fill(after: str, filled: Mapping[str, str]) -> str:
    return _HOLE.sub(lambda match: filled.get(match[0], match[0]), after)
