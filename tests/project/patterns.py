"""All regular expressions of the project, found in its code, and inputs that make backtracking ones slow."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.support import ROOT

CALLS = frozenset(["compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"])
_CALL = re.compile(rf"\bre\.({'|'.join(CALLS)})\(")
_USE = re.compile(rf"\.\s*({'|'.join(CALLS)})\b")
_MOST_INPUTS = 60  # for one pattern
_FLAGS_AT = {"compile": 1, "search": 2, "match": 2, "fullmatch": 2, "findall": 2, "finditer": 2}
_CATEGORIES = {
    op.CATEGORY_DIGIT: "7",
    op.CATEGORY_NOT_DIGIT: "a",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "a",
    op.CATEGORY_WORD: "a",
    op.CATEGORY_NOT_WORD: " ",
}
_PLAIN_UNITS = (" ", "a", "\n", "a ", "aA0", " \n", "\t", "a\n")  # every pattern is tried with these
_ANY = "a0A _-.\n/@:<>=\"'`[](){}#*~|\\!&,;+?%^$\t\r\x00\x1b\u200b"


@dataclass(frozen=True, slots=True)
class FoundPattern:
    """A regular expression, the place in the code where it stands, and the methods that it is called with."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]

    @property
    def file(self) -> str:
        """The place without its line."""
        return self.place.partition(":")[0]


def list_files_with_patterns() -> list[str]:
    """The files that ``find_patterns`` finds something in, by their text alone: one for each test to name.

    Finding the patterns takes seconds, which every process of a run would spend while it collects.
    """
    return [str(path.relative_to(ROOT)) for path in _list_files() if _CALL.search(path.read_text("utf-8"))]


def _list_files() -> list[Path]:
    paths = [path for top in ("bot", "sandbox") for path in sorted((ROOT / top).rglob("*.py"))]
    return [path for path in paths if "guest" not in path.parts]


@cache
def find_patterns() -> list[FoundPattern]:
    """Every pattern that a call of ``re`` in the project's code has, each once.

    Not those of ``bot.guest``, which runs inside the sandbox in processes with a deadline, nor those of
    localhub, which no stranger reaches.
    """
    texts = {path: path.read_text("utf-8") for path in _list_files()}
    trees = {path: ast.parse(text) for path, text in texts.items() if _USE.search(text)}
    uses = _list_uses(trees.values())
    found: dict[Any, FoundPattern] = {}
    for path, tree in trees.items():
        compiled = {id(node.value): node for node in ast.walk(tree) if isinstance(node, ast.Assign)}
        for call in filter(_is_pattern_call, ast.walk(tree)):
            place = f"{path.relative_to(ROOT)}:{call.lineno}"
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            pattern = _evaluate_or_none(call, defaultdict(_Unknown, vars(builtins) | vars(module)))
            if pattern is None:
                continue
            methods = {call.func.attr}
            target = compiled[id(call)].targets[0] if id(call) in compiled else None
            if call.func.attr == "compile" and isinstance(target, ast.Name):
                methods = uses[target.id]
            key = pattern.pattern, pattern.flags
            seen = found.get(key, FoundPattern(place, pattern, frozenset()))
            found[key] = FoundPattern(seen.place, pattern, seen.methods | methods)
    return list(found.values())


