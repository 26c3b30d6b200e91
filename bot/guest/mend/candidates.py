"""All candidates for the suspicious lines, the likeliest first."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from heapq import nlargest

from .localise import Findings
from .patches import in_body
from .site import Clues, Site
from .source import FUNCTIONS, Source, TextEdit
from .templates import TEMPLATES, Template

LINES = 300  # suspicious lines that are looked at
MOST = 24_000  # candidates that are kept
MOST_MADE = 80_000  # before the likeliest are kept: a second of work
MOST_OF_ONE = 400  # of one template at one place; guards alone would fill the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One change of one file and how likely it is to be the answer."""

    path: str
    edits: tuple[TextEdit, ...]
    template: str
    line: int
    function: str
    score: float
    fresh: bool = False
    suspicion: float = 1.0  # of the place alone; the score has it in it
    places: int = 1  # that one edit is made at


@dataclass(slots=True, kw_only=True)
class FoundChange:
    """A change that was tried: which failing tests it turned, and whether that is all of them."""

    parts: tuple[Candidate, ...]
    turned: set[str]
    full: bool
    score: float
    fresh: bool = False  # shown by fresh imports only

    @property
    def places(self) -> int:
        """How many places it changes: the fewer the likelier, whatever it does."""
        return sum(part.places for part in self.parts)


def replace_parts(change: FoundChange, parts: tuple[Candidate, ...]) -> FoundChange:
    """The change with other parts."""
    return replace(change, parts=parts)


def propose(
    findings: Findings, clues: Clues, seconds: float = 30.0, most: int = MOST_MADE
) -> list[Candidate]:
    """Candidates of every template on the suspicious lines, best first, each text once.

    The worst lines come first, so that what ``seconds`` or ``most`` cut off is the least suspicious.
    """
    best: dict[tuple[str, tuple[TextEdit, ...]], Candidate] = {}
    sites: list[tuple[float, list[Template], Site]] = []
    end = time.process_time() + seconds
    wanted: dict[str, dict[int, float]] = {}
    for suspect in findings.suspects[:LINES]:
        wanted.setdefault(suspect.path, {})[suspect.line] = suspect.score
    by_node: dict[type[ast.AST], list[Template]] = {}
    for template in TEMPLATES:
        for kind in template.nodes:
            by_node.setdefault(kind, []).append(template)
    for path, scores in wanted.items():
        source = findings.sources[path]
        cache: dict[tuple[str, int], tuple[str, ...]] = {}
        for node in ast.walk(source.tree):
            templates = by_node.get(type(node))
            score = _score_node(source, node, scores) if templates else 0.0
            if templates and score > 0.0:
                types = findings.types.get((path, _find_function_name(source, node)), {})
                site = Site(source=source, node=node, clues=clues, types=types, cache=cache)
                sites.append((score, templates, site))
    sites.sort(key=lambda each: -each[0])
    for score, templates, site in sites:
        for candidate in _propose_at(site, templates, score):
            key = (candidate.path, candidate.edits)
            if key not in best or best[key].score < candidate.score:
                best[key] = candidate
        if len(best) >= most or time.process_time() > end:
            break
    return sorted(best.values(), key=lambda each: (-each.score, each.path, each.line))[:MOST]


def _propose_at(site: Site, templates: list[Template], score: float) -> Iterator[Candidate]:
    source, path = site.source, site.source.path
    line = _find_line(site.node)
    name = source.qualname(site.node)
    for template in templates:
        factor = score * template.prior * (1.4 if template.errors & site.clues.errors else 1.0)
        proposals = nlargest(MOST_OF_ONE, template.make(site), key=lambda each: each.weight)
        for proposal in proposals:  # among equals the first ones
            edits = tuple(each for each in proposal.edits if source.text[each.start : each.end] != each.new)
            if edits:
                fresh = not all(in_body(source, each.start) for each in edits)
                yield Candidate(
                    path=path,
                    edits=edits,
                    template=template.name,
                    line=line,
                    function=name,
                    score=factor * proposal.weight,
                    fresh=fresh,
                    suspicion=score,
                )


def _find_line(node: ast.AST) -> int:
    if isinstance(node, ast.comprehension):
        return node.iter.lineno
    return getattr(node, "lineno", 0)


def _find_function_name(source: Source, node: ast.AST) -> str:
    function = node if isinstance(node, FUNCTIONS) else source.function(node)
    return source.qualname(function) if function is not None else ""


def _score_node(source: Source, node: ast.AST, scores: dict[int, float]) -> float:
    """The suspicion of the node's line; of its statement's lines when it spans several."""
    line = _find_line(node)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
        inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        return 0.7 * max((scores.get(each, 0.0) for each in inside), default=0.0)
    if line in scores:
        return scores[line]
    statement = source.statement(node)
    if statement is None or hasattr(statement, "body"):
        return 0.0
    inside = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    return 0.9 * max((scores.get(each, 0.0) for each in inside), default=0.0)
