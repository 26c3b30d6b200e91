"""What the functions of changed files give: for the calls that the tests make, and for calls near those.

Every function of the files gets a call around its body (``programs/see.cjs``), which records what comes from
outside of the files. So two changes that pass can be told apart, or are seen to be the same.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..candidates import JsCandidate
from ..judge import Judge
from ..node_run import NodeRun, Seen
from ..syntax.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node

SEE = Path(__file__).resolve().parent.parent / "programs" / "see.cjs"
NO_END = "no end"
MADE = "made "
_KEPT = frozenset(("function_declaration", "function_expression", "arrow_function", "method_definition"))
_OWN = re.compile(r"(?<![\w$.])super(?![\w$])|(?<![\w$])new\s*\.\s*target(?![\w$])")
_ARGUMENTS = re.compile(r"(?<![\w$.])arguments(?![\w$])")
_MODULE = frozenset(("import_statement", "export_statement"))
_LATE = ("", "tape", "mocha", "node:test")  # runners whose process comes to an end that can be heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What each call gave, by its text, in the order of the calls: of the tests, and of those made up."""

    seen: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


class Observer:
    """Runs the tests with changes of some files; ``paths`` are those that the changes are in."""

    def __init__(self, judge: Judge, sources: Sequence[SourceFile], seconds: float) -> None:
        self._judge, self._seconds = judge, seconds
        self._sources = {source.path: source for source in sources}
        self._made = "late" if judge.runner in _LATE else "soon"
        self._whole: bool | None = None  # whether the repository's own command shows calls; None before a try

    def observe(self, candidate: JsCandidate | None, *, names: Sequence[str] = ()) -> Observation:
        """What is given with a change, or without one; ``names`` are the only tests to run."""
        texts = {}
        for path, source in self._sources.items():
            data = source.data
            if candidate is not None and candidate.path == path:
                data = candidate.apply(data)
            texts[path] = add_recorders(SourceFile(path=path, data=data))
        log = self._judge.scratch / "seen"
        with ExitStack() as stack:
            for path, source in self._sources.items():
                stack.enter_context(_write(self._judge.root / path, texts[path], source.data))
            if names or self._whole is False:
                return self._run_part(log, names)
            found = self._run_all(log)
            if not found.seen and self._whole is None:
                found = self._run_part(log, ())
                self._whole = False
            else:
                self._whole = True
            return found

    def _run_all(self, log: Path) -> Observation:
        log.write_bytes(b"")
        run = self._judge.run_all(self._seconds, seen=Seen(log=log, made=self._made))
        return self._read(log, run)

    def _run_part(self, log: Path, names: Sequence[str]) -> Observation:
        log.write_bytes(b"")
        seen = Seen(log=log, made=self._made)
        run = self._judge.run_part(self._seconds, files=self._judge.files, names=names, seen=seen)
        return self._read(log, run)

    def _read(self, log: Path, run: NodeRun) -> Observation:
        if run.hung:
            self._made = ""  # a made-up call without end costs its patience once
        return read_log(log)


def read_log(path: Path) -> Observation:
    """What ``see.cjs`` wrote; a made-up call that began and gave nothing has no end."""
    seen: dict[str, str] = {}
    made: dict[str, str] = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError, KeyError, AttributeError):
            told = json.loads(line)
            if "begins" in told:
                made[str(told["begins"])] = NO_END
                continue
            call, gives = str(told["call"]), str(told["gives"])
            if call.startswith(MADE):
                made[call.removeprefix(MADE)] = gives
            else:
                seen[call] = gives
    return Observation(seen=seen, made=made)


@contextmanager
def _write(path: Path, text: bytes, before: bytes) -> Iterator[None]:
    path.write_bytes(text)
    try:
        yield
    finally:
        path.write_bytes(before)


def add_recorders(source: SourceFile) -> bytes:
    """The file's text in which every function tells what it gives; lines stay where they are."""
    edits: list[tuple[int, int, int, str]] = []  # start, order among those of one start, end, text
    covered: list[tuple[int, int]] = []  # parameters, which are written twice
    for number, node in enumerate(source.functions, start=1):
        if any(start <= node.start_byte < end for start, end in covered):
            continue
        made = _record(source, node)
        if made is None:
            continue
        *begin, (start, end, new) = made
        edits += [(*each[:1], number, *each[1:]) for each in begin]
        edits.append((start, -number, end, new))  # what is inside ends first
        parameters = node.child_by_field_name("parameters")
        if parameters is not None:
            covered.append((parameters.start_byte, parameters.end_byte))
    pieces: list[bytes] = []
    at = 0
    for start, _, end, new in sorted(edits):
        pieces += [source.data[at:start], new.encode("utf-8")]
        at = end
    pieces.append(source.data[at:])
    program = json.dumps(str(SEE))
    if any(child.type in _MODULE for child in source.root_node.named_children):
        tail = (
            f"\nimport hobSeen from {program};\nfunction hobSee(...told) {{ return hobSeen.see(...told); }}\n"
        )
    else:
        tail = f"\nfunction hobSee() {{ return require({program}).see.apply(null, arguments); }}\n"
    return b"".join((*pieces, tail.encode("utf-8")))


def _record(source: SourceFile, node: Node) -> list[tuple[int, int, str]] | None:
    """The edits that put a call around a function's body; None where that would change what it does."""
    body = node.child_by_field_name("body")
    parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    if node.type not in _KEPT or body is None or parameters is None:
        return None
    signs = {child.type for child in node.children}
    name = source.name_function(node).rpartition(".")[2] or "(function)"
    text = source.text(body)
    bound = bool(_OWN.search(text))  # to be called as it is: with no other arguments, and once
    if "*" in signs or "set" in signs or name == "constructor" or (bound and _ARGUMENTS.search(text)):
        return None
    given = source.text(parameters)
    given = given if given.startswith("(") else f"({given})"
    wait = "async " if "async" in signs else ""
    told = json.dumps(name)
    if node.type == "arrow_function":
        begin = f"hobSee({told}, undefined, hobGiven, {wait}{given} => "
        edits = [(parameters.start_byte, parameters.end_byte, "(...hobGiven)")]
        if body.type == "statement_block":
            begin = f"{{ return {begin}"
            return [*edits, (body.start_byte, body.start_byte, begin), (body.end_byte, body.end_byte, "); }")]
        return [*edits, (body.start_byte, body.start_byte, begin), (body.end_byte, body.end_byte, ")")]
    inner = f"{wait}{given} => {{" if bound else f"{wait}function {given} {{"
    begin = f" return hobSee({told}, this, arguments, {inner}"
    end = "}, true); " if bound else "}); "
    return [
        (body.start_byte + 1, body.start_byte + 1, begin),
        (body.end_byte - 1, body.end_byte - 1, end),
    ]
