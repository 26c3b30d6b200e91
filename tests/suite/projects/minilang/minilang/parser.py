"""Tokens to a tree, by precedence climbing."""

from minilang.errors import SyntaxProblem
from minilang.lexer import tokens
from minilang.tree import Binary, Call, Choice, Def, Let, Name, Unary, Value

# How tightly an operator binds; those in RIGHT group from the right.
POWER = {
    "or": 1,
    "and": 2,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "%": 6,
    "^": 8,
}
RIGHT = frozenset({"^"})
NOT_POWER = 3
MINUS_POWER = 7


def parse(text):
    """The statements of a program as a list. Raises SyntaxProblem."""
    return _Parser(list(tokens(text))).program()


class _Parser:
    def __init__(self, found):
        self.tokens = found
        self.index = 0

    @property
    def current(self):
        return self.tokens[self.index]

    def take(self):
        token = self.current
        self.index += 1
        return token

    def accept(self, kind, value=None):
        """Take the token if it is that one."""
        token = self.current
        if token.kind == kind and value in (None, token.value):
            return self.take()
        return None

    def expect(self, kind, value=None):
        token = self.accept(kind, value)
        if token is None:
            raise SyntaxProblem(f"expected {value or kind}", self.current.at)
        return token

    def program(self):
        statements = []
        while self.index < len(self.tokens):
            if self.accept("end"):
                continue
            statements.append(self.statement())
            self.expect("end")
        return statements

    def statement(self):
        if self.accept("let"):
            name = self.expect("name").value
            self.expect("op", "=")
            return Let(name, self.expression())
        if self.accept("def"):
            return self.definition()
        return self.expression()

    def definition(self):
        name = self.expect("name").value
        self.expect("op", "(")
        parameters = self.listed(lambda: self.expect("name").value)
        if len(set(parameters)) != len(parameters):
            raise SyntaxProblem(f"{name} has a parameter twice", self.current.at)
        self.expect("op", "=")
        return Def(name, parameters, self.expression())

    def listed(self, item):
        """Items between commas up to the closing parenthesis, which is taken."""
        if self.accept("op", ")"):
            return ()
        items = [item()]
        while self.accept("op", ","):
            items.append(item())
        self.expect("op", ")")
        return tuple(items)

    def expression(self, least=0):
        left = self.prefix()
        while True:
            op = self.current.value if self.current.kind in ("op", "and", "or") else None
            power = POWER.get(op, -1)
            if power < least or power == -1:
                return left
            self.take()
            right = self.expression(power if op in RIGHT else power + 1)
            left = Binary(op, left, right)

    def prefix(self):
        if self.accept("op", "-"):
            return Unary("-", self.expression(MINUS_POWER))
        if self.accept("not"):
            return Unary("not", self.expression(NOT_POWER))
        if self.accept("if"):
            return self.choice()
        return self.atom()

    def choice(self):
        condition = self.expression()
        self.expect("then")
        yes = self.expression()
        self.expect("else")
        return Choice(condition, yes, self.expression())

    def atom(self):
        token = self.take()
        if token.kind in ("number", "string"):
            return Value(token.value)
        if token.kind in ("true", "false"):
            return Value(token.kind == "true")
        if token.kind == "name":
            if self.accept("op", "("):
                return Call(token.value, self.listed(self.expression))
            return Name(token.value)
        if token.kind == "op" and token.value == "(":
            inner = self.expression()
            self.expect("op", ")")
            return inner
        raise SyntaxProblem("expected a value", token.at)
