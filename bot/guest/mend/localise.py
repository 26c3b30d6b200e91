"""Where the fault probably is: spectrum-based suspicion, the traceback's frames, and the request's text.

Ochiai's coefficient: R. Abreu, P. Zoeteweij, A. van Gemund, "On the accuracy of spectrum-based fault
localization", TAICPART-MUTATION 2007.
"""

from __future__ import annotations

import ast
import contextlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .baseline import Baseline
from .layout import is_test
from .places.loaded import add_imported, add_loaded
from .source import FUNCTIONS, Source, decode

_INNER = re.compile(r"\.<locals>(?:\.<\w+>)?")
_CALLED = re.compile(r"([\w.]+)\(\) (?:missing|takes|got|argument)")
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One line and how suspicious it is, 1.0 the most. ``loaded``: it takes effect on import only."""

    path: str
    line: int
    score: float
    function: str
    loaded: bool = False


@dataclass(slots=True, kw_only=True)
class Findings:
    """Suspicious lines, worst first, with the parsed files and the types seen at run time."""

    suspects: list[Suspect] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)
    types: dict[tuple[str, str], dict[str, set[str]]] = field(default_factory=dict)
    covering: dict[str, list[str]] = field(default_factory=dict)  # path -> passing tests that enter it
    request: str = ""  # its words, as they are
    test_literals: frozenset[str] = frozenset()  # what the failing tests give and expect, as ``repr``
    broken: dict[str, tuple[int, str]] = field(
        default_factory=dict
    )  # path -> line, message of a syntax error


def localise(root: Path, base: Baseline, hint: str) -> Findings:
    """Rank the lines that the failing tests ran, in files that are not tests."""
    findings = Findings()
    prefix = f"{root}/"
    failed, passed = _count_lines(base, prefix, findings)
    paths = {path for path, _ in failed} | set(_list_frame_paths(base, prefix))
    for path in sorted(paths):
        _read_source(root, path, findings)
    counts = len(base.failing) + len(base.also_failing) or 1
    lines: dict[tuple[str, int], float] = {}
    for key, hits in failed.items():
        if key[0] in findings.sources:
            lines[key] = hits / math.sqrt(counts * (hits + passed.get(key, 0)))
    _add_frames(lines, base, prefix, findings)
    blended = _blend(lines, findings)
    _add_words(blended, hint, findings)
    add_imported(blended, findings.sources, root)
    add_loaded(blended, findings.sources)
    _add_called(blended, base, findings)
    _add_unrun(blended, findings)
    worst = max(blended.values(), default=1.0) or 1.0
    ranked = sorted(blended.items(), key=lambda each: (-each[1], each[0]))
    for (path, line), score in ranked:
        source = findings.sources[path]
        name, loaded = _find_place(source, line)
        findings.suspects.append(
            Suspect(path=path, line=line, score=score / worst, function=name, loaded=loaded)
        )
    return findings


def _count_lines(
    base: Baseline, prefix: str, findings: Findings
) -> tuple[Counter[tuple[str, int]], Counter[tuple[str, int]]]:
    failed: Counter[tuple[str, int]] = Counter()
    passed: Counter[tuple[str, int]] = Counter()
    covering: dict[str, list[str]] = defaultdict(list)
    for runs, counter in (
        (base.failing, failed),
        (base.also_failing.values(), failed),
        (base.passing.values(), passed),
    ):
        for run in runs:
            for path, lines in run.lines.items():
                relative = path.removeprefix(prefix)
                if not is_test(relative):
                    counter.update((relative, line) for line in lines)
                    if counter is passed:
                        covering[relative].append(run.id)
    for path, line in base.once:  # for all tests of a process: less telling than a line that each runs
        key = (path.removeprefix(prefix), line)
        passed[key] = max(passed[key], 2 * len(base.passing))
    for run in base.failing:
        for path, name, seen in run.types:
            place = _INNER.sub("", name)  # a comprehension's names are taken as the function's
            known = findings.types.setdefault((path.removeprefix(prefix), place), {})
            for variable, kinds in seen.items():
                known.setdefault(variable, set()).update(kinds)
    findings.covering = dict(covering)
    return failed, passed


def _list_frames(base: Baseline, prefix: str) -> Iterable[list[tuple[str, int]]]:
    failures = [run.failure for run in base.failing] + base.errors
    for failure in failures:
        frames = [(path.removeprefix(prefix), line) for path, line in failure.get("frames", [])]
        yield [frame for frame in frames if not is_test(frame[0])]


def _list_frame_paths(base: Baseline, prefix: str) -> Iterable[str]:
    return (path for frames in _list_frames(base, prefix) for path, _ in frames)


def _add_frames(lines: dict[tuple[str, int], float], base: Baseline, prefix: str, findings: Findings) -> None:
    everything = list(_list_frames(base, prefix))
    for frames in everything:
        for depth, frame in enumerate(reversed(frames[-4:])):
            if frame[0] in findings.sources:
                lines[frame] = lines.get(frame, 0.3) + (0.8, 0.35, 0.2, 0.1)[depth] / len(everything)
                _add_statement(lines, findings.sources[frame[0]], frame[1])


def _add_statement(lines: dict[tuple[str, int], float], source: Source, line: int) -> None:
    """The rest of a statement that failed on import: a class is made when all of its body has run."""
    top = source.top(line) if _find_place(source, line)[1] else None
    if top is None or isinstance(top, FUNCTIONS):
        return
    for each in ast.walk(top):
        if isinstance(each, ast.stmt) and source.function(each) is None and not isinstance(each, FUNCTIONS):
            lines.setdefault((source.path, each.lineno), 0.5)


def _blend(lines: Mapping[tuple[str, int], float], findings: Findings) -> dict[tuple[str, int], float]:
    """A line takes part of the worst suspicion in its function, so that a neighbour is looked at as well."""
    worst: dict[tuple[str, str], float] = {}
    for (path, line), score in lines.items():
        name = _find_place(findings.sources[path], line)[0]
        worst[path, name] = max(worst.get((path, name), 0.0), score)
    blended: dict[tuple[str, int], float] = {}
    for (path, line), score in lines.items():
        name = _find_place(findings.sources[path], line)[0]
        blended[path, line] = 0.6 * score + 0.4 * worst[path, name]
    return blended


def _add_words(lines: dict[tuple[str, int], float], hint: str, findings: Findings) -> None:
    words = {word.lower() for word in _WORD.findall(hint)}
    for path, line in list(lines):
        name = _find_place(findings.sources[path], line)[0].lower()
        parts = [part for part in name.split(".") if len(part) > 2]
        if any(part in words for part in parts):
            lines[path, line] *= 1.5 if parts[-1:] and parts[-1] in words else 1.15
        if Path(path).name.lower() in hint.lower() or Path(path).stem.lower() in words:
            lines[path, line] *= 1.2


def _add_called(lines: dict[tuple[str, int], float], base: Baseline, findings: Findings) -> None:
    """Heads of functions that a TypeError names, and of methods that were read and not called."""
    worst = max(lines.values(), default=1.0)
    said = " ".join(str(run.failure.get("text", "")) for run in base.failing)
    names = {name.rpartition(".")[2] for name in _CALLED.findall(said)}
    bound = "<boun" in said or "bound method" in said
    for path, source in findings.sources.items():
        for node in ast.walk(source.tree):
            if not isinstance(node, FUNCTIONS):
                continue
            arguments = node.args.args
            alone = bound and len(arguments) == 1 and arguments[0].arg == "self" and not node.decorator_list
            if node.name in names or (alone and not node.name.startswith("_")):
                score = worst if node.name in names else 0.6 * worst
                lines[path, node.lineno] = max(score, lines.get((path, node.lineno), 0.0))
                if alone:
                    first = node.body[-1].lineno
                    lines[path, first] = max(score, lines.get((path, first), 0.0))


def _add_unrun(lines: dict[tuple[str, int], float], findings: Findings) -> None:
    """Statements of suspicious functions that did not run: the fault may be that they do not."""
    for path, source in findings.sources.items():
        for node in ast.walk(source.tree):
            if not isinstance(node, FUNCTIONS):
                continue
            inside = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            worst = max((lines.get((path, line), 0.0) for line in inside), default=0.0)
            for each in ast.walk(node) if worst else ():
                if isinstance(each, ast.stmt) and each is not node and (path, each.lineno) not in lines:
                    siblings = source.block(each)
                    at = siblings.index(each) if each in siblings else 0
                    dead = at and isinstance(
                        siblings[at - 1], ast.Return | ast.Raise | ast.Continue | ast.Break
                    )
                    lines[path, each.lineno] = (0.9 if dead else 0.4) * worst


def _find_place(source: Source, line: int) -> tuple[str, bool]:
    """The qualified name around a line, and whether it runs on import only. Remembered per file."""
    cache = source.places
    if cache is None:
        cache = {}
        for node in ast.walk(source.tree):  # breadth first, so inner functions overwrite outer ones
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                name = source.qualname(node)
                first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
                for number in range(first, (node.end_lineno or node.lineno) + 1):
                    cache[number] = (name, isinstance(node, ast.ClassDef) or number < node.body[0].lineno)
        source.places = cache
    return cache.get(line, ("", True))


def _read_source(root: Path, path: str, findings: Findings) -> None:
    try:
        findings.sources[path] = Source.read(root, path)
    except SyntaxError as error:
        findings.broken[path] = (error.lineno or 1, error.msg)
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            findings.sources[path] = Source(path, decode((root / path).read_bytes()), parsed=False)
    except (OSError, ValueError):
        return
