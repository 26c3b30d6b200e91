"""How likely a change is by what it does to the code, and why it is not to be trusted.

Each finding is a factor between 0 and 1 with its reason, said of "a change that ...".
"""

from __future__ import annotations

import ast
import keyword
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..candidates import Candidate, FoundChange
from ..forkserver.candidate_runner import CandidateRunner
from ..request.asked import is_akin
from ..source import FUNCTIONS, Source, apply_edits
from .conditions import count_decided, count_folded_sides, count_tested_numbers, is_guard_inverted

_NAME = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"(?<![\w.])\d[\d_.]*+")
_PLAIN = frozenset(("100", "-1", "0.0", "1.0", "0.5", "''"))  # values that any code may have
NEVER_ENDS = frozenset(("RecursionError", "Hang"))
# Template: what is gone.
_TAKES_AWAY = {"needless-condition": "a condition", "other-argument": "a call", "needless-loop": "a call"}
_CONVERSIONS = frozenset(("str", "repr", "ascii", "bool"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What speaks against a change: how likely it is all the same, and what it does."""

    likely: float
    why: str


def judge_text(runner: CandidateRunner, change: FoundChange) -> float:
    """How likely a change is by what it does to its functions: 1.0 at most."""
    likely = 1.0
    for objection in list_objections(runner, change):
        likely *= objection.likely
    return likely


def list_objections(runner: CandidateRunner, change: FoundChange) -> list[Objection]:
    """Everything that speaks against a change, going by its text."""
    return [each for part in change.parts for each in _object_to_part(runner, part)]


def _object_to_part(runner: CandidateRunner, part: Candidate) -> Iterator[Objection]:
    source = runner.findings.sources[part.path]
    before = find_function(source.tree, part.function)
    try:
        after = find_function(ast.parse(apply_edits(source.text, part.edits)), part.function)
    except (SyntaxError, ValueError):
        yield Objection(likely=0.01, why="is not valid Python")
        return
    if list_borrowed(runner, part):
        yield Objection(likely=0.5, why="puts a value of the failing tests into the code")
    if part.template == "missing-handler":
        yield Objection(likely=0.3, why="swallows an exception")
    if part.template in _TAKES_AWAY:
        yield Objection(likely=0.25, why=f"does without {_TAKES_AWAY[part.template]} that stood there")
    if before is None or after is None:
        return
    if _list_read(before) - _list_read(after):
        yield Objection(likely=0.5, why="no longer reads what the function is given")
    if count_decided(after) > count_decided(before):
        yield Objection(likely=0.05, why="adds a condition that can only end one way")
    if _turns_into_text(before, after) and not _tests_compare_text(runner):
        yield Objection(
            likely=0.05, why="only turns the value into a text, which every test of truth accepts"
        )
    if _gives_a_constant(runner, before, after):
        yield Objection(likely=0.5, why="gives a fixed value that no test asks for")
    if count_folded_sides(after) > count_folded_sides(before):
        yield Objection(likely=0.5, why="changes one side of a comparison and not the other")
    if number := _guess_number(runner, source, before, after):
        yield Objection(
            likely=0.25, why=f"puts {number} into a condition, which neither the code nor a test names"
        )
    if is_guard_inverted(before, after):
        ends = {run.failure.get("type", "") for run in runner.base.failing}
        endless = bool(ends) and ends <= NEVER_ENDS
        why = "turns round the condition at which it stops" if endless else "turns a condition round"
        yield Objection(likely=0.05 if endless else 0.6, why=why)
    if _fits_one_value(runner, part, before, after):
        yield Objection(likely=0.05, why="only fits the value that the failing test has")


_TURNS = {
    "arm-order": "changes which branch comes first",
    "boolean-operator": "joins conditions the other way",
    "branches": "changes which branch runs",
    "condition": "changes a condition",
    "missing-handler": "catches an exception that went on before",
    "narrowed-else": "changes a condition",
    "needless-condition": "drops a condition",
    "negation": "turns a condition round",
    "exact-type": "tests for another type",
    "removed-statement": "leaves a statement out",
    "shaped-value": "converts what is given",
    "tested-type": "tests for another type",
}
_BOUNDS = ({"<", "<="}, {">", ">="}, {"is", "=="}, {"is not", "!="})  # the same, but for where it ends


def describe_turn(runner: CandidateRunner, change: FoundChange) -> str:
    """How a change sends what passed before another way, or takes it for something else; '' when it does not.

    Such a change passes by chance where the tests that passed look at neither way.
    """
    for part in change.parts:
        if part.template == "comparison":
            text = runner.findings.sources[part.path].text
            kinds = [{text[edit.start : edit.end].strip(), edit.new.strip()} for edit in part.edits]
            if any(kind not in _BOUNDS for kind in kinds):
                return "turns a comparison round"
        if part.template == "exception-type" and any("," in edit.new for edit in part.edits):
            return "catches one exception more"
        if part.template in _TURNS:
            return _TURNS[part.template]
    return ""


def is_asked_for(runner: CandidateRunner, change: FoundChange) -> bool:
    """Whether the request has a word for every name that the change brings: ``if fragment and keep``."""
    said = [word.lower() for word in _NAME.findall(runner.findings.request)]
    come: set[str] = set()
    for part in change.parts:
        text = runner.findings.sources[part.path].text
        old = {name for edit in part.edits for name in _NAME.findall(text[edit.start : edit.end])}
        come |= {name for edit in part.edits for name in _NAME.findall(edit.new)} - old
    come = {name.strip("_").lower() for name in come if not keyword.iskeyword(name)}
    return bool(come) and all(
        any(len(part) > 3 and is_akin(part, word) for part in {name, *name.split("_")} for word in said)
        for name in come
    )


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


def count_new_numbers(runner: CandidateRunner, part: Candidate) -> int:
    """How many numbers a change brings that stood not in what it replaces: 4 in ``x + 4`` for ``x + 2``."""
    text = runner.findings.sources[part.path].text
    before = Counter(number for edit in part.edits for number in _NUMBER.findall(text[edit.start : edit.end]))
    after = Counter(number for edit in part.edits for number in _NUMBER.findall(edit.new))
    return (after - before).total()


def find_function(tree: ast.Module, name: str) -> ast.AST | None:
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
    """Parameters that the function reads."""
    arguments = function.args  # type: ignore[attr-defined]
    given = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    read = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    return given & read


def _gives_a_constant(runner: CandidateRunner, before: ast.AST, after: ast.AST) -> bool:
    """Whether a new ``return`` has a literal that none of the failing tests' comparisons has."""
    old, new = (
        {
            repr(node.value.value)
            for node in ast.walk(each)
            if isinstance(node, ast.Return)
            and isinstance(node.value, ast.Constant)
            and node.value.value is not None
        }
        for each in (before, after)
    )
    if any(run.failure.get("type") != "AssertionError" for run in runner.base.failing):
        return False
    compared = {str(each) for run in runner.base.failing for each in run.failure.get("compared") or ()}
    heads = [str(run.failure.get("text", "")).partition("\n")[0] for run in runner.base.failing]
    return any(
        each not in compared and not any(_holds_value(head, each) for head in heads) for each in new - old
    )


def _holds_value(text: str, value: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(value)}(?![\w.])", text) is not None


def _guess_number(runner: CandidateRunner, source: Source, before: ast.AST, after: ast.AST) -> str:
    """A number new in a condition, not beside the old one, that stands nowhere else; "" for none."""
    old, new = count_tested_numbers(before), count_tested_numbers(after)
    gone, come = list((old - new).elements()), list((new - old).elements())
    if len(gone) != 1 or len(come) != 1 or abs(come[0] - gone[0]) <= 1 or come[0] == -gone[0]:
        return ""
    shown = repr(come[0])
    known = _holds_value(source.text, shown) or shown in runner.findings.test_literals
    return "" if known else shown


def _turns_into_text(before: ast.AST, after: ast.AST) -> bool:
    """Whether a call of ``str``, ``repr`` or ``bool`` came around a value."""
    return bool(_count_conversions(after) - _count_conversions(before))


def _count_conversions(function: ast.AST) -> Counter[str]:
    return Counter(
        node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CONVERSIONS
    )


def _tests_compare_text(runner: CandidateRunner) -> bool:
    """Whether a failing test says what a text, or a truth value, has to be."""
    for run in runner.base.failing:
        said = [*(str(each) for each in run.failure.get("compared") or ()), str(run.failure.get("text", ""))]
        if any(re.search(r"['\"]|\b(?:True|False)\b", each) for each in said):
            return True
        if run.failure.get("type") not in ("AssertionError", "Failed"):
            return True  # it ended in an exception, as ``"a" + 1`` does
    return False


def _fits_one_value(runner: CandidateRunner, part: Candidate, before: ast.AST, after: ast.AST) -> bool:
    """Whether the code now compares with a value of the failing tests, or gives it instead of a result."""
    borrowed = set(list_borrowed(runner, part))
    if not borrowed:
        return False
    old, new = (Counter(_list_fixed(each, borrowed)) for each in (before, after))
    return bool(new - old) and _count_constants(after) > _count_constants(before)


def _count_constants(function: ast.AST) -> int:
    return sum(isinstance(node, ast.Constant) for node in ast.walk(function))


def _list_fixed(function: ast.AST, literals: set[str]) -> Iterator[str]:
    """Comparisons with one of the values, and statements that return one of them unchanged."""
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=left, comparators=comparators):
                if any(_is_literal(each, literals) for each in (left, *comparators)):
                    yield ast.dump(node)
            case ast.Return(value=value) | ast.Assign(value=value) if value is not None:
                values = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
                if any(_is_literal(each, literals) for each in values):
                    yield ast.dump(node)


def _is_literal(node: ast.expr, literals: set[str]) -> bool:
    try:
        return repr(ast.literal_eval(node)) in literals
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False


def count_covering(runner: CandidateRunner, source: Source, part: Candidate) -> int:
    """How many passing tests run the lines that a change touches, of those that were traced."""
    path = f"{runner.root}/{source.path}"
    lines = {source.line_of(edit.start) for edit in part.edits}
    return sum(bool(lines & set(run.lines.get(path, ()))) for run in runner.base.passing.values())


_LITERAL = re.compile(r"'[^'\n]{3,200}'|\"[^\"\n]{3,200}\"")


def find_twins(source: Source, before: str, after: str, line: int) -> list[int]:
    """Other lines of the file that say what the wrong one said, or have the literal that was wrong in it."""
    text = before.strip()
    gone = {each[1:-1] for each in _LITERAL.findall(before)} - {
        each[1:-1] for each in _LITERAL.findall(after)
    }
    known = [text] if "\n" not in text and len(text) >= 12 else []
    return [
        number
        for number, each in enumerate(source.text.splitlines(), start=1)
        if number != line
        and (each.strip() in known or any(found[1:-1] in gone for found in _LITERAL.findall(each)))
    ][:5]
