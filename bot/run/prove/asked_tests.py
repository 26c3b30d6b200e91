"""Which failing tests a request is about: those that it names, or all where it asks for a mend of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_CODE = re.compile(
    r"`([^`\n]{3,80})`|\b(\w{1,60}(?:Error|Exception))\b|\b([A-Za-z]\w{0,40}_\w{1,40})\b|\b(\w{3,60})\("
)


def find_still_failing(request: str, checks: Sequence[Check]) -> tuple[str, ...]:
    """Tests that ``request`` is about and that fail on head as on base, or are skipped or gone there.

    A request that names some of the failing tests is about those. One that asks for a mend, of the tests or
    of what failing tests speak of, is met when any test was mended: the others may have other reasons.
    """
    tests = [check for check in checks if not check.is_style]
    known = [test for check in tests for test in check.base.failing]
    failing = [test for check in tests for test in (*check.there_before, *_list_hidden(check))]
    named = [test for test in known if _is_named(test, request)]
    if named:
        return tuple(test for test in named if test in failing)
    if any(check.mended or check.added for check in tests):
        return ()
    output = "\n".join(check.base.tail for check in tests)
    return tuple(failing) if asks_for_mend(request, failing, output) else ()


def _list_hidden(check: Check) -> tuple[str, ...]:
    """Tests that fail on base, and on head did not come to run."""
    hidden = {*check.skipped, *check.gone}
    return tuple(test for test in check.unmended if test in hidden)


def asks_for_mend(request: str, failing: Iterable[str], output: str) -> bool:
    """Whether ``request`` wants tests mended that fail: ``failing`` by name, with what their run printed."""
    if any(_is_named(test, request) for test in failing):
        return True
    if not _MEND.search(request):
        return False
    words = {word.lower() for word in _WORD.findall(request)} - _EMPTY
    subject = {word for word in words if not _MEND.fullmatch(word)}
    if _TESTS.search(request) or not any(len(word) > 2 for word in subject):
        return True
    code = {next(filter(None, found)).strip("()") for found in _CODE.findall(request)}
    if any(word in output for word in code):
        return True
    return any(_is_akin(word, other) for test in failing for word in _split_name(test) for other in subject)


def _split_name(test: str) -> set[str]:
    """The words that a test's id is made of."""
    spaced = re.sub(r"([a-z\d])([A-Z])", r"\1 \2", _strip_parameters(test))
    words = {word.lower() for word in _WORD.findall(spaced)}
    return {word for word in words if len(word) > 2 and word not in ("test", "tests", "spec", "unit")}


def _strip_parameters(test: str) -> str:
    """The id without what pytest adds in brackets."""
    return test.partition("[")[0] if test.endswith("]") else test


def _is_akin(one: str, other: str) -> bool:
    """Forms of one word: double and doubling."""
    common = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return common >= 3 and common >= max(len(one), len(other)) - 3 and common >= min(len(one), len(other)) - 1


def _is_named(test: str, request: str) -> bool:
    """Whether the request has the test's id, or its own name as a word of its own."""
    if test in request:
        return True
    own = _strip_parameters(re.split(r"::| > ", test)[-1])
    own = own.rsplit(".", 1)[-1] if re.fullmatch(r"[\w.]+", own) else own
    if len(own) < 6 or own.lower() in ("tests", "test_all", "test_it"):
        return False
    return re.search(rf"(?<![\w]){re.escape(own)}(?![\w])", request) is not None
