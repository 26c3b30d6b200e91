"""A fix as a choice: all candidates that the engine makes around the place, and which of them is the fix.

Nothing of the repository is run: the candidates are those of the templates on the lines around what the fix
changed, with the literals and names of its changed tests as clues. So what is learned is which edit it is and
where in its function; how suspicious a line is by the tests' runs keeps the weight that it has.
"""

from __future__ import annotations

import ast
import builtins
import difflib
import inspect
import keyword
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from bot.eval.real.history import Fix, SourceChange, list_changed_blocks, normalise, read_texts
from bot.git.mirror import git_directory
from bot.guest.mend.candidates import Candidate, propose
from bot.guest.mend.clues import read_test_nodes
from bot.guest.mend.learned.features import FeatureReader, Features
from bot.guest.mend.learned.fixes import drop_form
from bot.guest.mend.localise import Findings, Suspect
from bot.guest.mend.site import Clues
from bot.guest.mend.source import FUNCTIONS, Source, TextEdit, apply_edits
from bot.guest.mend.templates import MODULES

AROUND = 3  # lines before and after the changed ones that candidates are made for
MOST_BLOCK = 3  # changed lines in one place; no template makes more
NEARLY = 0.999  # the suspicion of lines beside the changed ones, which come last in what time there is
SECONDS = 0.6  # for the candidates of one fix
MOST = 1000  # candidates of one choice that are kept, the likeliest so far
_NAME = re.compile(r"[A-Za-z_]\w*")
_STRING = re.compile(r"""'[^'\n]*+'|"[^"\n]*+"|#[^\n]*+""")
_Block = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Candidates with their features, the likeliest before learning first; ``right`` are the fix's."""

    repo: str
    commit: str
    features: tuple[Features, ...]
    right: tuple[int, ...]
    templates: tuple[str, ...]  # of the right ones


@dataclass(slots=True, kw_only=True)
class Tally:
    """How many places of fixes were looked at; those that no template makes, as lines before and after."""

    places: int = 0
    too_long: int = 0
    missed: list[tuple[str, str, str]] = field(default_factory=list)  # commit, before, after


def make_choices(fixes: Sequence[Fix], tally: Tally) -> Iterator[Choice]:
    """The choices of a repository's fixes, each place of a fix by itself."""
    for fix in fixes:
        clues = _read_clues(fix)
        blocks = {change.path: list(_list_code_blocks(change)) for change in fix.sources}
        several = sum(map(len, blocks.values())) > 1
        for change in fix.sources:
            try:
                source = Source(change.path, change.before)
            except (SyntaxError, ValueError, RecursionError):
                continue
            for block in blocks[change.path]:
                if several and not _has_code("\n".join(change.after.splitlines()[block[2] : block[3]])):
                    continue  # what one place takes away may be half of a move
                choice = _make_choice(fix, change, source, block, clues, tally)
                if choice is not None:
                    yield choice


def _list_code_blocks(change: SourceChange) -> Iterator[_Block]:
    before, after = change.before.splitlines(), change.after.splitlines()
    for a, b, c, d in list_changed_blocks(before, after):
        if _has_code("\n".join([*before[a:b], *after[c:d]])):
            yield a, b, c, d


def _make_choice(
    fix: Fix, change: SourceChange, source: Source, block: _Block, clues: Clues, tally: Tally
) -> Choice | None:
    a, b, c, d = block
    before, after = change.before.splitlines(), change.after.splitlines()
    old, new = "\n".join(before[a:b]), "\n".join(after[c:d])
    region = _find_region(source, a + 1)
    if region is None:
        return None
    first, last = region
    wanted = "\n".join([*before[first - 1 : a], *after[c:d], *before[b:last]])
    target = _dump(wanted)
    if not target or target == _dump("\n".join(before[first - 1 : last])):
        return None  # only form, or one place of several that only make sense together
    tally.places += 1
    if max(b - a, d - c) > MOST_BLOCK:
        tally.too_long += 1
        return None
    if not _can_be_said(new, source.text, clues):
        tally.missed.append((fix.name, old, new))
        return None
    inside = range(max(first, a + 1 - AROUND), min(last, b + AROUND) + 1)
    changed = range(a + 1, max(b, a + 1) + 1)
    suspects = [
        Suspect(path=source.path, line=line, score=1.0 if line in changed else NEARLY, function="")
        for line in inside
    ]
    findings = Findings(suspects=suspects, sources={source.path: source})
    findings.test_literals = frozenset(map(repr, (*clues.numbers, *clues.strings)))
    candidates = propose(findings, clues, SECONDS)
    compact = drop_form(wanted)
    right = [
        each for each in candidates if _is_target(source, each, region, range(a, b + 2), compact, target)
    ]
    if not right:
        tally.missed.append((fix.name, old, new))
        return None
    kept = list(dict.fromkeys([*candidates[:MOST], *right]))
    reader = FeatureReader(findings, clues, fix.request)
    return Choice(
        repo=fix.repo,
        commit=fix.commit,
        features=tuple(map(reader.read, kept)),
        right=tuple(kept.index(each) for each in right),
        templates=tuple(dict.fromkeys(each.template for each in right)),
    )


