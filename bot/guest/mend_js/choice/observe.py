"""What the functions of changed files give: for the calls that the tests make, and for calls near those.

Every function of the files gets a call around its body (``programs/see.cjs``), which records what comes from
outside of the files. So two changes that pass can be told apart, or are seen to be the same.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..candidates import JsCandidate
from ..judge import Judge
from ..node_run import NodeRun, Seen
from ..syntax.source import SourceFile
from .tree import State, TreeTooLargeError, copy_tree, note_files

if TYPE_CHECKING:
    from tree_sitter import Node

SEE = Path(__file__).resolve().parent.parent / "programs" / "see.cjs"
NO_END = "no end"
LOG_BYTES = 32_000_000  # of a log that is read
_KEPT = frozenset(("function_declaration", "function_expression", "arrow_function", "method_definition"))
_OWN = re.compile(r"(?<![\w$.])super(?![\w$])|(?<![\w$])new\s*\.\s*target(?![\w$])")
_ARGUMENTS = re.compile(r"(?<![\w$.])arguments(?![\w$])")
_NAME = re.compile(r"(?:\.\.\.)?[A-Za-z_$][\w$]*")
_TAKEN = re.compile(rb"(?<![\w$])hob(?:See|Seen|Given\d*)(?![\w$])")
_MODULE = frozenset(("import_statement", "export_statement"))
_LATE = ("", "tape", "mocha", "node:test")  # runners whose process comes to an end that can be heard


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What each call gave, by its text, in the order of the calls: of the tests, and of those made up."""

    seen: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


class Observer:
    """Runs the tests with changes of some files; ``paths`` are those that the changes are in.

    Each run is in a copy of the tree of its own. Without ``made``, and in a tree that is too large to be
    copied, no calls are made up, and in the latter the runs are in the tree, as all others of the search.
    ``hung`` says that a made-up call had no end, since when none are made; ``lost`` is how long that took, in
    seconds.
    """

    def __init__(
        self, judge: Judge, sources: Sequence[SourceFile], seconds: float, *, made: bool = True
    ) -> None:
        self._judge, self._seconds = judge, seconds
        self._sources = {source.path: source for source in sources}
        self._whole: bool | None = None  # whether the repository's own command shows calls; None before a try
        self._folders = (judge.scratch / f"seen-{number}" for number in itertools.count())
        self._before: dict[str, State] = {}
        self.hung, self.lost = False, 0.0
        self._copied = self._try_copy()
        self._made = "late" if made and self._copied and judge.runner in _LATE else ""

    def _try_copy(self) -> bool:
        folder = next(self._folders)
        try:
            self._before = note_files(self._judge.root)
            copy_tree(self._judge.root, folder)
        except (TreeTooLargeError, OSError):
            return False
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def find_damage(self) -> str:
        """A file of the tree that is not as it was before the first run; "" where all are.

        Nothing is said of a tree in which the tests themselves ran.
        """
        if not self._copied:
            return ""
        try:
            after = note_files(self._judge.root)
        except (TreeTooLargeError, OSError):
            return "a folder"
        changed = [path for path, state in self._before.items() if after.get(path) != state]
        return next(iter([*changed, *(path for path in after if path not in self._before)]), "")

    def observe(self, candidate: JsCandidate | None, *, names: Sequence[str] = ()) -> Observation:
        """What is given with a change, or without one; ``names`` are the only tests to run."""
        texts = {}
        for path, source in self._sources.items():
            data = source.data
            if candidate is not None and candidate.path == path:
                data = candidate.apply(data)
            texts[path] = add_recorders(SourceFile(path=path, data=data))
        if names or self._whole is False:
            return self._run(texts, names, part=True)
        found = self._run(texts, (), part=False)
        if found.seen or self._whole:
            self._whole = True
            return found
        self._whole = False
        return self._run(texts, (), part=True)

    def _run(self, texts: Mapping[str, bytes], names: Sequence[str], *, part: bool) -> Observation:
        found, run = self._run_once(texts, names, part=part)
        if run is not None and run.hung and self._made:
            self._made, self.hung, self.lost = "", True, run.seconds
            found, run = self._run_once(texts, names, part=part)
        return found if run is not None and not run.hung else Observation()

    def _run_once(
        self, texts: Mapping[str, bytes], names: Sequence[str], *, part: bool
    ) -> tuple[Observation, NodeRun | None]:
        """One run in a new copy, which is gone afterwards; no run where there cannot be a copy."""
        own = self._judge
        folder = next(self._folders)
        folder.mkdir(mode=0o700)
        seen = Seen(log=folder / "log", made=self._made)
        try:
            with ExitStack() as stack:
                judge = own
                if self._copied:
                    copy_tree(own.root, folder / "tree")
                    judge = move_judge(own, folder / "tree")
                for path, source in self._sources.items():
                    stack.enter_context(_write(judge.root / path, texts[path], source.data))
                if part:
                    run = judge.run_part(self._seconds, files=judge.files, names=names, seen=seen)
                else:
                    run = judge.run_all(self._seconds, seen=seen)
            return read_log(seen.log), run
        except (TreeTooLargeError, OSError):
            return Observation(), None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def move_judge(judge: Judge, root: Path) -> Judge:
    """The same commands in another folder, which has the same files."""
    old, new = str(judge.root), str(root)
    inside = re.compile(rf"(?<![\w.-]){re.escape(old)}(?=/|\Z)")

    def move(text: str) -> str:
        return inside.sub(lambda _: new, text)

    program = judge.program
    if program is not None:
        argv, options = (tuple(map(move, each)) for each in (program.argv, program.options))
        program = replace(program, argv=argv, options=options, cwd=move(program.cwd))
    return replace(
        judge, root=root, command=move(judge.command), program=program, files=[*map(move, judge.files)]
    )


