"""Tests inside source files: functions that a runner finds there, Rust's, vitest's, and examples of
doctest in docstrings and texts.

A change of their file is no change of a test file, so it is not run crosswise. What it takes away of them, or
marks as skipped, is found here.
"""

from __future__ import annotations

import ast
import doctest
import re
from collections import Counter
from collections.abc import Collection, Iterator

from bot.domain import ChangeKind, ChangeSet
from bot.run.prove.altered_tests import alters_lines, list_weaker_functions
from bot.run.prove.named_files import ReadBase
from bot.text.python_source import SourceTooLargeError, parse_pieces

MOST_CHARS = 400_000  # of a file that are looked at
_TEXTS = (".py", ".md", ".rst", ".txt")
_RUST_TEST = re.compile(r"#\[\s{0,4}(?:\w{1,40}::){0,3}(?:test|rstest|test_case|quickcheck)\b")
_RUST_IGNORED = re.compile(r"#\[\s{0,4}(?:ignore|should_panic|cfg\(|cfg_attr\()")
_RUST_EXAMPLE = re.compile(r"\s{0,40}//[/!](.*)")
_PARSER = doctest.DocTestParser()


def find_altered_embedded(source: ChangeSet, tests: Collection[str], read_base: ReadBase) -> tuple[str, ...]:
    """Paths of the source whose own tests the change alters. ``tests`` are all that ran on base, by name."""
    found = []
    for change in source.files:
        before = (read_base(change.path) or b"")[:MOST_CHARS].decode("utf-8", "replace")
        if change.kind is ChangeKind.ADDED or not before:
            continue
        gone = change.kind is ChangeKind.DELETED
        after = "" if gone else change.data[:MOST_CHARS].decode("utf-8", "replace")
        if change.path.endswith(".rs"):
            altered = _alters_rust(before, after)
        elif "import.meta.vitest" in before:
            altered = alters_lines(_cut(before), _cut(after))
        elif change.path.endswith(_TEXTS) and _has_tests(change.path, tests):
            altered = bool(_list_examples(change.path, before) - _list_examples(change.path, after))
            if change.path.endswith(".py"):
                weaker = list_weaker_functions(before.encode(), after.encode())
                found += [f"{change.path}::{name}" for name in weaker if _is_test_name(name)]
        else:
            continue
        if altered:
            found.append(change.path)
    return tuple(found)


def _alters_rust(before: str, after: str) -> bool:
    """Whether a line of a test, or of an example in a comment, was removed, or a skip mark added."""
    old, new = Counter(_list_rust_lines(before)), Counter(_list_rust_lines(after))
    come = new - old
    return bool(old - new) or any(_RUST_IGNORED.match(line) for line in come)


def _list_rust_lines(text: str) -> Iterator[str]:
    """The lines of ``#[test]`` functions with their marks, and of code blocks in documentation."""
    depth, waiting, example = 0, False, False
    marks: list[str] = []  # that stand before what they mark
    for line in text.splitlines():
        said = line.strip()
        if told := _RUST_EXAMPLE.match(line):
            shown = told[1].strip()
            if shown.startswith("```"):
                example = not example
                yield shown
            elif example and shown and not shown.startswith("//"):
                yield shown
            continue
        if not waiting and not depth:
            if _RUST_TEST.match(said):
                waiting = True
                yield from marks
            marks = [*marks[-8:], said] if said.startswith("#[") else []
        if not waiting and not depth:
            continue
        if said and not said.startswith("//"):
            yield said
        opened = line.count("{") - line.count("}")
        depth += opened
        if waiting and "{" in line and not said.startswith("#["):
            waiting = False
        depth = max(depth, 0)


def _cut(text: str) -> bytes:
    """The text after the mark of in-source tests, https://vitest.dev/guide/in-source."""
    return text.partition("import.meta.vitest")[2].encode()


def _is_test_name(name: str) -> bool:
    return name.rpartition(".")[2].startswith("test")


def _has_tests(path: str, tests: Collection[str]) -> bool:
    """Whether a test that ran is in the file itself."""
    dotted = path.removesuffix(".py").replace("/", ".")
    name = dotted.rpartition(".")[2]
    return any(
        test.startswith(f"{path}::") or test.startswith(f"{dotted}.") or f"({dotted}" in test or test == name
        for test in tests
    )


def _list_examples(path: str, text: str) -> Counter[tuple[str, str, tuple[tuple[int, bool], ...]]]:
    """Each example with what it wants and its options; of Python's files those in docstrings."""
    found: Counter[tuple[str, str, tuple[tuple[int, bool], ...]]] = Counter()
    for piece in _list_docstrings(text) if path.endswith(".py") else (text,):
        try:
            examples = _PARSER.get_examples(piece)
        except ValueError:
            continue
        for each in examples:
            source = re.sub(r"#\s{0,4}doctest:.{0,200}", "", each.source).strip()
            found[source, each.want, tuple(sorted(each.options.items()))] += 1
    return found


def _list_docstrings(text: str) -> Iterator[str]:
    try:
        nodes = [node for piece in parse_pieces(text) for node in ast.walk(piece)]
    except SourceTooLargeError:
        yield text
        return
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            said = ast.get_docstring(node)
            if said:
                yield said
