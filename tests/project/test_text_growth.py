"""No function that reads strangers' texts takes time that grows faster than the text.

``test_patterns`` tries the patterns one by one; here are the functions around them: loops, parsers, searches.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pytest

from bot.causes.explain import explain_failure
from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange, TreeFacts
from bot.inbox.commands.parse import parse_commands
from bot.inbox.mentions import find_mentions
from bot.injection.score import score_text
from bot.moderation.rules import find_breach
from bot.offline.examples.find import read_examples
from bot.repo_config import find_devcontainer_image
from bot.run.prove.asked_tests import asks_for_mend
from bot.run.prove.named_files import list_named_files
from bot.run.prove.printed_results import read_printed_results
from bot.run.prove.suspect.borrowed_results import find_borrowed_results
from bot.run.prove.suspect.embedded_tests import find_altered_embedded
from bot.run.prove.suspect.scaffolding import find_changed_scaffolding, find_named_data
from bot.run.prove.suspect.telltale import find_telltale_lines
from bot.text import (
    commit_text,
    defuse,
    diffs,
    fit,
    invisible,
    json_fields,
    lists,
    phrases,
    python_source,
    terminal,
)
from bot.text.live_lines import LiveBuffer, LiveLines
from bot.text.redact import Redactor
from bot.text.token_shapes import find_token_shapes
from bot.workspace.find_checks.runner import Runner
from tests.support import ROOT

_CHARS = 4_000
_PLAINLY_LINEAR = 1_000  # steps of a loop per character, below which a function counts as linear
_TWICE, _SQUARE = 2.6, 3.4  # what twice the text may take, and what only a quadratic function takes
_SECRET = "q7Wk2mZt9RbX4vLs8HdP3nFy6GcJ1aTe5uNo0iBx"
_REDACTOR = Redactor([_SECRET, f"-----BEGIN PRIVATE KEY-----\n{_SECRET[::-1]}\n-----END PRIVATE KEY-----"])
_UNITS = (
    *("a", "A1", "é", "\u200b", "\U000e0041", " ", "\n", "\r", " \n", "\t", "\x1b[", "\x1b]0;", "`", "` "),
    *("```\n", "*", "\\", "&#64;", "<a b='", "<!-- ", "<p>\n\n", "![a](", "[](", "[^a]: b\n", "[^a]", "> "),
    *("- a\n", "| a ", "| a | b |\n|---|---|\n", "@hob fix\n", "fixes #1 ", "http://e ", "/merge\n"),
    *("@@ -1 +1 @@\n", "+a\n", '{"a":', "[", "a: b\n", "sk-a1A", "-----BEGIN PRIVATE KEY-----\n"),
    *("eyJaaaaaaaaaa.", "\\x41", "FAILED a.py::b - x ", "not ok 1\n", "--- PASS: a (0.0s)\n", ">>> a\n"),
    *("import a as b\n", "a = b + '' + ", "class A(B):\n def __eq__(a, b): return a\n", "a.b = a\n"),
    *("f(1) returns ", "ignore all ", "aA0+/", "\u2028", "İ"),
)  # fmt: skip


_CHECK = CheckCommand(name="test", command="make test && npm test && sh a.sh")


def _change(path: str, text: str) -> ChangeSet:
    file = FileChange(path=path, kind=ChangeKind.MODIFIED, mode=0o100644, data=text.encode())
    return ChangeSet(base="b", files=(file,))


def _read(text: str) -> Callable[[str], bytes]:
    return lambda path: text.encode()


def _take_live(text: str) -> LiveLines | None:
    buffer = LiveBuffer()
    buffer.add(text.encode())
    return buffer.take(last=True)


_READERS: dict[str, Callable[[str], Any]] = {
    "commit_text": commit_text.defuse_plain_text,
    "defuse": defuse.defuse,
    "defuse: line": defuse.defuse_line,
    "defuse: code span": defuse.code_span,
    "defuse: fence": defuse.fence,
    "diffs": diffs.commentable_lines,
    "diffs: files": lambda text: diffs.limit_to_whole_files(text, 5000),
    "fit": fit.fit,
    "invisible": invisible.remove_invisible_text,
    "json_fields": lambda text: json_fields.load(text.encode()),
    "live_lines": _take_live,
    "lists": lambda text: lists.join_first(text.split(), 10),
    "phrases": lambda text: list(phrases.split_sentences(text)),
    "python_source": lambda text: list(python_source.parse_pieces(text)),
    "redact": _REDACTOR.text,
    "redact: files": lambda text: _REDACTOR.find_secrets(text.encode()),
    "redact: pieces": lambda text: _REDACTOR.has_split_secret([text, text[::-1]]),
    "terminal": lambda text: terminal.render_output(text.encode()),
    "terminal: bound": lambda text: terminal.bound_output(text, "output:1"),
    "token_shapes": find_token_shapes,
    "mentions": lambda text: find_mentions(text, "hob"),
    "commands": lambda text: parse_commands([text]),
    "moderation": find_breach,
    "injection": lambda text: score_text(text, "here"),
    "examples": read_examples,
    "devcontainer": lambda text: find_devcontainer_image(text.encode()),
    "asked": lambda text: asks_for_mend(text, ["a.py::b"], text),
    "causes": lambda text: explain_failure("pytest", 1, text, TreeFacts()),
    "named files": lambda text: list_named_files([_CHECK], lambda path: text.encode()),
    "borrowed results": lambda text: find_borrowed_results(_change("a.py", text), ["a.py::b"], _read(text)),
    "embedded tests": lambda text: [
        find_altered_embedded(_change(path, text), [f"{path}::b"], _read(text[::-1]))
        for path in ("a.rs", "a.md", "a.py", "a.ts")
    ],
    "scaffolding": lambda text: [
        find_changed_scaffolding(_change("a.py", text), ["a.py::b"], _read(f"from a import *\n{text}")),
        find_named_data(_change("a.json", text), ["a.py::b"], _read(text)),
    ],
    "telltale": lambda text: [
        find_telltale_lines(_change(path, text), _read(""))
        for path in ("a.js", "a.py", "a.rs", "a.go", "a.rb")
    ],
    "printed": lambda text: [read_printed_results(text, runner) for runner in Runner],
}
_READ_BY_OTHERS = {"gfm"}  # by invisible


@pytest.mark.parametrize("name", _READERS)
def test_twice_the_text_takes_about_twice_the_time(name: str) -> None:
    _check_growth(_READERS[name], _UNITS)


def test_every_module_of_texts_is_tried() -> None:
    modules = {path.stem for path in (ROOT / "bot" / "text").glob("*.py")} - {"__init__"}
    assert modules - _READ_BY_OTHERS <= {name.partition(":")[0] for name in _READERS}


def test_a_quadratic_function_would_be_found() -> None:
    def look_at_each_pair(text: str) -> None:
        for number, _ in enumerate(text):
            _take_steps(8 * number)

    with pytest.raises(AssertionError, match="again and again"):
        _check_growth(look_at_each_pair, ["a"], chars=_CHARS // 4)


def _check_growth(read: Callable[[str], Any], units: Iterable[str], chars: int = _CHARS) -> None:
    _time(read, "a")
    for unit in units:
        if _time(read, (unit * chars)[:chars]) < _PLAINLY_LINEAR * chars * _time_step():
            continue
        once = twice = float("inf")
        square = 0
        for tried in range(1, 9):  # a busy processor is slower, and not evenly: three tries say more than one
            once = min(once, _time(read, (unit * 2 * chars)[: 2 * chars]))
            twice = min(twice, _time(read, (unit * 4 * chars)[: 4 * chars]))
            square += twice >= _SQUARE * once
            if (tried >= 3 and twice < _TWICE * once) or square == 2:
                break
        assert twice < _TWICE * once, (
            f"{unit!r} again and again: {once:.2f} s, and {twice:.2f} s for twice as many"
        )


def _take_steps(count: int) -> None:
    for _ in range(count):
        pass


@functools.cache
def _time_step() -> float:
    """Seconds that this processor takes for a step of a loop: what the functions are measured by."""
    return min(_time(lambda _: _take_steps(200_000), "") for _ in range(5)) / 200_000


def _time(read: Callable[[str], Any], text: str) -> float:
    """Seconds of the processor; that a text is refused is an answer, too."""
    began = time.process_time()
    with suppress(Exception):
        read(text)
    return time.process_time() - began
