"""``--explain``: where the known fix stands in a search. JSON in on standard input, one line of it out.

The input has ``test`` (the command), ``request``, ``scope``, ``seconds`` and ``fix`` (path to whole text). A
search is made as always; for each place that the fix changes the result says how suspicious its lines are,
which candidate makes the very change there, and how many come before it. So one sees whether a fix is missed
for want of an edit, of suspicion, of time, or of trust.
"""

from __future__ import annotations

import ast
import json
import sys
import tempfile
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..candidates import Candidate
from ..localise import Findings
from ..request.asked import Request
from ..session import mend
from ..source import FUNCTIONS, Source, TextEdit, apply_edits
from .fixes import drop_form, list_edits

MARK = "HOB-EXPLAIN-RESULT "
_LONGEST = 300


def main(_: list[str]) -> int:
    """Run in the root of the repository as it was before the fix."""
    told = json.load(sys.stdin)
    root, fix = Path().resolve(), told["fix"]
    places: list[dict[str, Any]] = []

    def see(findings: Findings, candidates: Sequence[Candidate]) -> None:
        places[:] = list_places(root, fix, findings, candidates)

    request = Request(text=told["request"], scope=told["scope"])
    with tempfile.TemporaryDirectory(prefix="hob-explain-") as scratch:
        result = mend(root, told["test"], request, told["seconds"], Path(scratch), _say_nothing, see)
    result["places"] = places
    sys.stdout.write(f"{MARK}{json.dumps(result, ensure_ascii=False)}\n")
    return 0


def _say_nothing(_: str) -> None:
    pass


def list_places(
    root: Path, fix: Mapping[str, str], findings: Findings, candidates: Sequence[Candidate]
) -> list[dict[str, Any]]:
    """The places that a fix changes.

    ``suspect`` is the rank of the place's lines by suspicion, ``rank`` that of the candidate that makes the
    change, ``template`` its kind; None and "" where there is none.
    """
    found = []
    for path, text in fix.items():
        source = findings.sources.get(path) or Source.read(root, path)
        lines = {(each.path, each.line): at for at, each in enumerate(findings.suspects)}
        for edit in list_edits(source, text):
            first, last = source.line_of(edit.start), source.line_of(max(edit.start, edit.end - 1))
            target = _dump(source, first, [edit])
            if not target or target == _dump(source, first, []):
                continue  # form or comments, or no statement by itself
            wanted = drop_form(_render(source, first, [edit]))
            around = range(first - 1, last + 3)
            rank = next(
                (
                    at
                    for at, each in enumerate(candidates)
                    if each.path == path
                    and all(source.line_of(one.start) in around for one in each.edits)
                    and drop_form(_render(source, first, each.edits)) == wanted
                    and _dump(source, first, each.edits) == target
                ),
                None,
            )
            known = [lines[path, at] for at in range(first, last + 1) if (path, at) in lines]
            found.append(
                {
                    "path": path,
                    "line": first,
                    "old": source.text[edit.start : edit.end].strip()[:_LONGEST],
                    "new": edit.new.strip()[:_LONGEST],
                    "suspect": min(known, default=None),
                    "rank": rank,
                    "template": candidates[rank].template if rank is not None else "",
                }
            )
    return found


def _find_region(source: Source, line: int) -> tuple[int, int]:
    """Offsets of the outermost function around a line, else of the top-level statement."""
    first = last = line
    top = source.top(line)
    if top is not None:
        first, last = min(top.lineno, line), max(top.end_lineno or line, line)
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS) and node.lineno <= line <= (node.end_lineno or 0) + 1:
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            last = max(node.end_lineno or line, line)
            break
    end = source.starts[last] if last < len(source.starts) else len(source.text)
    return source.starts[first - 1], end


def _render(source: Source, line: int, edits: Sequence[TextEdit]) -> str:
    """The region around a line with the edits; "" where one lies outside of it."""
    start, end = _find_region(source, line)
    end = max([end, *(each.end for each in edits)])
    moved = [TextEdit(each.start - start, each.end - start, each.new) for each in edits]
    if any(each.start < 0 for each in moved):
        return ""
    try:
        return apply_edits(source.text[start:end], moved)
    except ValueError:
        return ""


def _dump(source: Source, line: int, edits: Sequence[TextEdit]) -> str:
    try:
        return ast.dump(ast.parse(textwrap.dedent(_render(source, line, edits))))
    except (SyntaxError, ValueError, RecursionError):
        return ""
