"""Which failing tests a request is about: those that it names, or all where it asks for a mend of them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.domain import Check

_MEND = re.compile(
    r"\b(fix(es|ed|ing)?|mend|repair|solve|debug|bugs?|broken?|breaks|wrong|errors?|fail(s|ed|ing|ure|ures)?"
    r"|crash\w{0,12}|red|green|regression|traceback|exception|incorrect|pass(es|ing)?|corrig\w{0,12}|repar\w{0,12}|répar\w{0,12}"
    r"|arregl\w{0,12}|erreur|fehler\w{0,12}|behebe\w{0,12}|kaputt|defekt|erro|conserta\w{0,12}|napraw\w{0,12}|исправ\w{0,12}|ошибк\w{0,12}|почин\w{0,12})\b"
    r"|(Error|Exception)\b|修|直し|直す|错误|錯誤|失败|失敗|バグ|고쳐|수정|오류|แก้",
    re.IGNORECASE,
)
_TESTS = re.compile(
    r"\b(tests?|suite|pytest|unittest|ci|build|checks?|specs?|jest|vitest|mocha|cargo|tox|тест\w{0,12})\b"
    r"|测试|測試|テスト|테스트|ทดสอบ",
    re.IGNORECASE,
)
_EMPTY = {
    *("a", "an", "the", "this", "that", "it", "is", "are", "be", "was", "of", "for", "to", "in", "on", "and"),
    *("or", "so", "please", "pls", "can", "could", "would", "you", "hob", "here", "now", "just", "again"),
    *("me", "us", "my", "our", "your", "all", "them", "they", "issue", "problem", "thing"),
}
_STEM = 3  # letters that forms of one word have in common at least
_MOST_AKIN = 200  # words of a request that begin alike and are looked at
_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_CODE = re.compile(
    r"`([^`\n]{3,80})`|\b(\w{1,60}(?:Error|Exception))\b|\b([A-Za-z]\w{0,40}_\w{1,40})\b|\b(\w{3,60})\("
)


def find_still_failing(request: str, checks: Sequence[Check]) -> tuple[str, ...]:
    """Tests that ``request`` is about and that fail on head as on base, or are skipped or gone there.

    A request that names some of the failing tests is about those. One that asks for a mend, of the tests or
    of what failing tests speak of, is not refused when any test was mended: the others may have other
    reasons, and are named by ``find_left_failing``.
    """
    tests = [check for check in checks if not check.is_style]
    failing = _list_failing(tests)
    named = [test for test in _list_known(tests) if _is_named(test, request)]
    if named:
        return tuple(test for test in named if test in failing)
    if any(check.mended or check.added for check in tests):
        return ()
    output = "\n".join(check.base.tail for check in tests)
    return tuple(failing) if asks_for_mend(request, failing, output) else ()


def find_left_failing(request: str, checks: Sequence[Check]) -> tuple[str, ...]:
    """Tests that ``request`` may be about and that fail as before, beside others that are mended.

    None where it names failing tests, which decide then, and where it asks for something else. One that
    speaks of something is about the tests whose names or reasons speak of it, if there are such.
    """
    tests = [check for check in checks if not check.is_style]
    known = _list_known(tests)
    if not any(check.mended for check in tests) or any(_is_named(test, request) for test in known):
        return ()
    output = "\n".join(check.base.tail for check in tests)
    if not asks_for_mend(request, known, output):
        return ()
    failing = _list_failing(tests)
    about = [] if _asks_for_all(request) else [t for t in known if _is_about(t, request, output)]
    return tuple(test for test in failing if test in about) if about else tuple(failing)


def _list_known(tests: Iterable[Check]) -> list[str]:
    """What fails on base."""
    return [test for check in tests for test in check.base.failing]


def _list_failing(tests: Iterable[Check]) -> list[str]:
    """What fails on base and fails or does not run on head, each once."""
    found = [test for check in tests for test in (*check.there_before, *_list_hidden(check))]
    return list(dict.fromkeys(found))


def _list_hidden(check: Check) -> tuple[str, ...]:
    """Tests that fail on base and do not run on head."""
    hidden = {*check.skipped, *check.gone}
    return tuple(test for test in check.unmended if test in hidden)


def asks_for_mend(request: str, failing: Iterable[str], output: str) -> bool:
    """Whether ``request`` wants tests mended that fail: ``failing`` by name, with what their run printed."""
    if any(_is_named(test, request) for test in failing):
        return True
    if not _MEND.search(request):
        return False
    if _asks_for_all(request) or any(word in output for word in _list_code(request)):
        return True
    return any(_is_akin_to(test, request) for test in failing)


def _asks_for_all(request: str) -> bool:
    """Whether it is about tests in general, or about nothing in particular."""
    return _TESTS.search(request) is not None or not any(len(word) > 2 for word in _list_subject(request))


@lru_cache(maxsize=8)
def _list_subject(request: str) -> frozenset[str]:
    """The words that name the subject of the mend."""
    words = {word.lower() for word in _WORD.findall(request)} - _EMPTY
    return frozenset(word for word in words if not _MEND.fullmatch(word))


@lru_cache(maxsize=8)
def _group_subject(request: str) -> dict[str, list[str]]:
    """Those words grouped by their beginning, which related words share."""
    groups: dict[str, list[str]] = defaultdict(list)
    for word in sorted(_list_subject(request)):
        if len(groups[word[:_STEM]]) < _MOST_AKIN:
            groups[word[:_STEM]].append(word)
    return dict(groups)


@lru_cache(maxsize=8)
def _list_code(request: str) -> frozenset[str]:
    return frozenset(next(filter(None, found)).strip("()") for found in _CODE.findall(request))


def _is_about(test: str, request: str, output: str) -> bool:
    """Whether the test's name is related to the request, or its line in ``output`` has its identifier."""
    if _is_akin_to(test, request):
        return True
    code = _list_code(request)
    return any(word in line for line in output.splitlines() if test in line for word in code)


def _is_akin_to(test: str, request: str) -> bool:
    groups = _group_subject(request)
    return any(_is_akin(word, other) for word in _split_name(test) for other in groups.get(word[:_STEM], ()))


def _split_name(test: str) -> set[str]:
    """The words that a test's id is made of."""
    spaced = re.sub(r"([a-z\d])([A-Z])", r"\1 \2", _strip_parameters(test))
    words = {word.lower() for word in _WORD.findall(spaced)}
    return {word for word in words if len(word) > 2 and word not in ("test", "tests", "spec", "unit")}


def _strip_parameters(test: str) -> str:
    """The id without what pytest adds in brackets."""
    return test.partition("[")[0] if test.endswith("]") else test


def _is_akin(one: str, other: str) -> bool:
    """Whether two words are forms of one, such as double and doubling."""
    common = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return (
        common >= _STEM
        and common >= max(len(one), len(other)) - 3
        and common >= min(len(one), len(other)) - 1
    )


def _is_named(test: str, request: str) -> bool:
    """Whether the request has the test's id, or its own name as a word of its own."""
    if test in request:
        return True
    own = _strip_parameters(re.split(r"::| > ", test)[-1])
    own = own.rsplit(".", 1)[-1] if re.fullmatch(r"[\w.]+", own) else own
    if len(own) < 6 or own.lower() in ("tests", "test_all", "test_it"):
        return False
    return re.search(rf"(?<![\w]){re.escape(own)}(?![\w])", request) is not None
