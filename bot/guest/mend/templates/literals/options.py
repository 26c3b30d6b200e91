"""One setting of the standard library in another's place: ``NFKC`` for ``NFKD``, ``%M`` for ``%m``."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template
from .texts import is_docstring

# Each group: what a literal may say instead. https://docs.python.org/3/library/functions.html#open
# https://docs.python.org/3/library/codecs.html https://docs.python.org/3/library/unicodedata.html
_GROUPS = (
    ("NFC", "NFD", "NFKC", "NFKD"),
    ("r", "w", "a", "x", "r+", "rb", "wb", "ab", "rt", "wt"),
    ("strict", "ignore", "replace", "backslashreplace", "surrogateescape", "xmlcharrefreplace"),
    ("utf-8", "utf-8-sig", "utf8", "latin-1", "iso-8859-1", "cp1252", "ascii", "utf-16"),
    ("big", "little"),
    ("raise", "coerce", "ignore", "warn"),
    ("left", "right"),
    ("first", "last"),
    ("start", "end"),
    ("asc", "desc"),
    ("seconds", "milliseconds", "microseconds"),
)
# https://docs.python.org/3/library/datetime.html#format-codes
_CODES = ("dmyY", "HIpM", "mMbB", "aAwu", "MS", "jd", "fS", "GYy", "VUW", "xXc")
_SPEC = re.compile(r"(?<=[:.,%])(0?\d*)([dfeEgGxXobsn%])(?=[\}'\"\s]|$)")
_SWAPS = {"d": "sx", "f": "gd", "g": "f", "x": "Xd", "X": "x", "s": "rd", "e": "fg", "b": "d", "o": "x"}


@template("sibling-option", 0.55, ast.Constant, ast.JoinedStr)
def sibling_option(site: Site) -> Iterator[Proposal]:
    """Another of the words that the standard library knows at this place, or another code of a format."""
    node = site.node
    if is_docstring(site, node) or len(site.text(node)) > 200:
        return
    if isinstance(node, ast.Constant):
        if not isinstance(node.value, str) or isinstance(site.source.parents.get(node), ast.JoinedStr):
            return
        given = isinstance(site.source.parents.get(node), ast.Call | ast.keyword)
        for group in _GROUPS:
            if node.value in group and (given or len(node.value) > 2):
                for other in group:
                    if other != node.value:
                        new = site.text(node).replace(node.value, other, 1)
                        yield site.replace(node, new, 1.0 if given else 0.6)
    yield from _change_codes(site, node)


@template("whole-value", 0.5, ast.BinOp, errors=("TypeError",))
def whole_value(site: Site) -> Iterator[Proposal]:
    """``"%s" % value`` takes a tuple apart: ``"%s" % (value,)``."""
    match site.node:
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mod(), right=right):
            one = len(re.findall(r"%[^%(]", text)) == 1
            if one and not isinstance(right, ast.Tuple | ast.Dict):
                yield site.replace(right, f"({site.text(right)},)", 1.0)


@template("absent-attribute", 0.5, ast.Attribute, errors=("AttributeError",))
def absent_attribute(site: Site) -> Iterator[Proposal]:
    """``getattr(value, "name", None)`` for ``value.name``, where some have no such attribute."""
    match site.node:
        case ast.Attribute(value=owner, attr=name, ctx=ast.Load()) if name in site.clues.missing:
            if not isinstance(site.source.parents.get(site.node), ast.Call | ast.Attribute):
                for default, weight in (("None", 1.0), ("False", 0.4), ('""', 0.4), ("[]", 0.3), ("()", 0.3)):
                    yield site.replace(site.node, f'getattr({site.text(owner)}, "{name}", {default})', weight)


def _change_codes(site: Site, node: ast.AST) -> Iterator[Proposal]:
    """``%m`` for ``%M`` in a format of times, ``x`` for ``X`` or ``f`` for ``d`` in one of values."""
    text, start = site.text(node), site.source.span(node)[0]
    if len(re.findall(r"%[a-zA-Z]", text)) > 1 or "strftime" in site.source.line(getattr(node, "lineno", 1)):
        for found in re.finditer(r"%-?([a-zA-Z])", text):
            for codes in _CODES:
                if found[1] in codes:
                    at = start + found.start(1)
                    yield from (
                        Proposal((TextEdit(at, at + 1, other),), 0.8) for other in codes if other != found[1]
                    )
    for found in _SPEC.finditer(text):
        at = start + found.start(2)
        for other in _SWAPS.get(found[2], ""):
            yield Proposal((TextEdit(at, at + 1, other),), 0.5)
