"""What is looked at of a candidate change: features by name, most of them 1.0 when they hold.

They say what kind of edit it is, where it stands, what the text is made of, and what the request and the
failing tests have to do with it. ``learned.weights`` gives each a weight.
"""

from __future__ import annotations

import ast
import builtins
import keyword
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..candidates import Candidate
from ..localise import Findings
from ..site import Clues
from ..source import FUNCTIONS, Source
from ..templates import TEMPLATES

Features = dict[str, float]

DEEPEST = 6.0  # from here on, deeper makes no difference
_NAME = re.compile(r"[A-Za-z_]\w*")
_LITERAL = re.compile(r"""'[^'\n]*+'|"[^"\n]*+"|\b\d[\w.]*+""")
_KEYWORDS = frozenset(keyword.kwlist)
_PLAIN = frozenset(("0", "1", "''", '""', "-1", "2"))
_BUILTINS = frozenset(dir(builtins))
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ERRORS = {each.name: each.errors for each in TEMPLATES}


@dataclass(slots=True)
class _File:
    """What is known of a file, computed once."""

    source: Source
    statements: dict[int, ast.stmt] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    by_function: dict[str, frozenset[str]] = field(default_factory=dict)
    by_line: dict[int, Features] = field(default_factory=dict)


class FeatureReader:
    """Reads the features of candidates for one request."""

    def __init__(self, findings: Findings, clues: Clues, request: str) -> None:
        self.findings = findings
        self.clues = clues
        self.request = frozenset(word.lower() for word in _NAME.findall(request) if len(word) > 3)
        self.words = frozenset(word.lower() for word in clues.words if len(word) > 3)
        self.literals = frozenset(map(repr, (*clues.numbers, *clues.strings)))
        self._files: dict[str, _File] = {}

    def read(self, candidate: Candidate) -> Features:
        """All features of one candidate that are not 0."""
        file = self._files.get(candidate.path)
        if file is None:
            file = self._files[candidate.path] = _read_file(self.findings.sources[candidate.path])
        place = file.by_line.get(candidate.line)
        if place is None:
            place = file.by_line[candidate.line] = dict(self._read_place(file, candidate))
        found = place.copy()
        found["log:suspicion"] = math.log(max(candidate.suspicion, 1e-6))
        found["log:edit"] = math.log(max(candidate.score / max(candidate.suspicion, 1e-6), 1e-6))
        found[f"template:{candidate.template}"] = 1.0
        if _ERRORS.get(candidate.template, frozenset()) & self.clues.errors:
            found["error:fits"] = 1.0
        self._read_text(file, candidate, found)
        return found

    def _read_place(self, file: _File, candidate: Candidate) -> Iterator[tuple[str, float]]:
        source, statement = file.source, file.statements.get(candidate.line)
        if statement is None:
            yield "place:none", 1.0
            return
        yield f"statement:{type(statement).__name__}", 1.0
        above = list(source.ancestors(statement))
        depth = next((at for at, each in enumerate(above) if isinstance(each, FUNCTIONS)), None)
        if depth is None:
            yield "place:outside", 1.0
        else:
            yield "place:depth", min(depth, DEEPEST) / DEEPEST
            for kind, name in ((_LOOPS, "loop"), ((ast.If,), "if"), ((ast.Try,), "try")):
                if any(isinstance(each, kind) for each in above[:depth]):
                    yield f"inside:{name}", 1.0
            body = above[depth].body  # type: ignore[attr-defined]
            if statement in (body[0], body[min(1, len(body) - 1)]):
                yield "place:first", 1.0
            if statement is body[-1]:
                yield "place:last", 1.0
        parts = {part.lower() for part in _NAME.findall(candidate.function)}
        if parts & self.request:
            yield "function:request", 1.0
        if parts & self.words:
            yield "function:tests", 1.0
        said = {name.lower() for name in _NAME.findall(source.line(candidate.line))}
        if said & self.request:
            yield "line:request", 1.0
        if said & self.words:
            yield "line:tests", 1.0

    def _read_text(self, file: _File, candidate: Candidate, found: Features) -> None:
        old = " ".join(file.source.text[each.start : each.end] for each in candidate.edits)
        new = " ".join(each.new for each in candidate.edits)
        if len(candidate.edits) > 1:
            found["edit:several"] = 1.0
        if candidate.fresh:
            found["edit:fresh"] = 1.0
        if not new.strip():
            found["edit:removes"] = 1.0
        grown = len(new.strip()) - len(old.strip())
        found["edit:grows" if grown > 0 else "edit:shrinks"] = math.log1p(abs(grown))
        old_names, new_names = _list_names(old), _list_names(new)
        come = new_names - old_names
        if come:
            near = file.by_function.get(candidate.function, frozenset())
            if come <= near:
                found["names:function"] = 1.0
            elif come <= file.names:
                found["names:file"] = 1.0
            elif come <= _BUILTINS | file.names:
                found["names:builtin"] = 1.0
            else:
                found["names:unknown"] = 1.0
            small = {name.lower() for name in come}
            if small & self.request:
                found["names:request"] = 1.0
            if small & self.words:
                found["names:tests"] = 1.0
        if old_names - new_names:
            found["names:lost"] = 1.0
        literals = set(_LITERAL.findall(new)) - set(_LITERAL.findall(old)) - _PLAIN
        if literals:
            found["literal:new"] = 1.0
            if literals & self.literals:
                found["literal:tests"] = 1.0


def _list_names(text: str) -> frozenset[str]:
    return frozenset(_NAME.findall(text)) - _KEYWORDS


def _read_file(source: Source) -> _File:
    file = _File(source=source, names=_list_names(source.text))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.stmt):
            first = node.lineno
            last = (
                node.body[0].lineno - 1 if hasattr(node, "body") and node.body else node.end_lineno or first
            )
            for line in range(first, max(first, last) + 1):
                file.statements[line] = node
        if isinstance(node, FUNCTIONS):
            file.by_function[source.qualname(node)] = _list_names(source.segment(node))
    return file
