"""What the search hands over, in the shape that the search for Python hands over."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .candidates import JsCandidate
from .choice.weigh import JsComparison
from .judge import EXIT
from .localise import Suspect
from .search import JsBaseline, JsSearch
from .syntax.source import SourceFile

SHOWN = 12
_CLAIM = frozenset(
    ("edits", "parts", "turned", "turned_count", "others", "calls", "borrowed", "covering", "rival")
)
_NONE = "no small edit makes the tests pass"  # what a search says that gives no reason
SHOWN_CALL = 200  # signs of a call, and of what it gives
_COMPARED = re.compile(r"(?<![\w$.])([\w$.]{1,60}) (>=?) ([\w$.]{1,60})(?![\w$.(\[])")
_MIRRORED = {">": "<", ">=": "<="}


def name_tests(names: Sequence[str], command: str) -> list[str]:
    """The first tests of several; the command where its exit code stands for a test."""
    return [command if name == EXIT else name for name in names[:SHOWN]]


def report_tests(base: JsBaseline, unasked: Sequence[str], command: str) -> dict[str, Any]:
    """How the suite ended before the change."""
    ends = list(base.everything.values())
    return {
        "command": command,
        "total": len(ends),
        "passed": ends.count("passed"),
        "failed": len(base.asked),
        "failing": name_tests(base.asked, command),
        "flaky": name_tests(base.flaky, command),
        "unasked": name_tests(unasked, command),
        "unasked_count": len(unasked),
    }


def report_suspects(suspects: Sequence[Suspect], sources: dict[str, SourceFile]) -> list[dict[str, Any]]:
    """The most suspicious lines with their text."""
    return [
        {
            "path": each.path,
            "line": each.line,
            "function": each.function,
            "score": round(each.score, 2),
            "text": sources[each.path].line_text(each.line).strip()[:120],
        }
        for each in suspects
    ]


def report_change(source: SourceFile, answer: JsCandidate, base: JsBaseline, command: str) -> dict[str, Any]:
    """The change as an edit of whole lines, with the template that made it."""
    part = {
        "template": answer.edit.template,
        "path": answer.path,
        "line": answer.line,
        "function": answer.function,
    }
    return {
        "edits": [make_edit(source, answer)],
        "parts": [part],
        "turned": name_tests(base.asked, command),
        "turned_count": len(base.asked),
    }


def withhold_change(result: dict[str, Any], why: str) -> dict[str, Any]:
    """The result without a change that it claims, and with one more reason."""
    told = {name: value for name, value in result.items() if name not in _CLAIM}
    if result["outcome"] == "mended":
        return told | {"outcome": "not_found", "reason": why}
    return told | {"reason": f"{result.get('reason') or _NONE}; {why}"}


def make_edit(source: SourceFile, candidate: JsCandidate) -> dict[str, Any]:
    """Whole lines before and after; ``old`` has as many lines around them as make it unique in the file."""
    data, edit = source.data, candidate.edit
    begin = data.rfind(b"\n", 0, edit.start) + 1
    end = _find_line_end(data, max(edit.end, begin))
    new = data[begin : edit.start] + edit.new.encode("utf-8") + data[edit.end : end]
    low, high = begin, end
    while data.count(data[low:high]) != 1 and (low, high) != (0, len(data)):
        low = data.rfind(b"\n", 0, max(0, low - 1)) + 1 if low else 0
        high = _find_line_end(data, high)
    return {
        "path": candidate.path,
        "line": data.count(b"\n", 0, begin) + 1,
        "before": data[begin:end].decode("utf-8"),
        "after": new.decode("utf-8"),
        "old": data[low:high].decode("utf-8"),
        "new": (data[low:begin] + new + data[end:high]).decode("utf-8"),
    }


def _find_line_end(data: bytes, at: int) -> int:
    """Behind the end of the line that the byte before ``at`` is in; of the next line at a line's end."""
    found = data.find(b"\n", at)
    return len(data) if found < 0 else found + 1


def report_doubts(compared: JsComparison, sources: dict[str, SourceFile]) -> dict[str, Any]:
    """What else passes and where it differs, how little runs the place, and the failing test's values."""
    answer = compared.ranked[0]
    edits = {id(each): make_edit(sources[each.path], each) for each in compared.ranked}
    own = (answer.path, _straighten(edits[id(answer)]["after"]))
    others = [
        each for each in compared.ranked[1:] if (each.path, _straighten(edits[id(each)]["after"])) != own
    ]
    told: dict[str, Any] = {
        "others": len(others),
        "calls": compared.count_calls(),
        "borrowed": [answer.edit.borrowed] if answer.edit.borrowed else [],
    }
    if answer.passing == 0:
        told["covering"] = 0
    rivals = compared.find_rivals()
    if rivals:
        one = rivals[0]
        edit = edits[id(one.change)]
        told["rival"] = {
            "path": edit["path"], "line": one.change.line, "after": edit["after"][:400],
            "call": one.call[:SHOWN_CALL], "this": one.this[:SHOWN_CALL], "other": one.other[:SHOWN_CALL],
        }  # fmt: skip
    elif others and not compared.seen:
        one_edit = edits[id(others[0])]
        told["rival"] = {
            "path": one_edit["path"], "line": others[0].line, "after": one_edit["after"][:400]
        }  # fmt: skip
    return told


def _straighten(text: str) -> str:
    """A line with its comparisons written one way round: ``x > high`` is ``high < x``."""
    return _COMPARED.sub(lambda match: f"{match[3]} {_MIRRORED[match[2]]} {match[1]}", text)


def report_effort(search: JsSearch, ranked: int) -> dict[str, Any]:
    """How much was tried."""
    return {
        "ranked": ranked,
        "tried": search.tried,
        "hung": search.hung,
        "exhausted": search.exhausted,
        "quick": search.bench is not None,
    }
