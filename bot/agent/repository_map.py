"""A map of a large repository for one request, small enough to stand in the first message.

The index of a commit is built inside a sandbox by ``guest/index`` and kept as a read-only layer; each request
is then answered from it, inside a sandbox too: on the host nothing parses what a repository holds, and what
comes out is data of bounded size that is checked before it is shown.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from bot.agent.tools.context import GUEST
from sandbox import open_sandbox
from sandbox.layers.freeze import NotFreezable, write_layer
from sandbox.layers.store import LayerStore
from sandbox.spec import Command, CommandResult, EntryKind, Mount, Policy, Sandbox

CHARS = 5000  # about 1,500 tokens: paths and names are short words
BUILD_SECONDS = 120.0  # the guest itself ends earlier
RANK_SECONDS = 20.0
REQUEST_CHARS = 20_000
_VERSION = 1  # of the index's form: a new one is built when it differs
_INDEX = "index.sqlite"
_AT = "/opt/hob/map"
_PROGRAM = ("python", "-I", f"{GUEST}/index")


class NoMap(Exception):
    """There is no map; the message says why."""


class MapSymbol(NamedTuple):
    """A definition; ``within`` is the enclosing definition."""

    name: str
    kind: str
    line: int
    within: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MapFile:
    """A file that the request may be about, with the symbols that match it."""

    path: str
    why: str
    symbols: list[MapSymbol]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeShape:
    """The whole tree: how many files, of which languages, in which folders, and what was left out."""

    files: int
    languages: dict[str, int]
    folders: dict[str, int]
    left_out: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapAnswer:
    """What the guest says; the best file comes first."""

    shape: TreeShape
    files: list[MapFile]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitTree:
    """One commit's files, a read-only layer, and how to look at them; ``key`` names it for the cache."""

    layer: Path
    key: str
    policy: Policy
    scratch: Path
    backend: str

    async def open(self, *mounts: Mount) -> Sandbox:
        """A sandbox over the tree that also shows ``mounts``."""
        policy = replace(self.policy, mounts=(*self.policy.mounts, *mounts))
        return await open_sandbox(
            layers=(self.layer,), policy=policy, scratch=self.scratch, backend=self.backend
        )


_ANSWER = TypeAdapter(MapAnswer)


async def render_map(store: LayerStore, tree: CommitTree, request: str, *, chars: int = CHARS) -> str:
    """The map as text of at most ``chars`` characters, one line per file, printable throughout.

    Raises NoMap when it cannot be made, SandboxUnavailable when the host cannot contain code.
    """
    index = await store.layer(f"map-{_VERSION}-{tree.key}", lambda into: _build_index(tree, into))
    answer = await _rank_files(tree, index, request)
    return render_answer(answer, chars)


async def _build_index(tree: CommitTree, into: Path) -> None:
    """Build the index in a sandbox and write it, and nothing else, into the layer."""
    name = f".hob-{secrets.token_hex(8)}"  # no file of the repository's can be in its way
    sandbox = await tree.open()
    try:
        argv = (*_PROGRAM, "build", name)
        _check_end(await sandbox.run(Command(argv=argv, seconds=BUILD_SECONDS, split_stderr=True)))
        entries = await asyncio.to_thread(sandbox.entries)
    finally:
        await sandbox.aclose()
    made = [entry for entry in entries if entry.path == name.encode() and entry.kind is EntryKind.FILE]
    if not made:
        raise NoMap("its index was not written")
    try:
        await asyncio.to_thread(write_layer, [replace(made[0], path=_INDEX.encode())], into)
    except NotFreezable as error:
        raise NoMap(str(error)) from None


async def _rank_files(tree: CommitTree, index: Path, request: str) -> MapAnswer:
    sandbox = await tree.open(Mount(source=index, target=_AT))
    try:
        done = await sandbox.run(
            Command(
                argv=(*_PROGRAM, "rank", f"{_AT}/{_INDEX}"),
                stdin=request[:REQUEST_CHARS].encode("utf-8", "replace"),
                seconds=RANK_SECONDS,
                split_stderr=True,
            )
        )
    finally:
        await sandbox.aclose()
    _check_end(done)
    try:
        return _ANSWER.validate_json(done.output)
    except ValidationError:
        raise NoMap("its answer could not be read") from None


def _check_end(done: CommandResult) -> None:
    if not done.ok:
        why = f"exit code {done.exit_code}" if done.exit_code is not None else done.ending.value
        last = _make_printable(done.errors.decode("utf-8", "replace")[-200:])
        raise NoMap(f"the program that makes it failed ({why}{': ' + last if last else ''})")


def render_answer(answer: MapAnswer, chars: int = CHARS) -> str:
    """The answer as text: the tree's shape, then files with symbols and their lines, the best first."""
    shape = answer.shape
    first = f"{shape.files} files; languages: {_render_counts(shape.languages) or 'none known'}"
    folders = f"top folders: {_render_counts(shape.folders)}" if shape.folders else ""
    left_out = f"not in the map: {_render_counts(shape.left_out)}" if shape.left_out else ""
    lines = ["; ".join(part for part in (first, folders, left_out) if part)[:900]]
    lines.append(
        "Files that the words of the request point at, the likeliest first, with definitions and their lines"
        " (found by words and references alone: look before you rely on it):"
        if answer.files
        else "No file has the words of the request."
    )
    room = chars - sum(len(line) + 1 for line in lines)
    for file in answer.files:
        line = _render_file(file)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    return "\n".join(lines)[:chars]


def list_all_files(paths: Sequence[str], chars: int = CHARS) -> str:
    """All files of a tree so small that it needs no map."""
    return "\n".join(["All files:", *(_make_printable(path)[:200] for path in paths)])[:chars]


def _render_file(file: MapFile) -> str:
    """Render one file, with the symbols of each container grouped."""
    parts = [
        f"{f'{_make_printable(each.within)}.' if each.within else ''}{_make_printable(each.name)}:{each.line}"
        for each in file.symbols
    ]
    shown = _make_printable(file.path)[:200]
    return f"{shown}  {' '.join(parts)}"[:400].rstrip()


def _render_counts(found: dict[str, int]) -> str:
    """``Python 12, Go 3``, the largest first."""
    best: Sequence[tuple[str, int]] = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:8]
    return ", ".join(f"{_make_printable(name)[:60]} {count}" for name, count in best)


def _make_printable(text: str) -> str:
    """One line of what is printable: names are chosen by strangers."""
    return " ".join("".join(char if char.isprintable() else " " for char in text[:300]).split())
