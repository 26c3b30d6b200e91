"""Chooses among changes that all make the tests pass: by what they do to the code, and by what else they do.

A change is the likelier the more of the function's inputs it still uses, the less it does differently on what
passed before, the fewer new exceptions it brings, and the more of the other changes agree with it. That tests
alone do not tell right from wrong: E. Smith et al., "Is the cure worse than the disease? Overfitting in
automated program repair", ESEC/FSE 2015.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from . import clock
from .candidates import Candidate, FoundChange
from .forkserver.candidate_runner import CandidateRunner
from .forkserver.client import ServerRefused
from .source import FUNCTIONS, Source, apply_edits

COMPARED = 10  # changes that are compared by what they give
PASSING = 25  # tests whose inputs are taken
SECONDS = 4.0  # for comparing
_PLAIN = frozenset(("100", "-1", "0.0", "1.0", "0.5", "''"))  # values that any code may have
_HANDLER = 0.3  # how much less likely a change is that swallows an exception
_LOST = 0.5  # that no longer reads what it was given
_BORROWED = 0.5  # that puts a value of the failing tests into the code
_EMPTY = 0.05  # whose new condition can only end one way


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """Another change that passes, and a call by which the two differ."""

    change: FoundChange
    call: str
    this: str
    other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Changes with how likely each is, the likeliest first, and what they give for the same calls."""

    ranked: tuple[FoundChange, ...]
    calls: tuple[str, ...] = ()
    outputs: tuple[tuple[str, ...], ...] = ()  # beside ``ranked``; () for one that was not compared

    def find_rival(self, chosen: FoundChange) -> Rival | None:
        """The likeliest other change that does something else, with the first call that shows it."""
        if not self.outputs:
            return None
        own = self.outputs[self.ranked.index(chosen)]
        for change, outputs in zip(self.ranked, self.outputs, strict=True):
            for call, this, other in zip(self.calls, own, outputs, strict=False):
                if this != other:
                    return Rival(change=change, call=call, this=this, other=other)
        return None


def compare_changes(runner: CandidateRunner, answers: Sequence[FoundChange]) -> Comparison:
    """Rank changes that pass. Fewer parts come before more, whatever they do."""
    plain = sorted(answers, key=lambda each: (len(each.parts), -each.score * judge_text(runner, each)))
    few = [each for each in plain if len(each.parts) == len(plain[0].parts)][:COMPARED] if plain else []
    table = _probe(runner, few) if len(few) > 1 else None
    if table is None:
        return Comparison(ranked=tuple(plain))
    calls, passing, base, outputs = table
    likely = {
        id(each): each.score
        * judge_text(runner, each)
        * _judge_outputs(outputs[number], base, passing, outputs)
        for number, each in enumerate(few)
    }
    order = sorted(range(len(few)), key=lambda number: -likely[id(few[number])])
    ranked = [few[number] for number in order]
    rest = [each for each in plain if each not in ranked]
    shown = [tuple(outputs[number]) for number in order] + [()] * len(rest)
    return Comparison(ranked=(*ranked, *rest), calls=tuple(calls), outputs=tuple(shown))


def _probe(
    runner: CandidateRunner, changes: Sequence[FoundChange]
) -> tuple[list[str], int, list[str], list[list[str]]] | None:
    """The calls, how many are of passing tests, what the base gives and what each change gives."""
    part = changes[0].parts[0]
    covering = runner.choose_covering(changes[0].parts)[:PASSING]
    failing = sorted(changes[0].turned)[:5]
    patches = [runner.patch(each.parts) or [] for each in changes]
    function = (f"{runner.root}/{part.path}", part.function)
    total = min(SECONDS, max(1.0, runner.end - clock.read_seconds()))
    try:
        rows = runner.server.probe(covering, failing, patches, function, total=total)
    except ServerRefused:
        return None
    if len(rows) != len(changes) + 1 or not rows[0]["inputs"]:
        return None
    outputs = [row["outputs"] if patch else [] for row, patch in zip(rows[1:], patches, strict=True)]
    return rows[0]["inputs"], rows[0]["passing"], rows[0]["outputs"], outputs


