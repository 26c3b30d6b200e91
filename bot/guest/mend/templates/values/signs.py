"""Signs that a text must not have, or must have others of: ``.replace("'", "")`` behind what makes it."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from ...site import Proposal, Site
from ..registry import template

MOST = 4  # signs that are looked at
_MAKES_TEXT = (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.JoinedStr)


@template("replaced-sign", 0.45, ast.Return, ast.Assign)
def replaced_sign(site: Site) -> Iterator[Proposal]:
    """``text.lower()`` to ``text.lower().replace("'", "")``: a sign that one side of a comparison lacks."""
    match site.node:
        case ast.Return(value=ast.expr() as value) | ast.Assign(value=value):
            _ = value
        case _:
            return
    if not isinstance(value, _MAKES_TEXT) or not site.might(value, "str"):
        return
    for old, new in list_exchanged_signs(site):
        yield site.replace(value, f"{site.text(value)}.replace({_quote(old)}, {_quote(new)})", 0.9)


def list_exchanged_signs(site: Site) -> list[tuple[str, str]]:
    """Signs that one compared text has and the other has none of, with what stands there instead."""
    found: dict[tuple[str, str], None] = {}
    for left, right in site.clues.pairs:
        for one, other in ((left, right), (right, left)):
            gone = [sign for sign in Counter(one) if sign not in other and not sign.isalnum()]
            come = [sign for sign in Counter(other) if sign not in one and not sign.isalnum()]
            for sign in gone[:MOST]:
                if one.replace(sign, "") == other:
                    found[sign, ""] = None
                for put in come[:MOST]:
                    if one.replace(sign, put) == other:
                        found[sign, put] = None
    return list(found)


def _quote(text: str) -> str:
    return repr(text) if '"' in text or "\\" in repr(text) else f'"{text}"'
