"""The nodes of a program."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """A number, a string or a truth value."""

    value: object


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Unary:
    op: str
    operand: object


@dataclass(frozen=True)
class Binary:
    op: str
    left: object
    right: object


@dataclass(frozen=True)
class Choice:
    condition: object
    yes: object
    no: object


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple


@dataclass(frozen=True)
class Let:
    name: str
    value: object


@dataclass(frozen=True)
class Def:
    name: str
    parameters: tuple
    body: object
