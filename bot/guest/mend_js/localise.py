"""Where the fault probably is: what ran in failing tests and little in others, and the errors' own places."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .coverage import Counts
from .syntax.source import SourceFile, is_source

if TYPE_CHECKING:
    from tree_sitter import Node

FRAME = re.compile(r"(?<![\w@.~+/-])([\w@.~+/-]{1,400}\.[cm]?[jt]sx?):(\d{1,7}):(\d{1,7})")
_WORD = re.compile(r"[A-Za-z_$][\w$]+")
_LOADED, _UNRUN, _UNKNOWN = 0.3, 0.25, 0.35
MOST_FILES = 60  # where no coverage says which files ran


@dataclass(slots=True, kw_only=True)
class Spectrum:
    """How often places ran: in the failing tests, in all tests, and on loading alone.

    ``told_apart``: what ran in the failing ones does not have what the passing ones of their files ran.
    """

    failing: Counts = field(default_factory=dict)
    everything: Counts = field(default_factory=dict)
    loading: Counts = field(default_factory=dict)
    told_apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A statement under suspicion, 1.0 the most."""

    path: str
    line: int
    function: str
    score: float


class Suspicion:
    """How suspicious each node of one file is; ``passing`` says how often what passes ran it."""

    def __init__(self, source: SourceFile, spectrum: Spectrum) -> None:
        self.source = source
        self._failing = spectrum.failing.get(source.path)
        self._everything = spectrum.everything.get(source.path)
        self._loading = spectrum.loading.get(source.path)
        self._told_apart = spectrum.told_apart
        self._units = _list_units(source.data)
        self._rated: dict[int, float] = {}
        self._worst: dict[int, float] = {}
        self._raised: dict[int, float] = {}  # by line

    def raise_lines(self, lines: Iterable[tuple[int, float]]) -> None:
        """Lines that an error names are more suspicious."""
        for line, much in lines:
            self._raised[line] = max(much, self._raised.get(line, 0.0))

    def passing(self, node: Node) -> int | None:
        """How often tests that pass ran a node; None where that is not known."""
        if self._everything is None or self._failing is None or not self._told_apart:
            return None
        at = self._unit(node)
        return max(0, self._everything[at] - self._failing[at])

    def rate(self, node: Node) -> float:
        """From 0 to about 2."""
        statement = self.source.find_statement(node)
        own = self._rate_own(node)
        function = self.source.find_function(node)
        worst = self._worst.get(function.id, 0.0) if function is not None else 0.0
        score = 0.7 * own + 0.3 * worst
        lines = {node.start_point[0] + 1, statement.start_point[0] + 1}
        return score * (1.0 + max((self._raised.get(line, 0.0) for line in lines), default=0.0))

    def prepare(self) -> None:
        """Rate the statements, and each function by its worst one."""
        for node in self.source.nodes:
            function = self.source.find_function(node)
            if function is not None:
                own = self._rate_own(node)
                self._worst[function.id] = max(own, self._worst.get(function.id, 0.0))
        if self._failing is None:
            return
        for node in reversed(self.source.functions):  # inner ones first; an outer one has part of theirs
            above = self.source.find_function(node)
            if above is not None:
                inner = 0.5 * self._worst.get(node.id, 0.0)
                self._worst[above.id] = max(inner, self._worst.get(above.id, 0.0))

    def _rate_own(self, node: Node) -> float:
        known = self._rated.get(node.id)
        if known is None:
            known = self._rated[node.id] = self._judge(node)
        return known

    def _judge(self, node: Node) -> float:
        if self._failing is None:
            return _UNKNOWN
        at = self._unit(node)
        ran = self._failing[at]
        loaded = self._loading[at] if self._loading is not None else 0
        function = self.source.find_function(node)
        if ran - loaded > 0:
            passed = max(0, self._everything[at] - ran) if self._everything is not None else 0
            once = 0.6 if function is None and self._loading is None else 1.0
            return once / (1.0 + 0.3 * math.log2(1.0 + passed / (ran - loaded)))
        if ran:
            return _LOADED
        if function is not None and self._failing[self._unit_of_body(function)]:
            return _UNRUN
        return 0.0

    def _unit(self, node: Node) -> int:
        at = node.start_byte if self._units is None else self._units[node.start_byte]
        size = len(self._failing) if self._failing is not None else 1
        return min(at, size - 1)

    def _unit_of_body(self, function: Node) -> int:
        body = function.child_by_field_name("body")
        return self._unit(body if body is not None else function)


def _list_units(data: bytes) -> array[int] | None:
    """For each byte the UTF-16 unit that it belongs to; None where they are the same."""
    if data.isascii():
        return None
    units = array("l", [0]) * (len(data) + 1)
    at = byte = 0
    for sign in data.decode("utf-8"):
        size = len(sign.encode("utf-8"))
        for each in range(size):
            units[byte + each] = at
        byte += size
        at += 2 if ord(sign) > 0xFFFF else 1
    units[byte] = at
    return units


def localise(
    root: Path, spectrum: Spectrum, output: str, words: str, paths: Iterable[str]
) -> list[Suspicion]:
    """The files that can have the fault, with how suspicious their places are."""
    chosen = list(spectrum.failing) or list(paths)[:MOST_FILES]
    frames = find_frames(output, root)
    chosen += [path for path in frames if path not in chosen]
    found = []
    said = {each.lower() for each in _WORD.findall(words)}
    for path in chosen:
        source = SourceFile.read(root, path)
        if source is None:
            continue
        one = Suspicion(source, spectrum)
        one.raise_lines(frames.get(path, ()))
        one.raise_lines(_find_named(source, said))
        one.prepare()
        found.append(one)
    return found


def find_frames(output: str, root: Path) -> dict[str, list[tuple[int, float]]]:
    """Places of the repository's code in the stacks that a run printed, and how much each counts."""
    found: dict[str, list[tuple[int, float]]] = {}
    depth = 0
    end = -1000
    for match in FRAME.finditer(output):
        depth = depth + 1 if match.start() - end < 200 else 0
        end = match.end()
        path = f"/{match[1].lstrip('/')}" if match[1].startswith("//") else match[1]  # of file:///...
        path = path.removeprefix(f"{root}/").removeprefix("./")
        if not path.startswith("/") and is_source(path) and (root / path).is_file():
            found.setdefault(path, []).append((int(match[2]), 0.8 / (1 + depth)))
    return found


def _find_named(source: SourceFile, said: set[str]) -> Iterable[tuple[int, float]]:
    """Lines of functions whose very name the request or a failing test says."""
    for node in source.functions:
        name = source.name_function(node).rpartition(".")[2].lower()
        if len(name) > 2 and name in said:
            for line in range(node.start_point[0] + 1, node.end_point[0] + 2):
                yield line, 0.35


def list_suspects(suspicions: Iterable[Suspicion], most: int = 5) -> list[Suspect]:
    """The most suspicious statements."""
    rated = [
        (one.rate(node), one.source, node)
        for one in suspicions
        for node in one.source.nodes
        if node.type in ("expression_statement", "return_statement", "variable_declarator", "if_statement")
    ]
    rated.sort(key=lambda each: -each[0])
    worst = rated[0][0] if rated and rated[0][0] else 1.0
    return [
        Suspect(
            path=source.path,
            line=node.start_point[0] + 1,
            function=source.name_function(source.find_function(node)),
            score=score / worst,
        )
        for score, source, node in rated[:most]
    ]
