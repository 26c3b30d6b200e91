"""Which failing tests a request is about: those it names, whose code it names, or that speak of its words."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..baseline import Baseline
from ..forkserver.client import TestRun
from ..layout import is_test
from ..source import FUNCTIONS

NAMED, SYMBOL, NEAR, WORD = 4, 3, 2, 1  # how surely a test is meant, the surest first
LONG = 6  # letters of a word that a parameter has too, so that it is hardly by chance
LONG_SUITE = 2000  # tests; that many may not come to run in the time of a search
SAID = 2  # words of the request in the code that a test runs; one alone may be chance

_CODE = re.compile(
    r"`([^`\n]{2,80})`|([A-Za-z_]\w{0,60}(?:\.\w{1,60})+)|([A-Za-z_]\w{0,60})\(|\b([A-Za-z]\w{0,40}_\w{1,40})\b"
    r"|\b([a-z]{1,40}[A-Z]\w{0,40}|[A-Z]\w{0,40}[a-z][A-Z]\w{0,40})\b"
)
_SHOWN = re.compile(r"`([^`\n]{3,60})`|\"([^\"\n]{3,60})\"|(-?\d{1,9} ?(?:[-+*/^%<>=]{1,2} ?\d{1,9} ?){1,5})")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w+")
_WORDS = re.compile(r"[^\W\d_]{3,}|\d+\.\d+|(?<!#)\b\d{2,}")
_SPLIT = re.compile(r"(?<=[a-z\d])(?=[A-Z])|_")
_ORDINARY_TEXT = (
    "the and are but for has had have its not was were with from into onto over that this then than there "
    "they them when where which while who why how what will would should could can cannot may must does "
    "doing done did all any only also even still just now never always often sometimes some other another "
    "each every both same such one two three get gets got give gives given take takes make makes made put "
    "puts say says said see seen look looks use uses used using call calls called want wants like need "
    "needs come comes goes out off too very more most less much many few first last new old own our your "
    "their his her you she him fix fixed fixes fixing mend bug bugs broken breaks break fail fails failed "
    "failing failure failures error errors wrong wrongly incorrect incorrectly please hob work works "
    "working test tests testing suite case cases problem issue report expected expect expects instead "
    "return returns returned returning result results value values raise raises raised crash crashes "
    "crashed crashing exception traceback assert assertion true false none self def class function method "
    "code file line lines python pytest about after again against because before being between during "
    "however though through under until without within seems seem something nothing anything everything "
    "way ways thing things time times correct correctly right left here happens happen str int list dict "
    "set len"
)
_ORDINARY = frozenset(_ORDINARY_TEXT.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request as the search sees it. ``scope``: all, report, symbols or named."""

    text: str
    scope: str = "all"
    tests: tuple[str, ...] = ()  # ids that are meant, whatever the text says
    failed: tuple[str, ...] = ()  # ids that are known to fail, from a run before


def order_by_request(names: list[str], request: Request) -> list[str]:
    """The tests that the request names first; in a long suite then those that are known to fail.

    In a short one the order stays as it is, since a failure may come of what ran before.
    """
    failed = set(request.failed) if len(names) > LONG_SUITE else set()
    return sorted(names, key=lambda name: (not _is_named(name, request), name not in failed))


def rate_test(base: Baseline, run: TestRun, request: Request, prefix: str) -> int:
    """How surely the request is about a failing test; 0: it is not."""
    if _is_named(run.id, request):
        return NAMED
    if request.scope == "named":
        return 0
    if request.scope == "all":
        return SYMBOL
    code = find_code_names(request.text)
    own = _read_test(base, run.id)
    failure = run.failure
    told = " ".join([failure.get("type", ""), failure.get("text", ""), failure.get("message", "")[-600:]])
    said = {*_IDENTIFIER.findall(own), *_IDENTIFIER.findall(told), *_IDENTIFIER.findall(run.id)}
    if code & said or any(each in _squeeze(own) for each in _find_shown_texts(request.text)):
        return SYMBOL
    ran = _list_functions(run, prefix)
    if code & ran:
        return NEAR
    if request.scope == "symbols":
        return 0
    words = {word.lower() for word in _WORDS.findall(request.text)} - _ORDINARY
    vocabulary = _list_words([run.id, own, told, *ran])
    if any(is_akin(word, other) for word in words for other in vocabulary):
        return WORD
    functions = list(_read_functions(base, run, prefix))
    given = _list_words(name for text in functions for name in _list_parameters(text))
    if any(len(word) >= LONG and is_akin(word, other) for word in words for other in given):
        return WORD
    code_words = _list_words(functions)
    near = [word for word in words if any(is_akin(word, other) for other in code_words)]
    return WORD if len(near) >= SAID else 0


def leave_unasked(base: Baseline, request: Request, prefix: str) -> None:
    """Put the failing tests that the request is not about where they are neither mended nor counted."""
    runs = {run.id: run for run in base.failing}
    rated = {
        name: rate_test(base, runs.get(name, base.runs[name]), request, prefix) for name in base.failed_ids
    }
    best = max(rated.values(), default=0)
    least = NAMED if best == NAMED and request.scope != "all" else NEAR if best >= NEAR else WORD
    if request.scope == "all" and best == NAMED:
        least = NAMED
    asked = {name for name, rate in rated.items() if rate >= least}
    causes = {_find_cause(base.runs[name], prefix) for name in asked} - {None}
    asked |= {name for name in rated if _find_cause(base.runs[name], prefix) in causes}
    base.unasked = [name for name in rated if name not in asked]
    base.failing = [run for run in base.failing if run.id in asked]
    base.also_failing = {name: run for name, run in base.also_failing.items() if name in asked}
    strange = [each for each in base.errors if not _is_about_error(each, request)]
    base.errors = [each for each in base.errors if each not in strange]
    base.unasked += [str(each["id"]) for each in strange]


