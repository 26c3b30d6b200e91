"""A calculator language with variables and functions."""

from minilang.errors import LangError, NameMissing, SyntaxProblem
from minilang.interpreter import Interpreter
from minilang.parser import parse
from minilang.printer import show

__all__ = ["Interpreter", "LangError", "NameMissing", "SyntaxProblem", "parse", "show"]
