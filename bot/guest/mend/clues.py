"""What the failing tests and the request say about the fault, gathered for the templates."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from .baseline import Baseline
from .site import Clues
from .source import FUNCTIONS

_MISSING = (
    re.compile(r"has no attribute '(\w+)'"),
    re.compile(r"name '(\w+)' is not defined"),
    re.compile(r"variable '(\w+)'"),
    re.compile(r"unexpected keyword argument '(\w+)'"),
    re.compile(r"cannot import name '(\w+)'"),
    re.compile(r"non-default argument '(\w+)'"),
    re.compile(r"required (?:positional|keyword-only) argument: '(\w+)'"),
)
_COMPARED = (
    re.compile(r"^E?\s*assert (.{1,200}?) == (.{1,200})$", re.M),
    re.compile(r"^(.{1,200}?) != (.{1,200}?)(?: :.*)?$", re.M),
)
# A text, or a pattern, that must be a part of another one: pytest's and unittest's words for it.
_CONTAINED = (
    re.compile(r"^E?\s*assert (['\"].{1,200}?) in (['\"].{1,400})$", re.M),
    re.compile(r"^(['\"].{1,200}?) not found in (['\"].{1,400}?)(?: :.*)?$", re.M),
    re.compile(r"^(['\"].{1,200}?) does not match (['\"].{1,400}?)(?: :.*)?$", re.M),
    re.compile(r"^\s*(?:Expected )?[Rr]egex: (.{1,200})\n\s*(?:Input|Actual message): (.{1,400})$", re.M),
)
_WORD = re.compile(r"[A-Za-z_]\w+")
_TOKEN = re.compile(r"\w+|\W")


def gather_clues(base: Baseline, hint: str) -> Clues:
    """Literals, exception types, compared values and names from the failing tests."""
    tests = read_test_nodes((node for run in base.failing for node in _walk_test(base, run.id)), hint)
    errors: set[str] = set()
    missing: set[str] = set()
    pairs: dict[tuple[str, str], None] = {}
    for run in base.failing:
        _read_failure(run.failure, errors, missing, pairs)
    for error in base.errors:
        _read_failure(error, errors, missing, pairs)
    said = " ".join(str(run.failure.get("text", "")) for run in base.failing[:4])
    return replace(
        tests,
        said=tuple(dict.fromkeys(_WORD.findall(said)))[:120],
        errors=frozenset(errors),
        pairs=tuple(pairs)[:6],
        missing=frozenset(missing),
    )


def read_test_nodes(nodes: Iterable[ast.AST], hint: str) -> Clues:
    """Literals, awaited exceptions and names of the tests' syntax trees; the request's words beside them."""
    numbers: dict[float, None] = {}
    strings: dict[str, None] = {}
    awaited: dict[str, None] = {}
    words = {word for word in _WORD.findall(hint) if len(word) > 2}
    for node in nodes:
        match node:
            case ast.Constant(value=bool()):
                pass
            case ast.Constant(value=int() | float() as value) if abs(value) < 1e12:
                numbers[value] = None
            case ast.Constant(value=str(value)) if len(value) < 80:
                strings[value] = None
            case ast.Call(
                func=ast.Attribute(attr="raises" | "assertRaises" | "assertRaisesRegex"), args=[first, *_]
            ):
                for each in first.elts if isinstance(first, ast.Tuple) else [first]:
                    awaited[each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")] = None
            case ast.Name(id=name) | ast.Attribute(attr=name):
                words.add(name)
    return Clues(
        numbers=tuple(numbers),
        strings=tuple(strings)[:80],
        awaited=tuple(each for each in awaited if each),
        words=frozenset(words),
    )


def _read_failure(
    failure: dict[str, Any], errors: set[str], missing: set[str], pairs: dict[tuple[str, str], None]
) -> None:
    text = failure.get("text", "")
    kind = failure.get("type", "")
    if kind and kind not in ("AssertionError", "Failed"):
        errors.add(kind)
    for pattern in _MISSING:
        missing.update(pattern.findall(text))
    if kind == "KeyError" and len(text) < 60:
        missing.add(text.strip("'\""))
    compared = failure.get("compared") or []
    if len(compared) == 2:
        pairs[_unquote(compared[0]), _unquote(compared[1])] = None
    for pattern in _COMPARED:
        for left, right in pattern.findall(text)[:2]:
            pairs[_unquote(left), _unquote(right)] = None
    for pattern in _CONTAINED:
        for part, whole in pattern.findall(text)[:2]:
            wanted, given = _unescape(_unquote(part)), _unquote(whole)
            for piece in dict.fromkeys((_cut_alike(wanted, given), given)):
                pairs[wanted, piece] = None


def _unescape(pattern: str) -> str:
    """A pattern that stands for one text, as that text; its anchors left out."""
    return re.sub(r"\\(\W)", r"\1", pattern.removeprefix("^").removesuffix("$"))


def _cut_alike(wanted: str, given: str) -> str:
    """The piece of ``given``, as long in words as ``wanted``, that begins where the two are alike."""
    one, two = _TOKEN.findall(wanted), _TOKEN.findall(given)
    match = difflib.SequenceMatcher(None, one, two, autojunk=False).find_longest_match()
    start = max(0, match.b - match.a)
    return "".join(two[start : start + len(one)])


def _unquote(text: str) -> str:
    """A string's own characters without its quotes; anything else as it is written."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def _walk_test(base: Baseline, name: str) -> Iterator[ast.AST]:
    path, title, _ = base.where.get(name, ("", "", 0))
    try:
        tree = ast.parse(Path(path).read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return
    function = title.split("[")[0].rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and node.name == function:
            yield from ast.walk(node)
            return
