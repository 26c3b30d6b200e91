"""Wrong literals: numbers, truth values, strings, slices that stop or step wrongly."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from ...site import SIZED, Proposal, Site
from ..registry import template
from .texts import correct_text, is_docstring, is_in_text

SPELLINGS = (str.lower, str.upper, str.capitalize, str.strip, str.title)


@template("number", 0.75, ast.Constant)
def number(site: Site) -> Iterator[Proposal]:
    """A number that is off: by one, by a power of ten, or a different one that the file or the tests use."""
    node = site.node
    assert isinstance(node, ast.Constant)  # noqa: S101
    value = node.value
    if not isinstance(value, int | float) or isinstance(value, bool) or is_in_text(site):
        return
    index = isinstance(site.source.parents.get(node), (ast.Subscript, ast.Slice, ast.Compare))
    guesses: list[tuple[str, float]] = []
    if type(value) is int:
        low = 1.0 if value > 0 or index else 0.6
        guesses += [(str(value + 1), 1.0), (str(value - 1), low), (str(-value), 0.4)]
        guesses += [(each, 0.35) for each in ("0", "1", "-1", "2")]
    else:
        guesses += [(_number(each), 0.3) for each in (1 - value, 1 + value, -value, 0, 1)]
    guesses += [(_number(value * factor), 0.25) for factor in (10, 0.1, 100, 0.01, 2, 0.5, 1000)]
    guesses += [(_number(each), 0.4) for each in site.clues.numbers[:12]]
    guesses += [(each, 0.4) for each in site.numbers[:12]]
    new: dict[str, float] = {}
    for text, weight in guesses:
        new[text] = max(weight, new.get(text, 0.0))
    for text, weight in new.items():
        if text != site.text(node):
            parent = site.source.parents.get(node)
            if text.startswith("-") and isinstance(parent, ast.BinOp | ast.UnaryOp):
                text = f"({text})"
            yield site.replace(node, text, weight)


def _number(value: float) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


@template("truth-value", 0.7, ast.Constant, errors=("TypeError", "AttributeError"))
def truth_value(site: Site) -> Iterator[Proposal]:
    """``True`` for ``False``; ``None`` for an empty value."""
    node = site.node
    assert isinstance(node, ast.Constant)  # noqa: S101
    if node.value is True or node.value is False:
        yield site.replace(node, str(not node.value), 1.0)
        yield site.replace(node, "None", 0.15)
    elif node.value is None:
        parent = site.source.parents.get(node)
        if not isinstance(parent, ast.Compare):
            for text, weight in (
                ("[]", 0.5),
                ("{}", 0.4),
                ("0", 0.5),
                ('""', 0.4),
                ("False", 0.5),
                ("True", 0.4),
                ("set()", 0.2),
            ):
                yield site.replace(node, text, weight)


@template("string", 0.65, ast.Constant, errors=("KeyError", "AttributeError", "ValueError"))
def string(site: Site) -> Iterator[Proposal]:
    """A literal with a slip: its neighbour in the tests or the file, its case, its blanks."""
    node = site.node
    assert isinstance(node, ast.Constant)  # noqa: S101
    value = node.value
    if not isinstance(value, str) or is_in_text(site) or is_docstring(site, node) or len(value) > 200:
        return
    ranked: dict[str, float] = {}
    for other in (*site.clues.strings, *site.strings[:40]):
        near = difflib.SequenceMatcher(None, value, other).ratio() if value else 0.0
        ranked[other] = max(ranked.get(other, 0.0), 0.3 + 0.7 * near if near > 0.6 else 0.25)
    for other in _siblings(site):
        ranked[other] = max(ranked.get(other, 0.0), 0.65)
    for other in site.clues.missing:
        near = difflib.SequenceMatcher(None, value, other).ratio()
        ranked[other] = max(ranked.get(other, 0.0), 0.4 + 0.6 * near)
    for number, other in enumerate(_close(site, value)):
        ranked[other] = max(ranked.get(other, 0.0), 0.95 - 0.1 * number)
    for pair in site.clues.pairs:
        ranked |= dict.fromkeys(correct_text(value, *pair), 1.0)
    for spell in SPELLINGS:
        ranked.setdefault(spell(value), 0.4)
    short = {
        "": 0.35,
        " ": 0.35,
        ",": 0.2,
        ", ": 0.25,
        "-": 0.2,
        "_": 0.2,
        ".": 0.2,
        "/": 0.2,
        "\n": 0.25,
        ":": 0.2,
        ": ": 0.2,
    }
    if len(value) <= 2:
        for other, weight in short.items():
            ranked.setdefault(other, weight)
    ranked.setdefault(f"{value} ", 0.25)
    ranked.setdefault(f" {value}", 0.2)
    for other, weight in ranked.items():
        if other != value:
            yield site.replace(node, _quote_like(site.text(node), other), weight)


def _close(site: Site, value: str) -> list[str]:
    """Strings of the file and the tests, and words of the failure messages, that are nearly the same."""
    if len(value) < 3:
        return []
    known = dict.fromkeys((*site.strings, *site.clues.strings, *site.clues.said))
    return difflib.get_close_matches(value, [each for each in known if each != value], n=3, cutoff=0.75)


def _siblings(site: Site) -> Iterator[str]:
    """The other strings that the function uses in the same way: as keys, as compared values, as arguments."""
    parent = site.source.parents.get(site.node)
    function = site.function
    for node in ast.walk(function) if function is not None and parent is not None else ():
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40):
            continue
        if isinstance(site.source.parents.get(node), (type(parent), ast.Dict)):
            yield node.value


@template("slice", 0.6, ast.Subscript, ast.Name, ast.Attribute, ast.Call)
def slice_bounds(site: Site) -> Iterator[Proposal]:
    """A slice with a bound or a step that is missing, too many or turned round; an index at the wrong end."""
    node = site.node
    if isinstance(node, ast.Subscript):
        yield from _slice(site, node)
        return
    parent = site.source.parents.get(node)
    if (
        isinstance(parent, (ast.For, ast.Return, ast.Assign, ast.Call, ast.comprehension))
        and getattr(node, "ctx", None).__class__ is not ast.Store
    ):
        if (isinstance(parent, ast.For | ast.comprehension) and parent.iter is not node) or (
            isinstance(parent, ast.Call) and parent.func is node
        ):
            return
        known = bool(site.kinds(node) & (SIZED - {"dict", "set"}))
        if known or (isinstance(parent, ast.For) and not site.kinds(node) and not isinstance(node, ast.Call)):
            for each in ("[::-1]", "[1:]", "[:-1]", "[0]", "[-1]", "[:]"):
                yield site.replace(node, site.text(node) + each, 0.25)


def _slice(site: Site, node: ast.Subscript) -> Iterator[Proposal]:
    value = site.text(node.value)
    match node.slice:
        case ast.Slice(lower=lower, upper=upper, step=step):
            low, high, by = (site.text(each) if each else "" for each in (lower, upper, step))
            for a, b, c, weight in (
                ("", high, by, 0.5),
                (low, "", by, 0.5),
                (low, high, "", 0.7),
                (high, low, by, 0.7),
                ("1", high, by, 0.4),
                (low, "-1", by, 0.4),
                (low, high, "-1", 0.4),
                (low, high, f"-{by}", 0.5),
                (low, high, "2", 0.2),
            ):
                if (a, b, c) != (low, high, by) and c != "-":
                    yield site.replace(node, f"{value}[{a}:{b}{':' + c if c else ''}]", weight)
        case ast.Constant(value=int(index)) if not isinstance(index, bool):
            if index in (0, -1):
                yield site.replace(node.slice, "-1" if index == 0 else "0", 1.0)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=1)):
            yield site.replace(node.slice, "0", 1.0)
            yield site.replace(node.slice, "-2", 0.5)


def _quote_like(old: str, value: str) -> str:
    """A literal for ``value`` in the same quotes as the old one."""
    match = re.match(r"([a-zA-Z]*)('''|\"\"\"|'|\")", old)
    prefix, quote = match.groups() if match else ("", '"')
    if "b" in prefix.lower():
        return old
    if "r" in prefix.lower() and quote not in value and not value.endswith("\\") and "\n" not in value:
        return f"{prefix}{quote}{value}{quote}"
    body = repr(value)[1:-1].replace("\\'", "'").replace('"', '\\"' if quote[0] == '"' else '"')
    if quote[0] == "'":
        body = body.replace("'", "\\'")
    return f"{quote[0]}{body}{quote[0]}"
