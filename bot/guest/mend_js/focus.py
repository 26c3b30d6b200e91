"""What the code ran during the very statement of a test that fails, kept apart from what the test did before.

The statement gets a call around it that has Node write the counts so far, and start again from zero:
https://nodejs.org/api/v8.html#v8takecoverage
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .coverage import Counts, read_counts
from .judge import Judge
from .localise import FRAME, Spectrum
from .syntax.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node

TAKE = "globalThis.hobTakesCoverage && globalThis.hobTakesCoverage(); "
_ENDS = ("expression_statement", "lexical_declaration", "variable_declaration", "return_statement")
_BLOCKS = ("statement_block", "program")
_FILE = re.compile(r"coverage-(\d+)-\d+-(\d+)\.json\Z")
_NAME = re.compile(r"[A-Za-z_$][\w$]*")


def focus(judge: Judge, spectrum: Spectrum, names: Sequence[str], output: str, seconds: float) -> bool:
    """Narrow the spectrum to what the failing statement runs; False where that cannot be told."""
    found = find_failing_line(output, judge.root, judge.files)
    if found is None:
        return False
    path, line = found
    source = SourceFile.read(judge.root, path)
    span = find_span(source, line) if source is not None else None
    if source is None or span is None:
        return False
    folder = judge.scratch / "coverage" / "focus"
    begin, end = span
    semicolon = b";" if source.data[end - 1 : end] != b";" else b""
    text = source.data[:begin] + TAKE.encode() + source.data[begin:end] + semicolon + b" " + TAKE.encode()
    with _write(judge.root / path, text + source.data[end:], source.data):
        judge.run_part(seconds, files=[str(judge.root / path)], names=names, coverage=folder)
    during, around = _read_parts(folder, judge.root)
    if not any(any(counts) for counts in during.values()):
        return False
    everything = spectrum.everything or spectrum.failing
    spectrum.everything = {
        path: everything.get(path, counts) for path, counts in {**around, **everything}.items()
    }
    spectrum.failing, spectrum.told_apart = during, True
    spectrum.loading = {}
    return True


@contextmanager
def _write(path: Path, text: bytes, before: bytes) -> Iterator[None]:
    path.write_bytes(text)
    try:
        yield
    finally:
        path.write_bytes(before)


def find_failing_line(output: str, root: Path, files: Sequence[str]) -> tuple[str, int] | None:
    """The first place in one of the tests' files that a run's output names, path relative."""
    for match in FRAME.finditer(output):
        path = f"/{match[1].lstrip('/')}" if match[1].startswith("//") else match[1]
        whole = path if path.startswith("/") else f"{root}/{path}"
        if whole in files and whole.startswith(f"{root}/"):
            return whole.removeprefix(f"{root}/"), int(match[2])
    return None


def find_span(source: SourceFile, line: int) -> tuple[int, int] | None:
    """Bytes of the innermost statement on a line, with the one before that declares what it looks at."""
    best: Node | None = None
    for node in source.nodes:
        above = source.parent(node)
        ends = node.type in _ENDS and above is not None and above.type in _BLOCKS
        if ends and node.start_point[0] + 1 <= line <= node.end_point[0] + 1:
            best = node  # inner ones come later
    if best is None or best.type == "return_statement":
        return None
    above = source.parent(best)
    names = set(_NAME.findall(source.text(best)))
    begin = best
    for sibling in above.named_children if above is not None else ():
        if sibling.start_byte >= best.start_byte:
            break
        if sibling.type in ("lexical_declaration", "variable_declaration") and _declares(
            source, sibling, names
        ):
            begin = sibling
    return begin.start_byte, best.end_byte


def _declares(source: SourceFile, node: Node, names: set[str]) -> bool:
    for each in node.named_children:
        name = each.child_by_field_name("name")
        value = each.child_by_field_name("value")
        called = value is not None and "(" in source.text(value) and "require(" not in source.text(value)
        if name is not None and called and set(_NAME.findall(source.text(name))) & names:
            return True
    return False


def _read_parts(folder: Path, root: Path) -> tuple[Counts, Counts]:
    """What was counted between the two calls, the last times that they were made, and what was otherwise."""
    numbered: dict[str, list[tuple[int, Path]]] = {}
    for path in folder.glob("*.json") if folder.is_dir() else ():
        if match := _FILE.search(path.name):
            numbered.setdefault(match[1], []).append((int(match[2]), path))
    within, without = folder / "within", folder / "without"
    for each in (within, without):
        each.mkdir(parents=True, exist_ok=True)
    for files in numbered.values():
        parts = [path for _, path in sorted(files)]
        inside = parts[1::2]
        chosen = inside if len(inside) <= 2 else inside[-1:]
        for path in parts:
            shutil.move(path, (within if path in chosen else without) / path.name)
    return read_counts(within, root), read_counts(without, root)
