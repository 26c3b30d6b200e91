"""Runs a tree: variables are global, functions see their parameters first."""

import operator

from minilang.errors import Arity, LangError, NameMissing, TooDeep
from minilang.parser import parse
from minilang.tree import Binary, Call, Choice, Def, Let, Name, Unary, Value

_OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "%": operator.mod,
    "^": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_BUILTINS = {
    "min": (None, min),
    "max": (None, max),
    "abs": (1, abs),
    "len": (1, len),
    "round": (2, round),
    "upper": (1, str.upper),
}


class Interpreter:
    """Keeps variables and functions from one ``run`` to the next."""

    def __init__(self, variables=None, depth=50):
        self.variables = dict(variables or {})
        self.functions = {}
        self.depth = depth

    def run(self, text):
        """The value of the last expression, or None when there is none."""
        result = None
        for statement in parse(text):
            if isinstance(statement, Let):
                self.variables[statement.name] = self._value(statement.value, {}, 0)
            elif isinstance(statement, Def):
                self.functions[statement.name] = statement
            else:
                result = self._value(statement, {}, 0)
        return result

    def _value(self, node, local, level):
        match node:
            case Value(value):
                return value
            case Name(name):
                return self._look_up(name, local)
            case Unary(op, operand):
                value = self._value(operand, local, level)
                return -value if op == "-" else not value
            case Binary():
                return self._binary(node, local, level)
            case Choice(condition, yes, no):
                chosen = yes if self._value(condition, local, level) else no
                return self._value(chosen, local, level)
            case Call(name, arguments):
                values = [self._value(each, local, level) for each in arguments]
                return self._call(name, values, level + 1)
        raise LangError(f"{node!r} has no value")

    def _look_up(self, name, local):
        if name in local:
            return local[name]
        if name in self.variables:
            return self.variables[name]
        raise NameMissing(f"nothing is called {name}")

    def _binary(self, node, local, level):
        left = self._value(node.left, local, level)
        if node.op == "and":
            return left and self._value(node.right, local, level)
        if node.op == "or":
            return left or self._value(node.right, local, level)
        right = self._value(node.right, local, level)
        try:
            if node.op == "/":
                return self._divide(left, right)
            return _OPERATORS[node.op](left, right)
        except TypeError:
            raise LangError(f"{left!r} {node.op} {right!r} makes no sense") from None
        except ZeroDivisionError:
            raise LangError("division by zero") from None

    @staticmethod
    def _divide(left, right):
        """Whole numbers stay whole where they can."""
        if isinstance(left, int) and isinstance(right, int) and left % right == 0:
            return left // right
        return left / right

    def _call(self, name, values, level):
        if level > self.depth:
            raise TooDeep(f"{name} goes deeper than {self.depth} calls")
        if name in self.functions:
            function = self.functions[name]
            self._check(name, len(function.parameters), len(values))
            local = dict(zip(function.parameters, values, strict=True))
            return self._value(function.body, local, level)
        if name not in _BUILTINS:
            raise NameMissing(f"no function is called {name}")
        wanted, builtin = _BUILTINS[name]
        if wanted is not None:
            self._check(name, wanted, len(values))
        return builtin(*values)

    @staticmethod
    def _check(name, wanted, given):
        if wanted != given:
            raise Arity(f"{name} takes {wanted}, not {given}")
