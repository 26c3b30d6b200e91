"""Text to tokens."""

import re
from dataclasses import dataclass

from minilang.errors import SyntaxProblem

KEYWORDS = frozenset({"let", "def", "if", "then", "else", "and", "or", "not", "true", "false"})

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t]+|\#[^\n]*)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<op><=|>=|==|!=|[-+*/%^<>=(),])
  | (?P<end>[;\n])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Token:
    """``kind`` is number, string, name, op, end, or a keyword's own word; ``at`` its position."""

    kind: str
    value: object
    at: int


def tokens(text):
    """Yield the tokens; comments and blanks are left out. Raises SyntaxProblem."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise SyntaxProblem(f"unexpected {text[at]!r}", at)
        kind = found.lastgroup
        if kind != "space":
            yield _token(kind, found.group(), at)
        at = found.end()
    yield Token("end", "", at)


def _token(kind, text, at):
    if kind == "number":
        return Token(kind, float(text) if "." in text else int(text), at)
    if kind == "string":
        return Token(kind, _unescape(text[1:-1], at), at)
    if kind == "name" and text in KEYWORDS:
        return Token(text, text, at)
    return Token(kind, text, at)


def _unescape(text, at):
    parts = []
    letters = iter(text)
    for letter in letters:
        if letter != "\\":
            parts.append(letter)
            continue
        escape = next(letters)
        if escape not in _ESCAPES:
            raise SyntaxProblem(f"unknown escape \\{escape}", at)
        parts.append(_ESCAPES[escape])
    return "".join(parts)
