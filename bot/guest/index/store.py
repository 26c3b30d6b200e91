"""The index in one SQLite file: files with their symbols, postings of terms, and who refers to whom.

A posting is 32 bits: file number (18), count in the text (7), in symbols (5), in the path (2), each count
capped. So 13,000 files take tens of megabytes, and an answer reads only the terms it asks for.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from .analysis import Analysis, path_terms
from .links import Links

MOST_TERMS = 1_500_000
MOST_POSTINGS = 40_000_000
_TABLES = """
create table meta (name text primary key, value text);
create table files (id integer primary key, path text, language text, role text, lines integer, body integer,
  defined integer, note text, symbols text, links blob);
create table terms (term text primary key, postings blob) without rowid;
"""


class FileRow(NamedTuple):
    """A file as it is stored; ``body`` and ``defined`` are how many words it has of each."""

    id: int
    path: str
    language: str
    role: str
    lines: int
    body: int
    defined: int
    note: str
    symbols: str


class Segment(NamedTuple):
    """Some files' part of the index; its postings can be concatenated with others'."""

    rows: list[FileRow]
    postings: dict[str, bytes]


def segment(analyses: Iterable[tuple[int, Analysis]]) -> Segment:
    """Turn analyses of numbered files into one part."""
    rows: list[FileRow] = []
    postings: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    for number, each in analyses:
        rows.append(_row(number, each))
        base, defined, path = number << 14, each.defined, path_terms(each.path)
        rest = {
            term: min(defined.get(term, 0), 31) << 2 | min(path.get(term, 0), 3)
            for term in defined.keys() | path.keys()
        }
        for term, count in each.body.items():
            postings[term].append(base | (count if count < 127 else 127) << 7 | rest.pop(term, 0))
        for term, packed in rest.items():
            postings[term].append(base | packed)
    return Segment(rows, {term: found.tobytes() for term, found in postings.items()})


def _row(number: int, each: Analysis) -> FileRow:
    return FileRow(
        id=number,
        path=_plain(each.path),
        language=each.language.name,
        role=each.language.role,
        lines=each.lines,
        body=sum(each.body.values()),
        defined=sum(each.defined.values()),
        note=each.note,
        symbols=json.dumps(each.symbols),
    )


def _plain(path: str) -> str:
    """A path as text that can be stored, whatever bytes it is of."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class IndexWriter:
    """Takes segments in any order and writes the file. ``left_out`` counts what had no room."""

    def __init__(self, target: str) -> None:
        self._database = sqlite3.connect(target, isolation_level=None)
        self._database.executescript("pragma journal_mode=off; pragma synchronous=off;" + _TABLES + "begin;")
        self._postings: dict[str, list[bytes]] = {}
        self._room = MOST_POSTINGS
        self._links = Links()
        self.left_out = 0

    def add(self, part: Segment) -> None:
        """Add a segment; its files are in no other."""
        self._database.executemany("insert into files values (?, ?, ?, ?, ?, ?, ?, ?, ?, null)", part.rows)
        for row in part.rows:
            self._links.define(row.id, [symbol[0] for symbol in json.loads(row.symbols)])
        for term, found in part.postings.items():
            self._room -= len(found) // 4
            if term in self._postings and self._room >= 0:
                self._postings[term].append(found)
            elif self._room >= 0 and len(self._postings) < MOST_TERMS:
                self._postings[term] = [found]
            else:
                self.left_out += 1

    def finish(self, facts: dict[str, Any]) -> sqlite3.Connection:
        """Write what was gathered and hand the database on, still open."""
        joined = {term: b"".join(found) for term, found in self._postings.items()}
        links = self._links.pack_strongest(joined)
        run = self._database.executemany
        run("insert into terms values (?, ?)", sorted(joined.items()))
        run("update files set links = ? where id = ?", links)
        run("insert into meta values (?, ?)", [(name, json.dumps(value)) for name, value in facts.items()])
        self._database.execute("commit")
        return self._database


class IndexReader:
    """Answers from a finished index."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        rows = database.execute("select id, path, language, role, body, defined from files order by id")
        self.files = {row[0]: row for row in rows}

    @classmethod
    def at(cls, path: str) -> IndexReader:
        """Open the index of a file that no longer changes."""
        return cls(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True))

    def path(self, number: int) -> str:
        """The path of a file."""
        return str(self.files[number][1])

    def facts(self) -> dict[str, Any]:
        """What the builder noted of the whole tree."""
        return {name: json.loads(value) for name, value in self._database.execute("select * from meta")}

    def postings(self, term: str) -> array[int]:
        """The packed postings of a term, empty when it occurs nowhere."""
        row = self._database.execute("select postings from terms where term = ?", (term,)).fetchone()
        found = array("I")
        if row:
            found.frombytes(row[0])
        return found

    def note(self, number: int) -> str:
        """What was not done for a file, if anything."""
        row = self._database.execute("select note from files where id = ?", (number,)).fetchone()
        return str(row[0]) if row else ""

    def symbols(self, number: int) -> list[list[Any]]:
        """``[name, kind, line, within]`` of each symbol of a file."""
        row = self._database.execute("select symbols from files where id = ?", (number,)).fetchone()
        return list(json.loads(row[0])) if row else []

    def links(self, number: int) -> list[tuple[int, float]]:
        """The files that a file is bound to by names, with a weight; the weights' sum is at most 1."""
        row = self._database.execute("select links from files where id = ?", (number,)).fetchone()
        return Links.unpack(row[0] if row else None)