def _list_uses(trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """For each name, the methods that are called on it anywhere in the project."""
    uses: dict[str, set[str]] = defaultdict(set)
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in CALLS:
            uses[node.value.id].add(node.attr)
    return uses


def _is_pattern_call(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "re"
        and node.func.attr in CALLS
    )


def _evaluate_or_none(call: Any, names: dict[str, Any]) -> re.Pattern[Any] | None:
    """The same; None for one that is put together from what only its function knows, such as a number."""
    try:
        return _evaluate(call, names)
    except (TypeError, ValueError, re.error):
        return None


def _evaluate(call: Any, names: dict[str, Any]) -> re.Pattern[Any]:
    """The pattern of a call with its flags; names that are no globals of the module stand for ``x``."""
    given = {each.arg: each.value for each in call.keywords}
    at = _FLAGS_AT.get(call.func.attr, 9)
    flags = given.get("flags") or (call.args[at] if len(call.args) > at else None)
    pattern = _value(call.args[0] if call.args else given["pattern"], names)
    return re.compile(pattern, _value(flags, names) if flags is not None else 0)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    code = compile(ast.Expression(body=node), "<pattern>", "eval")
    return eval(code, names)


class _Unknown(str):
    """What stands for a name that only a function knows: the text ``x``, whatever is done with it."""

    def __new__(cls) -> _Unknown:
        """The text."""
        return super().__new__(cls, "x")

    def __call__(self, *_args: object, **_named: object) -> _Unknown:
        """Itself, as what a function returns."""
        return self

    def __getattr__(self, _name: str) -> _Unknown:
        """Itself, as each attribute that no text has."""
        return self


def slow_inputs(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Pairs of a beginning and a short text to repeat after it, by which a backtracking engine tries in vain.

    Around every repeat of the pattern: what leads to it, what it repeats, and the signs it waits for.
    """
    flags = pattern.flags & ~(re.UNICODE | re.DEBUG) if isinstance(pattern.pattern, bytes) else pattern.flags
    text = pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern
    tree = parser.parse(text, flags)
    found: dict[tuple[str, str], None] = {}
    signs = list(dict.fromkeys(_signs(tree)))[:10]
    for before, body in _repeats(tree, [""]):
        for lead in before[:2]:
            for unit in body[:3]:
                units = [
                    unit,
                    lead + unit,
                    lead + unit * 40,
                    lead[-1:] + unit,
                    *(unit + sign for sign in signs),
                ]
                found.update(dict.fromkeys(("", each) for each in units if each))
                found.update(dict.fromkeys((lead, each) for each in units if each))
    pairs = [pair for pair in found if pair[1]]
    always = [("", each) for each in (*_samples(tree)[:3], *_PLAIN_UNITS) if each]
    return list(dict.fromkeys([*always, *pairs[:: len(pairs) // _MOST_INPUTS + 1]]))


def _signs(tree: Any) -> Iterator[str]:
    """The single characters that a pattern names outside its sets, and the first of each set."""
    for code, value in tree:
        if code is op.LITERAL:
            yield chr(value)
        elif code is op.IN:
            yield from _sample_set(value)[:1]
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            yield from _signs(value[2])
        for inner in _children(code, value):
            yield from _signs(inner)


def _repeats(tree: Any, before: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """For each repeat with many rounds: samples of what stands before it, and of what it repeats."""
    for code, value in tree:
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            _low, high, body = value
            if high is op.MAXREPEAT or high >= 30:
                yield before, _samples(body)
            yield from _repeats(body, before)
        else:
            for inner in _children(code, value):
                yield from _repeats(inner, before)
        before = _join(before, _sample(code, value))


def _children(code: Any, value: Any) -> Iterable[Any]:
    if code is op.SUBPATTERN:
        return [value[-1]]
    if code is op.BRANCH:
        return list(value[1])
    if code in (op.ASSERT, op.ASSERT_NOT):
        return [value[1]]
    if code is getattr(op, "ATOMIC_GROUP", None):
        return [value]
    return []


def _samples(tree: Any) -> list[str]:
    found = [""]
    for code, value in tree:
        found = _join(found, _sample(code, value))
    return found


def _join(left: list[str], right: list[str]) -> list[str]:
    return list(dict.fromkeys(one + two for one in left for two in right))[:6]


def _sample(code: Any, value: Any) -> list[str]:
    """A few texts that one element of a pattern takes."""
    if code is op.LITERAL:
        return [chr(value)]
    if code is op.NOT_LITERAL:
        return [next(char for char in _ANY if ord(char) != value)]
    if code is op.ANY:
        return ["a"]
    if code is op.IN:
        return _sample_set(value)
    if code is op.BRANCH:
        return [text for each in value[1] for text in _samples(each)[:2]][:6]
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        low, _high, body = value
        return [text * max(low, 1) for text in _samples(body)] + ([""] if low == 0 else [])
    if code in (op.SUBPATTERN,):
        return _samples(value[-1])
    if code is getattr(op, "ATOMIC_GROUP", None):
        return _samples(value)
    return [""]


def _sample_set(items: Any) -> list[str]:
    negated = bool(items) and items[0][0] is op.NEGATE
    if negated:
        taken = [char for char in _ANY if not _in_set(char, items[1:])]
        return taken[:2] or ["é"]
    found = []
    for code, value in items:
        if code is op.LITERAL:
            found.append(chr(value))
        elif code is op.RANGE:
            found.append(chr(value[0]))
        elif code is op.CATEGORY:
            found.append(_CATEGORIES[value])
            if value is op.CATEGORY_SPACE:
                found.append("\n")  # which ends a line, too
    return found[:3]


def _in_set(char: str, items: Any) -> bool:
    for code, value in items:
        if code is op.LITERAL and ord(char) == value:
            return True
        if code is op.RANGE and value[0] <= ord(char) <= value[1]:
            return True
        if code is op.CATEGORY and _in_category(char, value):
            return True
    return False


def _in_category(char: str, category: Any) -> bool:
    kinds = {"DIGIT": char.isdigit(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}
    name = str(category).removeprefix("CATEGORY_")
    return not kinds[name[4:]] if name.startswith("NOT_") else kinds[name]