def _can_be_said(new: str, text: str, clues: Clues) -> bool:
    """Whether all names of the new lines are known; no template makes one up."""
    known = {*_NAME.findall(text), *clues.words, *clues.awaited, *dir(builtins), *keyword.kwlist}
    known |= _list_templates_words()
    known.update(name for each in clues.strings for name in _NAME.findall(each))
    return set(_NAME.findall(_STRING.sub("", new))) <= known


@cache
def _list_templates_words() -> frozenset[str]:
    """The names that stand in the templates' own texts: methods and options that they put into code."""
    modules = (inspect.getsource(each) for each in MODULES)
    return frozenset(name for text in modules for name in _NAME.findall(text))


def _has_code(text: str) -> bool:
    return any(line.strip() and not line.strip().startswith("#") for line in text.splitlines())


def _find_region(source: Source, line: int) -> tuple[int, int] | None:
    """First and last line of the outermost function around a line, else of the top-level statement."""
    found: tuple[int, int] | None = None
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS) and node.lineno <= line <= (node.end_lineno or node.lineno) + 1:
            return min([node.lineno, *(each.lineno for each in node.decorator_list)]), node.end_lineno or line
    top = source.top(line)
    if top is not None:
        found = min([top.lineno, line]), top.end_lineno or top.lineno
    return found


def _is_target(
    source: Source, candidate: Candidate, region: tuple[int, int], lines: range, wanted: str, target: str
) -> bool:
    """Whether a candidate gives the region the tree ``target``; ``wanted`` is its text without form."""
    if not all(source.line_of(edit.start) - 1 in lines for edit in candidate.edits):
        return False
    start = source.starts[region[0] - 1]
    end = source.starts[region[1]] if region[1] < len(source.starts) else len(source.text)
    if any(edit.start < start or edit.end > end for edit in candidate.edits):
        return False
    moved = [TextEdit(each.start - start, each.end - start, each.new) for each in candidate.edits]
    try:
        text = apply_edits(source.text[start:end], moved)
    except ValueError:
        return False
    return drop_form(text) == wanted and _dump(text) == target


def _dump(text: str) -> str:
    """The syntax tree of a piece of a file; "" where it does not stand alone."""
    try:
        return normalise(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError):
        return ""


def _read_clues(fix: Fix) -> Clues:
    """Literals and names of the test functions that the fix changed."""
    paths = [path for path in fix.tests if path.endswith(".py")]
    asked = [f"{commit}:{path}" for path in paths for commit in (fix.parent, fix.commit)]
    texts = read_texts(git_directory(fix.path), asked)
    nodes: list[ast.AST] = []
    for path in paths:
        after = texts.get(f"{fix.commit}:{path}", "")
        nodes += _list_changed_nodes(texts.get(f"{fix.parent}:{path}", ""), after)
    return read_test_nodes(nodes, fix.request)


def _list_changed_nodes(before: str, after: str) -> Iterator[ast.AST]:
    try:
        tree = ast.parse(after)
    except (SyntaxError, ValueError, RecursionError):
        return
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines())
    changed = {
        line for tag, _, _, c, d in matcher.get_opcodes() if tag != "equal" for line in range(c + 1, d + 1)
    }
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS) and changed & set(range(node.lineno, (node.end_lineno or 0) + 1)):
            yield from ast.walk(node)
