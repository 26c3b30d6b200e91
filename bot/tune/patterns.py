"""Edits that no template makes, as pairs of generalised expressions: ``_h0_`` -> ``str(_h0_)``.

What stands on both sides becomes a hole, which stands for any expression. A pair is kept when the rest of it
says nothing of its own repository (only built-in names and methods, plain constants), and when fixes of two
repositories have it, of three where it fits every expression. So what is kept is a habit of programmers, and
nobody's text.
"""

from __future__ import annotations

import ast
import builtins
import copy
import textwrap
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST = 80  # characters of one side
LEAST_REPOS, LEAST_FOR_ANY = 2, 3  # the second for what fits every expression, which costs many tries
SHOWN_SOURCES = 12  # commits that are named beside a pattern
_METHODS = frozenset(
    name for kind in (str, bytes, list, dict, set, tuple, int, float) for name in dir(kind) if name[0] != "_"
)
_BUILTINS = frozenset(dir(builtins))
_ANY = "_h0_"
_PLAIN = frozenset(map(repr, (0, 1, -1, 2, None, True, False, "", " ", ...)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPattern:
    """One pair, and the commits that have it, as ``repository-commit``."""

    before: str
    after: str
    sources: tuple[str, ...]


def find_patterns(missed: Iterable[tuple[str, str, str]]) -> list[FoundPattern]:
    """Patterns of (commit, lines before, lines after) that two repositories have, the commonest first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for commit, before, after in missed:
        pattern = generalise(before, after)
        if pattern is not None and commit not in found[pattern]:
            found[pattern].append(commit)
    return [
        FoundPattern(before=before, after=after, sources=tuple(commits[:SHOWN_SOURCES]))
        for (before, after), commits in sorted(found.items(), key=lambda each: -len(each[1]))
        if len({commit.rpartition("-")[0] for commit in commits})
        >= (LEAST_FOR_ANY if before == _ANY else LEAST_REPOS)
    ]


def generalise(before: str, after: str) -> tuple[str, str] | None:
    """The pair of expressions that differ, with holes; None for no such pair, or one that says too much."""
    one, two = _parse(before), _parse(after)
    pair = _narrow(one, two) if one is not None and two is not None else None
    if pair is None or max(len(ast.unparse(each)) for each in pair) > LONGEST:
        return None
    old, new = pair
    inside = {ast.dump(each) for each in ast.walk(old) if isinstance(each, ast.expr)}
    holes: dict[str, str] = {}
    general_new = _Holes(holes, inside).visit(copy.deepcopy(new))
    general_old = _Holes(holes, set(holes)).visit(copy.deepcopy(old))
    bound = {each.id for each in ast.walk(general_old) if isinstance(each, ast.Name)}
    if (
        not {each.id for each in ast.walk(general_new) if isinstance(each, ast.Name)} & set(holes.values())
        <= bound
    ):
        return None  # it needs what the expression itself has not
    if (
        not holes
        or _says_too_much(general_old, set())
        or _says_too_much(general_new, _list_words(general_old))
    ):
        return None
    texts = ast.unparse(general_old), ast.unparse(general_new)
    return texts if texts[0] != texts[1] else None


def _parse(text: str) -> ast.stmt | None:
    """The one statement of some changed lines, a header with an empty body."""
    piece = textwrap.dedent(text).strip()
    piece = piece[2:] if piece.startswith("elif ") else piece
    for each in (piece, f"{piece}\n    pass"):
        try:
            body = ast.parse(each).body
        except (SyntaxError, ValueError, RecursionError):
            continue
        return body[0] if len(body) == 1 else None
    return None


def _narrow(old: ast.AST, new: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The smallest two expressions in which all of the difference lies."""
    if type(old) is type(new):
        differing = [
            (one, two)
            for name in old._fields
            for one, two in _pair_up(getattr(old, name, None), getattr(new, name, None))
        ]
        nodes = [
            (one, two) for one, two in differing if isinstance(one, ast.AST) and isinstance(two, ast.AST)
        ]
        if len(differing) == 1 == len(nodes):
            inner = _narrow(*nodes[0])
            if inner is not None:
                return inner
    return (old, new) if isinstance(old, ast.expr) and isinstance(new, ast.expr) else None


def _pair_up(one: object, two: object) -> Iterable[tuple[object, object]]:
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [pair for left, right in zip(one, two, strict=True) for pair in _pair_up(left, right)]
    if isinstance(one, ast.AST) and isinstance(two, ast.AST):
        return [] if ast.dump(one) == ast.dump(two) else [(one, two)]
    return [] if one == two else [(one, two)]


class _Holes(ast.NodeTransformer):
    """Puts a hole in the place of each outermost expression that is known."""

    def __init__(self, holes: dict[str, str], known: set[str]) -> None:
        self.holes = holes
        self.known = known

    def visit(self, node: ast.AST) -> ast.AST:
        key = ast.dump(node)
        if (
            isinstance(node, ast.expr)
            and key in self.known
            and repr(getattr(node, "value", node)) not in _PLAIN
        ):
            name = self.holes.setdefault(key, f"_h{len(self.holes)}_")
            return ast.Name(id=name, ctx=ast.Load())
        return self.generic_visit(node)


def _list_words(node: ast.AST) -> set[str]:
    """Names, attributes and constants of a tree, holes left out."""
    found = set()
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name) if not name.startswith("_h"):
                found.add(name)
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(f".{name}")
            case ast.Constant(value=value):
                found.add(repr(value))
    return found


def _says_too_much(node: ast.AST, known: set[str]) -> bool:
    plain = _BUILTINS | _PLAIN | {f".{name}" for name in _METHODS}
    return bool(_list_words(node) - plain - known) or any(
        isinstance(each, ast.Lambda | ast.JoinedStr | ast.comprehension) for each in ast.walk(node)
    )
