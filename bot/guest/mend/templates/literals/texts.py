"""Wrong patterns and formats, and texts that differ from what a test shows."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template

_TOKEN = re.compile(r"\w+|\W")


def is_in_text(site: Site) -> bool:
    """Inside an f-string, whose inner positions Python before 3.12 does not give."""
    return any(isinstance(each, ast.JoinedStr) for each in site.source.ancestors(site.node))


@template("pattern", 0.5, ast.Constant)
def pattern(site: Site) -> Iterator[Proposal]:
    """A regular expression with a quantifier, an anchor or a class that is wrong."""
    node = site.node
    assert isinstance(node, ast.Constant)  # noqa: S101
    text = site.text(node) if isinstance(node.value, str) and not is_in_text(site) else ""
    match = re.match(r"([rR])(['\"]{3}|['\"])", text)
    if not match or len(text) > 300:
        return
    start = site.source.span(node)[0]
    begin, end = match.end(), len(text) - len(match.group(2))
    body = text[begin:end]
    for old, news in {
        "+": ("*", ""),
        "*": ("+", ""),
        "?": ("", "+"),
        r"\d": (r"\w",),
        r"\w": (r"\d", r"\S"),
        r"\s": (r"\S",),
        "a-z": ("a-zA-Z", "a-z0-9"),
        "^": ("",),
        "$": ("",),
        r"\b": ("",),
    }.items():
        for found in re.finditer(re.escape(old), body):
            at = start + begin + found.start()
            yield from (Proposal((TextEdit(at, at + len(old), new),), 0.6) for new in news)
    for added in ("^", r"\b", r"\s*"):
        yield Proposal((TextEdit(start + begin, start + begin, added),), 0.3)
    for added in ("$", r"\b", "+", "*", "?", r"\s*"):
        yield Proposal((TextEdit(start + end, start + end, added),), 0.3)
    for found in re.finditer(r"[\])}]|\\[dws](?![+*?{])", body):
        at = start + begin + found.end()
        if body[found.end() : found.end() + 1] not in ("+", "*", "?", "{"):
            yield from (Proposal((TextEdit(at, at, new),), 0.5) for new in ("+", "*", "?"))
    for found in re.finditer(r"(?<!\\)\.", body):
        at = start + begin + found.start()
        yield Proposal((TextEdit(at, at, "\\"),), 0.5)
    for found in re.finditer(r"\\\.", body):
        at = start + begin + found.start()
        yield Proposal((TextEdit(at, at + 1, ""),), 0.3)


@template("text", 0.55, ast.JoinedStr, ast.Constant)
def text_chunk(site: Site) -> Iterator[Proposal]:
    """A piece of a text or of a format that differs from what the tests expect."""
    node = site.node
    if isinstance(node, ast.Constant) and (
        not isinstance(node.value, str) or is_in_text(site) or is_docstring(site, node)
    ):
        return
    text = site.text(node)
    if len(text) > 400:
        return
    for pair in site.clues.pairs:
        for new in correct_text(text, *pair):
            yield site.replace(node, new, 1.0)
    start = site.source.span(node)[0]
    for found in re.finditer(r"(?<=[:.,0<>^])(\d+)(?=[a-z%}])|(?<=[:<>^])(\d+)(?=[\.}])", text):
        width = int(found.group())
        for size in (width + 1, width - 1, 0 if width else 2):
            if size >= 0:
                yield Proposal((TextEdit(start + found.start(), start + found.end(), str(size)),), 0.5)
    for found in re.finditer(r":([<>^])(?=\d|\{)", text):
        for other in "<>^":
            yield Proposal((TextEdit(start + found.start() + 1, start + found.end(), other),), 0.5)
    for found in re.finditer(r"(?<=\{)\w[\w.]*(?=\})", text):
        at = (start + found.start(), start + found.end())
        for added in ("!r", "!s", ":.2f", ":,"):
            yield Proposal((TextEdit(at[1], at[1], added),), 0.25)
        around = text[found.start() - 2 : found.start() - 1], text[found.end() + 1 : found.end() + 2]
        if around in (("'", "'"), ('"', '"'), ("`", "`")) and found.end() + 2 < len(text):
            yield Proposal((TextEdit(at[0] - 2, at[1] + 2, f"{{{found.group()}!r}}"),), 0.5)
        if isinstance(node, ast.JoinedStr):
            for name in (*site.locals, *site.attributes):
                if name != found.group():
                    yield Proposal((TextEdit(*at, name),), 0.3)


def correct_text(text: str, left: str, right: str) -> list[str]:
    """What ``text`` becomes when the difference between two compared values is applied to it, both ways."""
    found: list[str] = [
        each for pair in ((left, right), (right, left)) for each in _correct_words(text, *pair)
    ]
    for one, two in ((left, right), (right, left)):
        blocks = difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
        for tag, a, b, c, d in blocks:
            if tag == "equal" or b - a > 30 or d - c > 30:
                continue
            for around in (4, 2, 1):
                old = one[max(0, a - around) : b + around]
                new = one[max(0, a - around) : a] + two[c:d] + one[b : b + around]
                if old and old in text:
                    found.append(text.replace(old, new, 1))
                    break
            else:
                if b > a and one[a:b] in text:
                    found.append(text.replace(one[a:b], two[c:d], 1))
    return list(dict.fromkeys(each for each in found if each != text))[:8]


def _correct_words(text: str, left: str, right: str) -> Iterator[str]:
    """The same by whole words: all differences that the text has, then each by itself."""
    one, two = _TOKEN.findall(left), _TOKEN.findall(right)
    every = text
    single = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        before = one[max(0, a - 2) : a]
        old, new = "".join([*before, *one[a:b]]), "".join([*before, *two[c:d]])
        if tag != "equal" and old.strip() and len(old) <= 60 and len(new) <= 60 and old in text:
            every = every.replace(old, new, 1)
            single.append(text.replace(old, new, 1))
    yield every
    yield from single if len(single) > 1 else ()


def is_docstring(site: Site, node: ast.AST) -> bool:
    return isinstance(site.source.parents.get(node), ast.Expr)
