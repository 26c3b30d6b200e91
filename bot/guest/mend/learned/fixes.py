"""A known fix as edits: what differs between a file's text before and after it."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from ..patches import make_patches
from ..source import FUNCTIONS, Source, TextEdit, apply_edits

_FORM = str.maketrans("", "", " \t\r\n\f()\"',;")
_COMMENT = re.compile(r"#[^\n]*+")


def drop_form(text: str) -> str:
    """A text without what may differ between two with the same syntax tree: blanks, quotes, comments.

    Quick, and no proof: what stands behind ``#`` in a string is dropped too, so compare the trees after it.
    """
    return _COMMENT.sub("", text).translate(_FORM)


def read_sources(root: Path, texts: Mapping[str, str]) -> dict[str, Source]:
    """The files as they are. Raises OSError, SyntaxError and ValueError."""
    return {path: Source.read(root, path) for path in texts}


def list_edits(source: Source, text: str) -> tuple[TextEdit, ...]:
    """Edits of whole lines that turn a file's text into ``text``."""
    one, two = source.text.splitlines(keepends=True), text.splitlines(keepends=True)
    starts = [0]
    for line in one:
        starts.append(starts[-1] + len(line))
    matcher = difflib.SequenceMatcher(None, one, two, autojunk=False)
    edits = tuple(
        TextEdit(starts[a], starts[b], "".join(two[c:d]))
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    )
    return edits if apply_edits(source.text, edits) == text else ()


def patch_texts(
    sources: Mapping[str, Source], texts: Mapping[str, str], root: Path
) -> list[dict[str, object]] | None:
    """What the fork server swaps for the files' new texts; None when only a fresh import shows them."""
    made: list[dict[str, object]] = []
    for path, text in texts.items():
        edits = list_edits(sources[path], text)
        outside = any(line[:1].strip() for edit in edits for line in edit.new.splitlines())
        patch = None if outside else make_patches(sources[path], edits, str(root))
        if patch is None:
            return None
        made += patch
    return made


def list_changed_functions(source: Source, text: str) -> list[str]:
    """Dotted names of the outermost functions that an edit lies in."""
    lines = {
        number
        for edit in list_edits(source, text)
        for number in range(source.line_of(edit.start), source.line_of(max(edit.start, edit.end - 1)) + 1)
    }
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTIONS) and source.function(node) is None:
            inside = range(node.lineno, (node.end_lineno or node.lineno) + 2)
            found += [source.qualname(node)] if lines & set(inside) else []
    return found
