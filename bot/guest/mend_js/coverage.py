"""How often each place of the repository's files ran, from V8's coverage or from jest's.

V8: https://nodejs.org/api/cli.html#node_v8_coveragedir, offsets in UTF-16 units, inner ranges count last.
jest writes Istanbul's format: https://github.com/istanbuljs/istanbuljs/blob/main/docs/raw-output.md
"""

from __future__ import annotations

import json
import time
import urllib.parse
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .syntax.source import is_source

MOST_SECONDS = 5.0
Counts = dict[str, "array[int]"]  # by relative path, one number for each UTF-16 unit of the text


def read_counts(folder: Path, root: Path) -> Counts:
    """The counts of the processes that wrote into ``folder``, summed up: of as many as fit into the time."""
    found: Counts = {}
    until = time.monotonic() + MOST_SECONDS
    for path in sorted(folder.rglob("*.json")) if folder.is_dir() else ():
        if time.monotonic() > until:
            break
        try:
            told = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told.get("result"), list):
            _add_v8(found, told["result"], root)
        else:
            _add_istanbul(found, told, root)
    return found


def _add_v8(found: Counts, scripts: list[dict[str, Any]], root: Path) -> None:
    for script in scripts:
        path = _find_path(urllib.parse.unquote(str(script.get("url", "")).removeprefix("file://")), root)
        if not path:
            continue
        size = _measure(root / path)
        own = array("l", bytes(8 * size))
        functions = script.get("functions", ())
        if _is_compiled(functions, size):
            continue
        for function in functions:
            for each in function.get("ranges", ()):
                begin, end = max(0, int(each["startOffset"])), min(size, int(each["endOffset"]))
                if begin < end:
                    own[begin:end] = array("l", [int(each["count"])]) * (end - begin)
        _add(found, path, own)


def _is_compiled(functions: list[dict[str, Any]], size: int) -> bool:
    """Whether what ran is not what the file says: it was compiled to something of another length first."""
    ends = [int(each["endOffset"]) for one in functions for each in one.get("ranges", ())]
    first = functions[0]["ranges"][0] if functions and functions[0].get("ranges") else {}
    whole = first.get("startOffset") == 0 and not functions[0].get("functionName")
    return max(ends, default=0) > size or bool(whole and int(first["endOffset"]) < size)


def _add_istanbul(found: Counts, told: dict[str, Any], root: Path) -> None:
    for name, one in told.items():
        path = _find_path(name, root)
        if not path or not isinstance(one, dict):
            continue
        lines = _list_line_starts(root / path)
        own = array("l", bytes(8 * lines[-1]))
        ranges = sorted(_list_statements(one, lines), key=lambda each: each[0] - each[1])
        for begin, end, count in ranges:
            if begin < end <= len(own):
                own[begin:end] = array("l", [count]) * (end - begin)
        _add(found, path, own)


def _list_statements(one: dict[str, Any], lines: list[int]) -> Iterator[tuple[int, int, int]]:
    """Begin, end and count of each statement and each branch."""
    for key, place in (one.get("statementMap") or {}).items():
        yield *_find_offsets(place, lines), int(one.get("s", {}).get(key, 0))
    for key, branch in (one.get("branchMap") or {}).items():
        counts = one.get("b", {}).get(key, [])
        for place, count in zip(branch.get("locations", ()), counts, strict=False):
            if place.get("start", {}).get("line") is not None:
                yield *_find_offsets(place, lines), int(count)


def _find_offsets(place: dict[str, Any], lines: list[int]) -> tuple[int, int]:
    def offset(at: dict[str, Any]) -> int:
        line = min(max(1, int(at["line"])), len(lines) - 1)
        column = at.get("column")
        return min(lines[line], lines[line - 1] + int(column)) if column is not None else lines[line]

    return offset(place["start"]), offset(place["end"])


def _list_line_starts(path: Path) -> list[int]:
    """Where each line begins, and the end of the text."""
    starts = [0]
    for line in path.read_text("utf-8").split("\n"):
        starts.append(starts[-1] + _count_units(line) + 1)
    return starts


def _add(found: Counts, path: str, own: array[int]) -> None:
    known = found.get(path)
    if known is None or len(known) != len(own):
        found[path] = own
    else:
        found[path] = array("l", map(int.__add__, known, own))


def _find_path(name: str, root: Path) -> str:
    """The path of a source file below the root, '' of anything else."""
    path = name.removeprefix(f"{root}/")
    return path if path != name and is_source(path) and (root / path).is_file() else ""


def _measure(path: Path) -> int:
    return _count_units(path.read_bytes().decode("utf-8", "replace"))


def _count_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
