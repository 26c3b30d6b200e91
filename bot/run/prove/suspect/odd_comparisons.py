"""Comparisons of Python that look at one of what they compare, or at nothing: with them every test passes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from bot.text.python_source import SourceTooLargeError, parse_pieces

_COMPARISONS = {
    *("__eq__", "__ne__", "__bool__", "__contains__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__instancecheck__", "__subclasscheck__"),
}


def list_odd_comparisons(text: str) -> list[tuple[str, int]]:
    """Definitions of ``__eq__`` and its like that look at only one of what they compare, with their lines.

    So is one that is given by name in a text or by an assignment, where what is given cannot be looked at. A
    source that is too large to be read counts as one, at its first line.
    """
    try:
        nodes = [node for piece in parse_pieces(text) for node in ast.walk(piece)]
    except SourceTooLargeError:
        return [("too large", 1)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    found = []
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name in _COMPARISONS:
            odd = _is_odd_function(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = _list_comparisons(targets)
            odd = bool(names) and node.value is not None and _is_odd_value(node.value, names, functions)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            odd = node.value in _COMPARISONS
        else:
            continue
        if odd:
            found.append((ast.dump(node), node.lineno))
    return found


def _list_comparisons(targets: Iterable[ast.expr]) -> set[str]:
    """The comparisons among what is assigned to."""
    names = {each.id for each in targets if isinstance(each, ast.Name)}
    return (names | {each.attr for each in targets if isinstance(each, ast.Attribute)}) & _COMPARISONS


def _is_odd_value(value: ast.expr, names: set[str], functions: dict[str, ast.FunctionDef]) -> bool:
    """Whether what is made a comparison is none that can be seen to look at all that it compares."""
    if isinstance(value, ast.Lambda):
        return _is_odd(value.args, [value.body])
    if isinstance(value, ast.Name) and value.id in functions:
        return _is_odd_function(functions[value.id])
    known = (
        value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    )
    return (
        known not in _COMPARISONS
        and not (isinstance(value, ast.Constant) and value.value is None)
        and bool(names)
    )


def _is_odd_function(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A coroutine and a generator are true, whatever they would compare."""
    if isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node)
    ):
        return True
    ends = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
    answers = [end for end in ends if not (isinstance(end, ast.Name) and end.id == "NotImplemented")]
    return _is_odd(node.args, answers)


def _is_odd(arguments: ast.arguments, ends: list[ast.expr]) -> bool:
    """Whether no result depends on all arguments, or one is true whatever comes before ``or``."""
    taken = (*arguments.posonlyargs, *arguments.args, arguments.vararg)
    names = {each.arg for each in taken if each}
    nodes = [node for end in ends for node in ast.walk(end)]
    used = _list_names(nodes)
    always = any(
        isinstance(each, ast.Constant) and bool(each.value)
        for node in nodes
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
        for each in node.values
    )
    # A call may look at the rest, where it gets one of them.
    calls = any(
        isinstance(node, ast.Call) and _list_names(ast.walk(node)) & (names | {"super"}) for node in nodes
    )
    return bool(ends) and (always or not (names <= used or calls))


def _list_names(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}
