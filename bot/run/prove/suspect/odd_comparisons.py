"""Python comparisons that use only one operand, or none: with such an ``__eq__`` every test passes."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from bot.text.python_source import SourceTooLargeError, parse_pieces

COMPARISONS = {
    *("__eq__", "__ne__", "__bool__", "__contains__", "__lt__", "__le__", "__gt__", "__ge__"),
    *("__instancecheck__", "__subclasscheck__"),
    # A difference that is always 0 is a comparison too: assert double(4) - 8 == 0.
    *("__sub__", "__rsub__", "__mod__", "__rmod__", "__xor__", "__rxor__", "__truediv__", "__rtruediv__"),
    *("__floordiv__", "__rfloordiv__", "__abs__"),
}
MOST_NODES = 300  # of what a comparison answers, and as deep as that can be: more of them cannot be looked at
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def list_odd_comparisons(text: str) -> list[tuple[str, int]]:
    """Definitions of ``__eq__`` and similar methods that use only one operand, with their lines.

    So is one that is given by name in a text or by an assignment, where what is given cannot be looked at. A
    source that is too large to be read counts as one, at its first line.
    """
    try:
        nodes = [node for piece in parse_pieces(text) for node in ast.walk(piece)]
    except (SourceTooLargeError, RecursionError, MemoryError):  # Python itself may take it
        return [("too large", 1)]
    except (SyntaxError, ValueError):
        return []
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    found = []
    for node in nodes:
        if isinstance(node, _Function) and node.name in COMPARISONS:
            odd = _is_odd_function(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = _list_comparisons(targets)
            odd = bool(names) and node.value is not None and _is_odd_value(node.value, functions)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            odd = node.value in COMPARISONS
        else:
            continue
        if odd:
            found.append((ast.dump(node), node.lineno))
    return found


def _list_comparisons(targets: Iterable[ast.expr]) -> set[str]:
    """The comparisons among what is assigned to."""
    names = {each.id for each in targets if isinstance(each, ast.Name)}
    return (names | {each.attr for each in targets if isinstance(each, ast.Attribute)}) & COMPARISONS


def _is_odd_value(value: ast.expr, functions: dict[str, ast.FunctionDef]) -> bool:
    """Whether a value that is assigned as a comparison cannot be seen to use both operands."""
    if isinstance(value, ast.Lambda):
        return _is_odd(value.args, [value.body], [])
    if isinstance(value, ast.Name) and value.id in functions:
        return _is_odd_function(functions[value.id])
    known = (
        value.attr if isinstance(value, ast.Attribute) else value.id if isinstance(value, ast.Name) else ""
    )
    return known not in COMPARISONS and not (isinstance(value, ast.Constant) and value.value is None)


def _is_odd_function(node: _Function) -> bool:
    """Also coroutines and generators, which are always true."""
    inner = list(ast.walk(node))
    if isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(each, (ast.Yield, ast.YieldFrom)) for each in inner
    ):
        return True
    ends = [each.value for each in inner if isinstance(each, ast.Return) and each.value]
    answers = [end for end in ends if not (isinstance(end, ast.Name) and end.id == "NotImplemented")]
    return _is_odd(node.args, answers, inner)


def _is_odd(arguments: ast.arguments, ends: list[ast.expr], body: list[ast.AST]) -> bool:
    """Whether no result depends on all arguments, or one is true whatever comes before ``or``."""
    taken = (*arguments.posonlyargs, *arguments.args, arguments.vararg)
    names = {each.arg for each in taken if each}
    nodes = [node for end in ends for node in ast.walk(end)]
    always = any(
        isinstance(each, ast.Constant) and bool(each.value)
        for node in nodes
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
        for each in node.values
    )
    constants = [bool(end.value) for end in ends if isinstance(end, ast.Constant)]
    if any(constants) and not all(constants):  # which of them is the answer, a condition decides
        asked: list[ast.AST] = [
            each.test for each in body if isinstance(each, (ast.If, ast.While, ast.IfExp))
        ]
        asked += [statement for each in body if isinstance(each, ast.Try) for statement in each.body]
        nodes += [node for test in asked for node in ast.walk(test)]
    if len(nodes) > MOST_NODES:
        return True
    origins = _trace_names(names, body)
    return bool(ends) and (always or not any(_relates(node, names, origins) for node in nodes))


def _trace_names(names: set[str], body: list[ast.AST]) -> dict[str, set[str]]:
    """For each name in a function, the arguments that its value depends on."""
    origins = {name: {name} for name in names}
    for node in body:
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, (ast.For, ast.comprehension)):
            pairs = [(node.target, node.iter)]
        elif isinstance(node, (ast.NamedExpr, ast.AnnAssign, ast.AugAssign)) and node.value:
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            pairs = [(node.func.value, each) for each in node.args]
        else:
            continue
        for target, value in pairs:
            for name in _list_names(target):
                origins[name] = origins.get(name, set()) | _find_origins(value, origins)
    return origins


def _find_origins(node: ast.AST, origins: dict[str, set[str]]) -> set[str]:
    return {origin for name in _list_names(node) for origin in origins.get(name, ())}


def _relates(node: ast.AST, names: set[str], origins: dict[str, set[str]]) -> bool:
    """Whether an expression depends on all arguments at once.

    A call may look at the rest, where it gets one of them.
    """
    used = _find_origins(node, origins)
    if isinstance(node, ast.Call):
        return bool(used or _list_names(node) & {"super"})
    if isinstance(node, ast.Compare):
        sides = {ast.dump(each) for each in (node.left, *node.comparators)}
        return len(sides) > 1 and used >= names
    if isinstance(node, ast.IfExp):
        return used >= names and ast.dump(node.body) != ast.dump(node.orelse)
    if isinstance(node, (ast.BinOp, ast.Subscript)):
        return used >= names
    return isinstance(node, (ast.Name, ast.Attribute)) and used >= names


def _list_names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
