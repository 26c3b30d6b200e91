"""Candidate changes of the suspicious places, the likeliest first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import clock
from .localise import Suspicion
from .syntax.source import SourceFile
from .templates.edit import JsClues, JsEdit, Template
from .templates.equal_sides import makes_sides_equal
from .templates.registry import TEMPLATES

if TYPE_CHECKING:
    from tree_sitter import Node

MOST = 12_000
REPEATED = 0.99  # how likely a template's next candidate is, beside the one before
MOST_MADE = 60_000  # before the likeliest are kept: places of a long function are equally suspicious
_NODES = 20_000  # of all files, the most suspicious ones
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?(?![\w.])")
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_MISSING = (
    re.compile(r"ReferenceError: (\w{1,80}) is not defined"),
    re.compile(r"Cannot read propert(?:y|ies) (?:'|of (?:undefined|null) \(reading ')(\w{1,80})'"),
    re.compile(r"(?<!\w)(\w{1,80}) is not a function"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsCandidate:
    """One edit of one file with its place and rank."""

    path: str
    line: int
    function: str
    score: float
    edit: JsEdit
    passing: int | None  # how often passing tests ran the place; None where that is not known

    def apply(self, data: bytes) -> bytes:
        """The file's text with the edit."""
        return data[: self.edit.start] + self.edit.new.encode("utf-8") + data[self.edit.end :]


def gather_clues(root: Path, files: Iterable[str], names: Iterable[str], output: str) -> JsClues:
    """The literals and words of the failing tests, from their own text as far as their titles are found."""
    numbers: dict[str, None] = {}
    strings: dict[str, None] = {}
    words: set[str] = set()
    throws = False
    titles = [name.rpartition(" > ")[2] for name in names]
    for file in files:
        path = str(Path(file).relative_to(root)) if file.startswith(f"{root}/") else file
        source = SourceFile.read(root, path)
        if source is None:
            continue
        for node in _find_tests(source, titles):
            text = source.text(node)
            throws = throws or "throw" in text or "reject" in text
            words.update(_WORD.findall(text))
            numbers |= dict.fromkeys(_NUMBER.findall(text)[:60])
            for inner in source.nodes:
                if inner.type == "string" and node.start_byte <= inner.start_byte < node.end_byte:
                    strings[source.text(inner)[1:-1]] = None
    missing = {name for pattern in _MISSING for name in pattern.findall(output)}
    return JsClues(
        numbers=tuple(each for each in numbers if len(each) < 8)[:12],
        strings=tuple(each for each in strings if len(each) < 60)[:40],
        words=frozenset(words),
        output=output[-20_000:],
        missing=frozenset(missing),
        throws=throws,
    )


def _find_tests(source: SourceFile, titles: Sequence[str]) -> list[Node]:
    """The calls that define the tests of these titles, at most twelve."""
    found: list[Node] = []
    for node in source.nodes:
        arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
        if arguments is None or not arguments.named_child_count:
            continue
        first = arguments.named_children[0]
        if first.type == "string" and source.text(first)[1:-1] in titles and len(found) < 12:
            found.append(node)
    return found


def propose(
    suspicions: Sequence[Suspicion],
    clues: JsClues,
    seconds: float,
    say: Callable[[str], None] = lambda _: None,
) -> list[JsCandidate]:
    """What the templates make of the suspicious places, until the time is up.

    A template that fails at a place makes nothing more of it; ``say`` is told of each template's first time.
    """
    until = clock.read_seconds() + seconds
    rated = [(one.rate(node), one, node) for one in suspicions for node in one.source.nodes]
    rated = [each for each in rated if each[0] > 0.02]
    rated.sort(key=lambda each: -each[0])
    found: dict[tuple[str, int, int, str], JsCandidate] = {}
    failed: dict[Template, str] = {}
    for suspicion, one, node in rated[:_NODES]:
        if clock.read_seconds() > until or len(found) >= MOST_MADE:
            break
        source = one.source
        for template in TEMPLATES:
            for small in _make_edits(template, source, node, clues, failed):
                key = (source.path, small.start, small.end, small.new)
                score = suspicion * small.weight
                known = found.get(key)
                if known is None or known.score < score:
                    found[key] = JsCandidate(
                        path=source.path,
                        line=source.data.count(b"\n", 0, small.start) + 1,
                        function=source.name_function(node),
                        score=score,
                        edit=small,
                        passing=one.passing(node),
                    )
    for why in failed.values():
        say(why)
    return _mix(sorted(found.values(), key=lambda each: -each.score)[:MOST])


def _make_edits(
    template: Template, source: SourceFile, node: Node, clues: JsClues, failed: dict[Template, str]
) -> Iterator[JsEdit]:
    """A template's edits at a place; those before its failure where it fails, which ``failed`` then says."""
    try:
        for edit in template(source, node, clues):
            small = _trim(source.data, edit)
            if small is not None and not makes_sides_equal(source, node, edit):
                yield small
    except Exception as error:  # whatever it is, it costs one place and not the search
        where = f"{source.path}:{node.start_point[0] + 1}"
        name = getattr(template, "__name__", "a template")
        failed.setdefault(template, f"{name} fails at {where}: {type(error).__name__}")


def _mix(ranked: Sequence[JsCandidate]) -> list[JsCandidate]:
    """In the order of the tries: the more of a template came before, the less likely is its next one."""
    count: Counter[str] = Counter()
    rated = []
    for each in ranked:
        rated.append((each.score * REPEATED ** count[each.edit.template], each))
        count[each.edit.template] += 1
    return [each for _, each in sorted(rated, key=lambda pair: -pair[0])]


def _trim(data: bytes, edit: JsEdit) -> JsEdit | None:
    """The edit without what it leaves as it is; None where it changes nothing."""
    old, new = data[edit.start : edit.end], edit.new.encode("utf-8")
    if old == new:
        return None
    most = min(len(old), len(new))
    head = next((at for at in range(most) if old[at] != new[at]), most)
    tail = next((at for at in range(most - head) if old[-1 - at] != new[-1 - at]), most - head)
    try:
        text = new[head : len(new) - tail].decode("utf-8")
    except UnicodeDecodeError:
        return edit
    return JsEdit(start=edit.start + head, end=edit.end - tail, new=text, template=edit.template,
                  weight=edit.weight, borrowed=edit.borrowed)  # fmt: skip
