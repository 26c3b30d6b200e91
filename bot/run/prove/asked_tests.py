"""Which failing tests a request is about: those that it names, else all of them where it asks for a mend."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain import Check

_MEND = re.compile(
    r"\b(fix(es|ed|ing)?|mend|repair|bugs?|broken?|breaks|wrong|errors?|fail(s|ed|ing|ure|ures)?|crash\w*|red|green"
    r"|regression|traceback|exception|incorrect|pass|corrig\w*|repar\w*|répar\w*|arregl\w*|erreur|fehler\w*|behebe\w*"
    r"|kaputt|defekt|erro|conserta\w*|napraw\w*|исправ\w*|ошибк\w*|почин\w*)\b|修|直し|直す|错误|錯誤|失败|失敗|バグ|고쳐|수정|오류|แก้",
    re.IGNORECASE,
)


def find_still_failing(request: str, checks: Sequence[Check]) -> tuple[str, ...]:
    """Tests that ``request`` is about and that fail on head as on base.

    A request that names some of the failing tests is about those. One that names none and asks for a mend is
    about some test that fails: it is met when any was mended, for the others may have other reasons.
    """
    tests = [check for check in checks if not check.is_style]
    failing = [test for check in tests for test in check.there_before]
    known = [test for check in tests for test in check.base.failing]
    named = [test for test in known if _is_named(test, request)]
    if named:
        return tuple(test for test in named if test in failing)
    turned = any(check.mended or check.added for check in tests)
    return () if turned or not _MEND.search(request) else tuple(failing)


def is_about(request: str, failing: Sequence[str]) -> bool:
    """Whether ``request`` is about tests that fail: it names one, or asks for a mend."""
    return any(_is_named(test, request) for test in failing) or _MEND.search(request) is not None


def _is_named(test: str, request: str) -> bool:
    """Whether the request has the test's id, or its own name as a word of its own."""
    if test in request:
        return True
    own = re.sub(r"\[.*\]$", "", re.split(r"::| > ", test)[-1])
    own = own.rsplit(".", 1)[-1] if re.fullmatch(r"[\w.]+", own) else own
    if len(own) < 6 or own.lower() in ("tests", "test_all", "test_it"):
        return False
    return re.search(rf"(?<![\w]){re.escape(own)}(?![\w])", request) is not None
