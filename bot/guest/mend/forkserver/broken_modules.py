"""Code that does not load: test modules whose import fails, and files that are not valid Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..baseline import Baseline
from ..candidates import Candidate
from ..layout import find_import_roots, is_test
from ..localise import Findings
from ..places.exports import list_ungiven
from ..source import Source, TextEdit, apply_edits
from .client import TestRun

_MODULE = re.compile(r"No module named '([\w.]+)'")


def take_modules_as_tests(base: Baseline, root: Path) -> str:
    """Let every module that does not load stand for a failing test; returns why not, if it is no use.

    A package that is not installed is none of the repository's faults.
    """
    for error in base.errors:
        absent = _MODULE.search(error.get("text", "") or error["message"])
        if absent and not _is_ours(absent.group(1).split(".")[0], root):
            continue
        frames = [path.removeprefix(f"{root}/") for path, _ in error.get("frames", [])]
        told = f"{error.get('text', '')}\n{error['message']}"
        if any(not is_test(path) for path in frames) or any(list_ungiven(told, root)):
            base.failing.append(TestRun(id=error["id"], outcome="failed", failure=error))
    base.only_fresh_imports = bool(base.failing)
    if base.failing:
        return ""
    text = (base.errors[0].get("text") or base.errors[0]["message"]).strip().splitlines()
    return f"test modules cannot be imported: {text[-1] if text else 'no reason given'}"[:300]


def _is_ours(name: str, root: Path) -> bool:
    places = [Path(each) for each in find_import_roots(root)]
    return any((place / name).is_dir() or (place / f"{name}.py").is_file() for place in places)


def repair_syntax(findings: Findings) -> list[Candidate]:
    """Candidates for files that are not valid Python: a sign that is missing or too many near the place."""
    found: list[Candidate] = []
    for path, (line, _) in findings.broken.items():
        source = findings.sources.get(path)
        if source is None:
            continue
        for number in (line, line - 1, line + 1, line - 2):
            found += _propose_repairs(source, number, 1.0 if number == line else 0.8)
    return sorted(found, key=lambda each: -each.score)


def _propose_repairs(source: Source, line: int, scale: float) -> Iterator[Candidate]:
    for edit, score in _list_guesses(source, line):
        if _is_python(apply_edits(source.text, (edit,))):
            yield Candidate(
                path=source.path,
                edits=(edit,),
                template="syntax",
                line=line,
                function="",
                score=scale * score,
                fresh=True,
            )


def _list_guesses(source: Source, number: int) -> Iterator[tuple[TextEdit, float]]:
    text = source.line(number)
    if not text.strip():
        return
    start = source.starts[number - 1]
    end = start + len(text.rstrip())
    for sign in (":", ")", "]", "}", '"', "'", "):", "]:", ","):
        yield TextEdit(end, end, sign), 1.0 if sign in (":", ")") else 0.7
    for place, sign in enumerate(text):
        if sign in "()[]{}:,\"'":
            yield TextEdit(start + place, start + place + 1, ""), 0.5
        if sign in ",: )]}":
            yield from ((TextEdit(start + place, start + place, new), 0.4) for new in ")]}\",':")
    for match in re.finditer(r"(?<![=!<>:+\-*/%&|^])=(?!=)", text):
        yield TextEdit(start + match.start(), start + match.end(), "=="), 0.8
    indent = len(text) - len(text.lstrip())
    if indent >= 4:
        yield TextEdit(start, start + 4, ""), 0.8
    yield TextEdit(start, start, "    "), 0.8


def _is_python(text: str) -> bool:
    try:
        compile(text, "candidate", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True