def read_log(path: Path) -> Observation:
    """What ``see.cjs`` wrote; a made-up call that began and gave nothing has no end.

    Code of the repository can reach the file: nothing is taken from one that is not a plain file of
    at most ``LOG_BYTES``.
    """
    seen: dict[str, str] = {}
    made: dict[str, str] = {}
    try:
        for line in _read_plain_file(path).decode("utf-8", "replace").split("\n"):
            told = _read_line(line)
            if isinstance(told.get("begins"), str):
                made.setdefault(told["begins"], NO_END)
            elif isinstance(told.get("gives"), str):
                for key, into in (("call", seen), ("made", made)):
                    if isinstance(told.get(key), str):
                        into[told[key]] = told["gives"]
    except (OSError, RecursionError):
        return Observation()
    return Observation(seen=seen, made=made)


def _read_line(line: str) -> dict[str, str]:
    with contextlib.suppress(ValueError):
        told = json.loads(line)
        return told if isinstance(told, dict) else {}
    return {}


def _read_plain_file(path: Path) -> bytes:
    """The bytes of a file that is none but a plain one, without waiting for another program.

    Raises:
        OSError: it is none, or too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a plain file")
        data = file.read(LOG_BYTES + 1)
    if len(data) > LOG_BYTES:
        raise OSError("too large")
    return data


@contextmanager
def _write(path: Path, text: bytes, before: bytes) -> Iterator[None]:
    path.write_bytes(text)
    try:
        yield
    finally:
        path.write_bytes(before)


def add_recorders(source: SourceFile) -> bytes:
    """The file's text in which functions tell what they give; lines stay where they are.

    Functions that would do something else in it are as they were, and so is a file with names of the
    recorder's.
    """
    if _TAKEN.search(source.data):
        return source.data
    edits: list[tuple[int, int, int, str]] = []  # start, order among those of one start, end, text
    for number, node in enumerate(source.functions, start=1):
        made = _record(source, node)
        if made is None:
            continue
        *begin, (start, end, new) = made
        edits += [(*each[:1], number, *each[1:]) for each in begin]
        edits.append((start, -number, end, new))  # what is inside ends first
    pieces: list[bytes] = []
    at = 0
    for start, _, end, new in sorted(edits):
        pieces += [source.data[at:start], new.encode("utf-8")]
        at = end
    pieces.append(source.data[at:])
    program = json.dumps(str(SEE))
    if any(child.type in _MODULE for child in source.root_node.named_children):
        tail = (
            f"\nimport hobSeen from {program};\nfunction hobSee(...told) {{ return hobSeen.see(...told); }}\n"
        )
    else:
        tail = f"\nfunction hobSee() {{ return require({program}).see.apply(null, arguments); }}\n"
    return b"".join((*pieces, tail.encode("utf-8")))


def _record(source: SourceFile, node: Node) -> list[tuple[int, int, str]] | None:
    """The edits that put a call around a function's body; None where that would change what it does."""
    body = node.child_by_field_name("body")
    parameters = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
    if node.type not in _KEPT or body is None or parameters is None:
        return None
    names = _list_parameters(source, parameters)  # with their types in TypeScript
    if names is None or _has_directive(source, body):
        return None
    signs = {child.type for child in node.children}
    name = source.name_function(node).rpartition(".")[2] or "(function)"
    text = source.text(body)
    bound = bool(_OWN.search(text))  # to be called as it is: with no other arguments, and once
    if "*" in signs or "set" in signs or name == "constructor" or (bound and _ARGUMENTS.search(text)):
        return None
    given = f"({', '.join(names)})"
    wait, once = ("async ", ", true") if "async" in signs else ("", ", true" if bound else "")
    told = json.dumps(name)
    brace = next((each for each in reversed(body.children) if each.type == "}"), None)
    # a block's node can reach over a comment behind it
    last = brace.end_byte if brace and body.type == "statement_block" else body.end_byte
    if node.type == "arrow_function":
        taken = [
            f"...hobGiven{at}" if each.startswith("...") else f"hobGiven{at}" for at, each in enumerate(names)
        ]
        taken_text = ", ".join(taken)  # as many as there were: a function's length can be asked for
        begin = f"hobSee({told}, undefined, [{taken_text}], {wait}{given} => "
        edits = [(parameters.start_byte, parameters.end_byte, f"({taken_text})")]
        own = _name_inner(source, node, text)
        if own:
            begin = f"{{ const {own} = {wait}{given} => "
            end = f"; return hobSee({told}, undefined, [{taken_text}], {own}{once}); }}"
        elif body.type == "statement_block":
            begin, end = f"{{ return {begin}", f"{once}); }}"
        else:
            end = f"{once})"
        return [*edits, (body.start_byte, body.start_byte, begin), (last, last, end)]
    if last - body.start_byte == len("{}"):
        return None  # it gives nothing, and both edits would be at one place
    own = _name_inner(source, node, text)
    inner = f"{wait}{given} => {{" if bound else f"{wait}function {own}{given} {{"
    begin = f" return hobSee({told}, this, arguments, {inner}"
    return [
        (body.start_byte + 1, body.start_byte + 1, begin),
        (last - 1, last - 1, f"}}{once}); "),
    ]


