"""The one JSON object that the program hands over: bounded, and with edits that fit the ``edit`` tool."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from .baseline import Baseline
from .candidates import FoundChange
from .choice import Rival, count_covering, find_twins, list_borrowed
from .localise import Findings
from .search import CandidateSearch, Tally

MARK = "HOB-MEND-RESULT "
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines ``before`` -> ``after`` at ``line`` (from 1, in the new file)."""

    line: int
    before: str
    after: str
    old: str  # a text that stands exactly once in the file before the hunk's turn
    new: str


def make_hunks(before: str, after: str) -> list[Hunk]:
    """The difference by whole lines; each hunk's ``old`` has as many lines around it as make it unique."""
    one, two = before.splitlines(keepends=True), after.splitlines(keepends=True)
    found: list[Hunk] = []
    current = before
    for tag, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        around = 0
        while True:
            low, high = max(0, a - around), min(len(one), b + around)
            old = "".join(one[low:high])
            new = "".join([*one[low:a], *two[c:d], *one[b:high]])
            if (old and current.count(old) == 1) or (low, high) == (0, len(one)):
                break
            around += 1
        line = min(c + 1, max(1, len(two)))
        found.append(Hunk(line, "".join(one[a:b]), "".join(two[c:d]), old, new))
        current = current.replace(old, new, 1)
    return found


def report_tests(base: Baseline) -> dict[str, Any]:
    """How the suite ended before the change."""
    outcomes = [run.outcome for run in base.runs.values()]
    return {
        "total": len(base.where),
        "passed": outcomes.count("passed"),
        "failed": len(base.failed_ids),
        "skipped": outcomes.count("skipped"),
        "not_run": len(base.not_run),
        "flaky": base.flaky[:SHOWN],
        "beyond": base.beyond[:SHOWN],
        "unasked": base.unasked[:SHOWN],
        "unasked_count": len(base.unasked),
        "failing": base.failed_ids[:SHOWN],
        "errors": [
            {"id": each["id"], "message": (each.get("text") or each["message"])[-300:]}
            for each in base.errors[:3]
        ],
    }


def report_failure(base: Baseline) -> dict[str, Any]:
    """The first failure: its test, exception and compared values, cut to a bounded length."""
    for failure, name in [(run.failure, run.id) for run in base.failing] + [
        (e, e["id"]) for e in base.errors
    ]:
        return {
            "test": name,
            "type": failure.get("type", ""),
            "text": str(failure.get("text") or failure.get("message", ""))[:400],
            "compared": [str(each)[:120] for each in failure.get("compared") or []],
        }
    return {}


def report_suspects(findings: Findings) -> list[dict[str, Any]]:
    """The most suspicious lines with their text."""
    return [
        {
            "path": each.path,
            "line": each.line,
            "score": round(each.score, 2),
            "function": each.function,
            "text": findings.sources[each.path].line(each.line).strip()[:120],
        }
        for each in findings.suspects[:5]
    ]


def report_change(answer: FoundChange, findings: Findings, texts: dict[str, str]) -> dict[str, Any]:
    """The change as edits, with the templates that made it."""
    edits = []
    for path, text in sorted(texts.items()):
        for hunk in make_hunks(findings.sources[path].text, text):
            edits.append(
                {
                    "path": path,
                    "line": hunk.line,
                    "before": hunk.before,
                    "after": hunk.after,
                    "old": hunk.old,
                    "new": hunk.new,
                }
            )
    turned = sorted(name for name in answer.turned if "::" in name) or sorted(answer.turned)
    parts = [
        {"template": part.template, "path": part.path, "line": part.line, "function": part.function}
        for part in answer.parts
    ]
    return {
        "edits": edits,
        "parts": parts,
        "turned": turned[:SHOWN],
        "turned_count": len(turned),
    }


def report_doubts(
    search: CandidateSearch, answer: FoundChange, edits: list[dict[str, Any]]
) -> dict[str, Any]:
    """How many passing tests run the changed lines, lines like the wrong one, values that are the tests'."""
    sources = search.runner.findings.sources
    counts = [count_covering(search.runner, sources[part.path], part) for part in answer.parts]
    twins = [
        {"path": each["path"], "line": line}
        for each in edits
        for line in find_twins(sources[each["path"]], each["before"], each["line"])
    ]
    borrowed = [each for part in answer.parts for each in list_borrowed(search.runner, part)]
    return {"covering": min(counts, default=0), "twins": twins[:5], "borrowed": borrowed[:3]}


def report_rival(rival: Rival, findings: Findings, texts: dict[str, str]) -> dict[str, Any]:
    """Another change that passes as well, with a call by which the two differ."""
    for path, text in sorted(texts.items()):
        for hunk in make_hunks(findings.sources[path].text, text):
            return {
                "path": path,
                "line": hunk.line,
                "after": hunk.after[:400],
                "call": rival.call,
                "this": rival.this,
                "other": rival.other,
            }
    return {}


def report_tally(tally: Tally, ranked: int) -> dict[str, Any]:
    """How much was tried."""
    return {
        "ranked": ranked,
        "tried": tally.tried,
        "hung": tally.hung,
        "fresh_imports": tally.fresh,
        "exhausted": tally.exhausted,
        "tried_first": tally.tried_first,
    }