def _is_about_error(error: dict[str, Any], request: Request) -> bool:
    """Whether the request is about a module of tests that does not load."""
    told = f"{error['id']} {error.get('text', '')} {error.get('message', '')[-800:]}"
    if request.scope == "all" or any(each.partition("::")[0] == error["id"] for each in request.tests):
        return True
    if request.scope != "named" and find_code_names(request.text) & set(_IDENTIFIER.findall(told)):
        return True
    words = {word.lower() for word in _WORDS.findall(request.text)} - _ORDINARY
    told_words = _list_words([told]) if request.scope == "report" else set()
    return str(error["id"]) in request.text or any(is_akin(one, two) for one in words for two in told_words)


def find_code_names(text: str) -> set[str]:
    """Names of code in a text: in backticks, with a dot, an underscore, a bracket or capitals inside."""
    found: set[str] = set()
    for match in _CODE.finditer(text):
        found.update(_IDENTIFIER.findall(next(filter(None, match.groups()))))
    return {name for name in found if name.lower() not in _ORDINARY and len(name) > 2}


def _find_shown_texts(text: str) -> set[str]:
    """Texts in backticks or quotes, and sums such as ``2 ^ 3``, without white space."""
    found = {_squeeze(next(filter(None, match.groups()))) for match in _SHOWN.finditer(text)}
    return {each for each in found if len(each) > 2 and not each.isalpha()}


def _squeeze(text: str) -> str:
    return "".join(text.split())


def is_akin(one: str, other: str) -> bool:
    """Forms of one word: double and doubling, plural and plurals, try and tries."""
    one, other = (f"{each[:-3]}y" if each.endswith("ies") else each for each in (one, other))
    common = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    longer, shorter = max(len(one), len(other)), min(len(one), len(other))
    if one.isdigit() or other.isdigit():
        return one == other
    return common >= 3 and common >= longer - 3 and common >= shorter - 1


def _is_named(name: str, request: Request) -> bool:
    if name in request.tests or name in request.text:
        return True
    plain = name.partition("[")[0]
    if any(plain == each.partition("[")[0] for each in request.tests):
        return True
    own = plain.rpartition("::")[2].rpartition(".")[2]
    if len(own) < 6 or own in ("test_all", "test_it"):
        return False
    return re.search(rf"(?<!\w){re.escape(own)}(?!\w)", request.text) is not None


def _find_cause(run: TestRun, prefix: str) -> tuple[str, str, int] | None:
    """Exception and place, when it was raised outside the tests: equal for failures of one fault."""
    frames = [frame for frame in run.failure.get("frames", []) if not is_test(frame[0].removeprefix(prefix))]
    return (run.failure.get("type", ""), frames[-1][0], frames[-1][1]) if frames else None


def _list_functions(run: TestRun, prefix: str) -> set[str]:
    """Names of the repository's functions, classes and modules that a test runs."""
    found: set[str] = set()
    for path, place, _ in run.types:
        if not is_test(path.removeprefix(prefix)):
            found.update(_IDENTIFIER.findall(place))
            found.add(Path(path).stem)
    return found - {"locals", "module", "lambda", "listcomp", "genexpr"}


def _read_functions(base: Baseline, run: TestRun, prefix: str) -> Iterator[str]:
    """The texts of the repository's functions in which a test runs a line that most passing tests do not."""
    passing = list(base.passing.values())
    for path in dict.fromkeys(path for path, _, _ in run.types if not is_test(path.removeprefix(prefix))):
        try:
            text = Path(path).read_text("utf-8")
            tree = ast.parse(text)
        except (OSError, ValueError, SyntaxError, RecursionError):
            continue
        ran = set(run.lines.get(path, ()))
        often = Counter(line for each in passing for line in each.lines.get(path, ()))
        for node in ast.walk(tree):
            if not isinstance(node, FUNCTIONS):
                continue
            inside = ran & set(range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1))
            if min((often[line] for line in inside), default=len(passing)) <= max(1, len(passing) // 2):
                yield ast.get_source_segment(text, node) or ""


def _list_parameters(text: str) -> list[str]:
    """Names of the parameters of a function's text."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    return [each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)]


def _list_words(texts: Iterable[str]) -> set[str]:
    words: set[str] = set()
    for text in texts:
        words.update(word.lower() for word in _WORDS.findall(_SPLIT.sub(" ", text)))
    return words - _ORDINARY


def _read_test(base: Baseline, name: str) -> str:
    """The text of a test function."""
    path, title, _ = base.where.get(name, ("", "", 0))
    try:
        text = Path(path).read_text("utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return ""
    function = title.split("[")[0].rpartition(".")[2]
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and node.name == function:
            return ast.get_source_segment(text, node) or ""
    return ""