def _judge_outputs(own: list[str], base: list[str], passing: int, everybody: list[list[str]]) -> float:
    """How likely a change is by what it gives: 1.0 at most."""
    if not own:
        return 0.5
    same = (
        sum(one == two for one, two in zip(own[:passing], base, strict=False)) / passing if passing else 1.0
    )
    returned = [at for at, each in enumerate(base) if not each.startswith(("raises ", "no end"))]
    broken = sum(own[at].startswith(("raises ", "no end")) for at in returned) / (len(returned) or 1)
    others = [each for each in everybody if each and each is not own]
    agreed = [sum(one == two for one, two in zip(own, each, strict=True)) / len(own) for each in others]
    consensus = sum(agreed) / len(agreed) if agreed else 1.0
    return (0.3 + 0.7 * same) * (1.0 - 0.7 * broken) * (0.7 + 0.3 * consensus)


def judge_text(runner: CandidateRunner, change: FoundChange) -> float:
    """How likely a change is by what it does to its functions: 1.0 at most."""
    likely = 1.0
    for part in change.parts:
        source = runner.findings.sources[part.path]
        before = _find_function(source.tree, part.function)
        try:
            after = _find_function(ast.parse(apply_edits(source.text, part.edits)), part.function)
        except (SyntaxError, ValueError):
            return 0.01
        likely *= _BORROWED if list_borrowed(runner, part) else 1.0
        likely *= _HANDLER if part.template == "missing-handler" else 1.0
        if before is not None and after is not None:
            likely *= _LOST if _list_read(before) - _list_read(after) else 1.0
            likely *= _EMPTY if _count_empty(after) > _count_empty(before) else 1.0
    return likely


def list_borrowed(runner: CandidateRunner, part: Candidate) -> list[str]:
    """Values of the failing tests that a change puts into a file that has them not: ``2000``, ``'oxen'``."""
    text = runner.findings.sources[part.path].text
    found = []
    for literal in runner.findings.test_literals:
        if literal in _PLAIN or len(literal) < 3:
            continue
        pattern = re.compile(rf"(?<![\w.'\"]){re.escape(literal)}(?![\w.'\"])")
        if any(pattern.search(edit.new) for edit in part.edits) and not pattern.search(text):
            found.append(literal)
    return sorted(found)


def _find_function(tree: ast.Module, name: str) -> ast.AST | None:
    """A function by its dotted name."""
    body: list[ast.stmt] = tree.body
    found: ast.AST | None = None
    for part in name.split("."):
        found = next(
            (each for each in body if isinstance(each, (*FUNCTIONS, ast.ClassDef)) and each.name == part),
            None,
        )
        if not isinstance(found, (*FUNCTIONS, ast.ClassDef)):
            return None
        body = found.body
    return found if isinstance(found, FUNCTIONS) else None


def _list_read(function: ast.AST) -> set[str]:
    """Parameters that the function reads, and what it reads of ``self``."""
    arguments = function.args  # type: ignore[attr-defined]
    given = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    read = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return given & read


def _count_empty(function: ast.AST) -> int:
    """Conditions that can only end one way: constants, and both sides the same."""
    return sum(_is_decided(node) for node in ast.walk(function))


def _is_decided(node: ast.AST) -> bool:
    match node:
        case ast.If(test=ast.Constant()) | ast.IfExp(test=ast.Constant()):
            return True
        case ast.BoolOp(values=[*first, _]):
            return any(isinstance(each, ast.Constant) for each in first)
        case ast.Compare(left=left, comparators=[right, *_]):
            return ast.dump(left) == ast.dump(right)
    return False


def count_covering(runner: CandidateRunner, source: Source, part: Candidate) -> int:
    """How many passing tests run the lines that a change touches, of those that were traced."""
    path = f"{runner.root}/{source.path}"
    lines = {source.line_of(edit.start) for edit in part.edits}
    return sum(bool(lines & set(run.lines.get(path, ()))) for run in runner.base.passing.values())


def find_twins(source: Source, before: str, line: int) -> list[int]:
    """Other lines of the file that say the same as the one that was wrong."""
    text = before.strip()
    if "\n" in text or len(text) < 12:
        return []
    lines = source.text.splitlines()
    return [number for number, each in enumerate(lines, start=1) if each.strip() == text and number != line][
        :5
    ]
