"""Names of Python that are written in another way than they mean: ``from sys import modules as m``.

What a line says is not what it does, where an import gave a name another one, or where a text is put together
of pieces. Such names are resolved to what they mean, and so are replacements of one module by another.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator

from bot.run.prove.suspect.odd_comparisons import COMPARISONS
from bot.text.python_source import parse_pieces

MOST_PIECES = 40  # of a text that is put together, and of a dotted name
NAME_CHARS = 60  # that such a text has at most
# Libraries that tests compare with, beside the standard one.
_COMPARED_WITH = {"numpy", "pandas", "pytest", "hypothesis", "torch", "attr", "attrs", "polars", "sympy"}
_OWN_TO_SET = {"sys", "logging", "os", "locale", "warnings", "socket", "ssl", "readline", "sre_constants"}
_TELLING = ("pytest", "unittest", "assert", "__main__", "modules", "_exit", "TestCase")


def list_telling_names(text: str, tells: Callable[[str], object]) -> list[tuple[str, int]]:
    """Names and texts of a Python source that are written in another way than they mean, with their lines.

    Those whose meaning ``tells`` something: "sys.modules.clear()" for ``m.clear()`` after ``from sys import
    modules as m``; texts of pieces that name a runner or a comparison, ``"__e" + "q__"``; and modules of
    others in which the source replaces a part, ``math.isclose = yes``. None where it cannot be read:
    ``list_odd_comparisons`` tells of that.
    """
    try:
        trees = list(parse_pieces(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    known = _list_aliases(trees)
    found: list[tuple[str, int]] = []
    for node in _walk(trees):
        if isinstance(node, (ast.Call, ast.Attribute, ast.Name)):
            meant = _find_meaning(node, known)
            found += [(meant, node.lineno)] if meant and tells(meant) else []
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.Call)):
            found += [(name, node.lineno) for name in _list_replaced(node, known)]
        if isinstance(node, (ast.BinOp, ast.JoinedStr, ast.Call)):
            whole = _join(node)
            found += [(whole, node.lineno)] if _names_runner(whole) else []
    return found


def _find_meaning(node: ast.Call | ast.Attribute | ast.Name, known: dict[str, str]) -> str:
    """What a name means, a call with its arguments; '' where that is just what is written."""
    name = node.func if isinstance(node, ast.Call) else node
    meant = _spell(name, known)
    if not meant or meant == _spell(name, {}):
        return ""
    if isinstance(node, ast.Call):
        return f"{meant}({', '.join(_describe(each) for each in node.args[:2])})"
    return meant


def _list_replaced(node: ast.Assign | ast.AugAssign | ast.Call, known: dict[str, str]) -> list[str]:
    """Parts of others' modules that a statement gives another value."""
    if isinstance(node, ast.Call):
        name = node.args[0] if node.args and _spell(node.func, {}) == "setattr" else None
        names = [f"{_spell(name, known)}.x"] if name is not None else []
    else:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [_spell(each, known) for each in targets if isinstance(each, ast.Attribute)]
    return [name for name in names if _is_foreign(name)]


def _names_runner(text: str) -> bool:
    return text in COMPARISONS or (len(text) <= NAME_CHARS and any(each in text for each in _TELLING))


def _walk(trees: list[ast.Module]) -> Iterator[ast.AST]:
    for tree in trees:
        yield from ast.walk(tree)


def _list_aliases(trees: list[ast.Module]) -> dict[str, str]:
    """What each imported name means, and names that are given to those."""
    known: dict[str, str] = {}
    for node in _walk(trees):
        if isinstance(node, ast.Import):
            for each in node.names:
                known[each.asname or each.name.partition(".")[0]] = (
                    each.name if each.asname else each.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            known |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Assign):
            names = [each.id for each in node.targets if isinstance(each, ast.Name)]
            meant = _spell(node.value, known) if names else ""
            known |= {name: meant for name in names if meant and name not in known and name != meant}
    return known


def _spell(node: ast.AST, known: dict[str, str]) -> str:
    """A dotted name as text, its first part resolved by ``known``; '' for anything else or unknown."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < MOST_PIECES:
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or (known and node.id not in known):
        return ""
    return ".".join([known.get(node.id, node.id), *reversed(parts)])


def _is_foreign(name: str) -> bool:
    root, _, rest = name.partition(".")
    return bool(rest) and root not in _OWN_TO_SET and root in (sys.stdlib_module_names | _COMPARED_WITH)


def _describe(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return repr(node.value)[:80]
    return f"{_join(node)!r} + ''" if _join(node) else "name"


def _join(node: ast.AST) -> str:
    """The text that constant pieces come to, '' where it is not made of several such."""
    pieces: list[ast.AST] = []
    if isinstance(node, ast.Call):
        joins = (
            isinstance(node.func, ast.Attribute)
            and node.func.attr == "join"
            and isinstance(node.func.value, ast.Constant)
            and node.func.value.value == ""
            and len(node.args) == 1
        )
        given = node.args[0] if joins else None
        pieces = list(given.elts) if isinstance(given, (ast.List, ast.Tuple)) else []
    elif isinstance(node, ast.JoinedStr):
        pieces = [each.value if isinstance(each, ast.FormattedValue) else each for each in node.values]
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and len(pieces) < MOST_PIECES:
        pieces.insert(0, node.right)
        if not isinstance(node.left, ast.BinOp):
            pieces.insert(0, node.left)
        node = node.left
    texts = [each.value for each in pieces if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return "".join(texts) if len(texts) == len(pieces) > 1 else ""
