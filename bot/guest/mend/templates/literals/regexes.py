"""Regular expressions that a text of the tests shows to be too narrow or too wide."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template
from .texts import is_docstring, is_in_text

LONGEST = 300
MOST_SIGNS = 8
_SPECIAL = frozenset(r"\.^$*+?{}[]|()#")
_LOOKS = re.compile(r"\\[dwsSWDbB.+*?()\[\]|]|\[\^?[^\]]+\]|[)\]\w.][+*?]|\^|\$$|\(\?")
_ATOM = re.compile(r"\\[dwsDWS]|\[\^?(?:\\.|[^\]\\])+\]|\\.|[A-Za-z0-9]")
_LITERAL = re.compile(r"([rRbBuU]{0,2})(['\"]{3}|['\"])(.*)\2", re.S)


@template("regex-part", 0.45, ast.Constant)
def regex_part(site: Site) -> Iterator[Proposal]:
    """A sign of the tests' texts that may stand there: ``-?`` before digits, ``Z?`` at the end."""
    body = _read_body(site)
    if body is None:
        return
    start, pattern = body
    signs = dict.fromkeys(
        sign for each in site.clues.strings for sign in each if sign.isprintable() and not sign.isalnum()
    )
    letters = dict.fromkeys(sign for each in site.clues.strings for sign in each if sign.isalpha())
    shown = [f"\\{each}" if each in _SPECIAL else each for each in signs if each not in "'\""][:MOST_SIGNS]
    ends = list(_ATOM.finditer(pattern))
    for sign in shown:
        for found in ends:
            at = start + found.start()
            if pattern[: found.start()].endswith((f"{sign}?", "\\", "(?", "?P<")):
                continue
            yield Proposal((TextEdit(at, at, f"{sign}?"),), 0.7 if found.group().startswith("\\d") else 0.3)
    for sign in (*shown, *list(letters)[:MOST_SIGNS]):
        at = start + len(pattern.removesuffix("$"))
        yield Proposal((TextEdit(at, at, f"{sign}?"),), 0.5)
    for found in re.finditer(r"(?<!\\)(?:\\[dwsDWS]|\)|\]|[A-Za-z0-9])([*+?]|\{\d+(?:,\d*)?\})?", pattern):
        at = start + found.end()
        have = found[1] or ""
        for other, weight in (
            ("?", 0.4),
            ("*", 0.5),
            ("+", 0.5),
            ("", 0.4),
            (f"{have}?" if have else "", 0.4),
        ):
            if other != have:
                yield Proposal((TextEdit(at - len(have), at, other),), weight if have else 0.5 * weight)
        yield Proposal((TextEdit(at, at, r"\s*"),), 0.25)
        if count := re.fullmatch(r"\{(\d+)\}", have):
            for other in (f"{{1,{count[1]}}}", f"{{{count[1]},}}", f"{{0,{count[1]}}}"):
                if other != have:
                    yield Proposal((TextEdit(at - len(have), at, other),), 0.8)
    if "(?i)" not in pattern and re.search(r"[a-z]", pattern):
        yield Proposal((TextEdit(start, start, "(?i)"),), 0.5)
    if "[" in pattern:
        yield from _widen_sets(start, pattern, list(signs))
    if pattern.startswith("^") != pattern.endswith("$") or not pattern.startswith("^"):
        edits = []
        if not pattern.startswith(("^", r"\A")):
            edits.append(TextEdit(start, start, "^"))
        if not pattern.endswith(("$", r"\Z")):
            edits.append(TextEdit(start + len(pattern), start + len(pattern), "$"))
        if edits:
            yield Proposal(tuple(edits), 0.6)
        yield from (Proposal((edit,), 0.5) for edit in edits if len(edits) > 1)
        if "|" in pattern and not pattern.endswith(")"):
            before, after = (
                TextEdit(at, at, sign) for at, sign in ((start, "(?:"), (start + len(pattern), ")$"))
            )
            yield Proposal((before, after), 0.5)


def _widen_sets(start: int, pattern: str, signs: list[str]) -> Iterator[Proposal]:
    for found in re.finditer(r"(?<!\\)\[\^?((?:\\.|[^\]\\])+)\]", pattern):
        at = start + found.end(1)
        for sign in signs[:MOST_SIGNS]:
            shown = f"\\{sign}" if sign in "]^\\-" else sign
            if shown not in found[1] and sign not in "'\"":
                yield Proposal((TextEdit(at, at, shown),), 0.6)
        for more in ("a-z", "A-Z", "0-9", "_", r"\s", r"\w", r"\d", ".", "-"):
            if more not in found[1]:
                yield Proposal((TextEdit(at, at, more),), 0.35)


def _read_body(site: Site) -> tuple[int, str] | None:
    """Where the text of a literal that reads like a pattern begins, and that text."""
    node = site.node
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str | bytes):
        return None
    if is_in_text(site) or is_docstring(site, node):
        return None
    match = _LITERAL.fullmatch(site.text(node))
    if match is None or not match[3] or len(match[3]) > LONGEST or "\n" in match[3]:
        return None
    if "r" not in match[1].lower() and not _is_given_to_re(site, node):
        return None
    if not _LOOKS.search(match[3]) and not _is_given_to_re(site, node):
        return None
    return site.source.span(node)[0] + match.start(3), match[3]


def _is_given_to_re(site: Site, node: ast.AST) -> bool:
    match site.source.parents.get(node):
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re" | "regex"))):
            return True
    return False
