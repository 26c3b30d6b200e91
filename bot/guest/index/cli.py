"""The two commands: ``build OUT`` indexes the current directory, ``rank INDEX`` answers a request on stdin.

Both print one JSON object. What a repository holds can be as bad as it likes: both end within their limits,
and what was left out is counted.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections import Counter
from typing import Any

from . import analysis, listing, rank, request, store, workers
from .languages import language

BUILD_SECONDS = 90.0
PARSE_SECONDS = 8.0  # then files are read by lines; what is shown is parsed when it is shown
RANK_SECONDS = 8.0  # for parsing what is shown
MOST_PROCESSES = 8
MOST_FOUND = 30
SYMBOLS_SHOWN = 6


def main(arguments: list[str]) -> int:
    """Run a command; 2 when there is no such command."""
    if len(arguments) != 2 or arguments[0] not in ("build", "rank"):
        sys.stderr.write("usage: index build OUT | index rank INDEX\n")
        return 2
    command, path = arguments
    answer = build(".", path) if command == "build" else answer_request(path, sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(answer))
    return 0


def build(top: str, out: str, *, seconds: float = BUILD_SECONDS, processes: int = 0) -> dict[str, Any]:
    """Index the tree below ``top`` into the file ``out``, a path below ``top``; says how it went."""
    began = time.monotonic()
    gc.disable()  # nothing here makes cycles, and forked workers keep sharing their pages
    processes = processes or min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    files, left_out = listing.walk(top, ignore=out)
    jobs = [(workers.FileJob(number, path), size) for number, (path, size) in enumerate(files)]
    jobs.sort(
        key=lambda each: language(each[0].path).role != "source"
    )  # what matters first, if time is short
    writer = store.IndexWriter(os.path.join(top, out))  # noqa: PTH118
    notes: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    pool = workers.Pool(top, processes=processes, soft=began + PARSE_SECONDS, until=began + seconds)
    for part in pool.read(jobs):
        writer.add(part)
        languages.update(row.language for row in part.rows if row.role == "source")
        notes.update(row.note for row in part.rows if row.note)
    if writer.left_out:
        notes["terms without room"] += writer.left_out
    folders = Counter(path.partition("/")[0] + "/" for path, _ in files if "/" in path)
    facts = {
        "files": len(files),
        "languages": dict(languages.most_common(8)),
        "folders": dict(folders.most_common(12)),
        "left_out": dict(left_out + notes),
    }
    writer.finish(facts).close()
    return {**facts, "seconds": round(time.monotonic() - began, 3)}


def answer_request(path: str, text: bytes) -> dict[str, Any]:
    """The files and symbols that a request is about, and the shape of the whole."""
    index = store.IndexReader.at(path)
    asked = request.read(text.decode("utf-8", "replace"))
    found = rank.rank(index, asked, MOST_FOUND)
    parsed = _parse_arguments(index, [each.number for each in found])
    files = [
        {
            "path": index.path(each.number),
            "why": each.why,
            "symbols": rank.symbols(
                parsed.get(each.number) or index.symbols(each.number), asked, SYMBOLS_SHOWN
            ),
        }
        for each in found
    ]
    return {"shape": index.facts(), "files": files}


def _parse_arguments(index: store.IndexReader, numbers: list[int]) -> dict[int, list[list[Any]]]:
    """The symbols of those files that there was no time to parse when the index was built."""
    late = [number for number in numbers if index.note(number) in (analysis.LATE, workers.OUT_OF_TIME)]
    jobs = [(workers.FileJob(number, index.path(number)), 0) for number in late]
    now = time.monotonic()
    pool = workers.Pool(".", processes=1, soft=now + RANK_SECONDS, until=now + RANK_SECONDS)
    rows = [row for part in pool.read(jobs) for row in part.rows]
    return {row.id: json.loads(row.symbols) for row in rows}