def _list_parameters(source: SourceFile, parameters: Node) -> list[str] | None:
    """The names of a function's parameters, with ``...`` at one for the rest; None where they do more."""
    if parameters.type == "identifier":
        return [source.text(parameters)]
    given = [each for each in parameters.named_children if each.type != "comment"]
    plain = [each.child_by_field_name("pattern") or each for each in given]
    names = [source.text(each) for each in plain]
    valued = any(each.child_by_field_name("value") for each in given)
    simple = not valued and all(_NAME.fullmatch(each) and each != "this" for each in names)
    return [source.text(each) for each in given] if simple else None


def _has_directive(source: SourceFile, body: Node) -> bool:
    """Whether a function's body begins with one, such as 'use strict'."""
    first = next((each for each in body.named_children if each.type != "comment"), None)
    return (
        body.type == "statement_block"
        and first is not None
        and first.type == "expression_statement"
        and first.named_child_count == 1
        and first.named_children[0].type == "string"
    )


def _name_inner(source: SourceFile, node: Node, text: str) -> str:
    """The name of the function in the recorder: its own where it calls itself, which it then does at once.

    So a recursion takes no more of the stack than before. It is "" where it has other uses.
    """
    holder = node.parent if node.type == "arrow_function" else node
    if holder is None or holder.type not in (*_KEPT, "variable_declarator"):
        return ""
    named = holder.child_by_field_name("name")
    name = source.text(named) if named is not None and node.type != "method_definition" else ""
    if not _NAME.fullmatch(name):
        return ""
    uses = len(re.findall(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text))
    calls = len(re.findall(rf"(?<![\w$.])(?<!new ){re.escape(name)}\(", text))
    return name if 0 < calls == uses else ""
