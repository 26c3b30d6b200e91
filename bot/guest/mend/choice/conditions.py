"""Conditions of a function, as it was and as a change makes it."""

from __future__ import annotations

import ast
from collections import Counter


def count_decided(function: ast.AST) -> int:
    """Conditions that can only end one way: constants, both sides the same, branches that do the same."""
    return sum(_is_decided(node) for node in ast.walk(function))


def _is_decided(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Constant()) | ast.IfExp(test=ast.Constant()):
            return True
        case ast.If(test=ast.BoolOp(values=values)) if any(isinstance(e, ast.Constant) for e in values):
            return True
        case ast.If(body=[one], orelse=[other]) | ast.IfExp(body=one, orelse=other):
            return ast.dump(one) == ast.dump(other)
        case ast.BoolOp(op=op, values=[*first, last]):
            plain = [ast.dump(each) for each in (*first, last)]
            decided = any(isinstance(each, ast.Constant) for each in first) or len(set(plain)) < len(plain)
            return (
                decided
                or any(_negates(one, two) for one in first for two in (last,))
                or (isinstance(op, ast.And) and isinstance(last, ast.Constant) and last.value is False)
            )
        case ast.Compare(left=ast.Call(func=ast.Name(id="len")), ops=[ast.GtE()], comparators=[bound]):
            return isinstance(bound, ast.Constant) and bound.value == 0
        case ast.Compare(left=left, comparators=[right, *_]):
            return ast.dump(left) == ast.dump(right)
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Name(id="object")]):
            return True
    return False


_OPPOSITE = {
    ast.Eq: ast.NotEq, ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.Lt: ast.GtE, ast.Gt: ast.LtE,
    ast.NotEq: ast.Eq, ast.IsNot: ast.Is, ast.NotIn: ast.In, ast.GtE: ast.Lt, ast.LtE: ast.Gt,
}  # fmt: skip


def _negates(one: ast.expr, other: ast.expr) -> bool:
    """Whether one condition is the opposite of the other."""
    match one, other:
        case ast.UnaryOp(op=ast.Not(), operand=inner), _ if ast.dump(inner) == ast.dump(other):
            return True
        case _, ast.UnaryOp(op=ast.Not(), operand=inner) if ast.dump(inner) == ast.dump(one):
            return True
        case ast.Compare(left=a, ops=[first], comparators=[b]), ast.Compare(
            left=c, ops=[second], comparators=[d]
        ):
            same = ast.dump(a) == ast.dump(c) and ast.dump(b) == ast.dump(d)
            return same and _OPPOSITE.get(type(first)) is type(second)
    return False


def is_guard_inverted(before: ast.AST, after: ast.AST) -> bool:
    """Whether all that changed is that a condition in front of a ``return`` or ``raise`` is the opposite."""
    one, two = _list_guards(before), _list_guards(after)
    if len(one) != len(two):
        return False
    changed = [(a, b) for a, b in zip(one, two, strict=True) if ast.dump(a) != ast.dump(b)]
    return len(changed) == 1 and _negates(*changed[0])


def _list_guards(function: ast.AST) -> list[ast.expr]:
    return [
        node.test
        for node in ast.walk(function)
        if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Raise)
    ]


_FOLDING = frozenset(("lower", "upper", "casefold", "strip", "lstrip", "rstrip"))


def count_folded_sides(function: ast.AST) -> int:
    """How many comparisons have ``.lower()`` or the like on one side, and a bare variable on the other."""
    found = 0
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq()], comparators=[right]):
                folded = [
                    isinstance(each, ast.Call)
                    and isinstance(each.func, ast.Attribute)
                    and each.func.attr in _FOLDING
                    and not each.args
                    for each in (left, right)
                ]
                bare = [isinstance(each, ast.Name | ast.Attribute | ast.Subscript) for each in (left, right)]
                found += (folded[0] and bare[1]) or (folded[1] and bare[0])
    return found


def count_tested_numbers(function: ast.AST) -> Counter[int | float]:
    """The numbers in a function's conditions."""
    tests: list[ast.expr] = []
    for node in ast.walk(function):
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            tests.append(node.test)
        elif isinstance(node, ast.comprehension):
            tests += node.ifs
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.BoolOp):
            tests.append(node.value)
    return Counter(
        each.value
        for test in tests
        for each in ast.walk(test)
        if isinstance(each, ast.Constant)
        and isinstance(each.value, int | float)
        and not isinstance(each.value, bool)
    )
